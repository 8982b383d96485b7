"""Checks procedures together: each with the real behaviour of the children it opens."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from machines import obligations
from machines.check.explorer import Explorer
from machines.check.graph import unmet, walked
from machines.check.report import Explored, Finding, Kind, Report
from machines.check.static import static
from machines.check.taking import Traffic
from machines.kernel.procedure import Procedure
from machines.ledger import Law

DEVIATIONS = 3  #: from the ordinary course on one path; the order takes twice as long with each one more


def check(
    procedures: Iterable[Procedure],
    *,
    clock: Callable[[], float],
    laws: Mapping[str, tuple[Law, ...]] | None = None,
    release: str | None = None,
    deviations: int = DEVIATIONS,
) -> Report:
    """Explore every procedure; one that only other cases open is explored as they open and direct it.

    ``laws`` hold for the ledger of every case that has come to its end. Together the procedures fulfil what
    ``release`` demands. ``clock`` gives seconds, for the report; all else depends on the procedures alone.
    """
    known = {procedure.name: procedure for procedure in procedures}
    findings = [finding for procedure in known.values() for finding in static(procedure)]
    explored: list[Explored] = []
    left: list[Finding] = []
    walks: dict[str, list[Explorer]] = {}
    for name, procedure in known.items():
        if not any(event.examples for event in procedure.opening):
            continue
        started = clock()
        explorer = _explore(name, known, deviations)
        for one in (explorer, *explorer.taking.children()):
            findings += walked(one, laws=(laws or {}).get(one.sop, ()))
            walks.setdefault(one.sop, []).append(one)
            explored.append(_figures(one, clock() - started if one is explorer else 0.0))
    for procedure in known.values():
        missing = list(unmet(procedure, walks.get(procedure.name, ())))
        bounded = any(one.cut for all_of_it in walks.values() for one in all_of_it)
        findings += [one for one in missing if one.kind is Kind.UNREACHABLE or not bounded]
        left += [one for one in missing if one.kind is not Kind.UNREACHABLE and bounded]
    findings += _obligations(known.values(), release)
    return Report(tuple(dict.fromkeys(findings)), tuple(explored), tuple(left))


def _explore(name: str, procedures: dict[str, Procedure], deviations: int) -> Explorer:
    """Repeated until what was assumed holds: who sends which event, which fields matter in which state.
    Short walks come first, because they are quick to learn most of that from."""
    traffic = Traffic(min(1, deviations))
    while True:
        explorer = Explorer(name, procedures=procedures, traffic=traffic, child=False)
        explorer.explore(explorer.root)
        grown = [one.grow() for one in (*traffic.liveness.values(), *traffic.courses.values())]
        if traffic.deviations == deviations and not (any(grown) or traffic.again):
            return explorer
        longer = min(traffic.deviations + 1, deviations)
        known = traffic.known | traffic.learnt
        traffic = Traffic(longer, known=known, liveness=traffic.liveness, courses=traffic.courses)


def _figures(explorer: Explorer, seconds: float) -> Explored:
    return Explored(
        sop=explorer.sop,
        states=len({explorer.state(number) for number in range(len(explorer.situations))}),
        situations=len(explorer.situations),
        steps=explorer.steps,
        bounded=bool(explorer.cut),
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
