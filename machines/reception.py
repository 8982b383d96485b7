"""How a procedure receives one event wherever a case can stand: taken, kept for later, ignored or refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from machines.kernel.procedure import Procedure
from machines.kernel.rule import Disposition, Rule
from machines.kernel.state import State

NO_RULE = "means nothing there"
CONDITIONAL = "the case must allow it, and says why if it does not"


@dataclass(frozen=True, slots=True)
class Reception:
    """What becomes of an event in all of ``states`` (their names): ``disposition``, or ``otherwise`` where
    the case does not allow it. ``because`` is the reason given then, or for anything but handling."""

    disposition: Disposition
    states: tuple[str, ...]
    otherwise: Disposition | None = None
    because: str = ""


def receive(procedure: Procedure, event: str) -> tuple[Reception, ...]:
    """For events of the type ``event``; each state once, in the order of the procedure, what is handled
    first."""
    found: dict[tuple[Disposition, Disposition | None, str], list[str]] = {}
    for state in procedure.states:
        found.setdefault(_at(procedure.rules, event, state), []).append(state.name)
    received = [
        Reception(disposition, tuple(states), otherwise, because)
        for (disposition, otherwise, because), states in found.items()
    ]
    order = list(Disposition)
    return tuple(sorted(received, key=lambda one: (order.index(one.disposition), one.otherwise is not None)))


def _at(rules: Sequence[Rule], event: str, state: State) -> tuple[Disposition, Disposition | None, str]:
    """As ``decide`` chooses: the first rule that handles it, else the first that does not."""
    concerned = [rule for rule in rules if rule.event == event and state in rule.at]
    handling = [rule for rule in concerned if rule.disposition is Disposition.HANDLED]
    if any(rule.when is None for rule in handling):
        return Disposition.HANDLED, None, ""
    fallback = next((rule for rule in concerned if rule.disposition is not Disposition.HANDLED), None)
    disposition = fallback.disposition if fallback else Disposition.REFUSED
    if handling:
        return Disposition.HANDLED, disposition, (fallback.because if fallback else "") or CONDITIONAL
    return disposition, None, fallback.because if fallback else NO_RULE
