"""What an order tells its shipments and refunds."""

from __future__ import annotations

from collections.abc import Iterable

from machines.between import ParcelFailed, RefundRequested, ShipmentCancelled, ShipmentRequested, Source
from machines.kernel.event import Event
from machines.kernel.rule import Send
from machines.order.data import Order, ParcelStatus, RefundStatus, cause
from machines.order.events import CancellationAccepted
from machines.order.money import refund_key
from machines.order.outcomes import WarehouseAccepted
from machines.surveying import call_off


def open_new_parcels(order: Order, event: WarehouseAccepted) -> Iterable[Send]:
    """One shipment for each parcel just planned."""
    for parcel in order.parcels[-len(event.parcels) :]:
        yield _open(order, parcel.key)


def call_off_survey(order: Order, _: ParcelFailed) -> Iterable[Send]:
    """Nobody is asked how the goods are that did not arrive."""
    yield call_off(of="order", key=order.order, time=order.reopened)


def _open(order: Order, key: str) -> Send:
    parcel = order.parcel(key)
    event = ShipmentRequested(
        parcel=key,
        order=order.order,
        customer=order.customer,
        buyer=order.buyer,
        ship_to=order.ship_to,
        locale=order.locale,
        items=parcel.items,
        value=parcel.value,
    )
    return Send(event, to=("shipment", key))


def stop_shipments(order: Order, event: CancellationAccepted) -> Iterable[Send]:
    for parcel in order.parcels_in(ParcelStatus.STOPPING):
        if parcel.key in event.parcels:
            yield Send(ShipmentCancelled(parcel=parcel.key), to=("shipment", parcel.key))


def request_refunds(order: Order, event: Event) -> Iterable[Send]:
    """A refund case for each parcel whose money goes back because of ``event``; it may take from each payment
    what the order has set aside for it."""
    for parcel in order.parcels:
        if parcel.refund is not RefundStatus.ASKED or parcel.refund_for != cause(event):
            continue
        sources = tuple(
            Source(payment=share.payment, means=order.payment(share.payment).means, cap=share.amount)
            for share in parcel.shares
        )
        request = RefundRequested(
            refund=refund_key(parcel),
            order=order.order,
            customer=order.customer,
            buyer=order.buyer,
            locale=order.locale,
            currency=order.currency,
            amount=sum(share.amount for share in parcel.shares),
            reason=order.reason or "parcel not received",
            sources=sources,
        )
        yield Send(request, to=("refund", request.refund))
