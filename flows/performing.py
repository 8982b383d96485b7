"""Performs commands: concurrently, within each adapter's limit, each handing in its result as it arrives.

Runs an event loop in a thread of its own, so that neither a transaction nor Prefect ever holds up a command.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum

from adapters.command import Adapter, Closing, Inquiry, Later
from adapters.errors import CommandFailed, OwnFault, Unavailable, Uncertain
from adapters.store.records import ANSWERS_LATER, Step
from machines.kernel.command import Command
from machines.kernel.event import Event
from machines.kernel.value import value

log = logging.getLogger("sop.performing")


@value
class Errand:
    """A step on its way to an adapter; ``timeout`` in seconds.

    The provider is first asked what became of each command of ``earlier``, those that were sent out before
    staff changed the step. Only if none was done is ``command`` performed, or the step ends as ``presumed``.
    """

    step: Step
    command: Command
    timeout: float
    earlier: tuple[Command, ...] = ()
    presumed: Event | None = None
    trial: int | None = None  #: goes out although its command is out, for the try of that number

    @property
    def adapter(self) -> str:
        """The prefix of the command, which names who performs it."""
        return self.command.name.partition(".")[0]


class Way(StrEnum):
    """How the outcome of a step came to be known."""

    PERFORMED = "performed"
    FOUND = "found"  #: the provider had done it before staff changed the step
    PRESUMED = "presumed"  #: staff gave it
    HELD_BACK = "held back"  #: it is not known: nothing was sent, since the command is out


@value
class Result:
    """How one try of a step ended: an outcome, the promise of one, or a failure."""

    errand: Errand
    started: datetime
    ended: datetime
    outcome: Event | Later | None
    failure: CommandFailed | None
    way: Way = Way.PERFORMED

    @property
    def told(self) -> str:
        """In a word: the outcome's type, ``answers-later``, or the code of the failure."""
        if self.failure is not None:
            return self.failure.code
        return self.outcome.type if isinstance(self.outcome, Event) else ANSWERS_LATER


class Performer:
    """``deliver`` is called from the performing thread, once for each errand that was started, and ``holds``
    just before it is sent: whether it is not to be sent after all."""

    def __init__(
        self,
        adapters: Mapping[str, Adapter],
        *,
        deliver: Callable[[Result], None],
        holds: Callable[[Errand], bool],
    ) -> None:
        self._adapters = adapters
        self._deliver = deliver
        self._holds = holds
        self._gates = {prefix: asyncio.Semaphore(adapter.limit) for prefix, adapter in adapters.items()}
        self._loop = asyncio.new_event_loop()
        self._running: set[asyncio.Task[None]] = set()
        self._closing: asyncio.Task[None] | None = None  #: ends what is under way
        self._thread = threading.Thread(target=self._loop.run_forever, name="performing", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Abandon what is under way; its steps stay running in the store and are performed again."""
        self._loop.call_soon_threadsafe(self._cancel)
        self._thread.join(timeout=10)
        self._loop.close()

    def perform(self, errands: Sequence[Errand]) -> None:
        """Start all of them; returns at once. Safe from any thread."""
        self._loop.call_soon_threadsafe(self._start, errands)

    def _start(self, errands: Sequence[Errand]) -> None:
        for errand in errands:
            task = self._loop.create_task(self._perform(errand))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    def _cancel(self) -> None:
        async def settle() -> None:
            tasks = [task for task in self._running if not task.done()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            closing = [one.close() for one in self._adapters.values() if isinstance(one, Closing)]
            await asyncio.gather(*closing, return_exceptions=True)
            self._loop.stop()

        self._closing = self._loop.create_task(settle())

    async def _perform(self, errand: Errand) -> None:
        outcome: Event | Later | None = None
        failure: CommandFailed | None = None
        way = Way.PERFORMED
        started = datetime.now(UTC)
        try:
            outcome, way = await self._ask(errand)
        except CommandFailed as error:
            failure = error
        except TimeoutError:
            failure = Unavailable(f"no answer within {errand.timeout:g} s")
        except asyncio.CancelledError:
            if self._closing is not None:
                raise
            # Nobody here cancels a command: something that the adapter waited for was cancelled.
            failure = Unavailable("the adapter gave up waiting")
        except Exception as error:
            # An adapter's own mistake must not lose the step. Its text may be personal: keep its kind.
            log.error("the adapter of %s failed with %s", errand.command.name, type(error).__name__)
            failure = OwnFault(f"the adapter failed with {type(error).__name__}")
        self._deliver(Result(errand, started, datetime.now(UTC), outcome, failure, way))

    async def _ask(self, errand: Errand) -> tuple[Event | Later | None, Way]:
        prefix = errand.adapter
        adapter = self._adapters.get(prefix)
        if adapter is None:
            raise OwnFault(f"no adapter performs {prefix}.* commands; configure one")
        async with self._gates[prefix], asyncio.timeout(errand.timeout):
            if self._holds(errand):
                return None, Way.HELD_BACK
            for command in errand.earlier:
                found = await _look_up(adapter, command, presumed=errand.presumed)
                if found is not None:
                    return found, Way.FOUND
            if errand.presumed is not None:
                return errand.presumed, Way.PRESUMED
            return await adapter.perform(errand.command), Way.PERFORMED


async def _look_up(adapter: Adapter, command: Command, *, presumed: Event | None) -> Event | None:
    """Where the provider cannot tell, only an outcome that staff give is taken; to go on would be unsafe."""
    try:
        if not isinstance(adapter, Inquiry):
            raise Uncertain(f"{command.name}: this adapter cannot ask what became of it")
        return await adapter.look_up(command)
    except Uncertain:
        if presumed is not None:
            return None
        raise
