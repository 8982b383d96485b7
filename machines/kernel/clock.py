"""SLA clocks: a budget of time that runs in some states of a case, rests in others, and is told by degrees.

    RESOLUTION = Clock(
        "resolution",
        "The complaint is resolved.",
        budget=working_days(15),
        runs_in=(RECEIVED, ASSESSING, INVESTIGATING),
        pauses_in=(AWAITING_CUSTOMER,),
        rungs=(
            Rung(75, whom="senior agent", text="Look after it.", acknowledge_within=working_hours(2)),
            Rung(100, whom="manager", text="The target is missed.", acknowledge_within=working_hours(1)),
        ),
    )
    on(RESOLUTION.at(75), at=OPEN, does=(ALERT,))
    on(RESOLUTION.at(100), at=OPEN, does=(ALERT,))
    on(RESOLUTION.unacknowledged, at=OPEN, does=(ALERT,))
    on(EscalationAcknowledged, at=OPEN)

Guards, effects and commands of such rules are given a ``ClockReached``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Any

from machines.kernel.duration import Duration
from machines.kernel.errors import DefinitionError
from machines.kernel.event import Event, Key
from machines.kernel.state import Deadline, State

UNACKNOWLEDGED = "unacknowledged"


class Mode(StrEnum):
    """What a clock does in a state."""

    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"


class Reopened(StrEnum):
    """What becomes of a stopped clock when the case comes back to a state in which it runs or pauses."""

    RESUMES = "resumes"  #: with what was left of its budget; thresholds told are not told again
    RESTARTS = "restarts"  #: with the whole budget, from the first threshold


class ClockReached(Event, type="clock"):
    """A clock has used ``percent`` of its budget, or the ladder speaks again because nobody answered.

    ``due`` is when all of it is used, unless the clock is paused. ``whom`` is the role to alert and ``text``
    what it is told, if there is a rung; ``times`` counts how often the ladder has spoken since its rung was
    reached.
    """

    clock: str
    percent: int
    due: datetime | None = None
    whom: str | None = None
    text: str | None = None
    times: int = 0


class Acknowledged(Event, type="acknowledged"):
    """Somebody has taken an escalation on. Each procedure subclasses it under a type of its own; where a rule
    handles it, the ladders of the case (or the one of ``clock``) fall silent until their next rung."""

    by: Key
    clock: Key | None = None


class PolicyChanged(Event, type="policy.changed"):
    """The clocks of the case may be due at another time: the policy is now the one named ``policy``."""

    policy: str


@dataclass(frozen=True, slots=True)
class Rung:
    """Who is alerted at ``at`` percent of the budget. With ``acknowledge_within``, an alert that nobody
    acknowledges in that time goes one rung up, and on the last rung is repeated."""

    at: int
    whom: str
    text: str
    acknowledge_within: Duration | None = None


@dataclass(frozen=True)
class Clock:
    """A service level. It starts when the case first enters a state of ``runs_in`` or ``pauses_in``, and
    stops in every state of neither.

    ``budget`` may depend on the data, such as on a severity; the policy may set another one. Budgets in
    working time use up working time only and alert only then; others run by the wall. ``thresholds`` are
    percentages at which a rule is told, besides those of the ``rungs``. When what ``owner(data)`` answers
    changes, an acknowledgement given before no longer counts, and the ladder speaks to the new owner. A
    ``statutory`` clock, whose time the law sets, runs on and tells its thresholds while the case is on hold.
    """

    name: str
    text: str
    budget: Duration | Callable[[Any], Duration]
    runs_in: tuple[State, ...]
    pauses_in: tuple[State, ...] = ()
    thresholds: tuple[int, ...] = (100,)
    rungs: tuple[Rung, ...] = ()
    reopened: Reopened = Reopened.RESUMES
    owner: Callable[[Any], str | None] | None = None
    statutory: bool = False
    fulfils: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if "." in self.name:
            raise DefinitionError(f"clock {self.name!r}: a full stop separates its thresholds; leave it out")
        both = {state.name for state in self.runs_in} & {state.name for state in self.pauses_in}
        if both or not self.runs_in:
            which = f"both runs and pauses in {', '.join(sorted(both))}" if both else "runs nowhere"
            raise DefinitionError(f"clock {self.name!r} {which}; give each state once")
        if not self.percents or self.percents[0] < 1:
            raise DefinitionError(f"clock {self.name!r}: thresholds {self.percents} are not all above 0")
        if len({rung.at for rung in self.rungs}) < len(self.rungs):
            raise DefinitionError(f"clock {self.name!r}: two rungs at the same percentage")

    @cached_property
    def percents(self) -> tuple[int, ...]:
        """Every percentage at which it is told, ascending."""
        return tuple(sorted({*self.thresholds, *(rung.at for rung in self.rungs)}))

    @cached_property
    def ladder(self) -> tuple[Rung, ...]:
        return tuple(sorted(self.rungs, key=lambda rung: rung.at))

    @cached_property
    def nags(self) -> bool:
        """Whether any rung wants an acknowledgement."""
        return any(rung.acknowledge_within for rung in self.rungs)

    def at(self, percent: int) -> Deadline:
        """What rules handle when ``percent`` of the budget is used; raises ``DefinitionError``."""
        if percent not in self.percents:
            raise DefinitionError(f"clock {self.name!r} has no threshold {percent}; it has {self.percents}")
        rung = next((one for one in self.rungs if one.at == percent), None)
        if rung is None:
            return Deadline(self.threshold(percent), f"{percent} % of the time for this is used: {self.text}")
        return Deadline(self.threshold(percent), f"The {rung.whom} is alerted: {rung.text.rstrip('.')}.")

    def threshold(self, percent: int) -> str:
        """The name of its timer."""
        return f"{self.name}.{percent}"

    @property
    def unacknowledged(self) -> Deadline:
        """What rules handle when the ladder has to speak again."""
        return Deadline(
            self.nagging,
            "Nobody acknowledged the alert in time; the next in line is alerted, or the last again.",
        )

    @property
    def nagging(self) -> str:
        return f"{self.name}.{UNACKNOWLEDGED}"

    @property
    def deadlines(self) -> tuple[Deadline, ...]:
        """Everything that it tells a procedure."""
        told = tuple(map(self.at, self.percents))
        return (*told, self.unacknowledged) if self.nags else told

    @cached_property
    def timers(self) -> tuple[str, ...]:
        """The names of its timers."""
        return (*map(self.threshold, self.percents), self.nagging)

    def told_in(self, state: State) -> tuple[Deadline, ...]:
        """What it may tell a case in ``state``: a threshold that came late finds it paused, too."""
        match self.modes.get(state.name, Mode.STOPPED):
            case Mode.STOPPED:
                return ()
            case Mode.PAUSED:
                return tuple(map(self.at, self.percents))
            case Mode.RUNNING:
                return self.deadlines

    @cached_property
    def modes(self) -> dict[str, Mode]:
        """By name of state; stopped everywhere else."""
        runs = {state.name: Mode.RUNNING for state in self.runs_in}
        return runs | {state.name: Mode.PAUSED for state in self.pauses_in}
