"""The in-memory twin's tables, and what is asked of them again and again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import uuid4

from adapters.store import rows
from adapters.store.bulletins import Tells
from adapters.store.memory_bulletins import BulletinTables
from adapters.store.outage import Outage
from adapters.store.records import InboxRow, InboxStatus, Letter, Step, StepStatus
from adapters.store.rows import Hydrate, UnreadableCase, Values
from machines.kernel.case import Case, Timer

DUE = (StepStatus.PENDING, StepStatus.RETRYING)


@dataclass(frozen=True, slots=True)
class Kept:
    """A row of cases; ``case`` without data, timers, clocks and hold."""

    case: Case
    data: str | None
    clocks: str | None
    policy: str | None
    held: str | None
    lease: str | None
    opened: datetime
    changed: datetime
    ended: bool

    @property
    def row(self) -> Values:
        """The columns of ``case_from``."""
        case = self.case
        return (
            *(case.sop, case.key, case.version, case.hash, case.state, self.data, case.seq, case.parent),
            *(case.deferred, self.clocks, self.held, case.assignee),
        )


@dataclass(slots=True)
class Tables:
    hydrate: Hydrate
    tells: Tells
    identity: str = field(default_factory=lambda: uuid4().hex)
    cases: dict[str, Kept] = field(default_factory=dict)
    inbox: dict[int, InboxRow] = field(default_factory=dict)
    last: int = 0  #: the highest number in the inbox so far
    numbers: dict[tuple[str, str], int] = field(default_factory=dict)
    new: set[int] = field(default_factory=set)
    journal: defaultdict[str, list[Values]] = field(default_factory=lambda: defaultdict(list))
    steps: dict[str, Step] = field(default_factory=dict)
    timers: defaultdict[str, dict[str, Timer]] = field(default_factory=lambda: defaultdict(dict))
    workers: dict[str, datetime] = field(default_factory=dict)
    outages: dict[str, Outage] = field(default_factory=dict)
    customers: dict[str, bytes | None] = field(default_factory=dict)
    notices: dict[str, datetime] = field(default_factory=dict)
    unreadable: set[tuple[str, str]] = field(default_factory=set)  #: case id, worker
    bulletins: BulletinTables = field(default_factory=BulletinTables)

    def load(self, id: str) -> Case:
        """Raises ``UnreadableCase``."""
        return rows.case_from(self.cases[id].row, timers=dict(self.timers[id]), hydrate=self.hydrate)

    def readable(self, id: str) -> Case:
        """Without data where these cannot be read."""
        try:
            return self.load(id)
        except UnreadableCase as error:
            return error.case

    def within_reach(self, case: str, worker: str) -> bool:
        """Leased by the worker or by nobody, and not marked as beyond it."""
        kept = self.cases.get(case)
        free = kept is None or kept.lease in (None, worker)
        return free and (case, worker) not in self.unreadable

    def read_again(self, cases: Collection[str]) -> None:
        """Whoever could not read these may try again."""
        self.unreadable -= {mark for mark in self.unreadable if mark[0] in cases}

    def first_unread(self) -> list[InboxRow]:
        """Of each case that does not exist and is beyond a worker, the first new letter that opens it."""
        marked = {case for case, _ in self.unreadable} - self.cases.keys()
        first: dict[str, InboxRow] = {}
        for row in map(self.inbox.__getitem__, sorted(self.new)):
            if row.letter.opens and row.letter.case in marked:
                first.setdefault(row.letter.case, row)
        return list(first.values())

    def due_timers(self) -> Iterator[tuple[datetime, str]]:
        """(due, case) of all that are waited for."""
        for case, running in self.timers.items():
            yield from ((timer.due, case) for timer in running.values() if not timer.passed)

    def due_steps(self) -> Iterator[tuple[datetime, str]]:
        """(due, case) of all that are to be performed."""
        steps = self.steps.values()
        return ((step.due, step.case) for step in steps if step.status in DUE and step.due)

    def receive(self, letter: Letter) -> tuple[int, bool]:
        """As ``add_letter``, but replaces one that is dead."""
        number = self.numbers.get((letter.source, letter.id))
        if number is None or self.inbox[number].status is not InboxStatus.DEAD:
            return self.add_letter(letter)
        self.inbox[number] = InboxRow(number, letter, InboxStatus.NEW)
        self.new.add(number)
        return number, False

    def add_letter(self, letter: Letter) -> tuple[int, bool]:
        """Its number, and whether it was there before."""
        name = (letter.source, letter.id)
        if name in self.numbers:
            return self.numbers[name], True
        self.last += 1
        number = self.last
        self.inbox[number] = InboxRow(number, letter, InboxStatus.NEW)
        self.numbers[name] = number
        self.new.add(number)
        return number, False

    def mark(self, number: int, status: InboxStatus, reason: str) -> None:
        self.inbox[number] = replace(self.inbox[number], status=status, reason=reason)
        (self.new.add if status is InboxStatus.NEW else self.new.discard)(number)

    def deliver_again(self, status: InboxStatus, cases: Collection[str]) -> None:
        if cases:
            for row in list(self.inbox.values()):
                if row.status is status and row.letter.case in cases:
                    self.mark(row.number, InboxStatus.NEW, "")


Locked = Callable[[], AbstractContextManager[Tables]]
"""Keeps others out while it is open."""
