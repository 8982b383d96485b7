"""Checks procedures together: each with the real behaviour of the children it opens."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from machines import obligations
from machines.check.explorer import Explorer
from machines.check.graph import walked
from machines.check.report import Explored, Finding, Kind, Report
from machines.check.static import static
from machines.check.taking import Traffic
from machines.kernel.procedure import Procedure

DEVIATIONS = 3  #: from the ordinary course, on one path


def check(
    procedures: Iterable[Procedure],
    *,
    clock: Callable[[], float],
    only: Iterable[str] = (),
    release: str | None = None,
    deviations: int = DEVIATIONS,
) -> Report:
    """Explore every procedure, or ``only`` the named ones, and see to it that together they fulfil what
    ``release`` demands. ``clock`` gives seconds, for the report; all else depends on the procedures alone.
    """
    known = {procedure.name: procedure for procedure in procedures}
    names = tuple(only) or tuple(known)
    findings: list[Finding] = []
    explored: list[Explored] = []
    for name in names:
        started = clock()
        explorer = _explore(name, known, deviations)
        findings += static(known[name])
        findings += walked(explorer)
        met = {explorer.state(number) for number in range(len(explorer.situations))}
        seconds = clock() - started
        explored.append(Explored(name, len(met), len(explorer.situations), explorer.steps, seconds))
    findings += _obligations(known.values(), release)
    return Report(tuple(findings), tuple(explored))


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


def _explore(name: str, procedures: dict[str, Procedure], deviations: int) -> Explorer:
    """Repeated until what was assumed holds: who sends which event, which fields matter in which state.
    Short walks come first, because they are quick to learn most of that from."""
    traffic = Traffic(min(1, deviations))
    while True:
        explorer = Explorer(name, procedures=procedures, traffic=traffic, child=False)
        explorer.explore(explorer.root)
        grown = [one.grow() for one in traffic.liveness.values()]
        if traffic.deviations == deviations and not (any(grown) or traffic.again):
            return explorer
        longer = min(traffic.deviations + 1, deviations)
        traffic = Traffic(longer, known=traffic.known | traffic.learnt, liveness=traffic.liveness)
