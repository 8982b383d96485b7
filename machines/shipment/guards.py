"""Under which condition a rule of the shipment procedure applies."""

from __future__ import annotations

from datetime import datetime

from machines.between import Trouble
from machines.kernel.event import Event
from machines.kernel.verdict import Refusal, Verdict, allow_if
from machines.shipment import events
from machines.shipment.data import Shipment
from machines.shipment.events import Progress


def newer(shipment: Shipment, event: events.ParcelScanned, _: datetime) -> Verdict:
    """Scans come twice, late and backwards; only one that is newer by number and time tells anything."""
    later = shipment.scanned_at is None or event.scanned_at >= shipment.scanned_at
    return allow_if(
        later and event.sequence > shipment.sequence,
        "a late or repeated scan changes nothing but the log",
    )


def at_pickup(shipment: Shipment, event: events.ParcelScanned, now: datetime) -> Verdict:
    waiting = event.progress is Progress.AVAILABLE_FOR_PICKUP
    return newer(shipment, event, now) if waiting else allow_if(False, "the parcel is on its way")


def another_carrier(_: Shipment, event: events.LabelDecided, __: datetime) -> Verdict:
    return allow_if(event.carrier is not None, "no other carrier is to be tried")


def cancelled(shipment: Shipment, _: Event, __: datetime) -> Verdict:
    return allow_if(shipment.cancelled, "the shipment was not cancelled")


def unexpected_back(shipment: Shipment, _: Event, __: datetime) -> Verdict:
    return allow_if(not shipment.acknowledged, "the customer has asked to return what was in this parcel")


def not_back_yet(shipment: Shipment, _: Event, __: datetime) -> Verdict:
    return allow_if(not shipment.back, "it has been booked in already")


def told_delivered(shipment: Shipment, _: Event, __: datetime) -> Verdict:
    return allow_if(shipment.delivered, "nobody has been told yet that the customer has it")


def given_up(shipment: Shipment, _: Event, __: datetime) -> Verdict:
    return allow_if(shipment.trouble is Trouble.LOST, "the parcel was not given up for lost")


def given_up_after_delivery(shipment: Shipment, event: Event, now: datetime) -> Verdict:
    return given_up(shipment, event, now) and told_delivered(shipment, event, now)


def undisputed(shipment: Shipment, event: events.DeliveryDisputed, _: datetime) -> Verdict:
    if event.customer != shipment.customer:
        return Refusal("this parcel belongs to another customer")
    if shipment.acknowledged:
        return Refusal("the customer has asked to return what was in this parcel")
    return allow_if(shipment.trouble is None, "the carrier has proved this delivery already")
