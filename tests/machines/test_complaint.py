"""The complaint procedure: who looks after it, what was found, what may be offered, how it is made good."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from machines.between import ParcelFailed, Trouble
from machines.complaint import COMPLAINT, outcomes, states
from machines.complaint.data import Compensation, Complaint, Limit, Remedy, Severity, Terms
from machines.kernel.duration import working_hours
from machines.kernel.event import Event
from machines.kernel.rule import Disposition
from machines.kernel.state import State
from machines.redress import RedressFailed, RedressSettled
from machines.shipment import events as carrier
from machines.task.events import TaskAnswered
from tests.machines.complaints import (
    ANYWAY,
    APPEAL,
    APPROVED,
    CASE,
    DENIED,
    FOUND,
    HAZARD,
    HAZARD_FOUND,
    LOW_SCORE,
    NOT_UPHELD,
    REOPENED,
    SECURED,
    TAKEN,
    WITH_ORDER,
    WITHOUT_ORDER,
    answer,
    assessed,
    consult,
    investigated,
    offer,
    offered,
)
from tests.machines.play import Play

HANDLED, REFUSED = Disposition.HANDLED, Disposition.REFUSED


def data(play: Play) -> Complaint:
    found = play.cases[CASE].data
    assert isinstance(found, Complaint)
    return found


# -- reception -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("opening", "stands", "told"),
    [
        (WITH_ORDER, "acknowledging", "complaint.received"),
        (WITHOUT_ORDER, "acknowledging", "complaint.received"),
        (APPEAL, "acknowledging", "complaint.received"),
        (HAZARD, "securing", "complaint.safety"),
        (LOW_SCORE, "calling_back", None),
    ],
)
def test_reception(opening: Event, stands: str, told: str | None) -> None:
    play = Play()
    play.tell(CASE, opening)
    assert play.state(CASE) == stands
    assert play.told == ([told] if told else [])


def test_whoever_takes_it_on_is_named_to_the_customer() -> None:
    play = Play()
    play.tell(CASE, WITH_ORDER)
    play.tell(CASE, TAKEN)
    assert (play.state(CASE), data(play).owner) == ("assessing", "a.field")
    assert play.told == ["complaint.received", "complaint.acknowledged"]


def test_a_dissatisfied_customer_is_called_by_a_senior_agent() -> None:
    play = Play()
    play.tell(CASE, LOW_SCORE)
    assert play.called == ["senior complaints agent"]


@pytest.mark.parametrize(("opening", "then"), [(HAZARD, "assessing"), (WITH_ORDER, "investigating")])
def test_danger_goes_first(opening: Event, then: str) -> None:
    """Whether the customer says so or the assessment shows it; it is secured once."""
    play = Play()
    play.tell(CASE, opening)
    if opening is WITH_ORDER:
        play.tell(CASE, TAKEN)
        play.tell(CASE, assessed("S1"))
    assert play.state(CASE) == "securing"
    assert "safety officer" in play.called
    play.tell(CASE, SECURED)
    assert play.state(CASE) == then
    if then == "assessing":
        play.tell(CASE, assessed("S1"))
        assert play.state(CASE) == "investigating"


def test_a_hazard_found_later_goes_first_each_time_with_a_clock_of_its_own() -> None:
    play = investigated(severity="S4")
    for _ in range(2):
        play.tell(CASE, HAZARD_FOUND)
        assert (play.state(CASE), data(play).severity) == ("securing", Severity.S1)
        assert play.told[-1] == "complaint.safety"
        assert len(play.cases[CASE].clocks["safety"].spans) == 1
        play.pass_deadline(CASE, "safety.50")
        play.tell(CASE, SECURED)
        assert play.state(CASE) == "investigating"
    assert play.cases[CASE].clocks["resolution"].budget == working_hours(8)


@pytest.mark.parametrize("state", states.UNHARMED, ids=lambda state: str(state.name))
def test_a_hazard_is_seen_to_from_wherever_nothing_has_been_promised(state: State) -> None:
    rules = [rule for rule in COMPLAINT.rules if rule.event == HAZARD_FOUND.type and state in rule.at]
    assert [rule.to for rule in rules] == [states.SECURING]


def test_a_hazard_found_before_the_assessment_leaves_it_to_be_assessed() -> None:
    play = Play()
    for event in (WITH_ORDER, HAZARD_FOUND, SECURED):
        play.tell(CASE, event)
    assert (play.state(CASE), data(play).severity) == ("assessing", None)


def test_an_offer_that_stands_when_a_hazard_is_found_is_replaced_by_a_new_one() -> None:
    play = offered(Remedy.VOUCHER, 1000)
    for event in (HAZARD_FOUND, SECURED, FOUND, offer(Remedy.VOUCHER, 2000)):
        play.tell(CASE, event)
    assert play.tell(CASE, answer(amount=1000)) is REFUSED
    assert play.tell(CASE, answer(number=2, amount=2000)) is HANDLED


def test_a_hazard_found_while_money_is_on_its_way_is_a_complaint_of_its_own() -> None:
    play = offered(Remedy.PARTIAL_REFUND, 4000)
    play.tell(CASE, answer(amount=4000))
    assert play.tell(CASE, HAZARD_FOUND) is REFUSED
    assert "complaint.received" in play.reason


def test_a_department_is_heard_while_danger_goes_first() -> None:
    play = investigated()
    play.tell(CASE, consult("warehouse"))
    play.tell(CASE, HAZARD_FOUND)
    play.tell("task/CP-1001-T1", TaskAnswered(by="w.stone", answer="It was dropped."))
    play.tell(CASE, SECURED)
    assert play.tell(CASE, FOUND) is HANDLED


# -- investigation ---------------------------------------------------------------------------------


def test_departments_answer_side_by_side_and_then_it_is_concluded() -> None:
    play = investigated()
    play.tell(CASE, consult("warehouse"))
    play.tell(CASE, consult("finance"))
    for task in ("task/CP-1001-T1", "task/CP-1001-T2"):
        assert play.tell(CASE, FOUND) is REFUSED
        play.tell(task, TaskAnswered(by="w.stone", answer="It was dropped."))
    assert play.called[-1] == "complaints agent"
    assert play.tell(CASE, FOUND) is HANDLED
    assert play.state(CASE) == "proposing"


def test_it_is_concluded_without_a_department_that_does_not_answer() -> None:
    play = investigated()
    play.tell(CASE, consult("warehouse"))
    play.pass_deadline("task/CP-1001-T1", "answer_due")
    assert play.state("task/CP-1001-T1") == "escalated"
    assert play.tell(CASE, FOUND) is REFUSED
    assert "warehouse has not answered" in play.reason
    play.tell(CASE, ANYWAY)
    assert play.state("task/CP-1001-T1") == "withdrawn"
    assert data(play).awaited == ()


def test_a_complaint_that_is_not_upheld_ends_with_reasons_and_rights() -> None:
    play = investigated()
    play.tell(CASE, NOT_UPHELD)
    assert play.state(CASE) == "not_upheld"
    assert play.told[-1] == "complaint.not_upheld"


# -- what may be offered ---------------------------------------------------------------------------

OFFERS: list[tuple[str, str, Event, str]] = [
    ("S4 by voucher", "S4", offer(Remedy.VOUCHER, 2000), "awaiting_answer"),
    ("S4 by too much", "S4", offer(Remedy.VOUCHER, 2001), "at most 20.00 EUR"),
    ("S4 by money", "S4", offer(Remedy.PARTIAL_REFUND, 100), "not settled by a partial refund"),
    ("S3 by all the money", "S3", offer(Remedy.FULL_REFUND, 100), "not settled by a full refund"),
    ("within the agent's limit", "S3", offer(Remedy.PARTIAL_REFUND, 5000), "awaiting_answer"),
    ("above the agent's limit", "S3", offer(Remedy.PARTIAL_REFUND, 5001), "awaiting_senior"),
    ("a replacement", "S3", offer(Remedy.REPLACEMENT), "awaiting_senior"),
    ("above the senior's limit", "S2", offer(Remedy.FULL_REFUND, 25001), "awaiting_manager"),
    ("an apology with money", "S2", offer(Remedy.APOLOGY, 1), "leave the amount out"),
    ("no money at all", "S2", offer(Remedy.VOUCHER, 0), "amount 0"),
    ("goodwill above its limit", "S2", offer(Remedy.GOODWILL, 10001), "at most 100.00 EUR"),
]


@pytest.mark.parametrize(
    ("severity", "proposed", "expected"), [o[1:] for o in OFFERS], ids=[o[0] for o in OFFERS]
)
def test_the_severity_matrix_says_what_may_be_offered(severity: str, proposed: Event, expected: str) -> None:
    play = investigated(severity=severity)
    play.tell(CASE, FOUND)
    if play.tell(CASE, proposed) is HANDLED:
        assert play.state(CASE) == expected
    else:
        assert play.state(CASE) == "proposing"
        assert expected in play.reason


def test_without_an_order_no_money_goes_back_and_nothing_is_replaced() -> None:
    play = investigated(WITHOUT_ORDER)
    play.tell(CASE, FOUND)
    for proposed in (offer(Remedy.PARTIAL_REFUND, 100), offer(Remedy.REPLACEMENT)):
        assert play.tell(CASE, proposed) is REFUSED
        assert "order" in play.reason
    assert play.tell(CASE, offer(Remedy.GOODWILL, 4000)) is HANDLED


def test_the_matrix_is_the_one_that_stood_when_the_complaint_came() -> None:
    """Kept in the data, so that a new policy changes new complaints only."""
    assert data(investigated()).terms == Terms()
    small = Compensation(remedies=(Remedy.APOLOGY,), most=Limit(otherwise=1))
    assert Terms(s2=small).compensation(Severity.S2) == small


def test_an_offer_that_is_not_approved_goes_back_to_the_agent() -> None:
    play = investigated()
    play.tell(CASE, FOUND)
    play.tell(CASE, offer(Remedy.FULL_REFUND, 30000))
    play.tell(CASE, DENIED)
    assert (play.state(CASE), data(play).offer) == ("proposing", None)
    play.tell(CASE, offer(Remedy.FULL_REFUND, 6000))
    play.tell(CASE, APPROVED)
    assert play.state(CASE) == "awaiting_answer"


# -- redress ---------------------------------------------------------------------------------------

GIVEN = RedressSettled(redress="CP-1001-1", amount=4000)
NOT_GIVEN = RedressFailed(redress="CP-1001-1", amount=4000, reason="finance said no")
LEAVES, ARRIVES, LOST = carrier.ShipmentDispatched(), carrier.ShipmentDelivered(), carrier.ParcelLost()
PARCEL = "shipment/CP-1001-1"
REDRESS: list[tuple[str, Remedy, int, Sequence[tuple[str, Event]], dict[str, list[Event]], str]] = [
    ("apology", Remedy.APOLOGY, 0, [], {}, "resolved"),
    ("refund", Remedy.PARTIAL_REFUND, 4000, [(CASE, GIVEN)], {}, "resolved"),
    ("refund fails", Remedy.PARTIAL_REFUND, 4000, [(CASE, NOT_GIVEN)], {}, "redress_failed"),
    ("voucher", Remedy.VOUCHER, 4000, [], {}, "resolved"),
    (
        "no voucher",
        Remedy.VOUCHER,
        4000,
        [],
        {"voucher.issue": [outcomes.VoucherRefused(amount=4000, reason="")]},
        "redress_failed",
    ),
    ("goodwill", Remedy.GOODWILL, 4000, [], {}, "resolved"),
    (
        "no goodwill",
        Remedy.GOODWILL,
        4000,
        [],
        {"goodwill.pay": [outcomes.GoodwillRefused(amount=4000, reason="")]},
        "redress_failed",
    ),
    ("replacement", Remedy.REPLACEMENT, 0, [(PARCEL, LEAVES), (PARCEL, ARRIVES)], {}, "resolved"),
    ("replacement lost", Remedy.REPLACEMENT, 0, [(PARCEL, LEAVES), (PARCEL, LOST)], {}, "redress_failed"),
    (
        "not to be had",
        Remedy.REPLACEMENT,
        0,
        [],
        {"replacement.set_aside": [outcomes.ReplacementUnavailable(reason="")]},
        "redress_failed",
    ),
    (
        "never leaves",
        Remedy.REPLACEMENT,
        0,
        [(PARCEL, carrier.LabelDecided(carrier=None))],
        {"carrier.buy_label": [carrier.LabelRefused(reason="hazardous")]},
        "redress_failed",
    ),
]


@pytest.mark.parametrize(
    ("remedy", "amount", "steps", "answers", "ends"), [r[1:] for r in REDRESS], ids=[r[0] for r in REDRESS]
)
def test_what_is_promised_is_given_or_replaced_by_something_else(
    remedy: Remedy,
    amount: int,
    steps: Sequence[tuple[str, Event]],
    answers: dict[str, list[Event]],
    ends: str,
) -> None:
    play = offered(remedy, amount, play=Play(answers=answers))
    play.tell(CASE, answer(amount=amount, account="DE00" if remedy is Remedy.GOODWILL else None))
    for case, event in steps:
        play.tell(case, event)
    assert play.state(CASE) == ends
    assert play.broken_laws(CASE) == []
    if ends == "redress_failed":
        assert data(play).failed == (remedy,)
        assert play.tell(CASE, offer(remedy, amount)) is REFUSED
        play.tell(CASE, offer(Remedy.APOLOGY))
        play.tell(CASE, answer(number=2))
        assert play.state(CASE) == "resolved"


def test_a_redress_reported_twice_counts_once() -> None:
    play = offered(Remedy.PARTIAL_REFUND, 4000)
    play.tell(CASE, answer(amount=4000))
    assert play.tell(CASE, GIVEN) is HANDLED
    assert play.tell(CASE, GIVEN) is Disposition.IGNORED
    assert play.broken_laws(CASE) == []


def test_only_the_latest_offer_can_be_accepted() -> None:
    play = offered(Remedy.VOUCHER, 4000)
    play.tell(CASE, answer(amount=4000, accept=False))
    play.tell(CASE, offer(Remedy.VOUCHER, 5000))
    assert play.tell(CASE, answer(amount=4000)) is REFUSED
    assert "latest" in play.reason
    assert play.tell(CASE, answer(number=2, amount=5000)) is HANDLED


def test_a_goodwill_payment_needs_an_account() -> None:
    play = offered(Remedy.GOODWILL, 4000)
    assert play.tell(CASE, answer(amount=4000)) is REFUSED
    assert "which account" in play.reason


def test_a_replacement_that_the_customer_did_not_get_after_all_is_a_failed_promise() -> None:
    play = offered(Remedy.REPLACEMENT)
    play.tell(CASE, answer())
    play.tell(PARCEL, LEAVES)
    play.tell(PARCEL, ARRIVES)
    play.tell(
        CASE,
        ParcelFailed(
            parcel="CP-1001-1", pieces=1, value=0, trouble=Trouble.NOT_RECEIVED, after_delivery=True
        ),
    )
    assert play.state(CASE) == "redress_failed"


def test_an_earlier_replacement_does_not_undo_the_redress_that_stands() -> None:
    """The complaint was opened again, and something else was given."""
    play = offered(Remedy.REPLACEMENT)
    play.tell(CASE, answer())
    play.tell(PARCEL, LEAVES)
    play.tell(PARCEL, ARRIVES)
    for event in (REOPENED, FOUND, offer(Remedy.VOUCHER, 1000), answer(number=2, amount=1000)):
        play.tell(CASE, event)
    play.tell(CASE, ParcelFailed(parcel="CP-1001-1", pieces=1, value=0, trouble=Trouble.NOT_RECEIVED))
    assert (play.state(CASE), play.called[-1]) == ("resolved", "complaints agent")
    assert data(play).failed == ()


# -- our answer ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("late", "letter"), [(False, "summary"), (True, "final_response")])
def test_by_the_third_business_day_a_summary_will_do(late: bool, letter: str) -> None:
    play = offered(Remedy.APOLOGY)
    if late:
        play.pass_deadline(CASE, "third_day")
    play.tell(CASE, answer())
    assert play.told[-1] == f"complaint.{letter}"
    play.pass_deadline(CASE, "follow_up")
    assert (play.state(CASE), play.told[-1]) == ("closed", "complaint.follow_up")


def test_silence_is_our_final_response_and_no_promise() -> None:
    play = offered(Remedy.VOUCHER, 4000)
    play.pass_deadline(CASE, "offer_due")
    assert play.state(CASE) == "closed_unanswered"
    assert "voucher.issue" not in play.done
    assert play.broken_laws(CASE) == []
