"""What the drive loop tells of, and to whom."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime

import pytest

from flows.reporting import Reporting, Silence
from machines import policy
from machines.definitions import definitions
from machines.kernel.case import Entry
from machines.kernel.rule import Disposition
from machines.kernel.state import CUSTOMER, Ask

DEFINITIONS = definitions(policy.load())
ASKS = [
    (sop, state)
    for sop, definition in DEFINITIONS.items()
    for state in definition.procedure.states
    if isinstance(state, Ask)
]
NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)


class Ears(Silence):
    def __init__(self) -> None:
        self.heard: set[str] = set()

    def asked(self, cases: Collection[str]) -> None:
        self.heard.update(cases)


@pytest.mark.parametrize(("sop", "state"), ASKS, ids=[f"{sop}-{state.name}" for sop, state in ASKS])
def test_questions_for_staff_are_told_of_and_those_for_customers_are_not(sop: str, state: Ask) -> None:
    ears = Ears()
    reporting = Reporting(DEFINITIONS, listener=ears)
    for before, after in [("elsewhere", state.name), (state.name, "elsewhere")]:
        ears.heard.clear()
        entry = Entry(2, NOW, "x", "desk", "e", Disposition.HANDLED, before, after, "", {})
        reporting.journalled([(f"{sop}/K-1", entry)])
        assert ears.heard == (set() if state.role == CUSTOMER else {f"{sop}/K-1"})
