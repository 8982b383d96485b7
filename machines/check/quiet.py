"""Clocks that only alert: nothing follows from their passing, so the walk need not carry them along.

It is enough to look, once in each state where they tell, that what takes a threshold does not fail.
"""

from __future__ import annotations

from collections.abc import Iterator

from machines.check.inert import Inert
from machines.check.situation import NOW
from machines.kernel.case import Case
from machines.kernel.clock import Clock, ClockReached, Mode
from machines.kernel.command import Command
from machines.kernel.definition import Definition, Firing
from machines.kernel.event import Received
from machines.kernel.procedure import Procedure
from machines.kernel.rule import Disposition, Rule
from machines.kernel.state import State


class Quiet:
    """Such clocks of one procedure; ``others`` are those that the walk does carry along."""

    def __init__(self, procedure: Procedure, inert: Inert) -> None:
        self._clocks = tuple(
            clock
            for clock in procedure.clocks
            if all(
                _only_alerts(rule, inert)
                for told in clock.deadlines
                for rule in procedure.rules
                if rule.event == told.type
            )
        )
        self.others = tuple(clock for clock in procedure.clocks if clock not in self._clocks)

    def runs_in(self, state: State) -> bool:
        return any(clock.modes.get(state.name) is Mode.RUNNING for clock in self._clocks)

    def asks(self, definition: Definition, case: Case) -> Iterator[Command]:
        """Every alert that such a clock may give ``case``; raises what taking one raises."""
        for clock in self._clocks:
            for told in clock.told_in(definition.states[case.state]):
                event = Received("check", "check", told.type, _reached(clock), NOW)
                firing = Firing(state=case.state, data=case.data, event=event, now=NOW)
                definition.fire(firing)
                for command in firing.rule.does if firing.rule else ():
                    for arguments in command.ask(case.data, event.payload, {}):
                        yield Command(command.name, "check", arguments)


def _only_alerts(rule: Rule, inert: Inert) -> bool:
    return (
        rule.disposition is Disposition.HANDLED
        and (rule.to, rule.when, rule.then, rule.sends) == (None,) * 4
        and all(command.name in inert.names for command in rule.does)
    )


def _reached(clock: Clock) -> ClockReached:
    """As its last rung is told it, if it has any."""
    whom, text = (clock.ladder[-1].whom, clock.ladder[-1].text) if clock.ladder else (None, None)
    return ClockReached(clock=clock.name, percent=100, due=NOW, whom=whom, text=text, times=1)
