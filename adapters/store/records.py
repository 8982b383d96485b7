"""What the store keeps and gives: letters, steps and cases as they stand there, and what one round takes and
writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from machines.kernel.case import Case, Entry, Timer, case_id
from machines.kernel.hold import Hold
from machines.kernel.value import value

MOST_KEYS = 5_000
"""Names in one query; SQLite takes 32,766 values."""

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
    PENDING = "pending"  #: to be performed when due; with a code: somebody put it back to work
    RUNNING = "running"  #: being performed by the worker that leases the case
    RETRYING = "retrying"  #: failed; tried again when due
    PARKED = "parked"  #: attempts spent; waits for on-call staff
    HELD = "held"  #: came due while its case was on hold; pending again when that is resumed
    DONE = "done"
    SKIPPED = "skipped"  #: on-call staff gave its outcome instead


SETTLED = (StepStatus.DONE, StepStatus.SKIPPED)

_UNDER_WAY = (StepStatus.PENDING, StepStatus.RUNNING, StepStatus.RETRYING)


@value
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


@value
class InboxRow:
    number: int
    letter: Letter
    status: InboxStatus
    reason: str = ""


@value
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
    number before). Each has one entry for every journal number it went through. Moved cases in ``unaltered``
    have the data that the store has, which need not be written. Those in ``ended`` stand in a final state,
    and are named in every round that writes them. Those in ``released`` give up their lease; all others that
    were taken, opened, moved or had a step settled keep or get it. ``steps`` are new, ``settled`` replace
    rows that exist, but for their arguments, of now and earlier (``run`` of ``None`` keeps the one stored).
    Timers go by (case id, name): those in ``timers_set`` run after the round, whether or not they were
    cleared before. ``redeliver`` names cases whose deferred letters are worth another try, ``resumed`` those
    whose held steps are due then. Letters in ``sent`` that were received before with the same type, procedure
    and key are passed over silently. ``beyond`` maps cases that do not exist yet and whose opening letter the
    worker cannot read to the reason: their letters stay new, for workers of other versions.
    """

    opened: dict[str, Case] = field(default_factory=dict)
    moved: dict[str, tuple[Case, int]] = field(default_factory=dict)
    unaltered: set[str] = field(default_factory=set)
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
    beyond: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Behind:
    """A case on an earlier version of its procedure: all but its data, these as JSON, and the commands whose
    steps have not ended."""

    case: Case
    data: bytes | None
    ended: bool
    under_way: frozenset[str] = frozenset()


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
