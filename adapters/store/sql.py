"""The store on a database: what SQLite and PostgreSQL have in common, which is nearly everything."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime

from sqlalchemy import Connection, Engine, select

from adapters.store import (
    counts,
    keys,
    migrating,
    queries,
    receiving,
    recovering,
    retiming,
    rows,
    schema,
    standing,
)
from adapters.store import statements as sql
from adapters.store.bulletins import Tells
from adapters.store.failing import storable, translated
from adapters.store.noticing import SqlNotices
from adapters.store.outages import SqlOutages
from adapters.store.overseeing import SqlPanorama
from adapters.store.pruning import SqlUpkeep
from adapters.store.records import (
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
from adapters.store.round import SqlRound
from adapters.store.rows import Hydrate
from adapters.store.sql_bulletins import SqlBulletins
from machines.kernel.case import Case, Entry, Timer, case_id


class SqlStore(ABC):
    """Implements ``Store`` but for ``wait`` and ``wake``; ``shared`` as in ``SqlRound``."""

    shared: bool

    def __init__(self, engine: Engine, *, hydrate: Hydrate, tells: Tells) -> None:
        self._engine = engine
        self._hydrate = hydrate
        self._tells = tells
        self.bulletins = SqlBulletins(writing=self._writing, reading=self._reading)
        self.notices = SqlNotices(writing=self._writing, reading=self._reading)
        self.upkeep = SqlUpkeep(writing=self._writing, reading=self._reading)
        self.panorama = SqlPanorama(reading=self._reading)
        self.outages = SqlOutages(
            writing=self._writing, reading=self._reading, announce=self._announce, wake=self.wake
        )

    @abstractmethod
    def wait(self, seconds: float) -> bool: ...

    @abstractmethod
    def wake(self) -> None: ...

    @abstractmethod
    def _lock_schema(self, connection: Connection) -> None:
        """Keep other processes from migrating until the transaction ends."""

    @abstractmethod
    def _announce(self, connection: Connection) -> None:
        """Tell those who wait in other processes, once the transaction commits."""

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with translated(), self._engine.connect() as connection:
            connection.begin()
            yield connection
            connection.commit()

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with translated(), self._engine.connect() as connection:
            yield connection

    def migrate(self) -> None:
        with self._writing() as connection:
            self._lock_schema(connection)
            migrating.migrate(connection)

    def close(self) -> None:
        self._engine.dispose()

    def identity(self) -> str:
        with self._reading() as connection:
            return str(connection.execute(select(schema.identity.c.id)).scalar_one())

    # intake
    def receive(self, letters: Sequence[Letter]) -> list[Receipt]:
        with self._writing() as connection:
            with storable():
                receipts = receiving.receive(connection, letters)
            self._announce(connection)
        self.wake()
        return receipts

    # the drive loop
    def round(self, *, worker: str) -> AbstractContextManager[SqlRound]:
        return self._round(worker)

    @contextmanager
    def _round(self, worker: str) -> Iterator[SqlRound]:
        with self._writing() as connection:
            current = SqlRound(
                connection, worker=worker, hydrate=self._hydrate, tells=self._tells, shared=self.shared
            )
            yield current
            if current.has_sent:
                self._announce(connection)

    def next_due(self, *, worker: str | None = None) -> datetime | None:
        with self._reading() as connection:
            due = queries.next_due(connection, worker=worker)
        return None if due is None else rows.instant(due)

    def beat(self, *, worker: str, now: datetime) -> None:
        with self._writing() as connection:
            recovering.beat(connection, worker=worker, now=now)

    def recover(self, *, now: datetime, silent_since: datetime) -> int:
        with self._writing() as connection:
            silent = recovering.find_silent(connection, now=now, since=silent_since)
            freed = recovering.free_cases(connection, silent, now=now) if silent else 0
            if freed:
                self._announce(connection)
        return freed

    def leave(self, *, worker: str, now: datetime) -> None:
        with self._writing() as connection:
            if recovering.leave(connection, worker=worker, now=now):
                self._announce(connection)

    def expire_unmatched(self, *, before: datetime) -> int:
        with self._writing() as connection:
            return receiving.expire_unmatched(connection, before=before)

    def expire_unread(self, *, before: datetime) -> int:
        with self._writing() as connection:
            cases = receiving.expire_unread(connection, before=before)
            recovering.read_again(connection, cases)
        return len(cases)

    def probe(self) -> None:
        with self._writing() as connection:
            recovering.leave_no_trace(connection)

    # on-call staff
    def requeue(self, steps: Sequence[str], *, now: datetime, who: str, reason: str) -> list[str]:
        with self._writing() as connection:
            parked = recovering.requeue(connection, steps, now=now, who=who, reason=reason)
            self._announce(connection)
        self.wake()
        return parked

    def amend(self, step: Step, *, now: datetime, letter: Letter) -> bool:
        with self._writing() as connection, storable():
            amended = recovering.amend(connection, step, now=now, letter=letter)
            self._announce(connection)
        self.wake()
        return amended

    def resend(self, number: int, letter: Letter, *, who: str, reason: str) -> int | None:
        with self._writing() as connection:
            old = queries.find_numbered(connection, number)
            if old is None:
                return None
            note = receiving.resent_note(old, letter, who=who, reason=reason)
            why = receiving.resent_reason(who=who, reason=reason)
            with storable():
                added = receiving.resend(connection, number, letter, note=note, why=why)
            self._announce(connection)
        self.wake()
        return added

    def retime(self, *, policy: str, after: str, limit: int, now: datetime) -> list[str]:
        with self._writing() as connection:
            stale = retiming.retime(
                connection, policy=policy, after=after, limit=limit, sops=self._hydrate.keys(), now=now
            )
            if stale:
                self._announce(connection)
        self.wake()
        return stale

    def set_run(self, steps: Sequence[str], run: str) -> None:
        with self._writing() as connection:
            sql.SET_RUN.run(connection, [(run, step) for step in steps])

    # customers
    def customer_keys(self, customers: Collection[str], *, fresh: Mapping[str, bytes]) -> Mapping[str, bytes]:
        wanted = list(customers)
        with self._reading() as connection:
            known = keys.find_keys(connection, wanted)
        missing = {name: fresh[name] for name in wanted if name in fresh and name not in known}
        if missing:
            with self._writing() as connection:
                known = keys.add_keys(connection, missing, wanted=wanted)
        return {customer: key for customer, key in known.items() if key is not None}

    def destroy_key(self, customer: str, *, now: datetime) -> bool:
        with self._writing() as connection:
            return keys.destroy_key(connection, customer, now=now)

    # reading
    def find_case(self, *, key: str, sop: str | None = None) -> list[Case]:
        ids = self._ids(key) if sop is None else [case_id(sop, key)]
        with self._reading() as connection:
            return queries.find_cases(connection, ids, hydrate=self._hydrate)

    def _ids(self, key: str) -> list[str]:
        return [case_id(sop, key) for sop in self._hydrate]

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
        with self._reading() as connection:
            return queries.list_cases(
                connection,
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
        wanted = standing.select_cases(states, cases=cases, limit=limit)
        with self._reading() as connection:
            return standing.find(connection, wanted, hydrate=self._hydrate)

    def journal(self, case: str) -> list[tuple[Entry, bytes]]:
        with self._reading() as connection:
            return queries.journal_of(connection, case)

    def case_timers(self, case: str) -> list[Timer]:
        with self._reading() as connection:
            return queries.timers_of(connection, case)

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
        with self._reading() as connection:
            return queries.list_steps(
                connection,
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
        with self._reading() as connection:
            return queries.list_letters(connection, status=status, limit=limit)

    def letter(self, *, source: str, id: str) -> InboxRow | None:
        with self._reading() as connection:
            return queries.find_letter(connection, source=source, id=id)

    def numbered(self, number: int) -> InboxRow | None:
        with self._reading() as connection:
            return queries.find_numbered(connection, number)

    def summary(self) -> Mapping[str, Mapping[str, int]]:
        with self._reading() as connection:
            return counts.count_all(connection)

    def workers(self) -> list[tuple[str, datetime]]:
        with self._reading() as connection:
            return counts.list_workers(connection)

    def backlog(self, now: datetime) -> Backlog:
        with self._reading() as connection:
            return counts.backlog(connection, now)

    def open_steps(self) -> list[OpenSteps]:
        with self._reading() as connection:
            return counts.open_steps(connection)

    def time(self) -> datetime | None:
        return None

    def live(self) -> list[Live]:
        with self._reading() as connection:
            return counts.live(connection)
