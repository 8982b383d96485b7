"""Runs ``decide`` on what a situation holds, once for each distinct case and event."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from machines.check.ageing import age
from machines.check.course import Course, Place
from machines.check.inert import Inert
from machines.check.interning import Interned
from machines.check.liveness import Fields, Liveness
from machines.check.situation import LATER, NOW, Asked, Core, Happening, Raised, Step, Timers
from machines.kernel.case import Case, Timer
from machines.kernel.command import Command
from machines.kernel.decide import decide
from machines.kernel.decision import Decision
from machines.kernel.definition import Definition, Firing
from machines.kernel.event import DeadlinePassed, Event, Facts, Received
from machines.kernel.procedure import Procedure
from machines.kernel.rule import Disposition, Send
from machines.kernel.state import DEADLINE, Deadline

_PARENT = "parent/1"


class Watched(Definition):
    """A definition that remembers which events it met and which rules it chose."""

    def __init__(self, procedure: Procedure) -> None:
        super().__init__(procedure, due=_later)
        self.used: set[int] = set()
        self.seen: set[str] = set()

    def fire(self, firing: Firing) -> None:
        super().fire(firing)
        self.seen.add(firing.event.type)
        if firing.rule is not None:
            self.used.add(id(firing.rule))


class Stepper:
    """``child`` tells whether a parent listens. Numbers of data, happenings and commands are its own."""

    def __init__(
        self,
        procedure: Procedure,
        *,
        child: bool,
        liveness: Liveness,
        course: Course,
        openings: tuple[int, ...] | None,
    ) -> None:
        self.procedure = procedure
        self.definition = Watched(procedure)
        self.inert = Inert(procedure)
        self._tried: set[tuple[str, str]] = set()
        self.cores: Interned[Core] = Interned()
        self.data: Interned[Facts | None] = Interned()
        self.happenings: Interned[Happening] = Interned()
        self.asked: Interned[Asked] = Interned()
        self._until = {name: one.until for name, one in procedure.deadlines.items() if one.until}
        self.liveness = liveness
        self.course = course
        self.openings = openings
        self._spent: dict[int, frozenset[str]] = {}
        self._fields = Fields(procedure.data)
        self._forgotten: dict[tuple[str, int], int] = {}
        self._parent = _PARENT if child else None
        self._steps: dict[tuple[int, int], Step | Raised] = {}
        self._possible: dict[int, tuple[int, ...] | Raised] = {}
        self._outside: dict[int, tuple[int, ...] | Raised] = {}
        self.start = self.cores.number(Core(procedure.initial.name, self.data.number(None), ()))

    def state(self, core: int) -> str:
        return self.cores[core].state

    def happening(self, event: Event) -> int:
        return self.happenings.number(Happening(event.type, event, NOW))

    def deadlines(self, core: int) -> Iterable[int]:
        """The running deadlines that can pass next: those stated as a duration at any time, those that name
        their instant in the order of these instants."""
        running = [timer for timer in self.cores[core].timers if not timer.passed]
        first = min((timer.due for timer in running if timer.name in self._until), default=NOW)
        for timer in running:
            if timer.name not in self._until or timer.due <= max(NOW, first):
                at = max(NOW, timer.due) if timer.name in self._until else NOW
                passed = DeadlinePassed(name=timer.name)
                yield self.happenings.number(Happening(DEADLINE + timer.name, passed, at))

    def possible(self, command: int) -> tuple[int, ...] | Raised:
        """Every outcome of a command in flight."""
        if command not in self._possible:
            name, arguments = self.asked[command]
            try:
                events = tuple(self.procedure.commands[name].possible(arguments))
                self._possible[command] = tuple(dict.fromkeys(map(self.happening, events)))
            except Exception as error:
                self._possible[command] = Raised(f"possible outcomes of {name}", error)
        return self._possible[command]

    def come(self, command: int) -> None:
        """The outcomes of a command that is not carried along come all the same."""
        possible = self.possible(command)
        if not isinstance(possible, Raised):
            self.definition.seen.update(self.happenings[outcome].type for outcome in possible)

    def outside(self, number: int) -> tuple[int, ...] | Raised:
        """What may happen from outside to a case with data ``number``: without any, what opens one."""
        if number not in self._outside:
            try:
                events = self._openings() if self.data[number] is None else self._may_happen(number)
                self._outside[number] = tuple(dict.fromkeys(map(self.happening, events)))
            except Exception as error:
                self._outside[number] = Raised("may_happen", error)
        return self._outside[number]

    def _openings(self) -> Iterable[Event]:
        for event in self.procedure.opening:
            examples = event.examples if self.openings is None else [event.examples[n] for n in self.openings]
            yield from map(event.model_validate, examples)

    def _may_happen(self, data: int) -> Iterable[Event]:
        for one in self.procedure.may_happen(self.data[data]):
            yield one.event if isinstance(one, Send) else one

    def concerns(self, state: str, happening: int) -> bool:
        """Whether any rule could do more with the event than note it."""
        pair = (state, self.happenings[happening].type)
        fallback = self.definition.fallback.get(pair)
        kept = fallback is not None and fallback.disposition is Disposition.DEFERRED
        return kept or pair in self.definition.handled

    def step(self, core: int, happening: int) -> Step | Raised:
        known = self._steps.get((core, happening))
        if known is None:
            known = self._steps[core, happening] = self._decide(core, happening)
        return known

    def _decide(self, core: int, happening: int) -> Step | Raised:
        case, (kind, payload, at) = self._case(core), self.happenings[happening]
        event = Received("check", "check", kind, payload, at)
        self._fields.log.reads.clear()
        try:
            decision = decide(self.definition, case, event, at)
        except Exception as error:
            # It may have raised because what it read had been forgotten; then the next run tells.
            reads, state = self._fields.log.reads, case.state
            self.liveness.note(state=state, kind=kind, target=state, reads=reads, writes=frozenset())
            return Raised(f"on {kind}", error)
        after = self._note(case.state, kind, decision)
        idle, flying = [], []
        for command in decision.commands:
            if command.name in self.inert.names:
                idle.append(command.name)
                self._try_inert(after, command, at)
            else:
                flying.append(self.asked.number(Asked(command.name, age(command.arguments, at - NOW))))
        moved_to = self.cores.number(self._core(after, at - NOW))
        self.course.note(self._place(core), self._place(moved_to))
        return Step(
            core=moved_to,
            commands=tuple(flying),
            idle=tuple(idle),
            sends=decision.sends,
            disposition=decision.disposition,
            moved=decision.moved,
            reason=decision.entry.reason,
            passed=at - NOW,
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
        state, data, _ = self.cores[core]
        return self.course.place(state, self.data[data])

    def _note(self, state: str, kind: str, decision: Decision) -> Case:
        """The case as decided; what was read and written on the way is remembered."""
        if not decision.moved and decision.disposition is not Disposition.HANDLED:
            writes: frozenset[str] = frozenset()
            data = self._fields.plain(decision.case.data)[0]
        else:
            data, writes = self._fields.plain(decision.case.data)
        case = replace(decision.case, data=data)
        reads = self._fields.log.reads
        self.liveness.note(state=state, kind=kind, target=case.state, reads=reads, writes=writes)
        return case

    def _try_inert(self, case: Case, command: Command, at: datetime) -> None:
        """Nothing follows from its outcomes, but what takes them must not fail; once per state will do."""
        if (case.state, command.name) in self._tried:
            return
        self._tried.add((case.state, command.name))
        for outcome in self.procedure.commands[command.name].possible(command.arguments):
            decide(self.definition, case, Received("check", "check", outcome.type, outcome, at), at)

    def _core(self, case: Case, by: timedelta) -> Core:
        """``case`` as it is told apart, after ``by`` has passed."""
        data = age(case.data, by) if by else case.data
        timers = []
        for name, timer in sorted(case.timers.items()):
            until = self._until.get(name)
            due = until(data) if until and by else None
            timers.append(Timers(name, due or timer.due, timer.passed))
        return Core(case.state, self._remembered(case.state, data), tuple(timers))

    def _remembered(self, state: str, data: Facts | None) -> int:
        """The number of ``data`` without what no longer matters, if the same things may happen to that."""
        number = self.data.number(data)
        if data is None:
            return number
        known = self._forgotten.get((state, number))
        if known is None:
            less = self.data.number(self.liveness.forget(state, data))
            alike = less == number or self._concerning(state, less) == self._concerning(state, number)
            known = self._forgotten[state, number] = less if alike else number
        return known

    def _concerning(self, state: str, data: int) -> list[int]:
        outside = self.outside(data)
        if isinstance(outside, Raised):
            return []
        return [happening for happening in outside if self.concerns(state, happening)]

    def _case(self, core: int) -> Case:
        state, data, timers = self.cores[core]
        procedure = self.procedure
        return Case(
            sop=procedure.name,
            key="1",
            version=procedure.version,
            hash="",
            state=state,
            data=self._fields.watched(self.data[data]),
            parent=self._parent,
            timers={
                timer.name: Timer(timer.name, timer.due, set_at=NOW, passed=timer.passed) for timer in timers
            },
        )


def _later(_: Deadline, __: Facts, ___: datetime) -> datetime:
    return LATER
