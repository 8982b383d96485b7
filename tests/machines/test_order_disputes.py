"""Money that the customer's bank takes back: noted in every state, and never paid back by us as well."""

from __future__ import annotations

import pytest

from machines.between import Means
from machines.kernel.case import Case
from machines.kernel.decide import decide
from machines.kernel.event import Received
from machines.kernel.rule import Disposition
from machines.kernel.state import State
from machines.order import ORDER, events, outcomes, states
from machines.order.data import Order, PayWith
from machines.order.events import OrderPlaced
from machines.redress import RedressRequested
from machines.refund import events as refund_events
from machines.shipment import events as carrier
from tests.machines.orders import two_parcels
from tests.machines.play import DEFINITIONS, START, Answer, Play

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
    assert play.data(CASE, Order).payment("1").refundable == 0
    play.tell(CASE, WON)
    assert play.done.count("payment.refund") == 1
    assert play.broken_laws(CASE) == []


def changed_after_it_was_charged(*, other_means: bool) -> Play:
    """A packed parcel was charged and charged back, then the order was changed, paid anew and delivered."""
    answers: dict[str, list[Answer]] = {
        "warehouse.report": [outcomes.WarehouseReported(ready=("SO-1001-1",))],
    }
    if other_means:
        hold = outcomes.PaymentAuthorized(payment="1", amount=3500)
        answers["payment.authorize"] = [hold, outcomes.PaymentDeclined(payment="2", reason="no funds")]
    play = Play(answers=answers)
    play.tell(CASE, PLAIN)
    play.pass_deadline(CASE, "hold_ends_soon")
    play.tell(CASE, TAKEN)
    cups = {"sku": "CUP", "quantity": 3, "price": 1000}
    play.tell(CASE, events.OrderAmended.model_validate({"customer": "C-1", "lines": [cups]}))
    if other_means:
        card = PayWith(means=Means.CARD, token="tok_other")
        play.tell(CASE, events.MeansGiven(pay_with=card))
    for event in (carrier.ShipmentDispatched(), carrier.ShipmentDelivered()):
        play.tell("shipment/SO-1001-2", event)
    assert play.state(CASE) == "delivered"
    return play


@pytest.mark.parametrize("other_means", [False, True])
@pytest.mark.parametrize("won", [1500, 3500])
def test_what_is_won_of_an_old_payment_goes_back_and_nothing_of_the_new_one(
    other_means: bool, won: int
) -> None:
    play = changed_after_it_was_charged(other_means=other_means)
    play.tell(CASE, events.PaymentDisputeWon(payment="1", amount=won))
    assert play.sums[CASE]["refunded"] == won
    old, new = play.data(CASE, Order).payments
    assert (old.refunded, old.disputed, new.refunded) == (won, 3500 - won, 0)
    assert new.refundable == 3500
    assert play.broken_laws(CASE) == []


def test_what_the_bank_takes_of_a_payment_for_two_parcels_counts_against_the_one_that_never_came() -> None:
    play = Play(answers={"warehouse.submit": [two_parcels]})
    play.tell(CASE, OrderPlaced.model_validate(OrderPlaced.examples[1]))
    for number in (1, 2):
        play.tell(f"shipment/SO-1001-{number}", carrier.ShipmentDispatched())
    play.tell("shipment/SO-1001-2", carrier.ShipmentDelivered())
    lost = play.data(CASE, Order).parcel("SO-1001-1").captured
    play.tell(CASE, events.PaymentDisputed(payment="1", amount=lost))
    play.tell(FIRST, carrier.ParcelLost())
    play.tell(CASE, MONEY)
    assert REFUND not in play.cases
    assert play.broken_laws(CASE) == []


def refund_under_way(*first: Answer, held: bool = False) -> Play:
    """The parcel is lost, the customer wants the money, and the refund has not been paid yet."""
    play = Play(answers={"payment.refund": list(first)}, held=["payment.refund"] if held else [])
    play.tell(CASE, PLAIN)
    play.tell(FIRST, carrier.ShipmentDispatched())
    play.tell(FIRST, carrier.ParcelLost())
    play.tell(CASE, MONEY)
    return play


FAILED = refund_events.RefundFailed(payment="1", reason="card closed")


def test_a_refund_that_failed_is_called_off_when_the_bank_takes_the_money() -> None:
    play = refund_under_way(FAILED)
    assert play.state(REFUND) == "awaiting_retry"
    play.tell(CASE, TAKEN)
    assert (play.state(REFUND), play.state(CASE)) == ("called_off", "refunded")
    assert "refund.called_off" in play.told
    assert play.sums[CASE]["refunded"] == 0
    assert play.broken_laws(CASE) == play.broken_laws(REFUND) == []


def test_a_refund_goes_on_with_what_the_bank_has_left() -> None:
    play = refund_under_way(FAILED)
    play.tell(CASE, events.PaymentDisputed(payment="1", amount=1000))
    assert play.state(REFUND) == "awaiting_retry"
    play.pass_deadline(REFUND, "retry_due")
    assert (play.state(REFUND), play.state(CASE)) == ("settled", "refunded")
    assert play.sums[CASE]["refunded"] == 2500
    assert play.broken_laws(CASE) == play.broken_laws(REFUND) == []


def test_what_the_bank_gives_back_meanwhile_follows_in_a_refund_of_its_own() -> None:
    play = refund_under_way(FAILED)
    play.tell(CASE, events.PaymentDisputed(payment="1", amount=1000))
    play.tell(CASE, events.PaymentDisputeWon(payment="1", amount=1000))
    play.pass_deadline(REFUND, "retry_due")
    assert (play.state("refund/SO-1001-1-R2"), play.state(CASE)) == ("settled", "refunded")
    assert play.sums[CASE]["refunded"] == 3500
    assert play.broken_laws(CASE) == []


def test_finance_hears_where_refund_and_bank_crossed() -> None:
    play = refund_under_way(held=True)
    play.tell(CASE, TAKEN)
    assert play.state(REFUND) == "submitted"
    play.answer("payment.refund")
    assert (play.state(REFUND), play.state(CASE)) == ("settled", "refunded")
    assert play.sums[CASE]["crossed"] == 3500
    assert len(play.called) == 2
    assert play.data(CASE, Order).payment("1").refundable == 0
    assert play.broken_laws(CASE) == []


def test_redress_is_called_off_and_the_complaint_hears_of_it() -> None:
    play = Play(answers={"payment.refund": [FAILED]})
    play.tell(CASE, PLAIN)
    for event in (carrier.ShipmentDispatched(), carrier.ShipmentDelivered()):
        play.tell(FIRST, event)
    asked = RedressRequested(redress="CP-1-1", complaint="CP-1", customer="C-1", amount=1000, reason="wait")
    play.tell(CASE, asked)
    play.tell(CASE, TAKEN)
    assert play.state("refund/CP-1-1-R") == "called_off"
    assert play.sums[CASE]["refunded"] == 0
    assert play.data(CASE, Order).payment("1").refunding == 0
    assert play.broken_laws(CASE) == []
