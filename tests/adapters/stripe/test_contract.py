"""What any payment provider promises the procedures: the simulated one and Stripe alike."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from adapters.command import Adapter, Later
from adapters.world import simulated_world
from machines.kernel.event import Event, Facts
from machines.order.data import Charge
from machines.order.outcomes import (
    CaptureDeclined,
    PaymentActionRequired,
    PaymentAuthorized,
    PaymentCaptured,
    PaymentDeclined,
    PaymentReauthorized,
    PaymentVoided,
)
from machines.refund.events import RefundPaid, RefundPending
from machines.returns.events import Charged, ChargeDeclined
from tests.adapters.stripe.paying import at, hold, pay_back, perform, replacement, taking
from tests.stripe_server import StripeServer

Ask = Callable[[str, Facts], Event | Later | Exception]
TOKENS = {
    "simulated": {"ok": "tok_ok", "declined": "tok_declined", "3ds": "tok_3ds", "no": "tok_nocapture"},
    "stripe": {"ok": "pm_ok", "declined": "pm_declined", "3ds": "pm_3ds", "no": "pm_declined"},
}


@pytest.fixture(params=("simulated", "stripe"))
def provider(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def tokens(provider: str) -> dict[str, str]:
    return TOKENS[provider]


@pytest.fixture
def ask(provider: str, stripe: StripeServer) -> Ask:
    world: Adapter = simulated_world(1)["payment"]

    def ask(name: str, asked: Facts) -> Event | Later | Exception:
        return perform(at(stripe) if provider == "stripe" else world, name, asked)

    return ask


def test_money_is_held_taken_in_parts_and_the_rest_let_go(ask: Ask, tokens: dict[str, str]) -> None:
    held = ask("payment.authorize", hold(tokens["ok"]))
    assert isinstance(held, PaymentAuthorized)
    assert (held.payment, held.amount) == ("1", 8000)
    for amount, parcel in ((3000, "SO-1-1"), (4000, "SO-1-2")):
        taken = ask("payment.capture", taking(amount, parcel=parcel, token=tokens["ok"]))
        assert taken == PaymentCaptured(charge=Charge(payment="1", parcel=parcel, amount=amount))
    assert ask("payment.void", hold(tokens["ok"], amount=1000)) == PaymentVoided(payment="1", amount=1000)


def test_a_bank_that_declines_gives_a_reason(ask: Ask, tokens: dict[str, str]) -> None:
    declined = ask("payment.authorize", hold(tokens["declined"]))
    assert declined == PaymentDeclined(payment="1", reason="insufficient funds")


def test_what_the_customer_must_confirm_stands_when_it_is_asked_again(
    ask: Ask, provider: str, stripe: StripeServer, tokens: dict[str, str]
) -> None:
    assert ask("payment.authorize", hold(tokens["3ds"])) == PaymentActionRequired(payment="1")
    if provider == "stripe":
        stripe.books.confirm("pi_1")
    again = ask("payment.authorize", hold(tokens["3ds"]))
    assert isinstance(again, PaymentAuthorized)
    assert again.amount == 8000
    assert len(stripe.books.intents) == (provider == "stripe")


def test_a_hold_is_renewed_for_the_same_amount(ask: Ask, tokens: dict[str, str]) -> None:
    ask("payment.authorize", hold(tokens["ok"]))
    assert isinstance(ask("payment.reauthorize", hold(tokens["ok"])), PaymentReauthorized)
    taken = ask("payment.capture", taking(8000, token=tokens["ok"]))
    assert isinstance(taken, PaymentCaptured)


def test_money_goes_back_in_parts(ask: Ask, tokens: dict[str, str]) -> None:
    ask("payment.authorize", hold(tokens["ok"]))
    ask("payment.capture", taking(8000, token=tokens["ok"]))
    assert ask("payment.refund", pay_back(3000)) == RefundPaid(payment="1", amount=3000)
    assert ask("payment.refund", pay_back(5000, refund="SO-1-R2")) == RefundPaid(payment="1", amount=5000)


def test_money_for_a_replacement_is_taken_at_once_or_declined(ask: Ask, tokens: dict[str, str]) -> None:
    assert ask("payment.charge", replacement(tokens["ok"])) == Charged(amount=4500)
    assert isinstance(ask("payment.charge", replacement(tokens["no"])), ChargeDeclined)


def test_what_is_not_held_is_taken_at_once_or_declined(ask: Ask, tokens: dict[str, str]) -> None:
    taken = ask("payment.capture", taking(2000, token=tokens["ok"], held=False))
    assert isinstance(taken, PaymentCaptured)
    declined = ask("payment.capture", taking(2000, parcel="SO-1-2", token=tokens["no"], held=False))
    assert isinstance(declined, CaptureDeclined)


def test_a_refund_may_take_its_time(stripe: StripeServer) -> None:
    perform(at(stripe), "payment.authorize", hold("pm_refund_pending"))
    perform(at(stripe), "payment.capture", taking(8000))
    assert isinstance(perform(at(stripe), "payment.refund", pay_back(3000)), RefundPending)
