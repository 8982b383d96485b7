"""Which outcomes can still matter from where a case stands; other commands need not be carried along.

A stale question (a forecast for an order that has been cancelled) changes nothing whenever its answer comes,
so it commutes with all that happens, and a situation with it is like the one without.
What a case can still get into is observed while it is explored, state by state and by which optional fields
are set. The first run leaves out nothing. Each later one assumes what those before it observed, and is
repeated until it left out nothing that matters after all, so the last run is exact.
"""

from __future__ import annotations

from typing import NamedTuple

from machines.kernel.event import Event
from machines.kernel.procedure import Procedure
from machines.kernel.rule import Disposition


class Place(NamedTuple):
    """``has`` are the optional fields that are set, such as an amendment on its way."""

    state: str
    has: frozenset[str]


class Course:
    """``assumed`` says for each place which commands can still change something in it or after it. A run
    notes where it ``relied`` on a command changing nothing any more, as (place, command)."""

    def __init__(self, procedure: Procedure, *, forgets: bool) -> None:
        self._matters = _where_it_matters(procedure)
        self.silent = frozenset(  # what they end in moves no money or goods
            name
            for name, command in procedure.commands.items()
            if forgets and all(outcome.postings is Event.postings for outcome in command.outcomes)
        )
        self.relied: set[tuple[Place, str]] = set()
        self._observed = False
        self._steps: dict[Place, set[Place]] = {}
        self._assumed: dict[Place, frozenset[str]] = {}

    def note(self, before: Place, after: Place) -> None:
        self._steps.setdefault(before, set()).add(after)
        self._steps.setdefault(after, set())

    def spent(self, place: Place, name: str) -> bool:
        """Whether the outcomes of a command change nothing from here on."""
        spent = self._observed and name in self.silent and name not in self._assumed.get(place, ())
        if spent:
            self.relied.add((place, name))
        return spent

    def grow(self) -> bool:
        """Assume what was observed; whether the run relied on something else."""
        self._observed = True
        matters = {place: set(self._matters.get(place.state, ())) for place in self._steps}
        growing = True
        while growing:
            growing = False
            for place, targets in self._steps.items():
                later = set[str]().union(*(matters[target] for target in targets))
                if not later <= matters[place]:
                    matters[place] |= later
                    growing = True
        self._assumed = {place: frozenset(names) for place, names in matters.items()}
        wrong = any(name in self._assumed.get(place, ()) for place, name in self.relied)
        self.relied.clear()
        return wrong


def _where_it_matters(procedure: Procedure) -> dict[str, set[str]]:
    """For each state the commands with an outcome that some rule does more with than note it."""
    asking: dict[str, set[str]] = {}
    for name, command in procedure.commands.items():
        for outcome in command.outcomes:
            asking.setdefault(outcome.type, set()).add(name)
    found: dict[str, set[str]] = {}
    for rule in procedure.rules:
        if rule.disposition in (Disposition.HANDLED, Disposition.DEFERRED) and not rule.notes:
            for state in rule.at:
                found.setdefault(state.name, set()).update(asking.get(rule.event, ()))
    return found
