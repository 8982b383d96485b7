"""The drive loop: round after round, it takes what is ready, lets the procedures decide, commits, and sends
the commands out. It needs the store and the adapters and nothing else; Prefect only listens.

Rounds are not in lockstep with commands: a round applies whatever has arrived since the last one, so one
slow command delays its own case and no other.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic, perf_counter

from adapters.command import Adapter
from adapters.errors import Conflict, StoreUnavailable
from adapters.store.base import Store
from adapters.store.records import Taken
from flows.breaker import Caution
from flows.draft import Draft
from flows.holdings import Holdings
from flows.outages import Outages
from flows.performing import Performer, Result, Way
from flows.piece import Piece, name_of, ready
from flows.reporting import Listener, Reporting, Silence
from flows.session import Session
from machines.kernel.definition import Definition

log = logging.getLogger("sop.driver")

_FEW = 32  #: pieces looked at one by one when a whole round cannot be written
_PATIENCE = 10.0  #: seconds until outages are tended again after a fault
_REMIND = 60.0  #: seconds between two lines about a store that stays away


@dataclass(frozen=True, slots=True)
class Pace:
    """How the loop behaves; times in seconds."""

    batch: int = 512  #: new pieces of work taken in one round
    lease: float = 10.0  #: a worker silent for longer has lost its cases
    tick: float = 0.5  #: longest sleep, and so the latest a timer of another worker's making is noticed


class Driver:
    """Drives the cases of every definition given. ``start`` and ``stop`` from any thread. Without ``caution``
    a provider that is away is each step's own affair."""

    def __init__(
        self,
        store: Store,
        definitions: Mapping[str, Definition],
        adapters: Mapping[str, Adapter],
        *,
        worker: str,
        clock: Callable[[], datetime],
        listener: Listener | None = None,
        pace: Pace | None = None,
        caution: Caution | None = None,
    ) -> None:
        self._store = store
        self._definitions = definitions
        self._name = self._worker = worker
        self._lives = 1
        self._begun = 0  #: commands that the latest round sent out
        self._clock = clock
        self._pace = pace or Pace()
        self._arrived: deque[Result] = deque()
        self._holdings = Holdings()
        self._doubtful = False  #: whether the latest round may or may not have been committed
        listener = listener or Silence()
        self.outages = Outages(
            store.outages, caution=caution, clock=clock, look=self._pace.lease / 3, told=listener.outage
        )
        self._performer = Performer(adapters, deliver=self._deliver, holds=self.outages.holds)
        self._reporting = Reporting(definitions, listener=listener)
        self._unreadable: set[str] = set()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="driver", daemon=True)
        self._beaten = float("-inf")
        self._tends_from = float("-inf")
        self._away: float | None = None  #: when it was last said that the store is unavailable
        self.rounds = 0
        self.handled: Counter[tuple[str, str]] = Counter()  #: events by procedure and type
        self.performed: Counter[tuple[str, str]] = Counter()  #: commands by name and outcome
        self.spent: dict[str, float] = defaultdict(float)  #: seconds by part: take, decide, write, report

    def start(self) -> None:
        self._performer.start()
        self._thread.start()

    def stop(self) -> None:
        """End after the current round; commands under way are abandoned and will be performed again."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        self._store.wake()
        self._thread.join(timeout=30)
        self._performer.stop()
        self._reporting.close_quiet(everything=True)
        parts = ", ".join(f"{part} {seconds:.3f} s" for part, seconds in self.spent.items())
        log.info("%d events in %d rounds: %s", self.handled.total(), self.rounds, parts)
        try:
            self._store.leave(worker=self._worker, now=self._clock())
        except StoreUnavailable:
            log.warning("the store did not answer at the end; leases run out by themselves")

    @property
    def worker(self) -> str:
        """The name under which this process beats and leases at present."""
        return self._worker

    def session(self, sop: str) -> Session:
        """Follow what is being done for ``sop`` now."""
        return self._reporting.join(sop, now=self._clock())

    def _deliver(self, result: Result) -> None:
        self.outages.heard(result)
        self._arrived.append(result)
        self._store.wake()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._maintain()
                if self._doubtful:
                    self._relapse()
                self._tend()
                busy = self._round()
                self._say_back()
                self._reporting.close_quiet(waits=self._holdings.waits)
                if not busy:
                    self._store.wait(self._sleep())
            except Conflict as conflict:
                log.warning("%s", conflict)
                self._doubtful = True
            except StoreUnavailable as error:
                self._say_away(error)
                self._stopping.wait(0.5)
            except Exception:
                log.exception("a round failed; trying again")
                self._doubtful = True
                self._stopping.wait(1.0)

    def _tend(self) -> None:
        """A fault in what spares providers must not stop the cases."""
        if monotonic() < self._tends_from:
            return
        try:
            self.outages.tend()
        except StoreUnavailable:
            raise
        except Exception:
            log.exception("outages cannot be tended; trying again in %g s", _PATIENCE)
            self._tends_from = monotonic() + _PATIENCE

    def _say_away(self, error: StoreUnavailable) -> None:
        """Once a minute while it lasts: a full disk must not be filled by the log."""
        at = monotonic()
        if self._away is None or at - self._away >= _REMIND:
            self._away = at
            log.error("the store is unavailable (%s); nothing is lost, trying again", error)

    def _say_back(self) -> None:
        if self._away is not None:
            self._away = None
            log.warning("the store answers again")

    def _maintain(self) -> None:
        at = monotonic()
        if at - self._beaten < self._pace.lease / 3:
            return
        now = self._clock()
        self._store.beat(worker=self._worker, now=now)
        freed = self._store.recover(now=now, silent_since=now - timedelta(seconds=self._pace.lease))
        if freed:
            log.warning("took over %d cases of a worker that fell silent", freed)
        self._beaten = at

    def _sleep(self) -> float:
        due = self._store.next_due(worker=self._worker)
        if due is None:
            return self._pace.tick
        return min(self._pace.tick, max(0.0, (due - self._clock()).total_seconds()))

    def _round(self) -> bool:
        """One transaction; True if there was anything to do."""
        results = self._drain()
        try:
            return self._commit(results, batch=self._room())
        except (StoreUnavailable, Conflict):
            self._arrived.extendleft(reversed(results))
            raise
        except Exception:
            log.exception("a round cannot be written; looking for the piece that is at fault")
        self._commit_singly(results)
        return True

    def _room(self) -> int:
        """How much new work to take: less when the latest round sent many commands out, so that a rush waits
        in the store and not in memory. Commands that hang do not count, they were sent out before."""
        return min(self._pace.batch, max(_FEW, 2 * self._pace.batch - self._begun))

    def _commit(
        self, results: Sequence[Result], *, batch: int, only: Piece | None = None, spurned: str = ""
    ) -> bool:
        """Apply ``results`` and what is ready, or ``only`` one piece of it; or note why it is ``spurned``."""
        began = perf_counter()
        with self._store.round(worker=self._worker) as current:
            taken = current.take(now=self._clock(), limit=batch, held=self._holdings.cases.keys())
            pieces: list[Piece] = [*results, *ready(taken)]
            if only is not None:
                pieces = [piece for piece in pieces if name_of(piece) == name_of(only)]
            self._warn(taken.unreadable)
            if not pieces:
                return False
            began = self._spend("take", began)
            draft = self._draft(taken, pieces, spurned=spurned)
            ended = self._holdings.ended(results, draft.overtaken)
            released = self._holdings.idle_after(draft.cases, ended=ended, begun=draft.errands)
            draft.changes.released |= released
            began = self._spend("decide", began)
            current.write(draft.changes)
            self._doubtful = True  # from here on the commit may have happened although its answer is lost
        self._holdings.update(draft.cases, released=released, ended=ended, begun=draft.errands)
        self._performer.perform(draft.errands)
        self._begun = len(draft.errands)
        self._doubtful = False
        self._warn(draft.changes.beyond)
        began = self._spend("write", began)
        self._report(draft, results, released)
        self._spend("report", began)
        return True

    def _draft(self, taken: Taken, pieces: Sequence[Piece], *, spurned: str) -> Draft:
        draft = Draft(
            self._definitions,
            now=self._clock(),
            cases=dict(taken.cases),
            held=self._holdings.cases,
            crowd=self._holdings.by_adapter.copy(),
            answered=taken.answered,
            outages=self.outages,
        )
        for piece in pieces:
            if spurned:
                draft.spurn(piece, spurned)
            else:
                draft.apply(piece)
        return draft

    def _commit_singly(self, results: Sequence[Result]) -> None:
        """One piece a round: the one at fault is set aside where staff see it, the others go on."""
        self._doubtful = False
        with self._store.round(worker=self._worker) as current:
            taken = current.take(now=self._clock(), limit=_FEW, held=self._holdings.cases.keys())
        pieces: list[Piece] = [*results, *ready(taken)]
        for piece in pieces:
            ended = [piece] if isinstance(piece, Result) else []
            try:
                self._commit(ended, batch=_FEW, only=piece)
            except (StoreUnavailable, Conflict):
                raise
            except Exception as error:
                reason = (
                    f"what follows from it cannot be written ({type(error).__name__}); see the worker's log"
                )
                self._commit(ended, batch=_FEW, only=piece, spurned=reason)

    def _relapse(self) -> None:
        """What was committed is uncertain, or another worker thought us dead: let go of everything, and take
        it up again as the store has it. Commands under way are performed again under their keys."""
        self._store.leave(worker=self._worker, now=self._clock())
        self._holdings.drop()
        self._arrived.clear()
        # A commit still on its way may open cases under the old name; its silence gives them back.
        self._lives += 1
        self._worker = f"{self._name}/{self._lives}"
        self._beaten = float("-inf")
        self._doubtful = False
        log.warning("began anew with what the store has")

    def _warn(self, unreadable: Mapping[str, str]) -> None:
        """Cases whose data no longer fit their model wait for a migration, those whose opening event does not
        wait for a worker of its version; say so once."""
        for case, reason in unreadable.items():
            if case not in self._unreadable:
                self._unreadable.add(case)
                log.error("%s is left alone: %s", case, reason)

    def _spend(self, part: str, began: float) -> float:
        ended = perf_counter()
        self.spent[part] += ended - began
        return ended

    def _drain(self) -> list[Result]:
        """What arrived, but for steps that were let go of while they were under way."""
        arrived = self._arrived
        results = (arrived.popleft() for _ in range(min(len(arrived), 4 * self._pace.batch)))
        return [result for result in results if self._holdings.awaits(result)]

    def _report(self, draft: Draft, results: Sequence[Result], released: Collection[str]) -> None:
        self.rounds += 1
        self.handled.update((case.sop, event) for case, event in draft.took)
        results = [result for result in results if result.way is not Way.HELD_BACK]
        self.performed.update((result.errand.command.name, result.told) for result in results)
        try:
            self._reporting.committed(draft, results, released)
        except Exception:
            log.exception("the round is committed but could not be reported")
