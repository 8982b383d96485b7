"""Plays events through ``decide`` and answers every command, ordinarily or as a test has it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from machines.catalogue import CATALOGUE
from machines.kernel.case import Case, case_id
from machines.kernel.command import Command
from machines.kernel.decide import decide, open_case
from machines.kernel.decision import Decision
from machines.kernel.definition import Definition
from machines.kernel.event import DeadlinePassed, Event, Facts, Received
from machines.kernel.rule import Disposition
from machines.kernel.state import DEADLINE, Deadline, State
from machines.ledger import LAWS
from machines.messages import Alert, Message

START = datetime(2026, 11, 23, 9, tzinfo=UTC)
Answer = Event | Callable[[Any], Event]
"""An outcome, or what makes one of the arguments of the command."""
D = TypeVar("D", bound=Facts)


def _due(_: Deadline, __: Facts, now: datetime) -> datetime:
    return now + timedelta(days=1)


DEFINITIONS = {procedure.name: Definition(procedure, due=_due) for procedure in CATALOGUE}


class Play:
    """``answers`` are given to the commands of a name in turn, after them the ordinary outcome; commands in
    ``held`` stay unanswered until ``answer``."""

    def __init__(
        self, *, answers: Mapping[str, Sequence[Answer]] | None = None, held: Sequence[str] = ()
    ) -> None:
        self.cases: dict[str, Case] = {}
        self.done: list[str] = []
        self.told: list[str] = []
        self.called: list[str] = []
        self.sums: dict[str, Counter[str]] = {}
        self.last: Decision | None = None
        self._answers = {name: list(given) for name, given in (answers or {}).items()}
        self._held = set(held)
        self._flying: list[tuple[str, Command]] = []
        self._kept: dict[str, list[Event]] = {}

    def state(self, case: str) -> str:
        return self.cases[case].state

    def procedure_state(self, case: str) -> State:
        return DEFINITIONS[case.partition("/")[0]].states[self.state(case)]

    @property
    def reason(self) -> str:
        """Why what happened last went as it did, as the journal says."""
        assert self.last is not None
        return self.last.entry.reason

    def data(self, case: str, kind: type[D]) -> D:
        """What ``case`` knows."""
        data = self.cases[case].data
        assert isinstance(data, kind)
        return data

    def tell(self, case: str, event: Event, *, parent: str | None = None) -> Disposition:
        """Answers what became of ``event``; all that follows from it has happened then."""
        return self._fire(case, event.type, event, parent=parent)

    def pass_deadline(self, case: str, name: str) -> Disposition:
        assert name in self.cases[case].timers, f"{name} does not run in {self.state(case)}"
        return self._fire(case, DEADLINE + name, DeadlinePassed(name=name))

    def answer(self, name: str, outcome: Answer | None = None) -> None:
        """Let the first command of this name that was held end."""
        found = next((case, command) for case, command in self._flying if command.name == name)
        self._flying.remove(found)
        self._end(*found, outcome)

    def broken_laws(self, case: str) -> list[str]:
        laws = LAWS[case.partition("/")[0]]
        return [broken for law in laws for broken in law(self.sums.get(case, Counter()))]

    def _fire(self, case: str, kind: str, event: Event, *, parent: str | None = None) -> Disposition:
        sop, _, key = case.partition("/")
        definition = DEFINITIONS[sop]
        before = self.cases.get(case) or open_case(definition, key=key, parent=parent)
        now = before.timers[kind.removeprefix(DEADLINE)].due if kind.startswith(DEADLINE) else START
        received = Received(id=str(before.seq), source="test", type=kind, payload=event, at=now)
        decision = self.last = decide(definition, before, received, now)
        self.cases[case] = decision.case
        if decision.disposition is Disposition.HANDLED:
            self.sums.setdefault(case, Counter()).update(event.postings())
        if decision.disposition is Disposition.DEFERRED:
            self._kept.setdefault(case, []).append(event)
        self._follow(case, decision)
        return decision.disposition

    def _follow(self, case: str, decision: Decision) -> None:
        for send in decision.sends:
            if send.to is not None:
                self.tell(case_id(*send.to), send.event, parent=case)
            elif self.cases[case].parent:
                self.tell(str(self.cases[case].parent), send.event)
        for command in decision.commands:
            self.done.append(command.name)
            if isinstance(command.arguments, Message):
                self.told.append(command.arguments.template)
            if isinstance(command.arguments, Alert):
                self.called.append(command.arguments.role)
            if command.name in self._held:
                self._flying.append((case, command))
            else:
                self._end(case, command, None)
        if decision.moved:
            for event in self._kept.pop(case, []):
                self.tell(case, event)

    def _end(self, case: str, command: Command, outcome: Answer | None) -> None:
        waiting = self._answers.get(command.name)
        if outcome is None and waiting:
            outcome = waiting.pop(0)
        if outcome is None:
            kind = DEFINITIONS[case.partition("/")[0]].procedure.commands[command.name]
            outcome = next(iter(kind.possible(command.arguments)))
        event = outcome if isinstance(outcome, Event) else outcome(command.arguments)
        self._fire(case, event.type, event)
