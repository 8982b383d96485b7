"""A price that changes after the order was placed: lower at once, higher only with the customer's yes."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from machines.kernel.rule import Disposition
from machines.order import events, outcomes
from machines.order.asks import Hold
from machines.order.data import Order
from machines.order.events import OrderPlaced
from tests.machines.play import Answer, Play

PLAIN, TWO_LINES, SPLIT, *_ = (OrderPlaced.model_validate(example) for example in OrderPlaced.examples)
CASE = "order/SO-1001"
REFUSED = outcomes.WarehouseRejected(reason="strike")
YES, NO = events.PriceAnswered(price=3500, agree=True), events.PriceAnswered(price=3500, agree=False)


def repriced(price: int, sku: str = "KETTLE") -> events.OrderRepriced:
    return events.OrderRepriced(sku=sku, price=price)


def needs_action(asked: Hold) -> outcomes.PaymentActionRequired:
    return outcomes.PaymentActionRequired(payment=asked.payment)


def authorised(asked: Hold) -> outcomes.PaymentAuthorized:
    return outcomes.PaymentAuthorized(payment=asked.payment, amount=asked.amount)


def refused_by_the_warehouse(placed: OrderPlaced = PLAIN, *, then: Sequence[Answer] = ()) -> Play:
    """Authorised and confirmed; no parcel is planned yet. ``then`` answers further authorisations."""
    answers: dict[str, list[Answer]] = {
        "warehouse.submit": [REFUSED],
        "payment.authorize": [authorised, *then],
    }
    play = Play(answers=answers)
    play.tell(CASE, placed)
    assert play.state(CASE) == "handover_refused"
    return play


def packing() -> Play:
    play = Play()
    play.tell(CASE, PLAIN)
    assert play.state(CASE) == "awaiting_dispatch"
    return play


def test_yes_has_the_difference_held_on_the_same_means() -> None:
    play = refused_by_the_warehouse()
    play.tell(CASE, repriced(3500))
    assert play.state(CASE) == "awaiting_price"
    assert "order.higher_price" in play.told
    play.tell(CASE, YES)
    assert play.state(CASE) == "awaiting_dispatch"
    assert [(one.token, one.hold) for one in play.data(CASE, Order).payments] == [
        ("tok_example", 3500),
        ("tok_example", 500),
    ]
    assert play.data(CASE, Order).total == 4000


@pytest.mark.parametrize("answer", [NO, "price_due", "hold_ends_soon"])
def test_without_a_yes_the_confirmed_price_stands_and_the_customer_is_told(
    answer: events.PriceAnswered | str,
) -> None:
    for play, asking in ((refused_by_the_warehouse(), "awaiting_price"), (packing(), "price_in_question")):
        play.tell(CASE, repriced(3500))
        assert play.state(CASE) == asking
        if isinstance(answer, str):
            play.pass_deadline(CASE, answer)
        else:
            play.tell(CASE, answer)
        assert play.state(CASE) == "awaiting_dispatch"
        assert play.data(CASE, Order).total == 3500
        assert play.data(CASE, Order).asked_price is None
        assert "order.price_stands" in play.told


def test_yes_while_the_warehouse_packs_stops_the_parcel_and_starts_anew() -> None:
    play = packing()
    play.tell(CASE, repriced(3500))
    play.tell(CASE, YES)
    assert play.state(CASE) == "awaiting_dispatch"
    assert play.state("shipment/SO-1001-1") == "cancelled"
    assert play.data(CASE, Order).parcel("SO-1001-2").value == 4000


def test_yes_comes_too_late_where_the_warehouse_cannot_stop_the_parcel() -> None:
    play = Play(answers={"warehouse.cancel": [outcomes.CancellationNoted(), events.CancellationRejected()]})
    play.tell(CASE, PLAIN)
    play.tell(CASE, repriced(3500))
    play.tell(CASE, YES)
    play.tell(CASE, events.CancellationRejected())
    assert play.state(CASE) == "awaiting_dispatch"
    assert play.data(CASE, Order).total == 3500


def test_an_answer_about_another_price_is_refused() -> None:
    play = refused_by_the_warehouse()
    play.tell(CASE, repriced(3500))
    assert play.tell(CASE, events.PriceAnswered(price=3400, agree=True)) is Disposition.REFUSED
    assert play.reason == "the customer was asked about another price; the latest message shows it"


def test_a_corrected_price_is_asked_about_anew() -> None:
    play = refused_by_the_warehouse()
    play.tell(CASE, repriced(9900))
    play.tell(CASE, repriced(3500))
    assert play.told.count("order.higher_price") == 2
    play.tell(CASE, YES)
    assert play.data(CASE, Order).total == 4000


def test_a_second_article_waits_until_the_first_question_is_answered() -> None:
    play = refused_by_the_warehouse(TWO_LINES)
    play.tell(CASE, repriced(3500))
    assert play.tell(CASE, repriced(800, "CUP")) is Disposition.DEFERRED
    play.tell(CASE, NO)
    assert play.state(CASE) == "awaiting_dispatch"


def test_a_bank_that_wants_a_confirmation_for_the_difference_gets_it() -> None:
    play = refused_by_the_warehouse(then=[needs_action])
    play.tell(CASE, repriced(3500))
    play.tell(CASE, YES)
    assert play.state(CASE) == "awaiting_payment_confirmation"
    play.tell(CASE, events.PaymentConfirmed(payment="2"))
    assert play.state(CASE) == "awaiting_dispatch"
    assert play.data(CASE, Order).held == 4000


def test_a_confirmation_at_the_bank_is_kept_while_the_price_is_in_question() -> None:
    play = Play(answers={"payment.authorize": [needs_action]})
    play.tell(CASE, PLAIN)
    play.tell(CASE, repriced(3500))
    assert play.tell(CASE, events.PaymentConfirmed(payment="1")) is Disposition.DEFERRED
    play.tell(CASE, YES)
    assert play.state(CASE) == "awaiting_dispatch"
    assert play.data(CASE, Order).held == 4000


def test_before_goods_are_reserved_the_price_ordered_at_stands() -> None:
    play = Play(answers={"order.verify": [outcomes.OrderSuspicious(rule="velocity")]})
    play.tell(CASE, PLAIN)
    assert play.tell(CASE, repriced(3500)) is Disposition.REFUSED
    assert play.reason == "the price at which the order was placed stands"
    assert play.tell(CASE, repriced(2500)) is Disposition.HANDLED
    assert play.data(CASE, Order).total == 3000


def test_an_article_that_is_not_in_the_order_has_no_price_in_it() -> None:
    play = refused_by_the_warehouse()
    assert play.tell(CASE, repriced(1, "SPOON")) is Disposition.REFUSED
    assert play.reason == "this order has no such article"


def test_cancelling_while_the_price_is_in_question_lets_go_of_all() -> None:
    for play in (refused_by_the_warehouse(), packing()):
        play.tell(CASE, repriced(3500))
        play.tell(CASE, events.OrderCancelRequested(customer="C-1"))
        assert play.state(CASE) == "cancelled"
        assert play.broken_laws(CASE) == []
