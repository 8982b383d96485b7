"""What an event changes in what a shipment knows."""

from __future__ import annotations

from datetime import datetime

from machines.between import ShipmentRequested, Trouble
from machines.kernel.event import DeadlinePassed, Event
from machines.shipment import events
from machines.shipment.commands import LAST_RUNG
from machines.shipment.data import Shipment


def request(_: object, event: ShipmentRequested, __: datetime) -> Shipment:
    return Shipment(
        parcel=event.parcel,
        order=event.order,
        customer=event.customer,
        buyer=event.buyer,
        ship_to=event.ship_to,
        locale=event.locale,
        items=event.items,
        value=event.value,
    )


def label(shipment: Shipment, event: events.LabelBought, _: datetime) -> Shipment:
    return shipment.model_copy(update={"tracking": event.tracking})


def no_label(shipment: Shipment, event: events.LabelRefused, _: datetime) -> Shipment:
    return shipment.model_copy(update={"reason": event.reason, "rung": 0})


def climb(shipment: Shipment, _: DeadlinePassed, __: datetime) -> Shipment:
    return shipment.model_copy(update={"rung": min(shipment.rung + 1, LAST_RUNG)})


def other_carrier(shipment: Shipment, event: events.LabelDecided, _: datetime) -> Shipment:
    return shipment.model_copy(update={"carrier": event.carrier, "reason": ""})


def cancel(shipment: Shipment, _: Event, __: datetime) -> Shipment:
    return shipment.model_copy(update={"cancelled": True, "reason": "cancelled"})


def dispatch(shipment: Shipment, event: events.ShipmentDispatched, _: datetime) -> Shipment:
    if event.tracking is None or event.tracking == shipment.tracking:
        return shipment
    return shipment.model_copy(update={"tracking": event.tracking})


def delivered(shipment: Shipment, _: Event, __: datetime) -> Shipment:
    return shipment.model_copy(update={"delivered": True})


def found(shipment: Shipment, _: Event, __: datetime) -> Shipment:
    return shipment.model_copy(update={"delivered": True, "trouble": None})


def scan(shipment: Shipment, event: events.ParcelScanned, _: datetime) -> Shipment:
    update = {"sequence": event.sequence, "scanned_at": event.scanned_at, "progress": event.progress}
    return shipment.model_copy(update=update)


def returning(shipment: Shipment, event: events.ReturnStarted, _: datetime) -> Shipment:
    return shipment.model_copy(update={"trouble": Trouble.RETURNED, "reason": event.reason})


def back(shipment: Shipment, _: Event, __: datetime) -> Shipment:
    return shipment.model_copy(update={"trouble": Trouble.RETURNED, "back": True})


def lost(shipment: Shipment, _: Event, __: datetime) -> Shipment:
    return shipment.model_copy(update={"trouble": Trouble.LOST})


def damaged(shipment: Shipment, _: Event, __: datetime) -> Shipment:
    return shipment.model_copy(update={"trouble": Trouble.DAMAGED})


def acknowledged(shipment: Shipment, _: Event, __: datetime) -> Shipment:
    return shipment.model_copy(update={"acknowledged": True, "trouble": None})


def not_received(shipment: Shipment, _: Event, __: datetime) -> Shipment:
    return shipment.model_copy(update={"trouble": Trouble.NOT_RECEIVED})
