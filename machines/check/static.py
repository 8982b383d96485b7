"""What the declaration of a procedure shows without running it."""

from __future__ import annotations

from collections.abc import Iterator

from machines.asked import unclimbed
from machines.check.clocked import clocked
from machines.check.report import Finding, Kind
from machines.kernel.procedure import Procedure
from machines.kernel.rule import Disposition, Rule
from machines.kernel.state import CUSTOMER, DEADLINE, Ask, End, State, Wait
from machines.messages import MessageType


def static(procedure: Procedure) -> Iterator[Finding]:
    """Findings that need no path: what is declared and has no counterpart."""
    ruled = {(state.name, rule.event) for rule in procedure.rules for state in rule.at}
    for state in procedure.states:
        if isinstance(state, Wait | Ask) and not state.deadlines and not state.no_deadline:
            yield Finding(
                Kind.NO_DEADLINE, procedure.name, state.name, "give it a deadline or no_deadline=..."
            )
        for deadline in state.deadlines:
            if (state.name, deadline.type) not in ruled:
                yield Finding(Kind.UNRULED_DEADLINE, procedure.name, state.name, deadline.name)
        written_to = any(isinstance(command, MessageType) for command in state.does)
        if isinstance(state, Ask) and state.role == CUSTOMER and not written_to:
            yield Finding(Kind.UNASKED, procedure.name, state.name, "have it send the message that asks")
        for command in state.does if state.kind == "act" else ():
            for outcome in command.outcomes:
                if (state.name, outcome.type) not in ruled:
                    text = f"{command.name} can end in {outcome.type}"
                    yield Finding(Kind.UNHANDLED_OUTCOME, procedure.name, state.name, text)
    yield from _undeclared(procedure, ruled)
    yield from _unreported(procedure)
    yield from _deadlines_elsewhere(procedure)
    yield from _never_deferred(procedure)
    yield from _ladders(procedure)
    yield from clocked(procedure, ruled)


def _undeclared(procedure: Procedure, ruled: set[tuple[str, str]]) -> Iterator[Finding]:
    for state in procedure.states:
        expected = procedure.opening if state is procedure.initial else procedure.events
        for event in (*expected, *((state.form,) if isinstance(state, Ask) else ())):
            if (state.name, event.type) not in ruled:
                yield Finding(Kind.UNDECLARED, procedure.name, state.name, event.type)


def _unreported(procedure: Procedure) -> Iterator[Finding]:
    """Ends of which the case that opened this one never hears, though it hears of others."""
    ends = [state for state in procedure.states if isinstance(state, End)]
    for state in ends if any(end.reports for end in ends) else ():
        if not (state.reports or state.silent):
            text = "have it report how it went, or say in silent=... why nobody waits for that"
            yield Finding(Kind.UNREPORTED, procedure.name, state.name, text)


def _ladders(procedure: Procedure) -> Iterator[Finding]:
    """Somebody is named as the next to be asked, and nothing ever has them asked."""
    for state in procedure.states:
        if not isinstance(state, Ask):
            continue
        own = {deadline.type for deadline in state.deadlines}
        climbs = "rung" in procedure.data.model_fields and any(
            rule.event in own and rule.then is not None and state in rule.at for rule in procedure.rules
        )
        for role in unclimbed(state, procedure.clocks, climbs=climbs):
            text = (
                f"{role} is never asked; give the role a rung of a clock that runs there, count a rung when "
                "a deadline of the state passes, or take the role from the ladder"
            )
            yield Finding(Kind.LADDER, procedure.name, state.name, text)


def _deadlines_elsewhere(procedure: Procedure) -> Iterator[Finding]:
    """Rules on a deadline in a state where it does not run."""
    for rule in procedure.rules:
        for state in rule.at if rule.event.startswith(DEADLINE) else ():
            told = {one.type for clock in procedure.clocks for one in clock.told_in(state)}
            if rule.event not in {deadline.type for deadline in state.deadlines} | told:
                text = f"{rule.event} does not run there"
                yield Finding(Kind.DEAD_RULE, procedure.name, state.name, text)


def _never_deferred(procedure: Procedure) -> Iterator[Finding]:
    """Deferrals of what another rule takes whatever the case knows. A rule that handles an event comes before
    every deferral, wherever it stands; one that ignores or refuses it does where it stands before."""
    handled = {
        (state, rule.event)
        for rule in procedure.rules
        if rule.disposition is Disposition.HANDLED and rule.when is None
        for state in rule.at
    }
    first: dict[tuple[State, str], Rule] = {}
    for rule in procedure.rules:
        for state in rule.at if rule.disposition is not Disposition.HANDLED else ():
            before = first.setdefault((state, rule.event), rule)
            if rule.disposition is not Disposition.DEFERRED:
                continue
            if (state, rule.event) in handled:
                taken, remedy = "handled", "guard the rule that handles it"
            elif before.disposition is not Disposition.DEFERRED:
                taken, remedy = before.disposition.value, "put it before that rule"
            else:
                continue
            text = (
                f"{rule.event}: it is {taken} there whatever the case knows; {remedy}, or drop the deferral"
            )
            yield Finding(Kind.NEVER_DEFERRED, procedure.name, state.name, text)
