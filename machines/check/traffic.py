"""What the walks of one scope know of one another: who sends which event, and what was decided and learnt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from machines.check.course import Course
from machines.check.deciding import Decisions
from machines.check.liveness import Liveness
from machines.check.scope import Scope
from machines.check.stepping import Stepper
from machines.kernel.procedure import Procedure


@dataclass(slots=True)
class Traffic:
    """Which events cases send one another, as (receiver, event type, who sends it).

    What is ``known`` does not come from outside as well. ``learnt`` and ``offered`` fill during a run; a run
    that offered from outside what turned out to be sent by a case has to be repeated. ``late`` tells when to
    stop. Only to prove the reductions they are switched off with ``reduced``.
    """

    scope: Scope
    deviations: float
    late: Callable[[], bool]
    reduced: bool
    walks: int = 0
    known: frozenset[tuple[str, str, str]] = frozenset()
    liveness: dict[str, Liveness] = field(default_factory=dict)
    courses: dict[str, Course] = field(default_factory=dict)
    decisions: dict[tuple[str, bool], Decisions] = field(default_factory=dict)
    learnt: set[tuple[str, str, str]] = field(default_factory=set)
    offered: set[tuple[str, str, str]] = field(default_factory=set)

    @property
    def again(self) -> bool:
        return not self.offered.isdisjoint(self.learnt)

    def longer(self, deviations: float) -> Traffic:
        """For the next run, which assumes what this one observed."""
        known = self.known | self.learnt
        return replace(
            self,
            deviations=deviations,
            walks=self.walks + 1,
            known=known,
            learnt=set(),
            offered=set(),
        )

    def grow(self) -> bool:
        """Assume what was observed of data and commands; whether the run relied on something else."""
        grown = [one.grow() for one in self.liveness.values()]
        grown += [one.grow() for one in self.courses.values()]
        return any(grown)

    def stepper(self, procedure: Procedure, *, child: bool) -> Stepper:
        """For one walk; it starts from what earlier ones decided."""
        name = procedure.name
        if name not in self.liveness:
            self.liveness[name] = Liveness(procedure, forgets=self.reduced)
            self.courses[name] = Course(procedure, forgets=self.reduced)
        if (name, child) not in self.decisions:
            self.decisions[name, child] = Decisions(
                procedure,
                child=child,
                liveness=self.liveness[name],
                openings=None if child else self.scope.openings,
            )
        return Stepper(self.decisions[name, child], course=self.courses[name])
