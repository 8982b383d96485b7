"""What a shipment tells whoever opened it while the parcel is on its way."""

from __future__ import annotations

from collections.abc import Iterable

from machines.between import ParcelDelivered, ParcelDispatched
from machines.kernel.event import Event
from machines.kernel.rule import Send
from machines.shipment.data import Shipment


def report_dispatched(shipment: Shipment, _: Event) -> Iterable[Send]:
    yield Send(
        ParcelDispatched(
            parcel=shipment.parcel,
            pieces=shipment.pieces,
            value=shipment.value,
            tracking=shipment.tracking,
        )
    )


def report_delivered(shipment: Shipment, _: Event) -> Iterable[Send]:
    yield Send(ParcelDelivered(parcel=shipment.parcel, pieces=shipment.pieces, value=shipment.value))


def report_found(shipment: Shipment, _: Event) -> Iterable[Send]:
    yield Send(
        ParcelDelivered(parcel=shipment.parcel, pieces=shipment.pieces, value=shipment.value, found=True)
    )


def report_both(shipment: Shipment, event: Event) -> Iterable[Send]:
    yield from report_dispatched(shipment, event)
    yield from report_delivered(shipment, event)
