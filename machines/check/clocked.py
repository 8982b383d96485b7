"""What the declaration of a clock shows without running it, and its ledger where time stands still."""

from __future__ import annotations

from collections.abc import Iterator

from machines.check.report import Finding, Kind
from machines.check.situation import LATER, NOW
from machines.kernel.clock import Acknowledged, Clock
from machines.kernel.clock_ledger import Ledger, Span
from machines.kernel.procedure import Procedure
from machines.kernel.rule import Disposition


def clocked(procedure: Procedure, ruled: set[tuple[str, str]]) -> Iterator[Finding]:
    """Thresholds without a rule, clocks that never stop, states that do not exist, ladders that nobody can
    silence. ``ruled`` are the pairs of state and event that have a rule."""
    for clock in procedure.clocks:
        yield from _placed(procedure, clock)
        yield from _only_tells(procedure, clock)
        for state in (*clock.runs_in, *clock.pauses_in):
            for deadline in clock.told_in(state):
                if (state.name, deadline.type) not in ruled:
                    yield Finding(Kind.UNRULED_DEADLINE, procedure.name, state.name, deadline.name)
    for name in _shared(procedure):
        yield Finding(Kind.CLOCK, procedure.name, name, "another clock or a deadline has that name too")
    if any(clock.nags for clock in procedure.clocks) and not _silenced(procedure):
        text = "no rule handles an event that is Acknowledged, so its ladder speaks without end"
        names = ", ".join(clock.name for clock in procedure.clocks if clock.nags)
        yield Finding(Kind.CLOCK, procedure.name, names, text)


def _only_tells(procedure: Procedure, clock: Clock) -> Iterator[Finding]:
    told = {deadline.type for deadline in clock.deadlines}
    for rule in procedure.rules if clock.statutory else ():
        if rule.event in told and (rule.to, rule.then, rule.sends) != (None,) * 3:
            text = (
                f"a rule on {rule.event} does more than tell somebody; a statutory clock tells it while the "
                "case is on hold as well, so leave it with does=..."
            )
            yield Finding(Kind.CLOCK, procedure.name, clock.name, text)


def _placed(procedure: Procedure, clock: Clock) -> Iterator[Finding]:
    known = {state.name: state for state in procedure.states}
    for state in (*clock.runs_in, *clock.pauses_in):
        does = clock.modes[state.name].value
        if state.name not in known:
            text = f"is {does} in {state.name!r}, which the procedure does not have"
            yield Finding(Kind.CLOCK, procedure.name, clock.name, text)
        elif known[state.name].kind == "end":
            text = f"never stops when a case ends in {state.name!r}: it is {does} there"
            yield Finding(Kind.CLOCK, procedure.name, clock.name, text)


def _shared(procedure: Procedure) -> Iterator[str]:
    names = [clock.name for clock in procedure.clocks]
    names += {deadline.name for state in procedure.states for deadline in state.deadlines}
    yield from sorted({name for name in names if names.count(name) > 1})


def _silenced(procedure: Procedure) -> bool:
    types = {event.type for event in procedure.event_types.values() if issubclass(event, Acknowledged)}
    return any(rule.event in types for rule in procedure.rules if rule.disposition is Disposition.HANDLED)


def timeless(ledger: Ledger) -> Ledger:
    """What matters for what can happen next, and nothing of when and how often things happened before."""
    told = tuple(
        one.model_copy(update={"at": NOW}) for one in [one for one in ledger.told if one.stands][-1:]
    )
    spoken = ledger.escalation
    return ledger.but(
        spans=(Span(mode=ledger.mode, start=NOW),),
        due=LATER,
        left=None,
        told=told,
        escalation=spoken and spoken.model_copy(update={"at": NOW, "times": 1, "left": None}),
        moved=(),
    )
