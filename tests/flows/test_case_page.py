"""The page of a case tells staff everything about it, and staff steer it, on the real procedures."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from adapters.asking.answers import Became
from adapters.case_view import view_of
from adapters.steering import CannotSteer, Steered, Steering
from adapters.store.records import InboxStatus
from flows.case_page import CasePage, RunLink, artifact_key, case_page
from flows.markdown import text
from machines.complaint.events import ComplaintReceived
from machines.explain import Explanation, explain, spells
from machines.kernel.case import Case
from machines.policy import DEFAULT, load
from tests.asking import STOLEN, Office, open_office
from tests.conftest_prefect import eventually
from tests.flows.test_session import NOW

POLICY = load(DEFAULT)
ANN = {"who": "Ann", "reason": "the | carrier *strikes*"}


@pytest.fixture(scope="module")
def office() -> Iterator[Office]:
    with open_office() as opened:
        yield opened


def placed(office: Office, key: str, state: str = "awaiting_dispatch", **order: object) -> None:
    office.place(key, **order)
    eventually(lambda: office.state(key) == state)


def steering(office: Office) -> Steering:
    return Steering(office.store, office.definitions, clock=office.clock, patience=30)


def page_of(office: Office, key: str) -> CasePage:
    (case,) = office.store.find_case(key=key, sop="order")

    def why(case: Case) -> list[Explanation]:
        held = spells(entry for entry, _ in office.store.journal(case.id))
        definition = office.definitions[case.sop]
        return explain(case, definition=definition, policy=POLICY, now=office.clock(), held=held)

    view = view_of(office.store, case, explain=why)
    return case_page(view, case, office.definitions["order"], now=office.clock())


def test_the_page_of_an_order_tells_everything_but_who_the_customer_is(office: Office) -> None:
    placed(office, "SO-1")
    office.message("order.confirmed", "SO-1")
    eventually(lambda: "order.confirmed" in page_of(office, "SO-1").markdown())
    page = page_of(office, "SO-1")
    run = RunLink(id="4711", name="order SO-1: order.placed", state="Awaiting dispatch", at=NOW)
    told = page.markdown([run])
    opened = office.store.journal("order/SO-1")[0][0].at
    assert f"- **Opened**: {opened:%Y-%m-%d %H:%M:%S} UTC\n" in told
    assert "|  |  |" not in told
    assert told.startswith("# order/SO-1: Awaiting dispatch\n")
    for part in (
        "- **dispatch due**: A parcel is late; the warehouse is chased, the customer told.\n  - due ",
        "48 hours from",
        "Authorising → Confirmed → **Awaiting dispatch**",
        "| order.amend, order.cancel | Stop requested |",
        "| payment.authorized | step | Confirmed |",
        "| order.confirmed | email |",
        "| opened | [shipment/SO-1-1](../key/shipment-so-1-1) |",
        "[order SO-1: order.placed](../../runs/flow-run/4711)",
    ):
        assert part in told
    for secret in ("Ada", "ada@", "Sample Street", "10115", "tok_", "sealed:"):
        assert secret not in told


def test_the_diagram_marks_where_the_case_stands(office: Office) -> None:
    placed(office, "SO-2")
    diagram = page_of(office, "SO-2").diagram
    node = re.search(r'(s\d+)\["Awaiting dispatch"\]', diagram)
    assert node is not None
    assert f"class {node[1]} here" in diagram
    assert '-->|"1. order.placed"|' in diagram
    assert diagram.endswith("```")


def test_a_case_on_hold_says_since_when_by_whom_and_what_is_left(office: Office) -> None:
    placed(office, "SO-3")
    assert steering(office).hold("SO-3", **ANN).held
    told = page_of(office, "SO-3").markdown()
    assert r"by Ann: the \| carrier \*strikes\*" in told
    assert "not due while on hold: 47 h 59 min of time left" in told
    assert "- **Needs attention**: held\n" in told
    assert steering(office).resume("SO-3", **ANN).applied
    told = page_of(office, "SO-3").markdown()
    assert "as the procedure states, but for time on hold" in told
    assert "On hold" not in told


def test_an_order_is_cancelled_by_its_own_event_and_a_shipment_is_not(office: Office) -> None:
    placed(office, "SO-4")
    became = steering(office).cancel("SO-4", **ANN)
    assert became.applied
    eventually(lambda: office.state("SO-4") in ("stop_requested", "cancelled"))
    told = [(entry.event, entry.source) for entry, _ in office.store.journal("order/SO-4")]
    at = told.index(("staff.cancel", "staff:Ann"))
    assert told[at + 1] == ("order.cancel", "staff:Ann")
    with pytest.raises(CannotSteer, match="cancel order/SO-4 instead, or put it on hold"):
        steering(office).cancel("shipment/SO-4-1", **ANN)


def test_cancelled_too_late_says_why(office: Office) -> None:
    placed(office, "SO-5")
    steering(office).cancel("SO-5", **ANN)
    eventually(lambda: office.state("SO-5") == "cancelled")
    assert refused_or_ignored(steering(office).cancel("SO-5", **ANN))


def test_what_is_cancelled_while_on_hold_is_kept(office: Office) -> None:
    placed(office, "SO-6")
    steering(office).hold("SO-6", **ANN)
    became = steering(office).cancel("SO-6", **ANN)
    assert (became.status, became.reason) == (InboxStatus.DEFERRED, "the case is on hold")
    steering(office).resume("SO-6", **ANN)
    eventually(lambda: office.state("SO-6") in ("stop_requested", "cancelled"))


def test_an_order_is_handed_over_and_annotated(office: Office) -> None:
    placed(office, "SO-7")
    assert steering(office).assign("SO-7", to="m.hill", **ANN).applied
    assert steering(office).note("SO-7", who="Ann", text="calls back\non Friday").applied
    told = page_of(office, "SO-7").markdown()
    assert "- **Looked after by**: m.hill\n" in told
    assert "| staff.note | staff:Ann |  | calls back on Friday |" in told
    (row,) = office.store.cases(assignee="m.hill")
    assert row.key == "SO-7"


def test_a_complaint_is_told_who_looks_after_it(office: Office) -> None:
    office.send("complaint.received", "CP-1", {**ComplaintReceived.examples[0], "complaint": "CP-1"})
    eventually(lambda: bool(office.store.find_case(key="CP-1")))
    assert steering(office).assign("CP-1", to="m.hill", **ANN).applied
    (case,) = office.store.find_case(key="CP-1")
    assert getattr(case.data, "owner", None) == "m.hill"
    assert steering(office).cancel("CP-1", **ANN).applied


def test_an_answer_to_a_case_on_hold_waits(office: Office) -> None:
    placed(office, "SO-8", "in_review", **STOLEN)
    question = office.asked("SO-8", "in_review")
    steering(office).hold("SO-8", **ANN)
    answer = office.answers.give(question, {"accept": False, "reason": "stolen"}, source="test")
    assert answer.became is Became.WAITING
    steering(office).resume("SO-8", **ANN)
    eventually(lambda: office.state("SO-8") == "rejected")


@pytest.mark.parametrize(
    ("key", "expected"),
    [("SO-1001", "order-so-1001"), ("so_1", "order-so-1-"), ("A/B", "order-a-b-"), ("Ä", "order-")],
)
def test_artifacts_have_keys_that_prefect_takes_and_that_differ(key: str, expected: str) -> None:
    made = artifact_key("order", key)
    assert made.startswith(expected)
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", made)
    assert (made == expected) == (key == "SO-1001")


def test_text_is_never_markup() -> None:
    assert text("a|b\n<b> [x](y) `c`") == r"a\|b \<b\> \[x\](y) \`c\`"


def refused_or_ignored(became: Steered) -> bool:
    return became.status in (InboxStatus.REFUSED, InboxStatus.IGNORED) and bool(became.reason)
