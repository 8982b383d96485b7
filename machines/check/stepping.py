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
        self._cores = self.cores.things
        self.told, self.deadlines = decisions.told, decisions.deadlines
        self.possible, self.outside = decisions.possible, decisions.outside
        self.seen: set[str] = set()
        self.used: set[int] = set()
        self._forgotten: dict[tuple[str, int], int] = {}
        self._concerning: dict[tuple[str, tuple[int, ...]], tuple[int, ...]] = {}
        self._postings: dict[int, tuple[tuple[str, int], ...]] = {}
        self._places: dict[int, Place] = {}
        self._steps: dict[tuple[int, int], Step | Raised] = {}
        self.start = self.cores.number(Core(decisions.procedure.initial.name, self.frames.number(Frame()), 0))

    def state(self, core: int) -> str:
        return self._cores[core].state

    def come(self, command: int) -> None:
        """The outcomes of a command that is not carried along come all the same."""
        possible = self.possible(command)
        if not isinstance(possible, Raised):
            self.seen.update(self.happenings[outcome].type for outcome in possible)

    def concerning(self, state: str, outside: tuple[int, ...]) -> tuple[int, ...]:
        """What of ``outside`` any rule could do more with than note it."""
        known = self._concerning.get((state, outside))
        if known is None:
            known = tuple(happening for happening in outside if self._concerns(state, happening))
            self._concerning[state, outside] = known
        return known

    def _concerns(self, state: str, happening: int) -> bool:
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
        moved_to = self.cores.number(Core(ruled.state, frame, self._remembered(ruled.state, data)))
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

    def spent(self, core: int, name: str) -> bool:
        """Whether the outcomes of a command change nothing any more, wherever a case at ``core`` goes."""
        return self.course.spent(self._place(core), name)

    def _place(self, core: int) -> Place:
        place = self._places.get(core)
        if place is None:
            state, _, data = self.cores[core]
            place = self._places[core] = Place(state, self.data.has(data))
        return place

    def _remembered(self, state: str, data: int) -> int:
        """The number of the data without what no longer matters, if the same things may happen to that."""
        known = self._forgotten.get((state, data))
        if known is None:
            known = self._forgotten[state, data] = self._forget(state, data)
        return known

    def _forget(self, state: str, data: int) -> int:
        liveness = self.decisions.liveness
        names = self.data.differing(data, liveness.forgotten(state))
        less = self.data.without(data, names)
        if names and self._may_happen(state, less) != self._may_happen(state, data):
            return data
        liveness.relied.update((state, name) for name in names)
        return less

    def _may_happen(self, state: str, data: int) -> tuple[int, ...]:
        outside = self.outside(data)
        return () if isinstance(outside, Raised) else self.concerning(state, outside)

    def postings(self, happening: int) -> tuple[tuple[str, int], ...]:
        known = self._postings.get(happening)
        if known is None:
            posted = self.happenings[happening].payload.postings()
            known = tuple((account, amount) for account, amount in posted.items() if amount)
            self._postings[happening] = known
        return known
