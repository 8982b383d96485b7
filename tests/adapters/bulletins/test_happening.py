"""What subscribers are told of a round: by keys and states, and nothing of what the events hold."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest

from adapters.bulletins.happening import Happening, bulletins_of
from adapters.personal import personal_fields
from adapters.store.records import Changes
from machines.definitions import definitions
from machines.kernel.case import Case, Entry
from machines.kernel.event import Facts
from machines.kernel.rule import Disposition
from machines.order.states import IN_REVIEW
from machines.policy import load
from tests.adapters.store.scenery import NOW
from tests.toy import DEFINITION

CASE = Case("loan", "L-1", 1, "hash", "lent", None, 4)
SECRET = {"note": "Ada Example", "email": "ada@customer.example", "command": "reminder.send"}


class Written(Facts):
    note: str = "Ada Example"


def told(
    event: str,
    before: str,
    after: str,
    *,
    seq: int = 4,
    disposition: Disposition = Disposition.HANDLED,
    body: Any = SECRET,
) -> list[tuple[str, dict[str, Any]]]:
    entry = Entry(seq, NOW, event, "Ada Example", "ada-1", disposition, before, after, "Ada Example", body)
    case = replace(CASE, seq=seq, state=after)
    changes = Changes(entries=[(case.id, entry)])
    if seq == 1:
        changes.opened[case.id] = case
    else:
        changes.moved[case.id] = (case, seq - 1)
    bulletins = bulletins_of({"loan": DEFINITION})(changes)
    assert all((one.case, one.seq, one.at, one.position) == (case.id, seq, NOW, 0) for one in bulletins)
    assert not any(b"Ada" in one.data or b"ada" in one.data for one in bulletins)
    return [(one.type, orjson.loads(one.data)) for one in bulletins]


def test_a_move_is_told_with_where_it_came_from() -> None:
    assert told("deadline.overdue", "lent", "reminding") == [
        (
            "case.moved",
            {
                "procedure": "loan",
                "case": "L-1",
                "version": 1,
                "seq": 4,
                "state": "reminding",
                "title": "Reminding",
                "previous": "lent",
                "outcome": None,
                "role": None,
                "command": None,
            },
        )
    ]


def test_an_opening_is_told_once_without_a_state_before() -> None:
    ((type, data),) = told("loan.lent", "shelf", "lent", seq=1)
    assert (type, data["state"], data["previous"]) == ("case.opened", "lent", None)


def test_an_opening_that_leads_to_an_end_is_told_as_both() -> None:
    (first, _), (second, data) = told("loan.lent", "shelf", "back", seq=1)
    assert (first, second, data["outcome"]) == ("case.opened", "case.ended", "returned")


def test_an_end_is_told_with_its_outcome_and_may_be_left() -> None:
    ((type, data),) = told("loan.returned", "lent", "back")
    assert (type, data["outcome"], data["title"]) == ("case.ended", "returned", "Back")
    ((type, data),) = told("loan.disputed", "back", "lent")
    assert (type, data["previous"], data["outcome"]) == ("case.moved", "back", None)


@pytest.mark.parametrize(
    ("event", "type"),
    [("staff.hold", "case.held"), ("staff.resume", "case.resumed"), ("step.parked", "case.parked")],
)
def test_what_staff_act_on_is_told_without_a_move(event: str, type: str) -> None:
    ((found, data),) = told(event, "lent", "lent")
    assert (found, data["state"]) == (type, "lent")
    assert data["command"] == ("reminder.send" if type == "case.parked" else None)


@pytest.mark.parametrize(
    ("event", "disposition"),
    [
        ("loan.renewed", Disposition.HANDLED),
        ("loan.noted", Disposition.DEFERRED),
        ("staff.hold", Disposition.REFUSED),
        ("staff.note", Disposition.HANDLED),
    ],
)
def test_what_changes_nothing_is_not_told(event: str, disposition: Disposition) -> None:
    assert told(event, "lent", "lent", disposition=disposition) == []


def test_a_state_that_no_version_here_knows_is_told_by_its_name() -> None:
    ((type, data),) = told("migrated", "lent", "lost_in_post", body=Written())
    assert (type, data["title"]) == ("case.moved", "lost_in_post")


def test_a_state_that_asks_says_whom() -> None:
    case = Case("order", "SO-1", 1, "hash", "in_review", None, 2)
    entry = Entry(
        2, NOW, "fraud.suspected", "step", "1", Disposition.HANDLED, "verifying", "in_review", "", {}
    )
    tell = bulletins_of(definitions(load()))
    (bulletin,) = tell(Changes(moved={case.id: (case, 1)}, entries=[(case.id, entry)]))
    data = orjson.loads(bulletin.data)
    assert (bulletin.type, data["role"], data["outcome"]) == ("case.asked", IN_REVIEW.role, None)


def test_no_field_of_what_is_told_is_personal() -> None:
    assert personal_fields(Happening) == ()
