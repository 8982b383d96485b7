"""Plays a scenario against the real procedures on a virtual clock, in memory: no waiting, no adapters.

Cases, children, deadlines and deferred events behave as in operation; the same scenario gives the same run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from difflib import get_close_matches
from heapq import heappop, heappush
from itertools import count

from machines.kernel.calendar import Calendar
from machines.kernel.case import Case, Entry, case_id
from machines.kernel.command import Command
from machines.kernel.decide import decide, open_case
from machines.kernel.decision import Decision
from machines.kernel.definition import Definition
from machines.kernel.errors import ScenarioError
from machines.kernel.event import DeadlinePassed, Event, Received
from machines.kernel.rule import Disposition, Send
from machines.kernel.state import DEADLINE
from machines.messages import templates
from machines.scenario import Outcome, Scenario, Told

ANSWER = timedelta(seconds=2)  #: how long a command takes unless the scenario says otherwise


@dataclass(frozen=True, slots=True)
class Performed:
    """One command that was performed, and the outcome it was given, if its kind answers at all."""

    at: datetime
    case: str
    command: Command
    outcome: Event | None


@dataclass(slots=True)
class Run:
    """What became of all cases; ``journal`` and ``performed`` are in the order in which things happened."""

    scenario: Scenario
    calendar: Calendar
    ended: datetime
    cases: dict[str, Case] = field(default_factory=dict)
    journal: list[tuple[str, Entry]] = field(default_factory=list)
    performed: list[Performed] = field(default_factory=list)
    unmatched: dict[str, list[Received]] = field(default_factory=dict)

    def entries(self, case: str) -> list[Entry]:
        return [entry for owner, entry in self.journal if owner == case]

    def state_at(self, case: str, instant: datetime) -> str | None:
        states = [entry.after for entry in self.entries(case) if entry.at <= instant]
        return states[-1] if states else None

    def balances(self, case: str) -> dict[str, int]:
        """Sums of what the events of ``case`` posted; a message that was not handled posts nothing."""
        sums: dict[str, int] = {}
        for entry in self.entries(case):
            fact = entry.source == "step" or "/" in entry.source
            if isinstance(entry.body, Event) and (fact or entry.disposition is Disposition.HANDLED):
                for account, amount in entry.body.postings().items():
                    sums[account] = sums.get(account, 0) + amount
        return sums


def simulate(scenario: Scenario, *, definitions: Mapping[str, Definition], calendar: Calendar) -> Run:
    """Play ``scenario`` to its end: until nothing is left to happen, or its time is over."""
    world = _World(scenario, definitions, calendar)
    world.play()
    return world.run


@dataclass(frozen=True, slots=True)
class _Due:
    case: str
    timer: str


_Item = tuple[datetime, int, str, Received | _Due]


class _World:
    def __init__(self, scenario: Scenario, definitions: Mapping[str, Definition], calendar: Calendar) -> None:
        self.scenario = scenario
        self.definitions = definitions
        self.end = calendar.due(scenario.start, scenario.lasts)
        self.run = Run(scenario, calendar, scenario.start)
        self._queue: list[_Item] = []
        self._numbers = count(1)
        self._kept: dict[str, list[Received]] = {}
        self._parents: dict[str, str] = {}
        self._issued: dict[tuple[str, str], int] = {}
        self._know(scenario.expect.letters)
        for told in scenario.events:
            self._plan(told)

    def play(self) -> None:
        while self._queue and self._queue[0][0] <= self.end:
            now, _, case, what = heappop(self._queue)
            event = self._passed(what, now) if isinstance(what, _Due) else what
            if event is not None:
                self._deliver(case, event, now)
                self.run.ended = now

    def _know(self, letters: Iterable[str]) -> None:
        written = {name for one in self.definitions.values() for name in templates(one.procedure)}
        for letter in letters:
            if letter not in written:
                near = get_close_matches(letter, written, n=3, cutoff=0.3) or sorted(written)
                raise ScenarioError(f"no letter is called {letter!r}; did you mean {' or '.join(near)}?")

    def _plan(self, told: Told) -> None:
        case, start = told.case or self.scenario.case, self.scenario.start
        at = self.run.calendar.due(start, told.after) if told.after else start
        kind = self._definition(case).procedure.event_types.get(told.type)
        if kind is None:
            raise ScenarioError(f"{case}: its procedure knows no event {told.type!r}")
        example = kind.examples[told.example - 1] if told.example <= len(kind.examples) else {}
        payload = kind.model_validate({**example, **told.fields})
        self._put(at, case, self._received(payload, at, source="outside"))

    def _received(self, payload: Event, at: datetime, *, source: str, step: str | None = None) -> Received:
        return Received(str(next(self._numbers)), source, payload.type, payload, at, step)

    def _put(self, at: datetime, case: str, what: Received | _Due) -> None:
        heappush(self._queue, (at, next(self._numbers), case, what))

    def _definition(self, case: str) -> Definition:
        sop = case.partition("/")[0]
        try:
            return self.definitions[sop]
        except KeyError:
            raise ScenarioError(f"{case}: there is no procedure {sop!r}") from None

    def _passed(self, due: _Due, now: datetime) -> Received | None:
        timer = self.run.cases[due.case].timers.get(due.timer)
        if timer is None or timer.passed or timer.due > now:
            return None
        passed = DeadlinePassed(name=due.timer)
        return replace(self._received(passed, now, source="timer"), type=DEADLINE + due.timer)

    def _deliver(self, case: str, event: Received, now: datetime) -> None:
        definition = self._definition(case)
        current = self.run.cases.get(case)
        if current is None:
            if not event.payload.opens:
                self.run.unmatched.setdefault(case, []).append(event)
                return
            key = case.partition("/")[2]
            current = open_case(definition, key=key, parent=self._parents.get(case))
            for waiting in self.run.unmatched.pop(case, ()):
                self._put(now, case, waiting)
        decision = decide(definition, current, event, now)
        self.run.cases[case] = decision.case
        self.run.journal.append((case, decision.entry))
        if decision.disposition is Disposition.DEFERRED:
            self._kept.setdefault(case, []).append(event)
        self._follow(case, decision, now)

    def _follow(self, case: str, decision: Decision, now: datetime) -> None:
        for send in decision.sends:
            self._send(decision.case, send, now)
        for command in decision.commands:
            self._perform(case, command, now)
        for timer in decision.timers_set:
            self._put(max(now, timer.due), case, _Due(case, timer.name))
        if decision.moved:
            for event in self._kept.pop(case, ()):
                self._put(now, case, event)

    def _send(self, case: Case, send: Send, now: datetime) -> None:
        to = case_id(*send.to) if send.to else case.parent
        if to is None:
            return
        if send.event.opens:
            self._parents.setdefault(to, case.id)
        self._put(now, to, self._received(send.event, now, source=case.id))

    def _perform(self, case: str, command: Command, now: datetime) -> None:
        number = self._issued[case, command.name] = self._issued.get((case, command.name), 0) + 1
        possible = tuple(self._definition(case).procedure.commands[command.name].possible(command.arguments))
        if not possible:
            self.run.performed.append(Performed(now, case, command, None))
            return
        script = self._script(case, command, number)
        outcome, takes = possible[0], ANSWER
        if script is not None:
            outcome = _choose(script, possible)
            takes = self.run.calendar.due(now, script.takes) - now if script.takes else ANSWER
        self.run.performed.append(Performed(now, case, command, outcome))
        at = now + takes
        self._put(at, case, self._received(outcome, at, source="step", step=command.key))

    def _script(self, case: str, command: Command, number: int) -> Outcome | None:
        fitting = [
            one
            for one in self.scenario.outcomes
            if one.command == command.name
            and one.occurrence in {None, number}
            and (one.case is None or one.case == case)
        ]
        return max(fitting, key=lambda one: one.occurrence is not None, default=None)


def _choose(script: Outcome, possible: tuple[Event, ...]) -> Event:
    becomes = script.becomes or possible[0].type
    fitting = [outcome for outcome in possible if outcome.type == becomes]
    if len(fitting) < script.choice:
        known = ", ".join(outcome.type for outcome in possible)
        raise ScenarioError(
            f"{script.command} cannot end in {becomes} no. {script.choice} here; it can in {known}"
        )
    outcome = fitting[script.choice - 1]
    return type(outcome).model_validate({**outcome.model_dump(), **script.fields})
