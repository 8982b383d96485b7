"""Goods whose charge was declined when they left: who is asked to pay, and when that is over."""

from __future__ import annotations

from machines.between import Pick
from machines.kernel.event import Event
from machines.kernel.rule import Disposition
from machines.ledger import only_what_is_delivered_is_paid
from machines.order import events, outcomes
from machines.order.asks import Taking
from machines.order.data import Order
from machines.order.returning import OrderReturnAsked
from machines.returning import Reason
from machines.shipment import events as carrier
from tests.machines.orders import (
    ARRIVES,
    CANCEL,
    CARD,
    CASE,
    FIRST,
    LEAVES,
    PLAIN,
    SECOND,
    TWO_LINES,
    remedy,
    two_parcels,
)
from tests.machines.play import Play

BOTH = tuple(Pick(sku=line.sku, quantity=line.quantity) for line in TWO_LINES.lines)


def declined(asked: Taking) -> Event:
    return outcomes.CaptureDeclined(charge=asked.charge)


def unpaid(*, times: int = 1) -> Play:
    play = Play(answers={"payment.capture": [declined] * times})
    play.tell(CASE, PLAIN)
    play.tell(FIRST, LEAVES)
    return play


def decide(*, amount: int = 3500, give_up: bool) -> Event:
    return events.DebtDecided(amount=amount, give_up=give_up, reason="known customer")


def test_goods_that_were_not_paid_are_paid_given_up_or_back() -> None:
    delivered = {"delivered": 3500, "declined": 3500}
    assert list(only_what_is_delivered_is_paid(delivered)) == ["only 0 was kept for goods worth 3500"]
    assert not list(only_what_is_delivered_is_paid({**delivered, "captured": 3500}))
    assert not list(only_what_is_delivered_is_paid({**delivered, "written off": 3500}))
    assert not list(only_what_is_delivered_is_paid({**delivered, "taken": 1}))


def test_another_means_is_charged_at_once() -> None:
    play = unpaid()
    play.tell(FIRST, ARRIVES)
    assert play.state(CASE) == "awaiting_payment"
    play.tell(CASE, CARD)
    assert play.state(CASE) == "delivered"
    assert play.data(CASE, Order).payments[-1].captured == 3500
    assert not play.broken_laws(CASE)


def test_finance_has_it_charged_again_and_the_customer_is_asked_again() -> None:
    play = unpaid(times=2)
    play.tell(FIRST, ARRIVES)
    play.pass_deadline(CASE, "owed_due")
    assert play.tell(CASE, decide(amount=3000, give_up=True)) is Disposition.REFUSED
    play.tell(CASE, decide(give_up=False))
    assert play.state(CASE) == "awaiting_payment"
    play.pass_deadline(CASE, "owed_due")
    play.tell(CASE, decide(give_up=False))
    assert play.state(CASE) == "delivered"
    assert not play.broken_laws(CASE)


def test_unpaid_goods_may_come_back_instead() -> None:
    play = unpaid()
    play.tell(FIRST, ARRIVES)
    play.tell(CASE, OrderReturnAsked(customer="C-1", reason=Reason.CHANGED_MIND))
    assert play.state(CASE) == "in_return"


def test_a_cancel_is_too_late_for_goods_that_have_come() -> None:
    play = unpaid()
    play.tell(FIRST, ARRIVES)
    assert play.tell(CASE, CANCEL) is Disposition.REFUSED


def test_unpaid_goods_that_are_lost_owe_nothing() -> None:
    play = unpaid()
    play.tell(FIRST, carrier.ParcelDamaged())
    play.tell(CASE, remedy(events.Remedy.REFUND))
    assert play.state(CASE) == "refunded"
    assert not play.broken_laws(CASE)


def test_the_replacement_of_an_unpaid_parcel_is_charged_when_it_leaves() -> None:
    play = unpaid()
    play.tell(FIRST, carrier.ParcelDamaged())
    play.tell(CASE, remedy(events.Remedy.RESHIP))
    assert play.done.count("payment.capture") == 1
    play.tell(SECOND, LEAVES)
    assert play.done.count("payment.capture") == 2
    play.tell(SECOND, ARRIVES)
    assert play.state(CASE) == "delivered"
    assert not play.broken_laws(CASE)


def test_a_replacement_that_cannot_be_charged_either_is_asked_for() -> None:
    play = unpaid(times=2)
    play.tell(FIRST, carrier.ParcelDamaged())
    play.tell(CASE, remedy(events.Remedy.RESHIP))
    play.tell(SECOND, LEAVES)
    play.tell(SECOND, ARRIVES)
    assert play.state(CASE) == "awaiting_payment"
    play.tell(CASE, CARD)
    assert play.state(CASE) == "delivered"
    assert not play.broken_laws(CASE)


def test_an_unpaid_parcel_sent_once_more_in_two_is_charged_once() -> None:
    in_one = outcomes.WarehouseAccepted(parcels=(outcomes.PlannedParcel(items=BOTH),))
    play = Play(
        answers={"payment.capture": [declined], "warehouse.submit": [in_one, two_parcels]},
    )
    play.tell(CASE, TWO_LINES)
    play.tell(FIRST, LEAVES)
    play.tell(FIRST, carrier.ParcelDamaged())
    play.tell(CASE, remedy(events.Remedy.RESHIP))
    for parcel in (SECOND, "shipment/SO-1001-3"):
        play.tell(parcel, LEAVES)
        play.tell(parcel, ARRIVES)
    assert play.done.count("payment.capture") == 2
    assert play.state(CASE) == "delivered"
    assert not play.broken_laws(CASE)
