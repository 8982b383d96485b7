"""Checks procedures together: each with the real behaviour of the children it opens."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from math import inf

from machines import obligations
from machines.check.explorer import Explorer
from machines.check.graph import unmet, walked
from machines.check.report import Explored, Finding, Kind, Report
from machines.check.scope import Scope
from machines.check.static import static
from machines.check.taking import Traffic
from machines.kernel.procedure import Procedure
from machines.ledger import Law

RAMP = (2, 4)  #: bounds of the walks from which a longer one learns what to assume


def check(
    procedures: Iterable[Procedure],
    *,
    clock: Callable[[], float],
    laws: Mapping[str, tuple[Law, ...]] | None = None,
    scopes: Mapping[str, tuple[Scope, ...]] | None = None,
    release: str | None = None,
    deeper: float = 0.0,
    reduced: bool = True,
) -> Report:
    """Explore every procedure; one that only other cases open is explored as they open and direct it.

    ``laws`` hold for the ledger of every case that has come to its end. ``scopes`` names what is explored of
    a procedure, else all is; bounded scopes go on, one deviation after the other, for ``deeper`` seconds.
    Together the procedures fulfil what ``release`` demands. ``clock`` gives seconds; all but
    ``deeper`` depends on the procedures alone. ``reduced`` is for those who doubt the reductions.
    """
    known = {procedure.name: procedure for procedure in procedures}
    findings = [finding for procedure in known.values() for finding in static(procedure)]
    explored: list[Explored] = []
    left: list[Finding] = []
    walks: dict[str, list[Explorer]] = {}
    until = clock() + deeper
    for name, procedure in known.items():
        if not any(event.examples for event in procedure.opening):
            continue
        earlier: Traffic | None = None
        for scope in (scopes or {}).get(name, (Scope(),)):
            started = clock()
            deep = partial(_deep, clock=clock, until=until) if deeper else _explore
            explorer = deep(name, known, scope, earlier=earlier, reduced=reduced)
            earlier = explorer.traffic
            for one in (explorer, *explorer.taking.children()):
                findings += walked(one, laws=(laws or {}).get(one.sop, ()))
                walks.setdefault(one.sop, []).append(one)
                explored.append(_figures(one, scope, clock() - started if one is explorer else 0.0))
    for procedure in known.values():
        missing = list(unmet(procedure, walks.get(procedure.name, ())))
        bounded = any(one.bounded and one.cut for one in walks.get(procedure.name, ()))
        findings += [one for one in missing if one.kind is Kind.UNREACHABLE or not bounded]
        left += [one for one in missing if one.kind is not Kind.UNREACHABLE and bounded]
    findings += _obligations(known.values(), release)
    return Report(tuple(dict.fromkeys(findings)), tuple(explored), tuple(left))


def _explore(
    name: str,
    procedures: dict[str, Procedure],
    scope: Scope,
    *,
    earlier: Traffic | None,
    reduced: bool,
    late: Callable[[], bool] = lambda: False,
) -> Explorer:
    """Repeated until what was assumed holds: who sends which event, what matters in which state. Short
    walks come first, because they are quick to learn most of that from. What was learnt ``earlier`` may be
    more than holds in this one, which does no harm."""
    target = inf if scope.deviations is None else scope.deviations
    bounds = [target] if earlier else [*(float(bound) for bound in RAMP if bound < target), target]
    traffic = Traffic(scope, bounds[0], late, reduced)
    if earlier:
        traffic = replace(traffic, known=earlier.known, liveness=earlier.liveness, courses=earlier.courses)
    bounds.pop(0)
    while True:
        explorer = Explorer(name, procedures=procedures, traffic=traffic, child=False)
        explorer.explore(explorer.root)
        grown = [one.grow() for one in traffic.liveness.values()]
        grown += [one.grow() for one in traffic.courses.values()]
        again = any(grown) or traffic.again
        if explorer.truncated or not (bounds or again):
            return explorer
        traffic = traffic.longer(traffic.deviations if again else bounds.pop(0))


def _deep(
    name: str,
    procedures: dict[str, Procedure],
    scope: Scope,
    *,
    earlier: Traffic | None,
    reduced: bool,
    clock: Callable[[], float],
    until: float,
) -> Explorer:
    """As far as time allows; a walk cut short tells nothing, the one before it all up to its bound."""
    explorer = _explore(name, procedures, scope, earlier=earlier, reduced=reduced)
    while explorer.bounded and explorer.cut and clock() < until:
        scope = replace(scope, deviations=int(explorer.deviations) + 1)
        longer = _explore(
            name,
            procedures,
            scope,
            earlier=explorer.traffic,
            reduced=reduced,
            late=lambda: clock() > until,
        )
        if longer.truncated:
            break
        explorer = longer
    return explorer


def _figures(explorer: Explorer, scope: Scope, seconds: float) -> Explored:
    return Explored(
        sop=explorer.sop,
        scope=scope.title,
        states=len({explorer.state(number) for number in range(len(explorer.situations))}),
        situations=len(explorer.situations),
        steps=explorer.steps,
        deviations=int(explorer.deviations) if explorer.bounded and explorer.cut else None,
        seconds=seconds,
    )


def _obligations(procedures: Iterable[Procedure], release: str | None) -> Iterator[Finding]:
    named = obligations.fulfilled(procedures)
    for id, places in named.items():
        if id not in obligations.OBLIGATIONS:
            sop = places[0].partition(".")[0].partition(":")[0]
            yield Finding(
                Kind.OBLIGATION, sop, id, f"there is no such obligation, named by {', '.join(places)}"
            )
    for id in obligations.demanded(release) if release else ():
        if id not in named:
            text = f"nothing names it in fulfils: {obligations.OBLIGATIONS[id]}"
            yield Finding(Kind.OBLIGATION, "all", id, text)
