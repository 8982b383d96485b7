"""A procedure as its owner writes it: document header, data, events, states and rules."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from machines.kernel.clock import Clock
from machines.kernel.command import CommandType
from machines.kernel.event import Event, Facts, SentBack
from machines.kernel.migration import Migration
from machines.kernel.rule import Rule, Send
from machines.kernel.sources import content_hash
from machines.kernel.state import Act, Ask, Deadline, State


@dataclass(frozen=True, kw_only=True)
class Procedure:
    """One SOP. ``events`` are those that reach it from outside or from other cases; outcomes come from its
    commands and deadlines from its states. ``may_happen(data)`` lists the outside events worth exploring in
    a case with that data; ``laws(data)`` names each money law that the data breaks at the end of a case.
    ``module`` is the package that defines it, whose sources are hashed. ``terms`` are the numbers that the
    house may set in its policy (limits, windows, fees), each with what the procedure itself says: the guard
    and the effect of the opening event take them as their first argument, for there are no data yet, and the
    effect keeps in the data those that the case is to live under.
    """

    name: str
    title: str
    version: int
    purpose: str
    scope: str
    responsible: str
    references: tuple[str, ...]
    fulfils: tuple[str, ...]
    data: type[Facts]
    events: tuple[type[Event], ...]
    states: tuple[State, ...]
    rules: tuple[Rule, ...]
    may_happen: Callable[[Any], Iterable[Event | Send]]
    module: str
    clocks: tuple[Clock, ...] = ()
    terms: type[Facts] | None = None
    kpis: tuple[str, ...] = ()  #: by what its owner judges it
    migrations: tuple[Migration, ...] = ()  #: from each earlier version that cases may still be on

    @property
    def initial(self) -> State:
        return self.states[0]

    @cached_property
    def opening(self) -> tuple[type[Event], ...]:
        return tuple(event for event in self.events if event.opens)

    @cached_property
    def commands(self) -> dict[str, CommandType]:
        """Every command that a state or a rule performs, by name."""
        found = [command for state in self.states for command in state.does]
        found += [command for rule in self.rules for command in rule.does]
        return {command.name: command for command in found}

    @cached_property
    def event_types(self) -> dict[str, type[Event]]:
        """Every event type with a payload of its own: outside, between cases, forms and outcomes."""
        found = list(self.events)
        found += [state.form for state in self.states if isinstance(state, Ask)]
        found += [outcome for command in self.commands.values() for outcome in command.outcomes]
        found.append(SentBack)
        return {event.type: event for event in found}

    @cached_property
    def ways_back(self) -> tuple[tuple[State, State], ...]:
        """(from, to) of every return to an earlier state that staff may order."""
        rules = (rule for rule in self.rules if rule.event == SentBack.type)
        return tuple((state, target) for rule in rules for state in rule.at for target in rule.targets)

    @cached_property
    def deadlines(self) -> dict[str, Deadline]:
        return {deadline.name: deadline for state in self.states for deadline in state.deadlines}

    @cached_property
    def timers(self) -> dict[str, Deadline]:
        """Whatever a timer may stand for: deadlines, and what clocks tell by the way."""
        told = {deadline.name: deadline for clock in self.clocks for deadline in clock.deadlines}
        return self.deadlines | told

    @cached_property
    def hash(self) -> str:
        """Changes when anything changes that the package says, or what it shares with other procedures."""
        return content_hash(self.module)

    def acts(self) -> tuple[Act, ...]:
        return tuple(state for state in self.states if isinstance(state, Act))
