"""For whom the cases in a state wait, as far as the procedure says. Pure."""

from __future__ import annotations

from machines.kernel.event import SentBack
from machines.kernel.procedure import Procedure
from machines.kernel.rule import Disposition
from machines.kernel.state import CUSTOMER, DEADLINE, Act, Ask, State

CUSTOMERS = "the customer"
PROVIDERS = "a provider"
TIME = "time to pass"


def waits_for(procedure: Procedure, state: State) -> str:
    """A role of our staff, the customer, a provider that performs a step, or else whatever the events tell of
    that lead on from there: "news of parcel, warehouse"."""
    if isinstance(state, Ask):
        return CUSTOMERS if state.role == CUSTOMER else state.role
    if isinstance(state, Act):
        return PROVIDERS
    subjects = _subjects(procedure, state)
    # What the case itself is told by its own name are mostly wishes to change it.
    others = [subject for subject in subjects if subject != procedure.name]
    return f"news of {', '.join(others or subjects)}" if subjects else TIME


def _subjects(procedure: Procedure, state: State) -> list[str]:
    found = {
        rule.event.partition(".")[0]
        for rule in procedure.rules
        if rule.disposition is Disposition.HANDLED and rule.event != SentBack.type
        if state in rule.at and any(target is not state for target in rule.targets)
        if not rule.event.startswith(DEADLINE)
    }
    return sorted(found)
