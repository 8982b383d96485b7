"""What about a case needs the eyes of staff now. Pure, and cheap enough for every case of a rush."""

from __future__ import annotations

from datetime import datetime

from machines.kernel.case import Case
from machines.kernel.definition import Definition
from machines.kernel.state import CUSTOMER, Ask

PARKED = "parked"  #: a step waits for on-call staff; the store knows, not the case
ASKED = "asked"  #: a colleague is asked
BREACHED = "breached"  #: a clock has used up its budget
ESCALATED = "escalated"  #: somebody was alerted, and nobody has acknowledged it
HELD = "held"  #: staff have put it on hold


def attention(definition: Definition, case: Case, *, now: datetime) -> tuple[str, ...]:
    """In the order of the constants above, without ``parked``."""
    state = definition.state(case.state)
    found = [ASKED] if isinstance(state, Ask) and state.role != CUSTOMER else []
    ledgers = case.clocks.values()
    if any(ledger.breached(now) for ledger in ledgers):
        found.append(BREACHED)
    if any(ledger.escalation is not None and ledger.escalation.by is None for ledger in ledgers):
        found.append(ESCALATED)
    if case.hold is not None:
        found.append(HELD)
    return tuple(found)


def priority(case: Case) -> str:
    """As its data say; empty where they say none."""
    return str(getattr(case.data, "priority", None) or "")
