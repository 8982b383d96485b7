"""The Prefect worker that runs flow runs in its own process, beside the drive loop.

`prefect worker start --type sop --pool sop` and `run_worker` start the same worker; the second does not wait
for Prefect before it opens the drive loop, so that cases go on from the start while the API is away.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import os
import signal
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, suppress
from functools import partial
from typing import Any, cast

import anyio.abc
import httpx
from anyio.from_thread import start_blocking_portal
from prefect.client.schemas.objects import FlowRun
from prefect.context import get_settings_context
from prefect.events.clients import PrefectEventsClient
from prefect.events.worker import EventsWorker
from prefect.exceptions import Abort, Pause
from prefect.flow_engine import run_flow_async
from prefect.settings import PREFECT_WORKER_QUERY_SECONDS, temporary_settings
from prefect.workers.base import BaseJobConfiguration, BaseVariables, BaseWorker, BaseWorkerResult

from deployments.prefect_schedules import mend_schedules
from flows import back_office, runtime
from flows.prefect_api import PREFECT_ERRORS, WORK_POOL, PrefectApi
from flows.reconnecting import Reconnecting, with_few_retries
from flows.runtime import Runtime

OpenRuntime = Callable[[], AbstractAsyncContextManager[Runtime]]

mend_schedules()

_log = logging.getLogger(__name__)
#: How often the worker looks for runs: the longest wait after a click on Retry.
_LOOK_SECONDS = 2.0
_AGAIN_SECONDS = 3.0
_GRACE_SECONDS = 10.0
_DRAIN_SECONDS = 3.0
_LEAVE_SECONDS = 2.0


def open_runtime() -> AbstractAsyncContextManager[Runtime]:
    """The process's drive loop, from the composition root. Tests put their own in its place."""
    # Prefect's server imports this module to list worker types: it must not load the whole application.
    driving = importlib.import_module("deployments.driving")
    opened = cast("OpenRuntime", driving.open_runtime)
    return opened()


async def register() -> None:
    """Make the work pool and the deployments known to Prefect."""
    registration = importlib.import_module("deployments.registration")
    await cast("Awaitable[None]", registration.register())


class SopWorkerResult(BaseWorkerResult):
    """How a run ended for the worker: 0 when its state is already told to Prefect."""


class SopWorker(BaseWorker[BaseJobConfiguration, BaseVariables, SopWorkerResult]):
    """Runs the flows of this application in this process, on the event loop of the worker."""

    type = "sop"
    job_configuration = BaseJobConfiguration
    _description = "Runs customer-service procedures inside the process that holds the drive loop."
    _documentation_url = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._named = kwargs.get("name") is not None
        self._leaving = AsyncExitStack()
        self._unreachable = False
        self._given = get_settings_context()
        self._syncing = asyncio.Lock()
        self.running = 0
        self.served = False  #: whether Prefect has answered

    async def setup(self) -> None:
        """Open the drive loop unless this process has one, then connect to Prefect if it is there.

        A name that nobody chose is the one under which the drive loop beats: both lists show the same.
        """
        if not runtime.is_installed():
            await register()
            opened = await self._leaving.enter_async_context(open_runtime())
            self._leaving.enter_context(runtime.install(opened))
        if not self._named:
            self.name = runtime.current().owner.worker
            # After Prefect's own teardown: its last heartbeats would put the worker back on the list.
            self._leaving.push_async_callback(self._leave_the_list)
        # Prefect tries each of its events for seven seconds, and an exit waits for all of them.
        EventsWorker.set_client_override(PrefectEventsClient, reconnection_attempts=0)
        await super().setup()

    async def teardown(self, *exc_info: Any) -> None:
        """Let running flow runs end for some seconds, leave Prefect, close the drive loop if it is ours."""
        try:
            back_office.stop()
            await _wait(lambda: not self.running, seconds=_GRACE_SECONDS)
            await super().teardown(*exc_info)
        finally:
            await self._leaving.aclose()

    async def start(self, *args: Any, **kwargs: Any) -> None:
        """Look for runs more often than Prefect's ten seconds, unless the settings say how often.

        Prefect's command passes SIGTERM on as SIGINT, which processes ignore that a shell or `nohup` put in
        the background: here SIGTERM ends the worker itself.
        """
        serving = asyncio.current_task()
        assert serving is not None
        _on_signal(signal.SIGTERM, serving.cancel)
        often = temporary_settings(set_defaults={PREFECT_WORKER_QUERY_SECONDS: _LOOK_SECONDS})
        with often, with_few_retries():
            await super().start(*args, **kwargs)

    async def get_and_submit_flow_runs(self) -> list[FlowRun]:
        """Take runs that are due; an API out of reach is no reason to end, as it is for other workers."""
        if not self.served:
            # A worker takes no run before, and Prefect tries only with each heartbeat, every half minute.
            await self.sync_with_backend()
        try:
            found = await super().get_and_submit_flow_runs()
        except httpx.HTTPError as error:
            self._say_unreachable(error)
            return []
        self._unreachable = not self.served
        return found

    async def sync_with_backend(self) -> None:
        """Tell Prefect that this worker is alive, as far as it listens."""
        # The loops that look for runs and that beat both come here, and a worker is set up only once.
        async with self._syncing:
            try:
                await super().sync_with_backend()
                self.served = True
            except httpx.HTTPError as error:
                self._say_unreachable(error)

    async def run(
        self,
        flow_run: FlowRun,
        configuration: BaseJobConfiguration,
        task_status: anyio.abc.TaskStatus[int] | None = None,
    ) -> SopWorkerResult:
        """Run a flow run here and now, whichever of our flows it is of."""
        if task_status is not None:
            task_status.started(os.getpid())
        from flows.procedures import PROCEDURES  # the whole application: see `open_runtime`

        flow = PROCEDURES[(await self.client.read_flow(flow_run.flow_id)).name]
        status = 0
        self.running += 1
        try:
            await self.client.update_flow_run_labels(flow_run.id, {**runtime.current().owner.labels})
            running = partial(run_flow_async, flow, flow_run, flow_run.parameters, return_type="state")
            # A flow is as patient with Prefect as the settings say, the worker itself less.
            with self._given.model_copy():
                await _aside(running)
        except (Pause, Abort):
            # Suspended for a form, or Prefect says that the run is not to run: its state is told already.
            pass
        except Exception:
            _log.exception("flow run %s", flow_run.name)
            status = 1
        finally:
            self.running -= 1
        return SopWorkerResult(identifier=str(os.getpid()), status_code=status)

    async def _leave_the_list(self) -> None:
        """No worker will ever have this name again: the work pool need not show it as offline."""
        try:
            async with asyncio.timeout(_LEAVE_SECONDS), PrefectApi() as api:
                await api.forget_worker(self.name)
        except (*PREFECT_ERRORS, ValueError) as error:
            _log.warning("the work pool will show this worker as offline: %s", error or type(error).__name__)

    def _say_unreachable(self, error: httpx.HTTPError) -> None:
        if not self._unreachable:
            self._unreachable = True
            _log.warning("Prefect is not reachable, the worker waits for it: %s", error)


async def run_worker(
    *,
    name: str | None = None,
    pool: str = WORK_POOL,
    register: Callable[[], Awaitable[None]] | None = None,
    opening: OpenRuntime | None = None,
    stop: asyncio.Event | None = None,
) -> None:
    """Hold the drive loop and serve Prefect with it until SIGTERM, SIGINT or `stop`.

    `register` is called once Prefect answers, before the worker attaches.
    """
    stop = stop or asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        _on_signal(number, stop.set)
    async with (opening or open_runtime)() as opened:
        with runtime.install(opened):
            attachment = Attachment(name=name, pool=pool, register=register)
            attachment.start()
            try:
                await stop.wait()
            finally:
                await asyncio.to_thread(attachment.stop)


class Attachment:
    """A worker on a thread of its own, kept attached to Prefect whatever becomes of the API."""

    def __init__(
        self, *, name: str | None, pool: str, register: Callable[[], Awaitable[None]] | None
    ) -> None:
        self._name = name
        self._pool = pool
        self._register = register
        self._worker: SopWorker | None = None
        self._told = False
        self._connection = Reconnecting(self._serve, failed=self._say_detached, name="attachment")

    def start(self) -> None:
        """Attach when Prefect answers; returns at once."""
        self._connection.start()

    def stop(self) -> None:
        """Have the worker torn down, and wait for that."""
        self._connection.stop(seconds=_GRACE_SECONDS + 5)
        try:
            EventsWorker.drain_all(timeout=_DRAIN_SECONDS)
        except Exception as error:
            _log.warning("Prefect may miss its events of the last moment: %s", error)

    async def _serve(self) -> None:
        attached = asyncio.create_task(self._attach())
        await _wait(lambda: attached.done() or self._connection.stopping.is_set())
        attached.cancel()
        with suppress(asyncio.CancelledError):
            await attached

    async def _attach(self) -> None:
        self._worker = None
        if self._register is not None:
            with with_few_retries():
                await self._register()
        self._worker = SopWorker(work_pool_name=self._pool, name=self._name)
        await self._worker.start(printer=_log.info)

    def _served(self) -> bool:
        return self._worker is not None and self._worker.served

    def _say_detached(self, error: BaseException) -> float:
        """Without attachment Retry does nothing, so it is tried again after so many seconds."""
        if not self._told or self._served():
            if isinstance(error, (*PREFECT_ERRORS, RuntimeError, ExceptionGroup)):
                _log.warning("not attached to Prefect, trying on: %s", error)
            else:
                _log.error("not attached to Prefect, trying on", exc_info=error)
        self._told = True
        return _AGAIN_SECONDS


def _on_signal(number: signal.Signals, then: Callable[[], object]) -> None:
    # Only the main thread may listen to signals; on another one whoever started the thread ends it.
    with suppress(ValueError, RuntimeError, NotImplementedError):
        asyncio.get_running_loop().add_signal_handler(number, then)


async def _aside(run: Callable[[], Awaitable[object]]) -> None:
    """Await it on a thread and an event loop of its own.

    Prefect's flow engine takes over SIGTERM while a flow runs on the main thread, and blocks its event loop
    while it begins and ends to watch the run.
    """
    with start_blocking_portal() as portal:
        await asyncio.wrap_future(portal.start_task_soon(run))


async def _wait(done: Callable[[], bool], *, seconds: float = float("inf")) -> None:
    deadline = time.monotonic() + seconds
    # Stopping comes from another thread, which must not have to know of this loop.
    while not done() and time.monotonic() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(0.1)
