"""The service levels of a procedure, and whether a case kept them: its clocks, and those of its deadlines
that are a limit to somebody. A reminder or a planned wait is none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from machines.kernel.clock import Reopened
from machines.kernel.event import SentBack
from machines.kernel.procedure import Procedure
from machines.kernel.state import DEADLINE
from machines.report.course import Course
from machines.report.measures import measures_of

_ALL = 100  #: percent


@dataclass(frozen=True, slots=True)
class Limit:
    """While the case stands in ``states`` the event ``missed`` must not come. A case that leaves them by one
    of ``void`` has neither kept nor missed it. ``once``: its time goes on when the case comes back, so that
    there is one verdict for the case, else one for each unbroken stay."""

    name: str
    text: str
    states: frozenset[str]
    missed: str
    void: frozenset[str]
    once: bool = False

    def verdicts(self, course: Course) -> Iterator[tuple[datetime, bool]]:
        """When it was clear, and whether it was kept."""
        misses = [line.at for line in course.lines if line.handled and line.event == self.missed]
        if self.once and misses:
            yield misses[0], False
            return
        for spell in course.spells(self.states):
            late = next(
                (at for at in misses if at >= spell.start and (spell.end is None or at <= spell.end)), None
            )
            if late is not None:
                yield late, False
            elif spell.end is not None and spell.left not in self.void:
                yield spell.end, True
                if self.once:
                    return


def limits_of(procedure: Procedure) -> list[Limit]:
    """Clocks first; of the deadlines those that are stated as a length of time."""
    measures = measures_of(procedure)
    void = frozenset((*measures.void, SentBack.type))
    clocks = [
        Limit(
            clock.name,
            clock.text,
            frozenset(clock.modes),
            f"{DEADLINE}{clock.threshold(_ALL)}",
            void,
            once=clock.reopened is Reopened.RESUMES,
        )
        for clock in procedure.clocks
        if _ALL in clock.percents
    ]
    deadlines = [
        Limit(
            one.name,
            one.text,
            frozenset(state.name for state in procedure.states if one in state.deadlines),
            one.type,
            void,
        )
        for one in procedure.deadlines.values()
        if one.after is not None and one.name not in measures.planned
    ]
    return clocks + deadlines
