"""Whatever is lost on the way, money moves once; and what Stripe's errors mean to a step."""

from __future__ import annotations

import asyncio

import pytest

from adapters.command import Adapter, Inquiry, Later
from adapters.errors import Rejected, Unavailable, Uncertain
from machines.between import Means
from machines.kernel.command import Command
from machines.kernel.event import Event, Facts
from machines.order.outcomes import (
    CaptureDeclined,
    NothingToVoid,
    PaymentActionRequired,
    PaymentAuthorized,
    PaymentCaptured,
    PaymentDeclined,
    PaymentReauthorized,
    PaymentVoided,
)
from machines.refund.events import RefundFailed, RefundPaid
from machines.returns.events import Charged
from tests.adapters.stripe.paying import (
    at,
    hold,
    pay,
    pay_back,
    perform,
    perform_all,
    replacement,
    step,
    taking,
)
from tests.stripe_server import StripeServer

DAY = 86_400


def held(stripe: StripeServer, token: str = "pm_ok") -> None:
    assert isinstance(pay(stripe, "payment.authorize", hold(token)), PaymentAuthorized)


def captured(stripe: StripeServer, amount: int = 8000, token: str = "pm_ok") -> None:
    held(stripe, token)
    assert isinstance(pay(stripe, "payment.capture", taking(amount)), PaymentCaptured)


@pytest.mark.parametrize("later", [0, 2 * DAY], ids=["at once", "when Stripe has forgotten the key"])
@pytest.mark.parametrize(
    ("name", "asked", "outcome"),
    [
        ("payment.authorize", hold(), PaymentAuthorized),
        ("payment.capture", taking(3000), PaymentCaptured),
        ("payment.capture", taking(3000, held=False), PaymentCaptured),
        ("payment.charge", replacement("pm_ok"), Charged),
        ("payment.void", hold(), PaymentVoided),
        ("payment.refund", pay_back(3000), RefundPaid),
    ],
    ids=["authorize", "capture", "capture of nothing held", "charge", "void", "refund"],
)
def test_a_lost_answer_is_asked_for_again_and_nothing_happens_twice(
    stripe: StripeServer, name: str, asked: Facts, outcome: type[Event], later: float
) -> None:
    if name == "payment.refund":
        captured(stripe)
    elif name in ("payment.capture", "payment.void"):
        held(stripe)
    key = step(name)
    stripe.lose = 1
    lost = pay(stripe, name, asked, key=key)
    assert isinstance(lost, Unavailable)
    assert str(lost) == f"{name}: Stripe cannot be reached"
    before = moved(stripe)
    stripe.ahead += later
    assert isinstance(pay(stripe, name, asked, key=key), outcome)
    assert moved(stripe) == before


def moved(stripe: StripeServer) -> tuple[list[int], list[int], list[int]]:
    """What is held, taken and paid back, by intent and refund."""
    intents, refunds = stripe.books.intents.values(), stripe.books.refunds.values()
    return (
        [intent["amount_capturable"] for intent in intents],
        [intent["amount_received"] for intent in intents],
        [refund["amount"] for refund in refunds],
    )


def test_a_decline_stays_one_when_it_is_asked_again_after_days(stripe: StripeServer) -> None:
    key = step("payment.authorize")
    first = pay(stripe, "payment.authorize", hold("pm_declined"), key=key)
    stripe.ahead = 2 * DAY
    again = pay(stripe, "payment.authorize", hold("pm_declined"), key=key)
    assert isinstance(first, PaymentDeclined)
    assert isinstance(again, PaymentDeclined)
    assert len(stripe.books.charges) == 1


def test_each_change_is_asked_for_under_the_key_of_its_step(stripe: StripeServer) -> None:
    keys = [step("payment.authorize"), step("payment.capture")]
    pay(stripe, "payment.authorize", hold(), key=keys[0])
    pay(stripe, "payment.capture", taking(8000), key=keys[1])
    assert [key for method, _, key in stripe.requests if method == "POST"] == keys


def test_where_a_card_can_be_captured_once_the_next_parcel_is_charged_anew(stripe: StripeServer) -> None:
    stripe.books.multicapture = False
    captured(stripe, 3000)
    second = pay(stripe, "payment.capture", taking(5000, parcel="SO-1-2"))
    assert isinstance(second, PaymentCaptured)
    assert moved(stripe) == ([0, 0], [3000, 5000], [])
    # and a refund of the whole goes to both charges
    assert isinstance(pay(stripe, "payment.refund", pay_back(8000)), RefundPaid)
    assert moved(stripe)[2] == [5000, 3000]


def test_a_refund_that_broke_off_between_two_charges_pays_only_what_is_missing(stripe: StripeServer) -> None:
    stripe.books.multicapture = False
    captured(stripe, 3000)
    pay(stripe, "payment.capture", taking(5000, parcel="SO-1-2"))
    key, stripe.lose = step("payment.refund"), 1
    assert isinstance(pay(stripe, "payment.refund", pay_back(8000), key=key), Unavailable)
    stripe.ahead = 2 * DAY
    assert isinstance(pay(stripe, "payment.refund", pay_back(8000), key=key), RefundPaid)
    assert moved(stripe)[2] == [5000, 3000]


def test_a_hold_that_has_run_out_is_not_taken_and_there_is_nothing_to_let_go(stripe: StripeServer) -> None:
    held(stripe)
    stripe.ahead = 8 * DAY
    assert isinstance(pay(stripe, "payment.capture", taking(8000)), CaptureDeclined)
    assert isinstance(pay(stripe, "payment.void", hold()), NothingToVoid)
    assert moved(stripe)[1] == [0]


def test_what_is_being_charged_is_not_let_go_with_the_rest(stripe: StripeServer) -> None:
    held(stripe)
    early = pay(stripe, "payment.void", hold(amount=5000))
    assert isinstance(early, Unavailable)
    pay(stripe, "payment.capture", taking(3000))
    assert isinstance(pay(stripe, "payment.void", hold(amount=5000)), PaymentVoided)
    assert moved(stripe) == ([0], [3000], [])


def test_a_renewal_leaves_a_charge_under_way_its_hold(stripe: StripeServer) -> None:
    held(stripe)
    key = step("payment.reauthorize")
    early = pay(stripe, "payment.reauthorize", hold(amount=5000), key=key)
    assert isinstance(early, Unavailable)
    assert isinstance(pay(stripe, "payment.capture", taking(3000)), PaymentCaptured)
    assert isinstance(pay(stripe, "payment.reauthorize", hold(amount=5000), key=key), PaymentReauthorized)
    assert moved(stripe) == ([0, 5000], [3000, 0], [])


def test_a_hold_confirmed_over_another_sum_is_let_go(stripe: StripeServer) -> None:
    pay(stripe, "payment.authorize", hold("pm_3ds", amount=8000))
    stripe.books.confirm("pi_1")
    again = pay(stripe, "payment.authorize", hold("pm_3ds", amount=9000))
    assert isinstance(again, PaymentActionRequired)
    assert [intent["status"] for intent in stripe.books.intents.values()] == ["canceled", "requires_action"]


def test_a_hold_that_was_confirmed_too_late_is_nobodys(stripe: StripeServer) -> None:
    pay(stripe, "payment.authorize", hold("pm_3ds"))
    stripe.books.confirm("pi_1")
    assert isinstance(pay(stripe, "payment.capture", taking(8000)), CaptureDeclined)


def test_a_currency_that_stripe_counts_otherwise_is_rejected(stripe: StripeServer) -> None:
    kronur = hold().model_copy(update={"currency": "ISK"})
    assert isinstance(pay(stripe, "payment.authorize", kronur), Rejected)
    assert stripe.requests == []


def test_a_refund_that_fails_says_why_and_another_one_may_be_tried(stripe: StripeServer) -> None:
    captured(stripe, token="pm_refund_fails")
    failed = pay(stripe, "payment.refund", pay_back(3000))
    assert failed == RefundFailed(payment="1", reason="expired or canceled card")
    again = pay(stripe, "payment.refund", pay_back(3000))
    assert isinstance(again, RefundFailed)


def test_no_more_goes_back_than_was_taken(stripe: StripeServer) -> None:
    captured(stripe, 3000)
    assert isinstance(pay(stripe, "payment.refund", pay_back(3001)), Rejected)
    assert isinstance(pay(stripe, "payment.refund", pay_back(3000)), RefundPaid)
    assert isinstance(pay(stripe, "payment.refund", pay_back(1)), Rejected)


def test_what_the_bank_disputes_is_not_refunded(stripe: StripeServer) -> None:
    captured(stripe)
    stripe.books.dispute("pi_1", amount=8000, event="funds_withdrawn")
    assert pay(stripe, "payment.refund", pay_back(3000)) == RefundFailed(
        payment="1", reason="charge disputed"
    )


@pytest.mark.parametrize(
    ("status", "error", "after"),
    [
        (500, Unavailable, 0),
        (503, Unavailable, 7),
        (409, Unavailable, 0),
        (429, Unavailable, 7),
        (400, Rejected, 0),
    ],
)
def test_errors_are_worth_another_try_or_not(
    stripe: StripeServer, status: int, error: type[Exception], after: float
) -> None:
    stripe.failing = [(status, {"retry-after": "7"} if after else {})]
    failure = pay(stripe, "payment.authorize", hold())
    assert type(failure) is error
    assert getattr(failure, "after", 0) == after
    assert "sk_test" not in str(failure)


def test_a_key_that_is_not_accepted_is_said_so_and_not_shown(stripe: StripeServer) -> None:
    failure = perform(at(stripe, key="sk_test_wrong"), "payment.authorize", hold())
    assert isinstance(failure, Rejected)
    assert "providers.payment.key" in str(failure)
    assert "wrong" not in str(failure)


class Credit:
    """Pays by store credit."""

    limit = 1

    async def perform(self, command: Command) -> Event | Later:
        return PaymentAuthorized(payment="1", amount=8000)


def test_what_is_not_paid_by_card_goes_elsewhere_or_is_rejected(stripe: StripeServer) -> None:
    credit = hold("credit", means=Means.STORE_CREDIT)
    assert isinstance(pay(stripe, "payment.authorize", credit), Rejected)
    other = perform(at(stripe, otherwise=Credit()), "payment.authorize", credit)
    assert isinstance(other, PaymentAuthorized)
    assert stripe.requests == []


def test_many_commands_share_the_connections(stripe: StripeServer) -> None:
    commands = [
        Command("payment.charge", step("payment.charge"), replacement("cus_1:pm_ok")) for _ in range(5)
    ]
    assert perform_all(at(stripe), commands) == [Charged(amount=4500)] * 5


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("payment.authorize", hold()),
        ("payment.reauthorize", hold()),
        ("payment.capture", taking(3000)),
        ("payment.charge", replacement("pm_ok")),
        ("payment.void", hold()),
        ("payment.refund", pay_back(3000)),
    ],
)
def test_what_became_of_a_command_can_be_asked_without_doing_anything(
    stripe: StripeServer, name: str, asked: Facts
) -> None:
    if name == "payment.refund":
        captured(stripe)
    elif name in ("payment.capture", "payment.void", "payment.reauthorize"):
        held(stripe)
    command = Command(name, step(name), asked)
    before = moved(stripe)
    assert look_up(stripe, command) is None
    assert moved(stripe) == before
    outcome = perform(at(stripe), name, asked, key=command.key)
    assert look_up(stripe, command) == outcome


def test_nobody_says_nothing_was_done_while_it_is_not_decided(stripe: StripeServer) -> None:
    key = step("payment.charge")
    perform(at(stripe), "payment.charge", replacement("pm_ok"), key=key)
    (intent,) = stripe.books.intents.values()
    intent["status"] = "processing"
    with pytest.raises(Uncertain, match="Stripe reports it as processing"):
        look_up(stripe, Command("payment.charge", key, replacement("pm_ok")))


def test_a_refund_that_went_through_in_part_is_for_staff_to_look_at(stripe: StripeServer) -> None:
    captured(stripe)
    key = step("payment.refund")
    perform(at(stripe), "payment.refund", pay_back(3000), key=key)
    with pytest.raises(Uncertain, match="went back in part"):
        look_up(stripe, Command("payment.refund", key, pay_back(4000)))


class Telling(Credit):
    async def look_up(self, command: Command) -> Event | None:
        return PaymentAuthorized(payment="1", amount=8000)


def test_what_went_elsewhere_is_asked_of_there(stripe: StripeServer) -> None:
    credit = hold("credit", means=Means.STORE_CREDIT)
    command = Command("payment.authorize", step("payment.authorize"), credit)
    assert look_up(stripe, command) is None  # it was rejected
    assert look_up(stripe, command, otherwise=Telling()) == PaymentAuthorized(payment="1", amount=8000)
    with pytest.raises(Uncertain, match="cannot ask"):
        look_up(stripe, command, otherwise=Credit())
    assert stripe.requests == []


def look_up(stripe: StripeServer, command: Command, *, otherwise: Adapter | None = None) -> Event | None:
    async def run() -> Event | None:
        payments = at(stripe, otherwise=otherwise)
        assert isinstance(payments, Inquiry)
        try:
            return await payments.look_up(command)
        finally:
            await payments.close()

    return asyncio.run(run())


def test_what_is_confirmed_when_nobody_waits_any_more_is_let_go(stripe: StripeServer) -> None:
    pay(stripe, "payment.authorize", hold("pm_3ds"))
    assert pay(stripe, "payment.void", hold("pm_3ds", amount=0)) == NothingToVoid(payment="1", amount=0)
    stripe.books.confirm("pi_1")
    assert pay(stripe, "payment.void", hold("pm_3ds", amount=0)) == PaymentVoided(payment="1", amount=0)
    assert stripe.books.intents["pi_1"]["status"] == "canceled"


def test_to_call_off_a_confirmation_leaves_what_is_held(stripe: StripeServer) -> None:
    pay(stripe, "payment.authorize", hold())
    assert isinstance(pay(stripe, "payment.void", hold(amount=0)), NothingToVoid)
    assert stripe.books.intents["pi_1"]["status"] == "requires_capture"
