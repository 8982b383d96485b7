"""Commands whose outcomes change nothing wherever they arrive, such as most messages.

Such an outcome commutes with everything else, so the walk need not carry the command along; it is enough to
look where else the outcome could arrive and find no rule.
"""

from __future__ import annotations

from collections.abc import Iterator

from machines.kernel.command import CommandType
from machines.kernel.event import Event
from machines.kernel.procedure import Procedure
from machines.kernel.rule import Disposition, Rule


class Inert:
    """``names`` of the commands of one procedure whose outcomes change nothing wherever a rule takes them."""

    def __init__(self, procedure: Procedure) -> None:
        self._rules: dict[str, list[Rule]] = {}
        for rule in procedure.rules:
            self._rules.setdefault(rule.event, []).append(rule)
        names = {
            name: command
            for name, command in procedure.commands.items()
            if command.outcomes and not any(_posts(outcome) for outcome in command.outcomes)
        }
        while True:  # a rule may perform commands that are inert themselves
            left = {name: command for name, command in names.items() if self._harmless(command, names)}
            if len(left) == len(names):
                break
            names = left
        self.names = frozenset(names)
        self.missing = {
            name: frozenset(self._missing(procedure, command)) for name, command in procedure.commands.items()
        }

    def rules(self, outcome: str) -> tuple[Rule, ...]:
        return tuple(self._rules.get(outcome, ()))

    def _harmless(self, command: CommandType, inert: dict[str, CommandType]) -> bool:
        return all(
            rule.disposition in {Disposition.HANDLED, Disposition.IGNORED}
            and rule.to is None
            and rule.when is None
            and rule.then is None
            and rule.sends is None
            and all(done.name in inert for done in rule.does)
            for outcome in command.outcomes
            for rule in self._rules.get(outcome.type, ())
        )

    def _missing(self, procedure: Procedure, command: CommandType) -> Iterator[tuple[str, str]]:
        """(state, outcome) without a rule that takes it."""
        for outcome in command.outcomes:
            rules = (
                rule
                for rule in self._rules.get(outcome.type, ())
                if rule.disposition is not Disposition.REFUSED
            )
            ruled = {state.name for rule in rules for state in rule.at}
            for state in procedure.states:
                if state.name not in ruled:
                    yield state.name, outcome.type


def _posts(outcome: type[Event]) -> bool:
    return outcome.postings is not Event.postings
