"""Who is asked by now: whoever a question was put to first, or whoever stands on the highest rung of its
ladder that was climbed since. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from machines.kernel.case import Case
from machines.kernel.clock import Clock
from machines.kernel.state import Ask


def asked(ask: Ask, case: Case, clocks: Iterable[Clock]) -> str:
    """``clocks`` are those of its procedure. Where one of them watches the state, whoever it has alerted is
    asked; else the case climbs by deadlines of its own and counts them in its ``rung``."""
    rungs = (ask.whom(case.data) if ask.whom else ask.role, *ask.ladder)
    alerted = {role for clock in clocks if ask.name in clock.modes for role in _alerted(clock, case)}
    heights = [number for number, role in enumerate(rungs) if role in alerted]
    height = max([getattr(case.data, "rung", 0), *heights])
    return rungs[min(height, len(rungs) - 1)]


def unclimbed(ask: Ask, clocks: Iterable[Clock], *, climbs: bool) -> tuple[str, ...]:
    """Who of its ladder is never asked; ``climbs`` says whether the case counts a ``rung`` there."""
    watching = {rung.whom for clock in clocks if ask.name in clock.modes for rung in clock.rungs}
    return () if climbs else tuple(role for role in ask.ladder if role not in watching)


def _alerted(clock: Clock, case: Case) -> Iterable[str]:
    """Everybody that the clock has spoken to, whether a threshold or silence took it there."""
    ledger = case.clocks.get(clock.name)
    if ledger is None:
        return ()
    spoken = max(ledger.reached, ledger.escalation.percent if ledger.escalation else 0)
    return (rung.whom for rung in clock.ladder if rung.at <= spoken)
