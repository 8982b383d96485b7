"""What may happen to an order from outside, with payloads, for the exhaustive check and for examples."""

from __future__ import annotations

from collections.abc import Iterable

from machines.between import Means
from machines.kernel.event import Event
from machines.order import events as told
from machines.order.data import Line, Order, ParcelStatus, PayWith


def may_happen(order: Order) -> Iterable[Event]:
    """Every event and form worth trying on an order that knows this; most states turn most of them down."""
    yield told.OrderCancelRequested(customer=order.customer)
    yield told.StockReplenished()
    yield told.ReviewDecided(accept=True, reason="known customer")
    yield told.ReviewDecided(accept=False, reason="stolen card")
    yield told.AddressCorrected(customer=order.customer, ship_to=order.ship_to)
    yield told.DelayAnswered(wait=True)
    yield told.DelayAnswered(wait=False)
    yield told.HandoverDecided(again=True)
    yield told.HandoverDecided(again=False)
    yield told.MeansGiven(pay_with=PayWith(means=Means.CARD, token="tok_other"))
    yield told.PaymentConfirmed(payment="1")
    yield from _choices(order)
    yield from _changes(order)
    yield from _in_the_warehouse(order)


def _choices(order: Order) -> Iterable[Event]:
    if order.offer is None:
        return
    yield told.ChoiceMade(choice=told.Choice.ACCEPT)
    yield told.ChoiceMade(choice=told.Choice.WAIT)
    yield told.ChoiceMade(choice=told.Choice.CANCEL)
    for similar in order.offer.similar:
        yield told.ChoiceMade(choice=told.Choice.SUBSTITUTE, sku=similar.sku)


def _changes(order: Order) -> Iterable[Event]:
    if order.amendments == 0:
        yield told.OrderAmended(customer=order.customer, lines=(Line(sku="CUP", quantity=1, price=1000),))
    first = order.lines[0]
    if first.sku == "KETTLE":
        yield told.OrderRepriced(sku=first.sku, price=2500)
        yield told.OrderRepriced(sku=first.sku, price=3500)


def _in_the_warehouse(order: Order) -> Iterable[Event]:
    for payment in order.payments:
        if payment.hold > 0 and payment.capture_before:
            yield told.PaymentLapsed(payment=payment.id, amount=payment.hold)
    being_stopped = order.parcels_in(ParcelStatus.OPEN)
    if being_stopped:
        yield told.CancellationAccepted(parcels=tuple(parcel.key for parcel in being_stopped))
        yield told.CancellationRejected()
    for parcel in order.parcels_in(ParcelStatus.FAILED):
        yield told.RemedyChosen(parcel=parcel.key, remedy=told.Remedy.RESHIP)
        yield told.RemedyChosen(parcel=parcel.key, remedy=told.Remedy.REFUND)
