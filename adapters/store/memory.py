"""The store's twin in memory: the same contract for tests and simulations, and nothing survives the
process."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import datetime

from adapters.store import memory_queries, memory_recovering, rows
from adapters.store.bulletins import Tells, tell_nothing
from adapters.store.failing import storable
from adapters.store.memory_bulletins import MemoryBulletins
from adapters.store.memory_notices import MemoryNotices
from adapters.store.memory_outages import MemoryOutages
from adapters.store.memory_overview import MemoryPanorama
from adapters.store.memory_pruning import MemoryUpkeep
from adapters.store.memory_round import MemoryRound
from adapters.store.receiving import TOO_LATE, UNREAD, resent_note, resent_reason
from adapters.store.records import (
    RESENDABLE,
    RESENT,
    Backlog,
    CaseRow,
    InboxRow,
    InboxStatus,
    Letter,
    Live,
    OpenSteps,
    Receipt,
    Standing,
    Step,
    StepFilter,
    StepStatus,
)
from adapters.store.retiming import retiming_letters
from adapters.store.rows import Hydrate
from adapters.store.tables import Tables
from machines.kernel.case import Case, Entry, Timer, case_id


class MemoryStore:
    """Implements ``Store``."""

    def __init__(self, *, hydrate: Hydrate, tells: Tells = tell_nothing) -> None:
        self._tables = Tables(hydrate, tells)
        self._lock = threading.RLock()
        self._changed = threading.Event()
        self.bulletins = MemoryBulletins(
            self._tables.bulletins, locked=lambda: self._lock, alive=lambda: set(self._tables.workers)
        )
        self.notices = MemoryNotices(locked=self._locked)
        self.outages = MemoryOutages(locked=self._locked, writing=self._writing)
        self.upkeep = MemoryUpkeep(locked=self._locked)
        self.panorama = MemoryPanorama(locked=self._locked)

    def migrate(self) -> None:
        """There is nothing to migrate."""

    def close(self) -> None:
        """There is nothing to close."""

    def identity(self) -> str:
        return self._tables.identity

    @contextmanager
    def _locked(self) -> Iterator[Tables]:
        with self._lock:
            yield self._tables

    @contextmanager
    def _writing(self) -> Iterator[Tables]:
        with self._locked() as tables:
            yield tables
        self.wake()

    # intake
    def receive(self, letters: Sequence[Letter]) -> list[Receipt]:
        with self._writing() as tables:
            with storable():
                for letter in letters:
                    rows.letter_values(letter)
            return [Receipt(*tables.receive(letter)) for letter in letters]

    def wait(self, seconds: float) -> bool:
        changed = self._changed.wait(seconds)
        self._changed.clear()
        return changed

    def wake(self) -> None:
        self._changed.set()

    # the drive loop
    def round(self, *, worker: str) -> AbstractContextManager[MemoryRound]:
        return self._round(worker)

    @contextmanager
    def _round(self, worker: str) -> Iterator[MemoryRound]:
        with self._lock:
            current = MemoryRound(self._tables, worker=worker)
            yield current
            current.commit()

    def next_due(self, *, worker: str | None = None) -> datetime | None:
        with self._lock:
            waiting = [*self._tables.due_steps(), *self._tables.due_timers()]
            reach = self._tables.within_reach
            return min((due for due, case in waiting if worker is None or reach(case, worker)), default=None)

    def beat(self, *, worker: str, now: datetime) -> None:
        with self._lock:
            self._tables.workers[worker] = now

    def recover(self, *, now: datetime, silent_since: datetime) -> int:
        with self._writing() as tables:
            alive = {worker for worker, beat in tables.workers.items() if beat >= silent_since}
            leasing = {kept.lease for kept in tables.cases.values() if kept.lease}
            freed = memory_recovering.free(tables, (leasing | tables.workers.keys()) - alive, now=now)
            tables.workers = {worker: tables.workers[worker] for worker in alive}
            return freed

    def leave(self, *, worker: str, now: datetime) -> None:
        with self._writing() as tables:
            memory_recovering.free(tables, {worker}, now=now)
            tables.workers.pop(worker, None)

    def expire_unmatched(self, *, before: datetime) -> int:
        with self._lock:
            rows_ = self._tables.inbox.values()
            late = [row.number for row in rows_ if row.status is InboxStatus.UNMATCHED]
            late = [number for number in late if self._tables.inbox[number].letter.received < before]
            for number in late:
                note = self._tables.inbox[number].letter.type == RESENT
                self._tables.mark(number, InboxStatus.IGNORED if note else InboxStatus.DEAD, TOO_LATE)
            return len(late)

    def expire_unread(self, *, before: datetime) -> int:
        with self._locked() as tables:
            late = [row for row in tables.first_unread() if row.letter.received < before]
            for row in late:
                tables.mark(row.number, InboxStatus.DEAD, UNREAD)
            tables.read_again({row.letter.case for row in late})
            return len(late)

    def probe(self) -> None:
        """Memory takes whatever is written."""

    # on-call staff
    def requeue(self, steps: Sequence[str], *, now: datetime, who: str, reason: str) -> list[str]:
        with self._writing() as tables:
            return memory_recovering.requeue(tables, steps, now=now, who=who, reason=reason)

    def amend(self, step: Step, *, now: datetime, letter: Letter) -> bool:
        with self._writing() as tables:
            with storable():
                rows.amended_values(step, now=now)
                rows.letter_values(letter)
            return memory_recovering.amend(tables, step, now=now, letter=letter)

    def resend(self, number: int, letter: Letter, *, who: str, reason: str) -> int | None:
        with self._writing() as tables:
            old = tables.inbox.get(number)
            if old is None or old.status not in RESENDABLE:
                return None
            note = resent_note(old, letter, who=who, reason=reason)
            with storable():
                for one in (note, letter):
                    rows.letter_values(one)
            tables.mark(number, InboxStatus.RESENT, resent_reason(who=who, reason=reason))
            tables.add_letter(note)
            return tables.add_letter(letter)[0]

    def retime(self, *, policy: str, after: str, limit: int, now: datetime) -> list[str]:
        with self._writing() as tables:
            known = (kept for kept in tables.cases.values() if kept.case.sop in tables.hydrate)
            stale = [
                kept.case for kept in known if kept.policy not in (None, policy) and kept.case.id > after
            ]
            stale.sort(key=lambda case: case.id)
            found = [(case.sop, case.key, case.seq) for case in stale[:limit]]
            letters = retiming_letters(found, policy=policy, now=now)
            for letter in letters:
                tables.add_letter(letter)
            return [letter.case for letter in letters]

    def set_run(self, steps: Sequence[str], run: str) -> None:
        with self._lock:
            for key in steps:
                self._tables.steps[key] = replace(self._tables.steps[key], run=run)

    # customers
    def customer_keys(self, customers: Collection[str], *, fresh: Mapping[str, bytes]) -> Mapping[str, bytes]:
        with self._lock:
            known = self._tables.customers
            for customer in customers:
                if customer in fresh:
                    known.setdefault(customer, fresh[customer])
            found = {customer: known.get(customer) for customer in customers}
            return {customer: key for customer, key in found.items() if key is not None}

    def destroy_key(self, customer: str, *, now: datetime) -> bool:
        with self._lock:
            had = self._tables.customers.get(customer) is not None
            if had:
                self._tables.customers[customer] = None
            return had

    # reading
    def find_case(self, *, key: str, sop: str | None = None) -> list[Case]:
        with self._lock:
            ids = sorted(self._ids(key)) if sop is None else [case_id(sop, key)]
            return [self._tables.readable(id) for id in ids if id in self._tables.cases]

    def _ids(self, key: str) -> list[str]:
        return [case_id(sop, key) for sop in self._tables.hydrate]

    def cases(
        self,
        *,
        sop: str | None = None,
        state: str | None = None,
        open_only: bool = False,
        held_only: bool = False,
        assignee: str | None = None,
        parent: str | None = None,
        limit: int = 100,
    ) -> list[CaseRow]:
        with self._locked() as tables:
            return memory_queries.list_cases(
                tables,
                sop=sop,
                state=state,
                open_only=open_only,
                held_only=held_only,
                assignee=assignee,
                parent=parent,
                limit=limit,
            )

    def standing(
        self,
        states: Collection[tuple[str, str]],
        *,
        cases: Collection[str] | None = None,
        limit: int = 1_000,
    ) -> list[Standing]:
        with self._locked() as tables:
            return memory_queries.standing(tables, states, cases=cases, limit=limit)

    def journal(self, case: str) -> list[tuple[Entry, bytes]]:
        with self._lock:
            return [rows.entry_from(values) for values in self._tables.journal[case]]

    def case_timers(self, case: str) -> list[Timer]:
        with self._lock:
            return sorted(self._tables.timers[case].values(), key=lambda timer: timer.due)

    def steps(
        self,
        *,
        status: Collection[StepStatus] = (),
        case: str | None = None,
        command: str | None = None,
        run: str | None = None,
        keys: Collection[str] = (),
        key_of_case: str | None = None,
        error: str | None = None,
        only: StepFilter | None = None,
        limit: int = 100,
    ) -> list[Step]:
        with self._locked() as tables:
            return memory_queries.list_steps(
                tables,
                status=status,
                case=case,
                command=command,
                run=run,
                keys=keys,
                of_cases=None if key_of_case is None else self._ids(key_of_case),
                error=error,
                only=only or StepFilter(),
                limit=limit,
            )

    def inbox(self, *, status: Collection[InboxStatus] = (), limit: int = 100) -> list[InboxRow]:
        with self._lock:
            found = [row for row in self._tables.inbox.values() if not status or row.status in status]
        return found[::-1][:limit]

    def letter(self, *, source: str, id: str) -> InboxRow | None:
        with self._lock:
            number = self._tables.numbers.get((source, id))
            return None if number is None else self._tables.inbox[number]

    def numbered(self, number: int) -> InboxRow | None:
        with self._lock:
            return self._tables.inbox.get(number)

    def summary(self) -> Mapping[str, Mapping[str, int]]:
        with self._locked() as tables:
            return memory_queries.count_all(tables)

    def workers(self) -> list[tuple[str, datetime]]:
        with self._locked() as tables:
            return memory_queries.list_workers(tables)

    def backlog(self, now: datetime) -> Backlog:
        with self._locked() as tables:
            return memory_queries.backlog(tables, now)

    def open_steps(self) -> list[OpenSteps]:
        with self._locked() as tables:
            return memory_queries.open_steps(tables)

    def time(self) -> datetime | None:
        return None

    def live(self) -> list[Live]:
        with self._locked() as tables:
            return memory_queries.live(tables)
