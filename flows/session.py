"""What one wake-up of one SOP did, as the drive loop reports it, kept by keys and counts only.

The drive loop calls in from its own thread; a call costs some microseconds and never raises.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from threading import Lock

from machines.attention import PARKED
from machines.kernel.value import value

#: Cases a session remembers by key. Beyond it they are counted only, so that a rush cannot fill the memory.
MOST_CASES = 5_000


@value
class CaseSeen:
    """One case in a session: the first event it took and where it last came to rest, if it did: in which
    state, known to people by its title, with which priority, and what about it needs attention."""

    key: str
    event: str = ""
    title: str = ""
    message: str = ""
    final: bool = False
    state: str = ""
    priority: str = ""
    attention: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CommandTally:
    """All performances of one command in a session; times are aware."""

    command: str
    count: int
    failures: int
    started: datetime
    ended: datetime
    slowest_key: str
    slowest_seconds: float
    outcome: str
    error: str | None

    def plus(self, other: CommandTally) -> CommandTally:
        """Both tallies as one."""
        slowest = max(self, other, key=lambda tally: tally.slowest_seconds)
        latest = max(self, other, key=lambda tally: tally.ended)
        return CommandTally(
            command=self.command,
            count=self.count + other.count,
            failures=self.failures + other.failures,
            started=min(self.started, other.started),
            ended=max(self.ended, other.ended),
            slowest_key=slowest.slowest_key,
            slowest_seconds=slowest.slowest_seconds,
            outcome=latest.outcome,
            error=latest.error or self.error or other.error,
        )


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A session at one moment: cases known by key, how many there were, where they rest, what was done."""

    sop: str
    opened: datetime
    cases: tuple[CaseSeen, ...]
    count: int
    resting: Mapping[str, int]
    commands: tuple[CommandTally, ...]

    @property
    def keys(self) -> tuple[str, ...]:
        """The cases known by key, in the order they came."""
        return tuple(case.key for case in self.cases)


class _Tally:
    """A tally in the making; what the drive loop calls thousands of times a second must not build values."""

    __slots__ = (
        "command",
        "count",
        "ended",
        "error",
        "failures",
        "outcome",
        "slowest",
        "slowest_key",
        "started",
    )

    def __init__(self, command: str, started: datetime) -> None:
        self.command = command
        self.started = self.ended = started
        self.count = self.failures = 0
        self.outcome = self.slowest_key = ""
        self.error: str | None = None
        self.slowest = timedelta(-1)

    def add(self, key: str, started: datetime, ended: datetime, outcome: str, error: str | None) -> None:
        self.count += 1
        self.started = min(self.started, started)
        if ended >= self.ended:
            self.ended, self.outcome = ended, outcome
        if error is not None:
            self.failures += 1
            self.error = error
        if ended - started > self.slowest:
            self.slowest, self.slowest_key = ended - started, key

    def tally(self) -> CommandTally:
        return CommandTally(
            command=self.command,
            count=self.count,
            failures=self.failures,
            started=self.started,
            ended=self.ended,
            slowest_key=self.slowest_key,
            slowest_seconds=self.slowest.total_seconds(),
            outcome=self.outcome,
            error=self.error,
        )


class Session:
    """One wake-up of one SOP; open until the drive loop closes it."""

    def __init__(self, *, sop: str, opened: datetime) -> None:
        self.sop = sop
        self.opened = opened
        self._lock = Lock()
        self._cases: dict[str, CaseSeen] = {}
        self._parked: set[str] = set()
        self._uncounted = 0
        self._resting_unnamed: Counter[str] = Counter()
        self._commands: dict[str, _Tally] = {}
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether the drive loop has ended this wake-up."""
        return self._closed

    @property
    def count(self) -> int:
        """Cases known by key so far."""
        return len(self._cases)

    def took(self, *, key: str, event: str) -> None:
        """A case took an event."""
        with self._lock:
            if key in self._cases:
                return
            if len(self._cases) < MOST_CASES:
                self._cases[key] = CaseSeen(key=key, event=event)
            else:
                self._uncounted += 1

    def performed(
        self, *, key: str, command: str, started: datetime, ended: datetime, outcome: str, error: str | None
    ) -> None:
        """A command of a case was performed; `error` is None when it succeeded."""
        with self._lock:
            tally = self._commands.get(command)
            if tally is None:
                tally = self._commands[command] = _Tally(command, started)
            tally.add(key, started, ended, outcome, error)

    def parked(self, *, key: str) -> None:
        """A command of a case has failed for good."""
        with self._lock:
            if len(self._parked) < MOST_CASES:
                self._parked.add(key)

    def rested(
        self,
        *,
        key: str,
        title: str,
        message: str,
        final: bool,
        state: str = "",
        priority: str = "",
        attention: tuple[str, ...] = (),
    ) -> None:
        """A case came to rest in the state called `title`; a later rest of the same case replaces it."""
        with self._lock:
            case = self._cases.get(key)
            if case is None and len(self._cases) >= MOST_CASES:
                self._resting_unnamed[title] += 1
                return
            event = case.event if case is not None else ""
            self._cases[key] = CaseSeen(key, event, title, message, final, state, priority, attention)

    def close(self) -> None:
        """Nothing more is reported."""
        self._closed = True

    def snapshot(self) -> Snapshot:
        """What was reported so far."""
        with self._lock:
            cases = tuple(self._seen(case) for case in self._cases.values())
            resting = Counter(case.title for case in cases if case.title) + self._resting_unnamed
            return Snapshot(
                sop=self.sop,
                opened=self.opened,
                cases=cases,
                count=len(cases) + max(self._uncounted, self._resting_unnamed.total()),
                resting=resting,
                commands=tuple(tally.tally() for tally in self._commands.values()),
            )

    def _seen(self, case: CaseSeen) -> CaseSeen:
        if case.key not in self._parked:
            return case
        return replace(case, attention=(PARKED, *case.attention))


def merged(snapshots: Iterable[Snapshot]) -> Snapshot:
    """Several wake-ups of one SOP as one; of a case seen twice the first event and the last rest count.

    Raises ValueError when there is no snapshot.
    """
    first, *others = snapshots
    cases = {case.key: case for case in first.cases}
    commands = {tally.command: tally for tally in first.commands}
    unnamed = first.count - len(first.cases)
    resting = Counter(first.resting) - Counter(case.title for case in first.cases if case.title)
    for other in others:
        unnamed += other.count - len(other.cases)
        resting += Counter(other.resting) - Counter(case.title for case in other.cases if case.title)
        for case in other.cases:
            known = cases.get(case.key)
            cases[case.key] = case if known is None else _later(known, case)
        for tally in other.commands:
            before = commands.get(tally.command)
            commands[tally.command] = tally if before is None else before.plus(tally)
    return Snapshot(
        sop=first.sop,
        opened=min(first.opened, *(other.opened for other in others)) if others else first.opened,
        cases=tuple(cases.values()),
        count=len(cases) + unnamed,
        resting=resting + Counter(case.title for case in cases.values() if case.title),
        commands=tuple(commands.values()),
    )


def _later(known: CaseSeen, case: CaseSeen) -> CaseSeen:
    rest = case if case.title else known
    return replace(rest, event=known.event or case.event)
