"""What an order refuses: faulty lines, other customers, values that nobody means."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from machines.between import Address, Pick
from machines.kernel.event import Event, Facts
from machines.kernel.rule import Disposition
from machines.order import delivery, events, outcomes
from machines.order.data import Line, Offer, OfferKind, Order, PayWith, Similar
from machines.order.events import OrderPlaced
from machines.shipment import events as carrier
from tests.machines.orders import (
    AMEND,
    CANCEL,
    CASE,
    FIRST,
    LEAVES,
    PLAIN,
    SHORT,
    TWO_LINES,
    choose,
)
from tests.machines.play import START, Answer, Play

TWICE = (Line(sku="CUP", quantity=1, price=1000), Line(sku="CUP", quantity=1, price=3000))
TWICE_REFUSED = "an article stands in two lines; write it in one, with one price"
SOMEBODY_ELSE = "this order belongs to another customer"


def test_article_in_two_lines_is_refused_and_the_corrected_order_is_taken() -> None:
    play = Play()
    assert play.tell(CASE, PLAIN.model_copy(update={"lines": TWICE})) is Disposition.REFUSED
    assert play.reason == TWICE_REFUSED
    assert play.done == []
    assert play.tell(CASE, PLAIN) is Disposition.HANDLED


def test_change_to_an_article_in_two_lines_is_refused() -> None:
    play = Play(answers={"stock.reserve": [SHORT]})
    play.tell(CASE, PLAIN)
    assert play.tell(CASE, AMEND.model_copy(update={"lines": TWICE})) is Disposition.REFUSED
    assert play.reason == TWICE_REFUSED
    assert play.data(CASE, Order).amendment is None


def test_substitute_that_is_in_the_order_already_is_refused() -> None:
    similar = Similar(sku="CUP", instead_of="KETTLE", price=900)
    offer = Offer(kind=OfferKind.ALTERNATIVES, reason="not in this zone", similar=(similar,))
    play = Play(answers={"restrictions.check": [outcomes.RestrictionsOffer(offer=offer)]})
    play.tell(CASE, TWO_LINES)
    assert play.tell(CASE, choose(events.Choice.SUBSTITUTE, "CUP")) is Disposition.REFUSED


def test_parcels_worth_other_than_the_order_are_not_planned() -> None:
    play = Play()
    play.tell(CASE, PLAIN)
    order = play.data(CASE, Order).model_copy(update={"lines": TWICE, "parcels": ()})
    items = (Pick(sku="CUP", quantity=2),)
    plan = outcomes.WarehouseAccepted(parcels=(outcomes.PlannedParcel(items=items),))
    with pytest.raises(AssertionError, match="parcels worth 6500 were planned for an order of 4500"):
        delivery.plan_parcels(order, plan, START)


# What customers send is sealed under their own keys, which are destroyed on their own request.
@pytest.mark.parametrize(
    ("event", "answers", "steps"),
    [
        (CANCEL, {"stock.reserve": [SHORT]}, []),
        (CANCEL, {}, []),
        (CANCEL, {}, [(FIRST, LEAVES), (FIRST, carrier.ParcelLost())]),
        (AMEND, {"stock.reserve": [SHORT]}, []),
        (AMEND, {}, []),
        (
            events.AddressCorrected(customer="C-1", ship_to=PLAIN.ship_to),
            {"order.verify": [outcomes.AddressUndeliverable()]},
            [],
        ),
    ],
)
def test_another_customer_changes_nothing(
    event: Event, answers: dict[str, list[Answer]], steps: list[tuple[str, Event]]
) -> None:
    play = Play(answers=answers)
    play.tell(CASE, PLAIN)
    for step in steps:
        play.tell(*step)
    before = play.data(CASE, Order)
    assert play.tell(CASE, event.model_copy(update={"customer": "C-2"})) is Disposition.REFUSED
    assert play.reason == SOMEBODY_ELSE
    assert play.data(CASE, Order) == before
    assert play.tell(CASE, event) is Disposition.HANDLED


# -- values that nobody means ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "right", "wrong"),
    [
        (Line, {"sku": "CUP", "quantity": 1, "price": 0}, {"quantity": 0}),
        (Line, {"sku": "CUP", "quantity": 1, "price": 0}, {"quantity": -1}),
        (Line, {"sku": "CUP", "quantity": 1, "price": 0}, {"price": -1}),
        (Line, {"sku": "CUP", "quantity": 1, "price": 0}, {"sku": ""}),
        (Line, {"sku": "CUP", "quantity": 1, "price": 0}, {"sku": "C\x00P"}),
        (Line, {"sku": "RED CUP", "quantity": 1, "price": 0}, {"sku": "C" * 65}),
        (Pick, {"sku": "CUP", "quantity": 1}, {"quantity": 0}),
        (PayWith, {"means": "card", "token": "t"}, {"up_to": 0}),
        (PayWith, {"means": "card", "token": "t"}, {"token": ""}),
        (PayWith, {"means": "card", "token": "t"}, {"token": "t" * 501}),
        (OrderPlaced, OrderPlaced.examples[0], {"shipping": -1}),
        (OrderPlaced, OrderPlaced.examples[0], {"order": "SO\x001"}),
        (OrderPlaced, OrderPlaced.examples[0], {"order": "SO 1"}),
        (OrderPlaced, OrderPlaced.examples[0], {"order": "S" * 65}),
        (OrderPlaced, OrderPlaced.examples[0], {"currency": "EUX"}),
        (Address, PLAIN.ship_to.model_dump(), {"zone": "1\x00"}),
        (events.OrderRepriced, {"sku": "CUP", "price": 0}, {"price": -1}),
        (events.PaymentLapsed, {"payment": "1", "amount": 1}, {"amount": -1}),
        (events.ReviewDecided, {"accept": True, "reason": "known,\nphoned"}, {"reason": "\x00"}),
        (events.RemedyChosen, {"parcel": "S" * 64 + "-1", "remedy": "refund"}, {"parcel": "a b"}),
        (outcomes.StockExpected, {"on": "2026-12-20T12:00:00Z"}, {"on": "2026-12-20T12:00:00"}),
        (
            outcomes.PaymentAuthorized,
            {"payment": "1", "amount": 1, "capture_before": "2026-12-20T12:00:00Z"},
            {"capture_before": "2026-12-20T12:00:00"},
        ),
    ],
)
def test_value_that_nobody_means_is_no_valid_payload(
    model: type[Facts], right: dict[str, object], wrong: dict[str, object]
) -> None:
    model.model_validate(right)
    with pytest.raises(ValidationError):
        model.model_validate({**right, **wrong})
