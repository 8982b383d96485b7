"""What the walk through all situations of a procedure shows, each finding with the shortest way to it."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heapify, heappop, heappush

from machines.check.explorer import LIMIT, Explorer
from machines.check.report import Finding, Kind, Met
from machines.check.situation import Label
from machines.kernel.procedure import Procedure
from machines.kernel.rule import Disposition
from machines.kernel.state import Ask, State, Wait
from machines.ledger import Law


def walked(explorer: Explorer, *, laws: tuple[Law, ...]) -> Iterator[Finding]:
    """Findings about what was met on the way."""
    sop = explorer.sop
    for trouble in explorer.taking.troubles.values():
        path = explorer.path(trouble.situation, then=trouble.label)
        yield Finding(trouble.kind, sop, trouble.at, trouble.text, path)
    if explorer.truncated:
        text = f"more than {LIMIT} situations; let may_happen and possible tell fewer cases apart"
        yield Finding(Kind.TOO_LARGE, sop, explorer.procedure.initial.name, text)
        return
    yield from _late(explorer)
    yield from _no_end(explorer)
    yield from _stuck(explorer)
    yield from _unlawful(explorer, laws)


def unmet(procedure: Procedure, met: Met) -> Iterator[Finding]:
    """States that no walk reached, events that nobody sent and rules that never applied."""
    sop = procedure.name
    for state in procedure.states:
        if state.name not in met.states:
            yield Finding(Kind.UNREACHABLE, sop, state.name, "no path leads to it")
        elif isinstance(state, Ask) and state.form.type not in met.events:
            yield Finding(Kind.NOBODY_SENDS, sop, state.name, f"form {state.form.type} is never filled in")
    for event in procedure.events:
        if event.type not in met.events:
            yield Finding(Kind.NOBODY_SENDS, sop, procedure.name, event.type)
    for command in procedure.commands.values():
        for outcome in command.outcomes:
            if outcome.type not in met.events:
                yield Finding(Kind.NOBODY_SENDS, sop, command.name, f"the outcome {outcome.type} never comes")
    for place, rule in enumerate(procedure.rules):
        if rule.disposition is Disposition.HANDLED and place not in met.rules:
            if rule.notes and rule.event in met.events and any(one.name in met.states for one in rule.at):
                continue  # commands whose outcomes are only noted are not carried along
            where = ", ".join(state.name for state in rule.at)
            target = f" -> {rule.to.name}" if rule.to else ""
            yield Finding(Kind.DEAD_RULE, sop, where, f"on {rule.event}{target}")


def _unlawful(explorer: Explorer, laws: tuple[Law, ...]) -> Iterator[Finding]:
    """Laws broken where a case has come to its end, and accounts overdrawn on the way."""
    told = set[tuple[str, str]]()
    for number in sorted(range(len(explorer.situations)), key=lambda one: explorer.depth[one]):
        sums, state = dict(explorer.situations[number].ledger), explorer.state(number)
        broken = [f"account {account!r} is {amount}" for account, amount in sums.items() if amount < 0]
        if explorer.ended(number) and not explorer.busy(number):
            broken += [text for law in laws for text in law(sums)]
        for text in broken:
            alike = (state, "".join(sign for sign in text if not sign.isdigit()))
            if alike not in told:
                told.add(alike)
                yield Finding(Kind.LAW, explorer.sop, state, text, explorer.path(number))


def _late(explorer: Explorer) -> Iterator[Finding]:
    """Outcomes of commands that the walk does not carry along, since nothing can follow from them, where no
    rule takes them."""
    for name, issued in explorer.issued.items():
        missing = explorer.stepper.inert.missing[name]
        left = {state for state, _ in missing}
        came: dict[int, tuple[int, Label]] = dict(issued)
        first = frozenset(came)
        nearest = [(explorer.depth[issuer] + 1, start) for start, (issuer, _) in came.items()] if left else []
        heapify(nearest)
        while nearest and left:
            depth, number = heappop(nearest)
            state = explorer.state(number)
            if state in left:
                left.remove(state)
                path = _detour(explorer, came, first, number)
                for outcome in sorted(outcome for at, outcome in missing if at == state):
                    last = f"{state}: {name} ends in {outcome}"
                    text = f"{outcome} ({name}) has no rule"
                    yield Finding(Kind.LATE_OUTCOME, explorer.sop, state, text, (*path, last))
            for edge in explorer.edges[number]:
                if edge.to not in came:
                    came[edge.to] = (number, edge.label)
                    heappush(nearest, (depth + 1, edge.to))


def _detour(
    explorer: Explorer, came: dict[int, tuple[int, Label]], first: frozenset[int], number: int
) -> tuple[str, ...]:
    """The shortest way to where the command is issued, and from there to ``number``."""
    steps = list[str]()
    while True:
        earlier, label = came[number]
        steps.append(f"{explorer.tell(label, earlier)} -> {explorer.state(number)}")
        if number in first:
            return (*explorer.path(earlier), *reversed(steps))
        number = earlier


def _no_end(explorer: Explorer) -> Iterator[Finding]:
    before: list[list[int]] = [[] for _ in explorer.situations]
    for number, edges in enumerate(explorer.edges):
        for edge in edges:
            before[edge.to].append(number)
    ends = [number for number in range(len(explorer.situations)) if explorer.ended(number)]
    frontier = [*ends, *sorted(explorer.cut)]  # what was left out may end
    frontier += [
        number
        for number in range(len(explorer.situations))
        if explorer.child and explorer.taking.awaits_parent(explorer.state(number))
    ]
    good = set(frontier)
    for number in frontier:
        for earlier in before[number]:
            if earlier not in good:
                good.add(earlier)
                frontier.append(earlier)
    told = set[str]()
    for number in range(len(explorer.situations)):
        state = explorer.state(number)
        if number not in good and state not in told and not (explorer.child and number == explorer.root):
            told.add(state)
            yield Finding(Kind.NO_END, explorer.sop, state, "from here on", explorer.path(number))


def _stuck(explorer: Explorer) -> Iterator[Finding]:
    """Open cases that only an event from outside could still move, where nobody wrote down that this is
    meant, and deferred events that nothing takes up any more."""
    told = set[tuple[Kind, str]]()
    for number, situation in enumerate(explorer.situations):
        state = explorer.stepper.definition.states[explorer.state(number)]
        if number == explorer.root or explorer.busy(number):
            continue
        kind, text = Kind.STUCK, "no command, deadline or child is left to move it"
        if state.kind == "end":
            if not situation.kept:
                continue
            kind = Kind.KEPT_AT_END
            text = ", ".join(explorer.stepper.happenings[kept.happening].type for kept in situation.kept)
        elif any(True for _ in explorer.stepper.deadlines(situation.core)) or _watched(explorer, state):
            continue
        if (kind, state.name) not in told:
            told.add((kind, state.name))
            yield Finding(kind, explorer.sop, state.name, text, explorer.path(number))


def _watched(explorer: Explorer, state: State) -> bool:
    """Somebody wrote that nothing need happen here, or a clock calls somebody who sees to it."""
    return _meant(state) or explorer.stepper.decisions.quiet.runs_in(state)


def _meant(state: State) -> bool:
    return isinstance(state, Wait | Ask) and bool(state.no_deadline)
