"""A procedure as a Mermaid state diagram: where a case can go from where, and on which events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from machines.kernel.procedure import Procedure
from machines.kernel.rule import Disposition, Junction, Rule
from machines.kernel.state import DEADLINE, End, State

_MOST_EVENTS = 3  #: named on one arrow


def diagram(procedure: Procedure, *, current: str | None = None) -> str:
    """``current`` is a state to be marked. Rules that lead back to the same state are left out, a junction is
    drawn once however many rules lead to it."""
    junctions = _junctions(procedure)
    lines = ["stateDiagram-v2", f"    [*] --> {procedure.initial.name}"]
    lines += [f"    {state.name}: {state.title}" for state in procedure.states]
    lines += [f"    state {_node(junction)} <<choice>>" for junction in junctions]
    arrows = _arrows(procedure).items()
    lines += [f"    {before} --> {after}: {_label(events)}" for (before, after), events in arrows]
    for junction in junctions:
        lines += [f"    {_node(junction)} --> {state.name}" for state in junction.states]
    lines += [f"    {state.name} --> [*]" for state in procedure.states if isinstance(state, End)]
    if current is not None:
        lines += ["    classDef current stroke-width:4px", f"    class {current} current"]
    return "\n".join(lines)


def moves(rule: Rule, state: State) -> Iterator[State]:
    """Where a rule can lead from ``state``, other than back to it."""
    if rule.disposition is Disposition.HANDLED:
        yield from (target for target in rule.targets if target is not state)


def plain(event: str) -> str:
    """``review due`` for the event of a deadline, ``order.cancel`` for others."""
    return event.removeprefix(DEADLINE).replace("_", " ") if event.startswith(DEADLINE) else event


def _junctions(procedure: Procedure) -> tuple[Junction, ...]:
    return tuple(dict.fromkeys(rule.to for rule in procedure.rules if isinstance(rule.to, Junction)))


def _arrows(procedure: Procedure) -> dict[tuple[str, str], list[str]]:
    arrows: dict[tuple[str, str], list[str]] = {}
    for rule in procedure.rules:
        for state in rule.at:
            if any(moves(rule, state)):
                target = _node(rule.to) if isinstance(rule.to, Junction) else rule.targets[0].name
                events = arrows.setdefault((state.name, target), [])
                if plain(rule.event) not in events:
                    events.append(plain(rule.event))
    return arrows


def _node(junction: Junction | None) -> str:
    return junction.name.replace(" ", "_") if junction else ""


def _label(events: Iterable[str]) -> str:
    first, rest = list(events)[:_MOST_EVENTS], list(events)[_MOST_EVENTS:]
    return ", ".join(first) + (f" and {len(rest)} more" if rest else "")
