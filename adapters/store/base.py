"""The store's contract: everything a case is and owes, changed in whole rounds or not at all.

A *round* is one transaction: take what is ready, decide, write everything that follows, commit. A case is
worked on by the worker that leases it; a lease lives as long as its worker's heartbeat, and every write
checks lease and journal number, so a worker that was thought dead cannot overwrite its successor.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from adapters.store.outage import OutageStore
from adapters.store.overview import Panorama
from adapters.store.upkeep import Upkeep
from machines.kernel.case import Case, Entry, Timer, case_id
from machines.kernel.hold import Hold

if TYPE_CHECKING:
    from adapters.store.bulletins import Bulletins

ANSWERS_LATER = "answers-later"
"""Code of a step that waits for its provider's answer: retrying, due when the provider is asked again."""

ANSWER = "step"
"""Source of letters that say how a step ended whose provider answers later; their id is the step's key."""

REPLAY = "staff.replay"
RETRY = "staff.retry"
SKIP = "staff.skip"
INTERVENTIONS = (REPLAY, RETRY, SKIP)
"""Types of the letters that ``requeue`` and ``amend`` leave for a case's journal; their body has step, who
and reason, and what else is to stand there."""

RESENT = "staff.resent"
"""Type of the letter that ``resend`` leaves for a case's journal; its body has who and reason, and what was
sent again: letter (its number), source, id, type and subject."""


class InboxStatus(StrEnum):
    NEW = "new"
    APPLIED = "applied"
    DEFERRED = "deferred"  #: kept until the case enters another state
    IGNORED = "ignored"
    REFUSED = "refused"
    UNMATCHED = "unmatched"  #: no such case yet
    DEAD = "dead"  #: unmatched past its time to live, or the case could not take it
    RESENT = "resent"  #: staff sent it again under another name, perhaps corrected; it stays as it was


RESENDABLE = (InboxStatus.DEAD, InboxStatus.UNMATCHED, InboxStatus.REFUSED)


class StepStatus(StrEnum):
    PENDING = "pending"  #: to be performed when due (after recovery or replay)
    RUNNING = "running"  #: being performed by the worker that leases the case
    RETRYING = "retrying"  #: failed; tried again when due
    PARKED = "parked"  #: attempts spent; waits for on-call staff
    HELD = "held"  #: came due while its case was on hold; pending again when that is resumed
    DONE = "done"
    SKIPPED = "skipped"  #: on-call staff gave its outcome instead


_UNDER_WAY = (StepStatus.PENDING, StepStatus.RUNNING, StepStatus.RETRYING)


@dataclass(frozen=True, slots=True)
class Letter:
    """An event on its way in. ``body`` is the payload as JSON (UTF-8), personal fields already sealed.
    ``opens`` says whether it may open a case, ``parent`` is the id of the case that does so, if one does."""

    source: str
    id: str
    type: str
    sop: str
    key: str
    body: bytes
    received: datetime
    opens: bool = False
    parent: str | None = None

    @property
    def case(self) -> str:
        return case_id(self.sop, self.key)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a letter: its number in the inbox, and whether it had been received before."""

    number: int
    duplicate: bool


@dataclass(frozen=True, slots=True)
class InboxRow:
    number: int
    letter: Letter
    status: InboxStatus
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """A command of a case as the store keeps it; ``key`` is its identity, and the idempotency key under
    which it is first asked for. ``arguments`` is JSON. ``due`` is when to try (again); ``error`` the latest
    failure in plain words, ``failed`` when that was.

    Staff may have changed the arguments: ``earlier`` holds those asked before, oldest first, and
    ``request_key`` is the key of those in force. ``presumed`` is the outcome that staff say it has had, as
    JSON with ``type`` and ``data``.
    """

    key: str
    case: str
    command: str
    arguments: bytes
    status: StepStatus
    issued: datetime
    attempts: int = 0
    due: datetime | None = None
    error: str | None = None
    code: str | None = None
    outcome: str | None = None
    run: str | None = None
    failed: datetime | None = None
    earlier: tuple[bytes, ...] = ()
    presumed: bytes | None = None

    @property
    def waits(self) -> bool:
        """Whether the provider has taken it on and has not said yet how it ended."""
        return self.status is StepStatus.RETRYING and self.code == ANSWERS_LATER

    @property
    def is_under_way(self) -> bool:
        """Whether it may settle within moments; one that its provider has taken on does not."""
        return self.status in _UNDER_WAY and not self.waits

    @property
    def request_key(self) -> str:
        return self.key_of(len(self.earlier))

    def key_of(self, number: int) -> str:
        """The idempotency key of the arguments as changed ``number`` times."""
        return f"{self.key}~{number}" if number else self.key

    def done(self, outcome: str, *, attempts: int, skipped: bool = False) -> Step:
        """As it stands once it has ended in ``outcome``."""
        status = StepStatus.SKIPPED if skipped else StepStatus.DONE
        return Step(
            *(self.key, self.case, self.command, self.arguments, status, self.issued, attempts),
            outcome=outcome,
            run=self.run,
            earlier=self.earlier,
        )


@dataclass(frozen=True, slots=True)
class StepFilter:
    """Which steps are meant; what is not given does not matter. ``error`` is a part of the latest failure's
    text, as it is written; ``since`` and ``until`` bound when the step failed last, or else was issued."""

    sop: str | None = None
    command: str | None = None
    code: str | None = None
    error: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """What a round took: everything ready in cases that no other worker leases.

    ``cases`` holds the cases concerned as they stand, but those in ``held`` (which the caller has in memory).
    ``letters`` are in order of arrival; where there is no case yet, one that opens it comes first, and a
    second one waits. ``timers`` are (case id, timer name), ``steps`` are due. ``unreadable`` maps cases of
    procedures or versions not known here, and those whose data does not fit the model, to the reason; nothing
    of theirs is taken. Each is named once in a worker's life, in a round that commits, then left to others.
    ``answered`` are, by key, the steps that letters from ``ANSWER`` are about, as they stand.
    """

    cases: Mapping[str, Case]
    letters: Sequence[InboxRow]
    timers: Sequence[tuple[str, str]]
    steps: Sequence[Step]
    unreadable: Mapping[str, str] = field(default_factory=dict)
    answered: Mapping[str, Step] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.letters or self.timers or self.steps or self.unreadable)


@dataclass(slots=True)
class Changes:
    """Everything one round writes.

    ``opened`` are new cases as they stand after the round; ``moved`` maps case id -> (case after, journal
    number before). Each has one entry for every journal number it went through. Those in ``ended`` stand in a
    final state, and are named in every round that writes them. Those in ``released`` give up their lease; all
    others that were taken, opened, moved or had a step settled keep or get it. ``steps`` are new, ``settled``
    replace rows that exist (``run`` of ``None`` keeps the one stored). Timers go by (case id, name): those in
    ``timers_set`` run after the round, whether or not they were cleared before. ``redeliver`` names cases
    whose deferred letters are worth another try, ``resumed`` those whose held steps are due then. Letters in
    ``sent`` that were received before with the same type, procedure and key are passed over silently.
    """

    opened: dict[str, Case] = field(default_factory=dict)
    moved: dict[str, tuple[Case, int]] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)
    released: set[str] = field(default_factory=set)
    entries: list[tuple[str, Entry]] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    settled: list[Step] = field(default_factory=list)
    timers_set: dict[tuple[str, str], Timer] = field(default_factory=dict)
    timers_cleared: list[tuple[str, str]] = field(default_factory=list)
    letters: list[tuple[int, InboxStatus, str]] = field(default_factory=list)
    redeliver: set[str] = field(default_factory=set)
    resumed: set[str] = field(default_factory=set)
    sent: list[Letter] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Behind:
    """A case on an earlier version of its procedure: all but its data, and these as JSON."""

    case: Case
    data: bytes | None
    ended: bool


class Round(Protocol):
    """One open transaction of one worker. Left without ``write``, everything ready stays ready; left by an
    exception, nothing changes at all."""

    def take(self, *, now: datetime, limit: int, held: Collection[str]) -> Taken:
        """Everything ready in the cases that this worker leases (some thousand pieces of each kind), and of
        other cases at most ``limit`` letters, ``limit`` timers and ``limit`` steps. Letters of procedures
        not known here stay as they are. Letters that neither find a case nor open one become unmatched.
        Raises ``Conflict`` naming the cases in ``held`` that have work to do but are leased by nobody."""
        ...

    def behind(self, *, sop: str, version: int, after: str, limit: int) -> list[Behind]:
        """Instead of ``take``: up to ``limit`` cases of ``sop`` that run on ``version``, that nobody leases
        and whose ids follow ``after``, in the order of their ids. Those that the round then writes are read
        again by workers that could not read them."""
        ...

    def write(self, changes: Changes) -> None:
        """Last in a round. Raises ``Conflict`` naming the cases that this worker no longer leases or that
        were opened before, ``ValueError`` if the journal would get a gap, ``Unwritable`` if the database
        does not take a value, a step or a letter that differs is there under the same name. Nothing is kept
        then."""
        ...


@dataclass(frozen=True, slots=True)
class CaseRow:
    """A case in a list; ``due`` is its next deadline, ``hold`` and ``assignee`` as in ``Case``."""

    id: str
    sop: str
    key: str
    state: str
    opened: datetime
    changed: datetime
    ended: bool
    parent: str | None
    due: datetime | None
    due_name: str | None
    hold: Hold | None = None
    assignee: str | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """An open case, and the journal entry (with its body as JSON) by which it came to stand where it does."""

    case: Case
    entered: Entry
    body: bytes


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits, and who works: new letters and when the oldest of them was received, letters without a
    case, dead letters, timers and steps past their time, steps parked, each worker's last heartbeat, and how
    many cases each leases."""

    new: int
    oldest: datetime | None
    unmatched: int
    dead: int
    overdue_timers: int
    overdue_steps: int
    parked: int
    workers: list[tuple[str, datetime]]
    leases: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OpenSteps:
    """How many steps that have not ended there are of one procedure, status, command and error code (empty
    where there is none)."""

    sop: str
    status: StepStatus
    command: str
    code: str
    count: int


@dataclass(frozen=True, slots=True)
class Live:
    """How many open and ended cases there are on one version of a procedure; ``hash`` is what it said when
    they began."""

    sop: str
    version: int
    hash: str
    open: int
    ended: int


class Store(OutageStore, Upkeep, Panorama, Protocol):
    """All methods raise ``StoreUnavailable`` when the database is locked, full or unreachable, and may be
    called from any thread; ``wait`` by one at a time. A ``worker`` names one life of one process: who starts
    again takes a new name.
    """

    def migrate(self) -> None: ...

    def close(self) -> None: ...

    @property
    def bulletins(self) -> Bulletins:
        """What subscribers are told."""
        ...

    # intake
    def receive(self, letters: Sequence[Letter]) -> list[Receipt]:
        """Each (source, id) once; but one that is dead may be sent again, and then replaces what was there.
        Raises ``Unwritable``."""
        ...

    def wait(self, seconds: float) -> bool:
        """Sleep until another connection may have changed something, at most ``seconds``; True if so."""
        ...

    def wake(self) -> None:
        """End a ``wait`` of this object early; safe from any thread."""
        ...

    # the drive loop
    def round(self, *, worker: str) -> AbstractContextManager[Round]: ...

    def next_due(self, *, worker: str | None = None) -> datetime | None:
        """When the next timer or step is due that ``worker`` could take; of ``None``, whoever leases its
        case."""
        ...

    def beat(self, *, worker: str, now: datetime) -> None:
        """``now`` counts where all workers share one machine's clock; PostgreSQL uses its own."""
        ...

    def recover(self, *, now: datetime, silent_since: datetime) -> int:
        """Free the cases of workers whose last heartbeat is older than ``silent_since`` (on PostgreSQL:
        older than ``now - silent_since`` by the database's clock); their running steps become pending, due
        now. Returns the number of cases freed."""
        ...

    def leave(self, *, worker: str, now: datetime) -> None:
        """Free what the worker leases, at once, and forget what it could not read; its running steps become
        pending, due now. For a worker that stops in good order, or that cannot know whether its last round
        was kept: this one may go on under the same name, with nothing in hand."""
        ...

    def expire_unmatched(self, *, before: datetime) -> int: ...

    def probe(self) -> None:
        """Write something that leaves no trace, as durably as everything else."""
        ...

    # on-call staff
    def requeue(self, steps: Sequence[str], *, now: datetime, who: str, reason: str) -> list[str]:
        """In one transaction: parked steps become pending, due now; the keys that were parked. Attempts go on
        counting, so that one more failure parks the step again. Each leaves a ``REPLAY`` letter to its case,
        so that the worker that leases the case journals who and why."""
        ...

    def amend(self, step: Step, *, now: datetime, letter: Letter) -> bool:
        """In one transaction: a parked step becomes pending, due now, with the ``arguments``, ``earlier`` and
        ``presumed`` given, and ``letter`` goes to its case. False, and nothing happens, if it is not parked
        any more after the same number of attempts."""
        ...

    def resend(self, number: int, letter: Letter, *, who: str, reason: str) -> int | None:
        """Put ``letter`` in the inbox in place of the one numbered, which stays, as ``InboxStatus.RESENT``.
        The number of ``letter``, or None if the other one is not in ``RESENDABLE`` (any more). Leaves a
        ``RESENT`` letter for the journal of the case, which is ignored if that case never comes. Raises
        ``Unwritable``."""
        ...

    def retime(self, *, policy: str, after: str, limit: int, now: datetime) -> list[str]:
        """Leave a ``PolicyChanged`` letter to cases whose running or paused clocks go by another ``policy``:
        the first ``limit`` of those whose id comes after ``after``. Their ids, in order."""
        ...

    def set_run(self, steps: Sequence[str], run: str) -> None: ...

    # customers
    def customer_keys(self, customers: Collection[str], *, fresh: Mapping[str, bytes]) -> Mapping[str, bytes]:
        """The wrapped key of each customer; those without one get theirs from ``fresh``, first writer wins.
        A customer whose key was destroyed is absent from the answer."""
        ...

    def destroy_key(self, customer: str, *, now: datetime) -> bool:
        """Make what is sealed for the customer unreadable for good; False if there was no key to destroy.
        The customer never gets another one."""
        ...

    # reading
    def find_case(self, *, key: str, sop: str | None = None) -> list[Case]:
        """Of procedures known here; without data where these cannot be read."""
        ...

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
        """Latest change first."""
        ...

    def standing(
        self,
        states: Collection[tuple[str, str]],
        *,
        cases: Collection[str] | None = None,
        limit: int = 1_000,
    ) -> list[Standing]:
        """The cases that stand in one of these (procedure, state), or those of ``cases`` that do; what
        changed first comes first. Cases that cannot be read are left out."""
        ...

    def journal(self, case: str) -> list[tuple[Entry, bytes]]:
        """The entries of a case in order, each with its body as JSON."""
        ...

    def case_timers(self, case: str) -> list[Timer]: ...

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
        """Oldest first. ``key_of_case`` is the key of cases of any procedure known here, ``error`` a part
        of the latest failure's text, as it is written."""
        ...

    def inbox(self, *, status: Collection[InboxStatus] = (), limit: int = 100) -> list[InboxRow]:
        """Newest first."""
        ...

    def letter(self, *, source: str, id: str) -> InboxRow | None: ...

    def numbered(self, number: int) -> InboxRow | None:
        """The letter of that number."""
        ...

    def summary(self) -> Mapping[str, Mapping[str, int]]:
        """Counts: ``cases`` by "sop/state", ``steps`` by status, ``inbox`` by status."""
        ...

    def workers(self) -> list[tuple[str, datetime]]:
        """Those who beat, by name, each with its last heartbeat. One that fell silent stays until it is
        recovered."""
        ...

    def backlog(self, now: datetime) -> Backlog: ...

    def open_steps(self) -> list[OpenSteps]:
        """In the order of procedure, status, command and code; at the price of the open steps alone."""
        ...

    def time(self) -> datetime | None:
        """What the database's clock says; ``None`` where it has none but that of this machine."""
        ...

    def live(self) -> list[Live]:
        """Cases by what they run on; in the order of procedure, version and hash."""
        ...
