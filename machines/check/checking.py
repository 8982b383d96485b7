"""Checks procedures together: each with the real behaviour of the children it opens."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from math import inf

from machines import obligations
from machines.check.explorer import Explorer
from machines.check.graph import unmet, walked
from machines.check.report import Explored, Finding, Kind, Met, Report, Walked
from machines.check.scope import Scope
from machines.check.static import static
from machines.check.traffic import Traffic
from machines.kernel.procedure import Procedure
from machines.ledger import Law

RAMP = (2, 4)  #: bounds of the walks from which a longer one learns what to assume

Scopes = Mapping[str, tuple[Scope, ...]]


def check(
    procedures: Iterable[Procedure],
    *,
    clock: Callable[[], float],
    laws: Mapping[str, tuple[Law, ...]] | None = None,
    scopes: Scopes | None = None,
    release: str | None = None,
    reduced: bool = True,
) -> Report:
    """Explore every procedure; one that only other cases open is explored as they open and direct it.

    ``laws`` hold for the ledger of every case that has come to its end. ``scopes`` names what is explored of
    a procedure, else all is. Together the procedures fulfil what ``release`` demands. ``clock`` gives seconds
    for the figures. ``reduced`` is for those who doubt the reductions.
    """
    known = tuple(procedures)
    walks = (
        walk(name, scope, procedures=known, clock=clock, laws=laws, reduced=reduced)
        for name, scope in tasks(known, scopes=scopes)
    )
    return judge(known, walks, release=release)


def tasks(procedures: Iterable[Procedure], *, scopes: Scopes | None) -> tuple[tuple[str, Scope], ...]:
    """What is to be walked through, each independent of the others."""
    return tuple(
        (procedure.name, scope)
        for procedure in procedures
        if any(event.examples for event in procedure.opening)
        for scope in (scopes or {}).get(procedure.name, (Scope(),))
    )


def walk(
    name: str,
    scope: Scope,
    *,
    procedures: Iterable[Procedure],
    clock: Callable[[], float],
    laws: Mapping[str, tuple[Law, ...]] | None = None,
    deeper: float = 0.0,
    reduced: bool = True,
) -> Walked:
    """All that ``scope`` of one procedure shows. A bounded one goes on, one deviation after the other, for
    ``deeper`` seconds."""
    started = clock()
    known = {procedure.name: procedure for procedure in procedures}
    traffic = Traffic(scope, inf, lambda: False, reduced)
    explorer = _explore(name, known, traffic)
    if deeper:
        explorer = _deepen(name, known, explorer, late=lambda: clock() > started + deeper)
    findings, met = list[Finding](), dict[str, Met]()
    for one in explorer.all():
        findings += walked(one, laws=(laws or {}).get(one.sop, ()))
        met[one.sop] = met.get(one.sop, Met()) | one.met
    seconds = clock() - started
    explored = tuple(_figures(one, seconds if one is explorer else 0.0) for one in explorer.all())
    return Walked(tuple(findings), explored, met)


def judge(procedures: Iterable[Procedure], walks: Iterable[Walked], *, release: str | None) -> Report:
    """What the declarations and ``walks`` show together."""
    known = tuple(procedures)
    findings = [finding for procedure in known for finding in static(procedure)]
    explored, met = list[Explored](), dict[str, Met]()
    for one in walks:
        findings += one.findings
        explored += one.explored
        for sop, more in one.met.items():
            met[sop] = met.get(sop, Met()) | more
    for procedure in known:
        findings += unmet(procedure, met.get(procedure.name, Met()))
    findings += _obligations(known, release)
    return Report(tuple(dict.fromkeys(findings)), tuple(explored))


def _explore(name: str, procedures: Mapping[str, Procedure], traffic: Traffic) -> Explorer:
    """Repeated until what was assumed holds: who sends which event, what matters in which state. Short
    walks come first, because they are quick to learn most of that from; the very first assumes nothing."""
    scope = traffic.scope
    target = inf if scope.deviations is None else float(scope.deviations)
    bounds = [target] if traffic.decisions else [*(float(bound) for bound in RAMP if bound < target), target]
    traffic = traffic.longer(bounds.pop(0))
    while True:
        explorer = Explorer(name, procedures=procedures, traffic=traffic, child=False)
        explorer.explore(explorer.root)
        again = traffic.grow() or traffic.again
        if explorer.truncated or not (bounds or again):
            return explorer
        traffic = traffic.longer(traffic.deviations if again else bounds.pop(0))


def _deepen(
    name: str, procedures: Mapping[str, Procedure], explorer: Explorer, *, late: Callable[[], bool]
) -> Explorer:
    """As far as time allows; a walk cut short tells nothing, the one before it all up to its bound."""
    while explorer.bounded and explorer.cut and not late():
        scope = replace(explorer.traffic.scope, deviations=int(explorer.deviations) + 1)
        longer = _explore(name, procedures, replace(explorer.traffic, scope=scope, late=late))
        if longer.truncated:
            break
        explorer = longer
    return explorer


def _figures(explorer: Explorer, seconds: float) -> Explored:
    return Explored(
        sop=explorer.sop,
        scope=explorer.traffic.scope.title,
        states=len(explorer.met.states),
        situations=len(explorer.situations),
        steps=explorer.steps,
        deviations=int(explorer.deviations) if explorer.bounded and explorer.cut else None,
        walks=explorer.traffic.walks,
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
