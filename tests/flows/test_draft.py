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


@pytest.mark.parametrize(
    ("kind", "body"), [("loan.lent", b'{"book":"Emma","reader":"Ann"}'), ("loan.sold", b"{}")]
)
def test_what_would_open_a_case_and_cannot_be_read_here_is_left_to_workers_of_other_versions(
    kind: str, body: bytes
) -> None:
    draft = Draft({"loan": DEFINITION}, now=NOW, cases={}, held={})
    letters = (Letter("desk", "e1", kind, "loan", "L-1", body, NOW, opens=True), _renewal("L-1"))
    for number, letter in enumerate(letters):
        draft.apply(InboxRow(number, letter, InboxStatus.NEW))
    assert draft.changes.letters == []
    assert draft.changes.beyond == {"loan/L-1": f"{kind} cannot be read by version 1 of loan"}
    assert not draft.changes.opened


def _renewal(key: str) -> Letter:
    return Letter("desk", "e2", RENEWAL.type, "loan", key, RENEWAL.to_json(), NOW)
