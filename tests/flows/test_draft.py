"""A round in the making: what it is to write."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from adapters.store.records import InboxRow, InboxStatus, Letter
from flows.draft import Draft
from machines.kernel.case import Case
from tests.toy import DEFINITION, Lent, Loan, Renewed

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
RENEWAL, AGAIN = Renewed(), Lent(book="Emma")  # the second is ignored: it is lent already


@pytest.mark.parametrize(
    ("events", "written"),
    [([AGAIN], False), ([RENEWAL], True), ([AGAIN, RENEWAL], True), ([RENEWAL, AGAIN], True)],
)
def test_data_are_written_only_if_an_event_of_the_round_altered_them(
    events: list[Renewed | Lent], written: bool
) -> None:
    case = Case("loan", "L-1", 1, "hash", "lent", Loan(book="Emma"), 1)
    draft = Draft({"loan": DEFINITION}, now=NOW, cases={case.id: case}, held={})
    for number, event in enumerate(events):
        letter = Letter("desk", f"e{number}", event.type, "loan", "L-1", event.to_json(), NOW)
        draft.apply(InboxRow(number, letter, InboxStatus.NEW))
    assert draft.changes.moved.keys() == {case.id}
    assert (case.id not in draft.changes.unaltered) is written
