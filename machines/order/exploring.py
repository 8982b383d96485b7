"""What may happen to an order from outside, with payloads, for the exhaustive check and for examples."""

from __future__ import annotations

from collections.abc import Iterable

from machines.between import Means
from machines.kernel.event import Event
from machines.order import events as told
from machines.order.data import Order, ParcelStatus, PaymentStatus, PayWith
from machines.order.returning import may_return
from machines.order.standing import owed
from machines.redress import RedressEnquired, RedressRequested


def may_happen(order: Order) -> Iterable[Event]:
    """Every event and form worth trying on an order that knows this; most states turn most of them down.

    Splits, parcels, changes and refunds that finance must approve are tried on orders of their own, since
    together they would multiply.
    """
    yield told.OrderCancelRequested(customer=order.customer)
    yield told.StockReplenished()
    yield told.ReviewDecided(accept=True, reason="known customer")
    yield told.ReviewDecided(accept=False, reason="stolen card")
    yield told.AddressCorrected(customer=order.customer, ship_to=order.ship_to)
    yield told.DelayAnswered(wait=True)
    yield told.DelayAnswered(wait=False)
    yield told.HandoverDecided(again=True)
    yield told.HandoverDecided(again=False)
    if order.payments[0].status in (PaymentStatus.ASKED, PaymentStatus.ACTION):
        yield told.PaymentConfirmed(payment="1")
    if len(order.payments) == 1 or not order.parcels:
        yield told.MeansGiven(pay_with=PayWith(means=Means.CARD, token="tok_example"))
    yield from _choices(order)
    if len(order.lines) == len(order.payments) == 1 and order.lines[0].sku in ("KETTLE", "PIANO"):
        yield from _changes(order)
    elif len(order.parcels_in(ParcelStatus.OPEN)) == 2:
        yield told.OrderAmended(customer=order.customer, ship_to=order.ship_to)
    yield from _in_the_warehouse(order)
    yield from may_return(order)
    yield from _complaints(order)


def _choices(order: Order) -> Iterable[Event]:
    if order.offer is None:
        return
    yield told.ChoiceMade(choice=told.Choice.ACCEPT)
    yield told.ChoiceMade(choice=told.Choice.WAIT)
    yield told.ChoiceMade(choice=told.Choice.CANCEL)
    for similar in order.offer.similar:
        yield told.ChoiceMade(choice=told.Choice.SUBSTITUTE, sku=similar.sku)


def _changes(order: Order) -> Iterable[Event]:
    if order.parcels_in(ParcelStatus.STOPPED):
        return
    yield told.OrderAmended(customer=order.customer, ship_to=order.ship_to)
    if not order.stock.held or order.lines[0].sku != "KETTLE":
        return
    if not order.parcels:
        yield told.OrderRepriced(sku="KETTLE", price=2500)
    yield told.OrderRepriced(sku="KETTLE", price=3500)
    if order.asked_price:
        yield told.PriceAnswered(price=order.asked_price.price, agree=True)
        yield told.PriceAnswered(price=order.asked_price.price, agree=False)


def _in_the_warehouse(order: Order) -> Iterable[Event]:
    alone = len(order.lines) == len(order.payments) == 1 and order.lines[0].sku != "PIANO"
    first = order.payments[0]
    if alone and first.hold > 0 and first.capture_before and len(order.parcels) < 2:
        yield told.PaymentLapsed(payment=first.id, amount=first.hold)
    if alone and not order.parcels_in(ParcelStatus.STOPPED) and first.refundable > 0 and not first.disputed:
        yield told.PaymentDisputed(payment=first.id, amount=first.refundable)
    if len(order.lines) == 1 and order.lines[0].sku == "PIANO" and first.refunding and not first.disputed:
        yield told.PaymentDisputed(payment=first.id, amount=first.refundable + first.refunding)
    if first.disputed:
        yield told.PaymentDisputeWon(payment=first.id, amount=first.disputed)
    being_stopped = order.parcels_in(ParcelStatus.OPEN)
    if being_stopped:
        yield told.CancellationAccepted(parcels=tuple(parcel.key for parcel in being_stopped))
        yield told.CancellationRejected()
    if stuck := order.parcels_in(ParcelStatus.STUCK):
        yield told.CancellationAccepted(parcels=tuple(parcel.key for parcel in stuck))
    if amount := owed(order):
        yield told.DebtDecided(amount=amount, give_up=False, reason="the card works again")
        yield told.DebtDecided(amount=amount, give_up=True, reason="not worth collecting")
    for parcel in order.parcels_in(ParcelStatus.FAILED):
        yield told.RemedyChosen(parcel=parcel.key, remedy=told.Remedy.REFUND)
        if alone or (len(parcel.items) > 1 and parcel.items[0].sku == "KETTLE"):
            yield told.RemedyChosen(parcel=parcel.key, remedy=told.Remedy.RESHIP)


def _complaints(order: Order) -> Iterable[Event]:
    """One that is covered, another that takes all there is, and one that asks for more."""
    yield RedressEnquired(complaint="CP-1", customer=order.customer)
    taken = sum(parcel.captured for parcel in order.parcels)
    if len(order.lines) == len(order.payments) == len(order.parcels) == 1 and taken:
        for number, amount in enumerate((1000, taken, 9_000_000)):
            yield RedressRequested(
                redress=f"CP-{number}-1",
                complaint="CP-1",
                customer=order.customer,
                amount=amount,
                reason="for the wait",
            )
