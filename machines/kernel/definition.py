"""A procedure made ready to run: its rules in one ``transitions`` machine, its durations bound to a calendar.

Definitions are built once per process and shared by all cases. The machine has no models: a case visits it
as a ``Firing`` for the length of one event, which is some 200 times cheaper than a machine per case.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import cast

from transitions import Event, EventData, Machine, Transition

from machines.kernel.errors import DefinitionError, UnknownState
from machines.kernel.event import Facts, Received
from machines.kernel.procedure import Procedure
from machines.kernel.rule import Disposition, Rule
from machines.kernel.state import Deadline, State
from machines.kernel.timekeeping import ROUND_THE_CLOCK, Timing
from machines.kernel.verdict import ELSEWHERE, Refusal

Due = Callable[[Deadline, Facts, datetime], datetime]
"""(deadline, data, set at) -> due, for a deadline stated as a duration."""


class Firing:
    """One event visiting the machine: what the case had, and which rule took it."""

    __slots__ = ("data", "event", "now", "refusal", "rule", "state")

    def __init__(self, *, state: str, data: Facts | None, event: Received, now: datetime) -> None:
        self.state = state
        self.data = data
        self.event = event
        self.now = now
        self.rule: Rule | None = None
        self.refusal: Refusal | None = None


class _Way(Transition):
    """One way out of a state, with a condition and no other hook."""

    def execute(self, event_data: EventData) -> bool:
        if not self._eval_conditions(event_data):
            return False
        if self.dest is not None:
            cast(Firing, event_data.model).state = self.dest
        return True


class _Trigger(Event):
    """Takes the first way that is open. The hooks of the package, and what it tells a log that nobody reads,
    cost a seventh of a decision on the ways and an eighth in what triggers them (measured)."""

    def trigger(self, model: object, *_: object, **__: object) -> bool:
        event_data = EventData(None, self, self.machine, model, args=(), kwargs={})
        return any(way.execute(event_data) for way in self.transitions[cast(Firing, model).state])


class _Ways(Machine):
    transition_cls = _Way
    event_cls = _Trigger


class Definition:
    """``procedure`` with ``due`` to turn durations into instants, the ``timing`` of its clocks, and the
    ``terms`` of the house (its own, if none are given), ready for ``decide``."""

    def __init__(
        self,
        procedure: Procedure,
        *,
        due: Due,
        timing: Timing = ROUND_THE_CLOCK,
        terms: Facts | None = None,
    ) -> None:
        self.procedure = procedure
        self.due = due
        self.timing = timing
        self.clocks = procedure.clocks
        self.clock_timers = frozenset(name for clock in procedure.clocks for name in clock.timers)
        self.telling = {told.type: clock for clock in procedure.clocks for told in clock.deadlines}
        self.terms = procedure.terms() if terms is None and procedure.terms else terms
        self.states: Mapping[str, State] = {state.name: state for state in procedure.states}
        self.fallback: Mapping[tuple[str, str], Rule] = self._fallbacks()
        self.machine = self._machine()
        self.handled = {
            (state.name, rule.event)
            for rule in procedure.rules
            if rule.disposition is Disposition.HANDLED
            for state in rule.at
        }

    def state(self, name: str) -> State:
        try:
            return self.states[name]
        except KeyError:
            raise UnknownState(
                f"{self.procedure.name} version {self.procedure.version} has no state {name!r}; "
                "migrate the case to a version that has it"
            ) from None

    def fire(self, firing: Firing) -> None:
        """Let the machine choose the rule; ``firing.rule`` stays ``None`` when no rule applies."""
        if (firing.state, firing.event.type) in self.handled:
            self.machine.events[firing.event.type].trigger(firing)

    def _fallbacks(self) -> dict[tuple[str, str], Rule]:
        table: dict[tuple[str, str], Rule] = {}
        for rule in self.procedure.rules:
            if rule.disposition is not Disposition.HANDLED:
                for state in rule.at:
                    table.setdefault((state.name, rule.event), rule)
        return table

    def _machine(self) -> Machine:
        procedure = self.procedure
        names = [state.name for state in procedure.states]
        if len(set(names)) != len(names):
            raise DefinitionError(f"{procedure.name}: two states share a name")
        machine = _Ways(
            model=None,
            states=list(procedure.states),
            initial=procedure.initial.name,
            auto_transitions=False,
            send_event=True,
        )
        for rule in procedure.rules:
            if rule.disposition is not Disposition.HANDLED:
                continue
            for state in (*rule.at, *rule.targets):
                if state.name not in self.states:
                    raise DefinitionError(
                        f"{procedure.name}: rule on {rule.event} names unknown {state.name!r}"
                    )
            machine.add_transition(
                rule.event,
                [state.name for state in rule.at],
                rule.to.name if isinstance(rule.to, State) else None,
                conditions=_condition(rule),
            )
        return machine


def _condition(rule: Rule) -> Callable[[EventData], bool]:
    """Whether the rule takes the event; the first that does is marked as the one."""
    guard = rule.when

    def allows(data: EventData) -> bool:
        firing = cast(Firing, data.model)
        verdict = True if guard is None else guard(firing.data, firing.event.payload, firing.now)
        if isinstance(verdict, Refusal):
            firing.refusal = firing.refusal if verdict is ELSEWHERE else verdict
            return False
        firing.rule = rule
        return True

    return allows
