"""Money of an order that settles complaints: never more than was paid, each promise once, whoever asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from machines.complaint.data import Remedy
from machines.kernel.rule import Disposition
from machines.order.data import Order
from machines.order.events import OrderPlaced
from machines.redress import RedressEnquired, RedressRequested
from machines.refund.events import RefundDecided
from machines.shipment import events as carrier
from tests.machines.complaints import CASE, WITH_ORDER, answer, offer, offered
from tests.machines.play import Answer, Play

ORDER = "order/SO-1001"
PLACED = OrderPlaced.model_validate(OrderPlaced.examples[0])  # 35.00 EUR
MANY = OrderPlaced.model_validate(
    {**OrderPlaced.examples[0], "lines": [{"sku": "KETTLE", "quantity": 50, "price": 3000}]}
)


def delivered(placed: OrderPlaced = PLACED, *, answers: Mapping[str, Sequence[Answer]] | None = None) -> Play:
    play = Play(answers=answers)
    play.tell(ORDER, placed)
    play.tell("shipment/SO-1001-1", carrier.ShipmentDispatched())
    play.tell("shipment/SO-1001-1", carrier.ShipmentDelivered())
    return play


def promise(amount: int, *, redress: str = "CP-1001-1", customer: str = "C-1") -> RedressRequested:
    return RedressRequested(
        redress=redress, complaint="CP-1001", customer=customer, amount=amount, reason="for the wait"
    )


def order(play: Play) -> Order:
    found = play.cases[ORDER].data
    assert isinstance(found, Order)
    return found


def test_an_accepted_offer_goes_back_to_the_card_and_the_order_stays_delivered() -> None:
    play = offered(Remedy.PARTIAL_REFUND, 1000, play=delivered())
    play.tell(CASE, answer(amount=1000))
    assert play.state(ORDER) == "delivered"
    assert play.state("refund/CP-1001-1-R") == "settled"
    assert play.state(CASE) == "resolved"
    assert (order(play).payments[0].refunded, order(play).payments[0].refunding) == (1000, 0)
    assert play.broken_laws(ORDER) == play.broken_laws(CASE) == []


@pytest.mark.parametrize(("customer", "left"), [("C-1", 3500), ("C-2", 0)])
def test_an_order_tells_only_its_customer_what_is_left(customer: str, left: int) -> None:
    play = delivered()
    play.tell(CASE, WITH_ORDER.model_copy(update={"customer": customer}))
    play.tell(ORDER, RedressEnquired(complaint="CP-1001", customer=customer))
    assert getattr(play.cases[CASE].data, "left") == left  # noqa: B009


def test_no_more_goes_back_than_was_paid_however_many_ask() -> None:
    play = delivered()
    play.tell(ORDER, promise(2000))
    play.tell(ORDER, promise(2000, redress="CP-1004-1"))
    play.tell(ORDER, promise(1500, redress="CP-1005-1"))
    assert [one.key for one in order(play).goodwill] == ["CP-1001-1", "CP-1005-1"]
    assert order(play).payments[0].refunded == 3500
    assert play.broken_laws(ORDER) == []


def test_the_same_promise_is_kept_once() -> None:
    play = delivered()
    play.tell(ORDER, promise(1000))
    assert play.tell(ORDER, promise(1000)) is Disposition.HANDLED
    assert play.done.count("payment.refund") == 1


def test_nobody_is_paid_from_the_order_of_another_customer() -> None:
    play = delivered()
    play.tell(ORDER, promise(1000, customer="C-2"))
    assert order(play).goodwill == ()
    assert "payment.refund" not in play.done


def test_before_anything_is_charged_nothing_can_go_back() -> None:
    play = Play()
    play.tell(ORDER, PLACED)
    play.tell(ORDER, promise(1000))
    assert order(play).goodwill == ()


def test_finance_may_withhold_it_and_something_else_is_found() -> None:
    play = offered(Remedy.FULL_REFUND, 90000, play=delivered(MANY))
    play.tell(CASE, answer(amount=90000))
    assert play.state("refund/CP-1001-1-R") == "awaiting_approval"
    play.tell("refund/CP-1001-1-R", RefundDecided(approve=False, reason="too much"))
    assert play.state(CASE) == "redress_failed"
    assert order(play).payments[0].refundable == 150500
    play.tell(CASE, offer(Remedy.APOLOGY))
    play.tell(CASE, answer(number=2))
    assert play.broken_laws(ORDER) == play.broken_laws(CASE) == []


def test_what_complaints_took_does_not_go_back_again_with_a_lost_parcel() -> None:
    play = delivered()
    play.tell(ORDER, promise(1000))
    play.tell("shipment/SO-1001-1", carrier.DeliveryDisputed(customer="C-1"))
    assert sum(payment.refunded + payment.refunding for payment in order(play).payments) <= 3500
    assert play.broken_laws(ORDER) == []
