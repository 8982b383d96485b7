"""Runs ``decide`` on what a situation holds, once for each distinct case and event."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from machines.check.ageing import age
from machines.check.interning import Interned
from machines.check.situation import LATER, NOW, Asked, Core, Happening, Raised, Step, Timers
from machines.kernel.case import Case, Timer
from machines.kernel.decide import decide
from machines.kernel.definition import Definition, Firing
from machines.kernel.event import DeadlinePassed, Event, Facts, Received
from machines.kernel.procedure import Procedure
from machines.kernel.rule import Send
from machines.kernel.state import DEADLINE, Deadline

_PARENT = "parent/1"


class Stepper:
    """``child`` tells whether a parent listens. Numbers of data, happenings and commands are its own."""

    def __init__(self, procedure: Procedure, *, child: bool) -> None:
        self.procedure = procedure
        self.definition = Definition(procedure, due=_later)
        self.cores: Interned[Core] = Interned()
        self.data: Interned[Facts | None] = Interned()
        self.happenings: Interned[Happening] = Interned()
        self.asked: Interned[Asked] = Interned()
        self._until = {name: one.until for name, one in procedure.deadlines.items() if one.until}
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

    def outside(self, core: int) -> tuple[int, ...] | Raised:
        """What may happen from outside: to a case without data what opens one, by its examples."""
        number = self.cores[core].data
        if number not in self._outside:
            try:
                events = self._openings() if core == self.start else self._may_happen(number)
                self._outside[number] = tuple(dict.fromkeys(map(self.happening, events)))
            except Exception as error:
                self._outside[number] = Raised("may_happen", error)
        return self._outside[number]

    def _openings(self) -> Iterable[Event]:
        for event in self.procedure.opening:
            yield from map(event.model_validate, event.examples)

    def _may_happen(self, data: int) -> Iterable[Event]:
        for one in self.procedure.may_happen(self.data[data]):
            yield one.event if isinstance(one, Send) else one

    def step(self, core: int, happening: int) -> Step | Raised:
        known = self._steps.get((core, happening))
        if known is None:
            known = self._steps[core, happening] = self._decide(core, happening)
        return known

    def _decide(self, core: int, happening: int) -> Step | Raised:
        case, (kind, payload, at) = self._case(core), self.happenings[happening]
        event = Received("check", "check", kind, payload, at)
        firing = Firing(case=case, event=event, now=at)
        try:
            self.definition.fire(firing)
            decision = decide(self.definition, case, event, at)
        except Exception as error:
            return Raised(f"on {kind}", error)
        return Step(
            core=self.cores.number(self._core(decision.case, at - NOW)),
            commands=tuple(
                self.asked.number(Asked(command.name, command.arguments)) for command in decision.commands
            ),
            sends=decision.sends,
            disposition=decision.disposition,
            moved=decision.moved,
            rule=firing.rule,
            reason=decision.entry.reason,
        )

    def _core(self, case: Case, by: timedelta) -> Core:
        """``case`` as it is told apart, after ``by`` has passed."""
        data = age(case.data, by) if by else case.data
        timers = []
        for name, timer in sorted(case.timers.items()):
            until = self._until.get(name)
            due = until(data) if until and by else None
            timers.append(Timers(name, due or timer.due, timer.passed))
        return Core(case.state, self.data.number(data), tuple(timers))

    def _case(self, core: int) -> Case:
        state, data, timers = self.cores[core]
        procedure = self.procedure
        return Case(
            sop=procedure.name,
            key="1",
            version=procedure.version,
            hash="",
            state=state,
            data=self.data[data],
            parent=self._parent,
            timers={
                timer.name: Timer(timer.name, timer.due, set_at=NOW, passed=timer.passed) for timer in timers
            },
        )


def _later(_: Deadline, __: Facts, ___: datetime) -> datetime:
    return LATER
