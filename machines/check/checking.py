"""Checks procedures together: each with the real behaviour of the children it opens."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from machines.check.explorer import Between, Explorer
from machines.check.graph import walked
from machines.check.report import Explored, Finding, Report
from machines.check.static import static
from machines.kernel.procedure import Procedure


def check(procedures: Iterable[Procedure], *, only: Iterable[str] = (), clock: Callable[[], float]) -> Report:
    """Explore every procedure, or ``only`` the named ones. ``clock`` gives seconds, for the report.

    The result depends on the procedures alone, apart from the seconds.
    """
    known = {procedure.name: procedure for procedure in procedures}
    names = tuple(only) or tuple(known)
    findings: list[Finding] = []
    explored: list[Explored] = []
    for name in names:
        started = clock()
        explorer = _explore(name, known)
        findings += static(known[name])
        findings += walked(explorer)
        met = {explorer.state(number) for number in range(len(explorer.situations))}
        seconds = clock() - started
        explored.append(Explored(name, len(met), len(explorer.situations), explorer.steps, seconds))
    return Report(tuple(findings), tuple(explored))


def _explore(name: str, procedures: dict[str, Procedure]) -> Explorer:
    between = Between()
    while True:
        explorer = Explorer(name, procedures=procedures, between=between, child=False)
        explorer.explore(explorer.root)
        if not between.again:
            return explorer
        between = Between(known=between.known | between.learnt)
