"""Money that the customer's bank takes back: noted in every state, and never paid back by us as well."""

from __future__ import annotations

import pytest

from machines.kernel.case import Case
from machines.kernel.decide import decide
from machines.kernel.event import Received
from machines.kernel.rule import Disposition
from machines.kernel.state import State
from machines.order import ORDER, events, states
from machines.order.data import Order
from machines.order.events import OrderPlaced
from machines.shipment import events as carrier
from tests.machines.play import DEFINITIONS, START, Play

PLAIN = OrderPlaced.model_validate(OrderPlaced.examples[0])
CASE, FIRST, REFUND = "order/SO-1001", "shipment/SO-1001-1", "refund/SO-1001-1-R"
TAKEN = events.PaymentDisputed(payment="1", amount=3500)
WON = events.PaymentDisputeWon(payment="1", amount=3500)
MONEY = events.RemedyChosen(parcel="SO-1001-1", remedy=events.Remedy.REFUND)


def on_its_way() -> Play:
    play = Play()
    play.tell(CASE, PLAIN)
    play.tell(FIRST, carrier.ShipmentDispatched())
    return play


@pytest.mark.parametrize("state", states.OPENED, ids=lambda state: state.name)
@pytest.mark.parametrize("event", [TAKEN, WON], ids=["taken", "won"])
def test_every_state_takes_a_chargeback_and_calls_finance(
    state: State, event: events.PaymentDisputed | events.PaymentDisputeWon
) -> None:
    case = Case(
        sop="order",
        key="SO-1001",
        version=1,
        hash=ORDER.hash,
        state=state.name,
        data=on_its_way().data(CASE, Order),
    )
    received = Received(id="1", source="test", type=event.type, payload=event, at=START)
    decision = decide(DEFINITIONS["order"], case, received, START)
    assert decision.disposition is Disposition.HANDLED
    assert "staff.alert" in [command.name for command in decision.commands]


def test_a_payment_that_the_order_does_not_have_is_refused() -> None:
    play = on_its_way()
    assert play.tell(CASE, events.PaymentDisputed(payment="7", amount=1)) is Disposition.REFUSED


def test_what_the_bank_took_is_not_refunded_as_well() -> None:
    play = on_its_way()
    play.tell(CASE, TAKEN)
    play.tell(FIRST, carrier.ParcelLost())
    play.tell(CASE, MONEY)
    assert play.state(CASE) == "refunded"
    assert REFUND not in play.cases
    assert play.broken_laws(CASE) == []


def test_what_the_bank_left_is_refunded() -> None:
    play = on_its_way()
    play.tell(CASE, events.PaymentDisputed(payment="1", amount=1000))
    play.tell(FIRST, carrier.ParcelLost())
    play.tell(CASE, MONEY)
    assert play.sums[CASE]["refunded"] == 2500
    assert play.broken_laws(CASE) == []


def test_the_rest_goes_back_once_the_bank_gives_it_back() -> None:
    play = on_its_way()
    play.tell(CASE, events.PaymentDisputed(payment="1", amount=1000))
    play.tell(FIRST, carrier.ParcelLost())
    play.tell(CASE, MONEY)
    play.tell(CASE, events.PaymentDisputeWon(payment="1", amount=1000))
    assert play.state(CASE) == "refunded"
    assert play.state("refund/SO-1001-1-R2") == "settled"
    assert play.sums[CASE]["refunded"] == 3500
    assert play.broken_laws(CASE) == []


def test_delivered_goods_are_not_refunded_when_a_dispute_is_won() -> None:
    play = on_its_way()
    play.tell(FIRST, carrier.ShipmentDelivered())
    play.tell(CASE, TAKEN)
    assert play.broken_laws(CASE) == []
    play.tell(CASE, WON)
    assert play.state(CASE) == "delivered"
    assert REFUND not in play.cases
    assert play.broken_laws(CASE) == []


def test_a_refund_that_the_bank_takes_a_second_time_is_not_counted_as_ours_to_give() -> None:
    play = on_its_way()
    play.tell(FIRST, carrier.ParcelLost())
    play.tell(CASE, MONEY)
    assert play.state(REFUND) == "settled"
    assert play.tell(CASE, TAKEN) is Disposition.HANDLED
    assert play.data(CASE, Order).payment("1").disputed == 0
    play.tell(CASE, WON)
    assert play.done.count("payment.refund") == 1
    assert play.broken_laws(CASE) == []
