"""Complaints that change hands or course: withdrawn, merged, reopened, turned down, with the ombudsman."""

from __future__ import annotations

from datetime import timedelta

import pytest

from machines.complaint import COMPLAINT, events, states
from machines.complaint.data import Complaint, Remedy
from machines.complaint.guards import may_reopen
from machines.kernel.event import Event
from machines.kernel.rule import Disposition
from machines.kernel.state import State
from machines.kernel.verdict import Refusal
from machines.redress import RedressSettled
from tests.machines.complaints import (
    CASE,
    FOUND,
    MERGED,
    NOT_UPHELD,
    REFERRED,
    REOPENED,
    SPECIALIST,
    TAKEN,
    WITHDRAWN,
    WROTE,
    answer,
    assessed,
    consult,
    decided_outside,
    investigated,
    offer,
    offered,
)
from tests.machines.play import START, Play

HANDLED, REFUSED, IGNORED = Disposition.HANDLED, Disposition.REFUSED, Disposition.IGNORED


def data(play: Play) -> Complaint:
    found = play.cases[CASE].data
    assert isinstance(found, Complaint)
    return found


def closed() -> Play:
    play = offered(Remedy.APOLOGY)
    play.tell(CASE, answer())
    play.pass_deadline(CASE, "follow_up")
    return play


def turned_down(times: int) -> Play:
    play = offered(Remedy.VOUCHER, 1000)
    for number in range(1, times + 1):
        if number > 1:
            play.tell(CASE, offer(Remedy.VOUCHER, 1000))
        play.tell(CASE, answer(number=number, amount=1000, accept=False))
    return play


# -- people ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "state", [*states.OPEN, states.RESOLVED, states.WITH_OMBUDSMAN], ids=lambda state: str(state.name)
)
def test_a_specialist_can_be_called_in_from_any_open_state(state: State) -> None:
    rules = [rule for rule in COMPLAINT.rules if rule.event == SPECIALIST.type and state in rule.at]
    assert rules[0].disposition is HANDLED


def test_a_specialist_is_called_once_and_the_customer_knows() -> None:
    play = investigated()
    play.tell(CASE, SPECIALIST)
    play.tell(CASE, SPECIALIST)
    assert play.called.count("conflict-resolution specialist") == 1
    assert play.told.count("complaint.specialist") == 1
    assert play.state(CASE) == "investigating"


def test_somebody_else_goes_on_and_the_customer_knows() -> None:
    play = investigated()
    play.tell(CASE, events.ComplaintAssigned(owner="m.hill"))
    assert (data(play).owner, play.told[-1]) == ("m.hill", "complaint.new_owner")


# -- withdrawing -----------------------------------------------------------------------------------


def test_a_complaint_is_withdrawn_with_its_questions() -> None:
    play = investigated()
    play.tell(CASE, consult("warehouse"))
    play.tell(CASE, WITHDRAWN)
    assert (play.state(CASE), play.state("task/CP-1001-T1")) == ("withdrawn", "withdrawn")


def test_what_was_promised_cannot_be_withdrawn() -> None:
    play = offered(Remedy.PARTIAL_REFUND, 4000)
    play.tell(CASE, answer(amount=4000))
    assert play.tell(CASE, WITHDRAWN) is REFUSED
    assert play.tell(CASE, MERGED) is REFUSED


# -- reopening -------------------------------------------------------------------------------------


def test_a_closed_complaint_is_reopened_and_surveyed_anew() -> None:
    play = closed()
    assert play.state("survey/complaint-CP-1001") == "due"
    play.tell(CASE, REOPENED)
    assert (play.state(CASE), play.told[-1]) == ("investigating", "complaint.reopened")
    assert play.state("survey/complaint-CP-1001") == "called_off"
    for event in (FOUND, offer(Remedy.VOUCHER, 1000), answer(number=2, amount=1000)):
        play.tell(CASE, event)
    assert play.told[-1] == "complaint.final_response", "the third business day is long over"
    play.pass_deadline(CASE, "follow_up")
    assert play.state("survey/complaint-CP-1001-2") == "due"
    assert play.broken_laws(CASE) == []


@pytest.mark.parametrize(("days", "allowed"), [(30, True), (31, False)])
def test_a_complaint_can_be_reopened_for_thirty_days(days: int, allowed: bool) -> None:
    complaint = data(closed()).model_copy(update={"closed": START})
    verdict = may_reopen(
        complaint, events.ComplaintReopened(customer="C-1", words="."), START + timedelta(days)
    )
    assert isinstance(verdict, Refusal) is not allowed


@pytest.mark.parametrize("event", [REOPENED, WROTE, WITHDRAWN], ids=lambda event: event.type)
def test_nobody_else_speaks_for_the_customer(event: Event) -> None:
    play = closed() if event is REOPENED else investigated()
    before = play.state(CASE)
    assert play.tell(CASE, event.model_copy(update={"customer": "C-2"})) is REFUSED
    assert play.state(CASE) == before


# -- disagreement ----------------------------------------------------------------------------------


def test_after_one_refusal_a_senior_looks_afresh_after_two_there_is_the_ombudsman() -> None:
    play = turned_down(1)
    assert (play.state(CASE), play.told[-1]) == ("reconsidering", "complaint.reconsidered")
    play = turned_down(2)
    assert (play.state(CASE), play.told[-1]) == ("unresolved", "complaint.unresolved")


def test_what_the_ombudsman_decides_is_offered_and_paid() -> None:
    play = turned_down(2)
    play.tell(CASE, REFERRED)
    assert "ombudsman desk" in play.called
    play.tell(CASE, decided_outside(1500))
    assert play.state(CASE) == "awaiting_answer"
    play.tell(CASE, answer(number=3, amount=1500))
    assert play.state(CASE) == "refunding"
    play.tell(CASE, RedressSettled(redress="CP-1001-3", amount=1500))
    assert (play.state(CASE), play.broken_laws(CASE)) == ("resolved", [])


def test_what_the_ombudsman_decides_is_final() -> None:
    play = turned_down(2)
    play.tell(CASE, REFERRED)
    play.tell(CASE, decided_outside(0))
    assert play.state(CASE) == "not_upheld"
    assert play.tell(CASE, REOPENED) is REFUSED
    assert play.tell(CASE, REFERRED) is IGNORED


def test_a_decision_of_the_ombudsman_that_is_turned_down_ends_it() -> None:
    play = investigated()
    play.tell(CASE, REFERRED)
    play.tell(CASE, decided_outside(1500))
    play.tell(CASE, answer(number=1, amount=1500, accept=False))
    assert play.state(CASE) == "unresolved"


def test_the_ombudsman_waits_for_what_was_promised() -> None:
    play = offered(Remedy.PARTIAL_REFUND, 4000)
    play.tell(CASE, answer(amount=4000))
    assert play.tell(CASE, REFERRED) is Disposition.DEFERRED
    play.tell(CASE, RedressSettled(redress="CP-1001-1", amount=4000))
    assert play.state(CASE) == "with_ombudsman"


# -- others ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("event", [events.InformationGiven(customer="C-1", words="K-77"), WROTE])
def test_an_answer_by_any_channel_ends_the_waiting(event: Event) -> None:
    play = investigated()
    play.tell(CASE, events.InformationNeeded(question="Which number?"))
    assert play.state(CASE) == "awaiting_customer"
    play.pass_deadline(CASE, "reminder")
    assert play.told[-1] == "complaint.reminder"
    play.tell(CASE, event)
    assert play.state(CASE) == "investigating"


@pytest.mark.parametrize(("of_customer", "deadline"), [(True, "information_due"), (False, "third_party_due")])
def test_we_go_on_without_an_answer(of_customer: bool, deadline: str) -> None:
    play = investigated()
    play.tell(CASE, events.InformationNeeded(question="Which number?", of_customer=of_customer))
    play.pass_deadline(CASE, deadline)
    assert play.state(CASE) == "investigating"


@pytest.mark.parametrize("ending", ["withdrawn", "not_upheld", "closed_unanswered"])
def test_nobody_is_surveyed_who_was_not_served(ending: str) -> None:
    play = investigated()
    if ending == "closed_unanswered":
        play = offered(Remedy.APOLOGY)
        play.pass_deadline(CASE, "offer_due")
    else:
        play.tell(CASE, {"withdrawn": WITHDRAWN, "not_upheld": NOT_UPHELD}[ending])
    assert play.state(CASE) == ending
    assert not any(case.startswith("survey/") for case in play.cases)


def test_a_complaint_assessed_twice_is_assessed_once() -> None:
    play = investigated()
    assert play.tell(CASE, assessed("S4")) is REFUSED
    assert "complaint.hazard_found" in play.reason
    assert play.tell(CASE, TAKEN) is REFUSED
