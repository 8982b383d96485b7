"""One step of a case as one walk tells cases apart: decided, and without what no longer matters."""

from __future__ import annotations

from datetime import timedelta

from machines.check.ageing import age
from machines.check.course import Course, Place
from machines.check.deciding import Decisions
from machines.check.situation import Asked, Core, Frame, Raised, Step
from machines.kernel.rule import Disposition


class Stepper:
    """``seen`` are the event types that this walk met, ``used`` the places of the rules that applied."""

    def __init__(self, decisions: Decisions, *, course: Course) -> None:
        self.decisions = decisions
        self.course = course
        self.definition = decisions.definition
        self.inert = decisions.inert
        self.cores, self.frames, self.data = decisions.cores, decisions.frames, decisions.data
        self.happenings, self.asked = decisions.happenings, decisions.asked
        self.told, self.deadlines = decisions.told, decisions.deadlines
        self.possible, self.outside = decisions.possible, decisions.outside
        self.seen: set[str] = set()
        self.used: set[int] = set()
        self._spent: dict[int, frozenset[str]] = {}
        self._forgotten: dict[tuple[str, int], int] = {}
        self._steps: dict[tuple[int, int], Step | Raised] = {}
        self.start = self.cores.number(Core(self.frames.number(Frame(decisions.procedure.initial.name)), 0))

    def state(self, core: int) -> str:
        return self.frames[self.cores[core].frame].state

    def come(self, command: int) -> None:
        """The outcomes of a command that is not carried along come all the same."""
        possible = self.possible(command)
        if not isinstance(possible, Raised):
            self.seen.update(self.happenings[outcome].type for outcome in possible)

    def concerns(self, state: str, happening: int) -> bool:
        """Whether any rule could do more with the event than note it."""
        pair = (state, self.happenings[happening].type)
        fallback = self.definition.fallback.get(pair)
        kept = fallback is not None and fallback.disposition is Disposition.DEFERRED
        return kept or pair in self.definition.handled

    def step(self, core: int, happening: int) -> Step | Raised:
        known = self._steps.get((core, happening))
        if known is None:
            known = self._steps[core, happening] = self._step(core, happening)
        return known

    def _step(self, core: int, happening: int) -> Step | Raised:
        decided = self.decisions.decided(core, happening)
        if isinstance(decided, Raised):
            return decided
        ruled, data, frame = decided
        self.seen |= ruled.seen
        self.used |= ruled.used
        moved_to = self.cores.number(Core(frame, self._remembered(ruled.state, data)))
        self.course.note(self._place(core), self._place(moved_to))
        return Step(
            core=moved_to,
            commands=ruled.commands,
            idle=ruled.idle,
            sends=ruled.sends,
            disposition=ruled.disposition,
            moved=ruled.moved,
            reason=ruled.reason,
            passed=ruled.passed,
        )

    def older(self, command: int, by: timedelta, newer: list[int]) -> int:
        """A command in flight after ``by`` has passed, which its dates follow. Where the same
        is asked anew, those in the earlier question lie in the past."""
        name, arguments = self.asked[command]
        if name in self.course.silent and any(self.asked[one].name == name for one in newer):
            by = timedelta(days=36_500)
        return self.asked.number(Asked(name, age(arguments, by))) if by else command

    def spent(self, core: int) -> frozenset[str]:
        """Commands whose outcomes change nothing any more, wherever a case at ``core`` goes."""
        if core not in self._spent:
            self._spent[core] = self.course.spent(self._place(core))
        return self._spent[core]

    def _place(self, core: int) -> Place:
        return Place(self.state(core), self.data.has(self.cores[core].data))

    def _remembered(self, state: str, data: int) -> int:
        """The number of the data without what no longer matters, if the same things may happen to that."""
        known = self._forgotten.get((state, data))
        if known is None:
            less = self.data.without(data, self.decisions.liveness.forgotten(state))
            alike = less == data or self._concerning(state, less) == self._concerning(state, data)
            known = self._forgotten[state, data] = less if alike else data
        return known

    def _concerning(self, state: str, data: int) -> list[int]:
        outside = self.outside(data)
        if isinstance(outside, Raised):
            return []
        return [happening for happening in outside if self.concerns(state, happening)]
