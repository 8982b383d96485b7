"""No order is confirmed with less held than it costs."""

from __future__ import annotations

import pytest

from machines.between import Means
from machines.kernel.rule import Disposition
from machines.order import events, outcomes, paying
from machines.order.data import Order, PayWith
from machines.order.money import charges_for, with_payment
from tests.machines.orders import (
    ARRIVES,
    CARD,
    CASE,
    FIRST,
    LEAVES,
    PLAIN,
    SPLIT,
    declined,
    needs_action,
)
from tests.machines.play import START, Answer, Play


def authorised(amount: int) -> Answer:
    return lambda asked: outcomes.PaymentAuthorized(
        payment=asked.payment,
        amount=amount,
    )


BOUNDED = events.MeansGiven(pay_with=PayWith(means=Means.CARD, token="tok_other", up_to=1))


@pytest.mark.parametrize(
    "answers", [{"payment.authorize": [declined]}, {"order.verify": [outcomes.MeansUnusable()]}]
)
def test_bounded_means_is_refused_where_it_is_the_last(answers: dict[str, list[Answer]]) -> None:
    play = Play(answers=answers)
    play.tell(CASE, PLAIN)
    assert play.state(CASE) == "awaiting_means"
    assert play.tell(CASE, BOUNDED) is Disposition.REFUSED
    assert play.reason == "the last means of payment must cover whatever remains"
    assert play.state(CASE) == "awaiting_means"
    play.tell(CASE, CARD)
    assert play.state(CASE) == "awaiting_dispatch"


def test_bounded_means_is_refused_while_a_hold_is_renewed() -> None:
    play = Play(answers={"payment.reauthorize": [declined]})
    play.tell(CASE, PLAIN)
    play.pass_deadline(CASE, "hold_ends_soon")
    assert play.state(CASE) == "awaiting_renewal"
    assert play.tell(CASE, BOUNDED) is Disposition.REFUSED
    assert play.tell(CASE, CARD) is Disposition.HANDLED


def test_order_that_is_held_in_part_asks_for_a_further_means() -> None:
    play = Play(answers={"payment.authorize": [authorised(1000)]})
    play.tell(CASE, PLAIN)
    assert play.state(CASE) == "awaiting_means"
    play.tell(CASE, CARD)
    assert play.state(CASE) == "awaiting_dispatch"
    assert [payment.authorised for payment in play.data(CASE, Order).payments] == [1000, 2500]
    play.tell(FIRST, LEAVES)
    play.tell(FIRST, ARRIVES)
    assert play.broken_laws(CASE) == []
    assert play.sums[CASE]["captured"] == 3500


def test_means_that_never_hold_enough_are_tried_four_times() -> None:
    play = Play(answers={"payment.authorize": [authorised(1)] * 4})
    play.tell(CASE, PLAIN)
    for _ in range(3):
        assert play.tell(CASE, CARD) is Disposition.HANDLED
    assert play.tell(CASE, CARD) is Disposition.REFUSED
    play.pass_deadline(CASE, "means_due")
    assert play.state(CASE) == "expired"
    assert play.broken_laws(CASE) == []


def test_further_means_that_holds_too_little_does_not_let_go_of_the_others() -> None:
    play = Play(
        answers={
            "payment.authorize": [authorised(3500), authorised(1000)],
            "payment.reauthorize": [declined],
        }
    )
    play.tell(CASE, PLAIN)
    play.pass_deadline(CASE, "hold_ends_soon")
    play.tell(CASE, CARD)
    assert play.state(CASE) == "awaiting_renewal"
    assert [payment.hold for payment in play.data(CASE, Order).payments] == [3500, 1000]
    play.tell(FIRST, LEAVES)
    play.tell(FIRST, ARRIVES)
    assert play.broken_laws(CASE) == []
    assert play.sums[CASE]["captured"] == 3500


def test_hold_that_lapsed_in_part_is_asked_for_again_by_the_means_that_is_given() -> None:
    play = Play(answers={"payment.authorize": [authorised(2000), declined]})
    play.tell(CASE, SPLIT)
    play.tell(CASE, events.PaymentLapsed(payment="1", amount=500))
    assert play.state(CASE) == "awaiting_means"
    play.tell(CASE, CARD)
    assert play.state(CASE) == "awaiting_dispatch"
    assert [payment.hold for payment in play.data(CASE, Order).payments] == [1500, 3000]


def test_price_that_falls_below_what_is_held_needs_no_further_confirmation() -> None:
    play = Play(answers={"payment.authorize": [authorised(2000), needs_action]})
    play.tell(CASE, SPLIT)
    play.tell(CASE, events.OrderRepriced(sku="SOFA", price=1000))
    play.tell(CASE, events.PaymentConfirmed(payment="2"))
    assert play.state(CASE) == "awaiting_dispatch"


def test_nothing_is_charged_without_a_hold_unless_the_hold_lapsed() -> None:
    play = Play()
    play.tell(CASE, PLAIN)
    order = play.data(CASE, Order)
    (parcel,) = order.parcels
    spent = with_payment(order, "1", voided=1000)
    assert [(charge.amount, charge.held) for charge in charges_for(spent, parcel)] == [(2500, True)]
    lapsed = paying.lapsed(order, events.PaymentLapsed(payment="1", amount=1000), START)
    assert [(charge.amount, charge.held) for charge in charges_for(lapsed, parcel)] == [
        (2500, True),
        (1000, False),
    ]
