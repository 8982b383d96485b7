"""What a check found: findings, each with the shortest path of events to it, and how much was explored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    UNREACHABLE = "state is never reached"
    NO_END = "no end can be reached"
    STUCK = "nothing can move the case"
    NO_DEADLINE = "waits without a deadline or a reason"
    UNHANDLED_OUTCOME = "an outcome has no rule"
    LATE_OUTCOME = "an outcome can arrive where no rule takes it"
    DEFERRED_OUTCOME = "an outcome or deadline is deferred, but only messages are kept"
    KEPT_AT_END = "a deferred event is never taken up"
    UNDECLARED = "state and event have no rule"
    RAISES = "a guard or an effect raises"
    NOBODY_SENDS = "nobody sends the event"
    UNREPORTED = "a child ends without a word"
    UNASKED = "a customer is to answer and is not written to"
    NO_RECEIVER = "the event goes to nobody"
    UNRULED_DEADLINE = "a deadline runs without a rule"
    CLOCK = "a clock cannot do what it says"
    LADDER = "a ladder is not climbed to its top"
    DEAD_RULE = "a rule never applies"
    NEVER_DEFERRED = "a deferral never applies"
    LAW = "a law is broken"
    OBLIGATION = "an obligation is not fulfilled"
    TOO_LARGE = "too many situations to explore them all"


@dataclass(frozen=True, slots=True)
class Finding:
    """``path`` leads from the opening of a case to the finding; a static finding has none."""

    kind: Kind
    sop: str
    at: str
    text: str
    path: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = [f"{self.sop}: {self.kind.value}: {self.at}: {self.text}"]
        lines += [f"    {number}. {step}" for number, step in enumerate(self.path, start=1)]
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Explored:
    """How much of one procedure was walked through; ``situations`` tell apart state, data, timers, commands
    in flight, children and ledger. ``deviations`` is the bound where one left something out, ``None`` where
    all there is in the scope was explored. ``walks`` counts how often it was walked through until what was
    assumed held. The ``seconds`` of a child are in those of its parent."""

    sop: str
    scope: str
    states: int
    situations: int
    steps: int
    deviations: int | None
    walks: int
    seconds: float

    def __str__(self) -> str:
        walked = f"{self.states} states, {self.situations} situations, {self.steps} steps"
        if not self.seconds:
            return f"  {self.sop} as it is opened there: {walked}"
        bounded = f"every path with {self.deviations} deviations at most"
        reach = "every path" if self.deviations is None else bounded
        return f"{self.sop}, {self.scope}: {reach}: {walked}, {self.seconds:.1f} s"


@dataclass(frozen=True, slots=True)
class Met:
    """What walks came across of one procedure: states, event types, and places of the rules that applied."""

    states: frozenset[str] = frozenset()
    events: frozenset[str] = frozenset()
    rules: frozenset[int] = frozenset()

    def __or__(self, other: Met) -> Met:
        return Met(self.states | other.states, self.events | other.events, self.rules | other.rules)


@dataclass(frozen=True, slots=True)
class Walked:
    """All that one scope of one procedure shows; ``met`` is by procedure, for it opens others."""

    findings: tuple[Finding, ...]
    explored: tuple[Explored, ...]
    met: Mapping[str, Met]


@dataclass(frozen=True, slots=True)
class Report:
    findings: tuple[Finding, ...]
    explored: tuple[Explored, ...]

    @property
    def clean(self) -> bool:
        return not self.findings

    def __str__(self) -> str:
        lines = [str(one) for one in self.explored]
        lines += [str(finding) for finding in self.findings]
        lines.append(f"{len(self.findings)} finding(s)" if self.findings else "no findings")
        return "\n".join(lines)
