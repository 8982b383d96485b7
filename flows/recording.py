"""The recorder shows what the drive loop does as flow runs in Prefect, on a thread and event loop of its own.

Its entry points return at once, never raise and lose nothing of the cases: while Prefect is down they only
remember, and what they remembered is recorded when it is back.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Sequence
from types import TracebackType
from typing import Self

from prefect.exceptions import ObjectNotFound

from adapters.store.outage import Outage
from flows.abandoned import AbandonedRuns
from flows.announcing import Announcing
from flows.budget import Budget
from flows.exhibits import Exhibits, PageOf
from flows.outage_runs import Look, OutageRuns
from flows.owner import Owner
from flows.parked_runs import ParkedRuns
from flows.parking import ParkedStep
from flows.prefect_api import PREFECT_ERRORS, PrefectApi, refused
from flows.reconnecting import Reconnecting, with_few_retries
from flows.session import Session
from flows.wake_up import WakeUp

#: Wake-ups remembered while Prefect is down; older ones are forgotten. A parked step never is.
MOST_SESSIONS = 100

_log = logging.getLogger(__name__)
_LOOK_SECONDS = 0.1
_OPEN_SECONDS = 1.0
_PROGRESS_SECONDS = 2.0
_BACK_OFF_SECONDS = (1.0, 2.0, 5.0, 10.0)
_SURE_SECONDS = 5.0  #: without a failure, after which an outage is over though there is always more to do


class Recorder:
    """Records sessions and parked steps; a context manager around the life of the drive loop.

    Its runs are marked with `owner`; those of `flows` whose worker is no longer `beating` are ended. The
    others are called on the recorder's thread: `on_connected` whenever Prefect answers at first or again,
    `on_recorded` with the flow run that stands for these parked steps, `still_parked` for those of these
    steps that are parked now, and `page` for the page of a case. `look` tells what an outage concerns, on
    any thread.
    """

    def __init__(
        self,
        *,
        api_url: str | None = None,
        owner: Owner | None = None,
        flows: Sequence[str] = (),
        beating: Callable[[], Collection[str]] | None = None,
        on_connected: Callable[[], None] | None = None,
        on_recorded: Callable[[Sequence[str], str], None] | None = None,
        still_parked: Callable[[Sequence[str]], Collection[str]] | None = None,
        page: PageOf | None = None,
        look: Look | None = None,
        runs_per_second: float = 2.0,
        at_once: int = 4,
    ) -> None:
        self._api_url = api_url
        self._owner = owner or Owner(worker="", installation="")
        self._abandoned = AbandonedRuns(self._owner, flows=flows, beating=beating)
        self._on_connected = on_connected
        self._outages = OutageRuns(look)
        self._announcing = Announcing()
        self._parked = ParkedRuns(
            on_recorded=on_recorded,
            still_parked=still_parked,
            on_shown=self._announcing.parked,
            owner=self._owner,
        )
        self._exhibits = Exhibits(page)
        self._budget = Budget(runs_per_second, burst=at_once)
        self._at_once = at_once
        self._wake_ups: deque[WakeUp] = deque()
        self._lock = threading.Lock()
        self._forgotten = 0
        self._failures = 0
        self._told_down = False
        self._following = 0
        self._connection = Reconnecting(self._record, failed=self._say_down, name="recording")
        self._stopping = self._connection.stopping

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Begin to record; what was told before is recorded too."""
        self._connection.start()

    def stop(self, *, seconds: float = 5.0) -> None:
        """Record what is waiting, as far as Prefect answers within some seconds, and end."""
        self._connection.stop(seconds=seconds)

    def opened(self, session: Session) -> None:
        """Follow a session until it closes. Without budget for a run of its own it joins the next one."""
        with self._lock:
            self._wake_ups.append(WakeUp([session]))
            # One that has a run already, of the few at once, is kept: nobody else would end that run.
            waiting = [each for each in self._wake_ups if not each.begun]
            for oldest in waiting[: max(0, len(self._wake_ups) - MOST_SESSIONS)]:
                self._wake_ups.remove(oldest)
                self._forgotten += 1

    def parked(self, steps: Sequence[ParkedStep]) -> None:
        """Show parked steps as Failed runs whose Retry button replays them; telling one twice is harmless."""
        self._parked.tell(steps)

    def settled(self, run: str, message: str) -> None:
        """All steps of a run were replayed or skipped elsewhere: it ends Completed."""
        self._parked.settle(run, message)

    def outage(self, outage: Outage, *, over: bool) -> None:
        """Show an outage as one Failed run, until it is over; telling it twice is harmless."""
        self._outages.tell(outage, over=over)

    async def _record(self) -> None:
        with with_few_retries():
            async with PrefectApi(self._api_url) as api:
                await api.ping()
                self._connection.answered()
                self._say_connected()
                self._abandoned.connected()
                await self._serve(api)

    async def _serve(self, api: PrefectApi) -> None:
        """Record until told to stop; ends with an ExceptionGroup when Prefect fails."""
        slots = asyncio.Semaphore(self._at_once)
        sure = time.monotonic() + _SURE_SECONDS
        async with asyncio.TaskGroup() as tasks:
            while not (self._stopping.is_set() and self._idle()):
                await self._outages.show(api, budget=self._budget)
                await self._parked.show(api, budget=self._budget)
                await self._announcing.show(api)
                await self._exhibits.show(api)
                await self._abandoned.close(api)
                missed = self._failures or self._forgotten
                if missed and (time.monotonic() > sure or (self._idle() and not self._following)):
                    self._say_up()
                if self._wake_ups and not slots.locked() and self._budget.take():
                    await slots.acquire()
                    following = tasks.create_task(self._follow(api, self._next_wake_up()))
                    following.add_done_callback(lambda _: slots.release())
                    continue
                await asyncio.sleep(_LOOK_SECONDS)

    def _next_wake_up(self) -> WakeUp:
        """The oldest that waits, together with all others of its SOP that wait and have no run yet."""
        with self._lock:
            first = self._wake_ups.popleft()
            for other in [each for each in self._wake_ups if each.may_join(first)]:
                first.sessions.extend(other.sessions)
                self._wake_ups.remove(other)
            return first

    async def _follow(self, api: PrefectApi, wake_up: WakeUp) -> None:
        self._following += 1
        try:
            await self._wait(wake_up.named, seconds=_OPEN_SECONDS)
            run = await wake_up.begin(api, labels=self._owner.labels)
            while not (wake_up.closed() or self._stopping.is_set()):
                await wake_up.show_progress(api, run)
                await self._wait(wake_up.closed, seconds=_PROGRESS_SECONDS)
            seen = await wake_up.end(api, run)
            self._exhibits.ended(seen, run=run)
            self._announcing.ended(seen)
        except PREFECT_ERRORS as error:
            if not refused(error):
                self._put_back(wake_up)
                raise
            _log.warning("flow run of a wake-up refused: %s", error)
        except asyncio.CancelledError:
            self._put_back(wake_up)
            raise
        finally:
            self._following -= 1

    def _put_back(self, wake_up: WakeUp) -> None:
        with self._lock:
            self._wake_ups.appendleft(wake_up)

    async def _wait(self, done: Callable[[], bool], *, seconds: float = float("inf")) -> None:
        deadline = time.monotonic() + seconds
        # What is waited for happens on another thread, which must not have to know of this loop.
        while not (done() or self._stopping.is_set() or time.monotonic() > deadline):  # noqa: ASYNC110
            await asyncio.sleep(_LOOK_SECONDS)

    def _idle(self) -> bool:
        return not self._wake_ups and self._parked.idle and self._outages.idle

    def _say_connected(self) -> None:
        if self._on_connected is None:
            return
        try:
            self._on_connected()
        except Exception as error:
            _log.warning("the parked steps of before could not be looked up: %s", error)

    def _say_down(self, error: BaseException) -> float:
        """Only the first failure of an outage is worth a line; seconds until the next attempt."""
        error = _first(error)
        if isinstance(error, ObjectNotFound):
            if not self._failures:
                _log.info("Prefect does not know our flows yet, cases go on unobserved")
            # They are about to be registered: no reason to look less and less often.
            self._failures = 1
        else:
            if not self._told_down:
                self._told_down = True
                self._warn_down(error)
            self._failures += 1
        return _BACK_OFF_SECONDS[min(self._failures, len(_BACK_OFF_SECONDS)) - 1]

    def _warn_down(self, error: BaseException) -> None:
        if isinstance(error, PREFECT_ERRORS):
            what = f"{type(error).__name__}: {error}"
            _log.warning("Prefect is not reachable, cases go on unobserved: %s", what)
        else:
            _log.error("recording failed, cases go on unobserved", exc_info=error)

    def _say_up(self) -> None:
        if self._told_down or self._forgotten:
            _log.warning("recording in Prefect goes on; %d wake-ups were not recorded", self._forgotten)
        self._told_down = False
        self._failures = self._forgotten = 0


def _first(error: BaseException) -> BaseException:
    return _first(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error
