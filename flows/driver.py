"""The drive loop: round after round, it takes what is ready, lets the procedures decide, commits, and sends
the commands out. It needs the store and the adapters and nothing else; Prefect only listens.

Rounds are not in lockstep with commands: a round applies whatever has arrived since the last one, so one
slow command delays its own case and no other.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic, perf_counter

from adapters.command import Adapter
from adapters.errors import Conflict, StoreUnavailable
from adapters.store.base import Round, Store, Taken
from flows.draft import Draft
from flows.performing import Errand, Performer, Result
from flows.reporting import Listener, Reporting, Silence
from flows.session import Session
from machines.kernel.case import Case
from machines.kernel.definition import Definition

log = logging.getLogger("sop.driver")

_REMIND = 60.0  #: seconds between two lines about a store that stays away


@dataclass(frozen=True, slots=True)
class Pace:
    """How the loop behaves; times in seconds."""

    batch: int = 512  #: new pieces of work taken in one round
    most_held: int = 2_000  #: cases leased at once
    lease: float = 10.0  #: a worker silent for longer has lost its cases
    tick: float = 0.5  #: longest sleep, and so the latest a timer of another worker's making is noticed


class Driver:
    """Drives the cases of every definition given. ``start`` and ``stop`` from any thread."""

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
    ) -> None:
        self._store = store
        self._definitions = definitions
        self._worker = worker
        self._clock = clock
        self._pace = pace or Pace()
        self._arrived: deque[Result] = deque()
        self._held: dict[str, Case] = {}
        self._flying: dict[str, Errand] = {}
        self._under_way: Counter[str] = Counter()
        self._performer = Performer(adapters, deliver=self._deliver)
        self._reporting = Reporting(definitions, listener=listener or Silence())
        self._unreadable: set[str] = set()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="driver", daemon=True)
        self._beaten = float("-inf")
        self._away: float | None = None  #: when it was last said that the store is unavailable
        self.rounds = 0
        self.handled = 0
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
        log.info("%d events in %d rounds: %s", self.handled, self.rounds, parts)
        try:
            self._store.leave(worker=self._worker, now=self._clock())
        except StoreUnavailable:
            log.warning("the store did not answer at the end; leases run out by themselves")

    @property
    def idle(self) -> bool:
        """Nothing is held, under way or arrived."""
        return not (self._held or self._arrived or self._under_way)

    def session(self, sop: str) -> Session:
        """Follow what is being done for ``sop`` now."""
        return self._reporting.join(sop, now=self._clock())

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def _deliver(self, result: Result) -> None:
        self._arrived.append(result)
        self._store.wake()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._maintain()
                busy = self._round()
                self._say_back()
                self._reporting.close_quiet()
                if not busy:
                    self._store.wait(self._sleep())
            except StoreUnavailable as error:
                self._say_away(error)
                self._stopping.wait(0.5)
            except Exception:
                log.exception("a round failed; trying again")
                self._stopping.wait(1.0)

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
        due = self._store.next_due()
        if due is None:
            return self._pace.tick
        return min(self._pace.tick, max(0.0, (due - self._clock()).total_seconds()))

    def _round(self) -> bool:
        """One transaction; True if there was anything to do."""
        results = self._drain()
        began = perf_counter()
        try:
            with self._store.round(worker=self._worker) as current:
                taken = self._take(current)
                if not (taken or results):
                    return False
                began = self._spend("take", began)
                draft = self._draft(taken, results)
                began = self._spend("decide", began)
                current.write(draft.changes)
            began = self._spend("write", began)
        except Conflict as conflict:
            self._forget(conflict, results)
            return True
        except BaseException:
            self._arrived.extendleft(reversed(results))
            raise
        self._after(draft, results)
        self._spend("report", began)
        return True

    def _take(self, current: Round) -> Taken:
        room = max(0, self._pace.most_held - len(self._held))
        return current.take(now=self._clock(), limit=min(self._pace.batch, room), held=self._held.keys())

    def _warn(self, taken: Taken) -> None:
        """Cases whose data no longer fit their model wait for a migration; say so once."""
        for case, reason in taken.unreadable.items():
            if case not in self._unreadable:
                self._unreadable.add(case)
                log.error("%s is left alone: %s", case, reason)

    def _draft(self, taken: Taken, results: list[Result]) -> Draft:
        self._warn(taken)
        draft = Draft(self._definitions, now=self._clock(), cases=dict(taken.cases), held=self._held)
        for result in results:
            draft.result(result)
        for step in taken.steps:
            draft.due(step)
        for case, name in taken.timers:
            draft.timer(case, name)
        for row in taken.letters:
            draft.letter(row)
        self._release(draft, results)
        return draft

    def _spend(self, part: str, began: float) -> float:
        ended = perf_counter()
        self.spent[part] += ended - began
        return ended

    def _drain(self) -> list[Result]:
        """What arrived, but for steps that were lost to another worker while they were under way."""
        arrived = self._arrived
        results = (arrived.popleft() for _ in range(min(len(arrived), 4 * self._pace.batch)))
        return [result for result in results if self._flying.get(result.errand.step.key) is result.errand]

    def _release(self, draft: Draft, results: list[Result]) -> None:
        """Cases with nothing under way after this round give up their lease."""
        ended = Counter(result.errand.step.case for result in results)
        begun = Counter(errand.step.case for errand in draft.errands)
        for case in draft.cases:
            if self._under_way[case] - ended[case] + begun[case] <= 0:
                draft.changes.released.add(case)

    def _after(self, draft: Draft, results: list[Result]) -> None:
        self.rounds += 1
        self.handled += len(draft.took)
        released = draft.changes.released
        for result in results:
            del self._flying[result.errand.step.key]
            self._count(result.errand.step.case, -1)
        for errand in draft.errands:
            self._flying[errand.step.key] = errand
            self._count(errand.step.case, 1)
        for identity, case in draft.cases.items():
            if identity in released:
                self._held.pop(identity, None)
            else:
                self._held[identity] = case
        self._performer.perform(draft.errands)
        try:
            self._report(draft, results)
        except Exception:
            log.exception("the round is committed but could not be reported")

    def _report(self, draft: Draft, results: list[Result]) -> None:
        reporting, now = self._reporting, draft.now
        for case, event in draft.took:
            reporting.took(case, event, now=now)
        for result in results:
            reporting.performed(result, draft.case(result.errand.step.case), now=now)
        reporting.parked(draft.parked)
        for identity in draft.changes.released:
            if identity in draft.changes.moved or identity in draft.changes.opened:
                reporting.rested(draft.cases[identity], now=now)

    def _count(self, case: str, change: int) -> None:
        left = self._under_way[case] + change
        if left > 0:
            self._under_way[case] = left
        else:
            self._under_way.pop(case, None)

    def _forget(self, conflict: Conflict, results: list[Result]) -> None:
        """Another worker has these cases now and performs their steps itself; keep the rest."""
        log.warning("%s", conflict)
        for case in conflict.cases:
            self._held.pop(case, None)
            self._under_way.pop(case, None)
        for key, errand in list(self._flying.items()):
            if errand.step.case in conflict.cases:
                del self._flying[key]
        self._arrived.extendleft(reversed(results))
