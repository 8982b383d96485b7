"""What a shipment asks of the carrier, and what it tells the customer and colleagues."""

from __future__ import annotations

from collections.abc import Iterable

from machines.between import Address, Booking, GoodsBookedIn, Pick
from machines.kernel.command import CommandType
from machines.kernel.event import Event, Facts
from machines.messages import Alert, Message, MessageType, alert, message
from machines.shipment.data import Shipment
from machines.shipment.events import (
    ClaimFiled,
    ClaimRefused,
    DeliveryNotProved,
    DeliveryProved,
    LabelBought,
    LabelRefused,
    LabelSpent,
    LabelVoided,
    Progress,
)


class LabelRequest(Facts):
    """A parcel that needs a label."""

    parcel: str
    carrier: str
    ship_to: Address
    items: tuple[Pick, ...]


class Parcel(Facts):
    """A parcel that the carrier knows by ``tracking``."""

    parcel: str
    carrier: str
    tracking: str | None
    value: int
    reason: str


def _label_request(shipment: Shipment, _: Event) -> Iterable[Facts]:
    yield LabelRequest(
        parcel=shipment.parcel, carrier=shipment.carrier, ship_to=shipment.ship_to, items=shipment.items
    )


def _parcel(shipment: Shipment, _: Event) -> Iterable[Facts]:
    yield Parcel(
        parcel=shipment.parcel,
        carrier=shipment.carrier,
        tracking=shipment.tracking,
        value=shipment.value,
        reason=shipment.trouble or shipment.reason,
    )


def _booking(shipment: Shipment, _: Event) -> Iterable[Facts]:
    """On sale again only after somebody has looked at them."""
    yield Booking(rma=shipment.parcel, restock=(), refurbish=shipment.items, write_off=())


def _labels(asked: LabelRequest) -> Iterable[Event]:
    yield LabelBought(tracking="TRACK-1")
    yield LabelRefused(reason="the carrier does not serve this place")


BUY_LABEL = CommandType(
    "carrier.buy_label",
    _label_request,
    (LabelBought, LabelRefused),
    _labels,
    takes=LabelRequest,
    fulfils=("ORD-7",),
)
VOID_LABEL = CommandType(
    "carrier.void_label",
    _parcel,
    (LabelVoided, LabelSpent),
    lambda _: (LabelVoided(), LabelSpent()),
    takes=Parcel,
)
CLAIM = CommandType(
    "carrier.claim",
    _parcel,
    (ClaimFiled, ClaimRefused),
    lambda _: (ClaimFiled(), ClaimRefused(reason="packed badly")),
    takes=Parcel,
)
BOOK_IN = CommandType(
    "warehouse.book_in",
    _booking,
    (GoodsBookedIn,),
    lambda _: (GoodsBookedIn(),),
    takes=Booking,
    fulfils=("ORD-3",),
)
PROVE = CommandType(
    "carrier.prove_delivery",
    _parcel,
    (DeliveryProved, DeliveryNotProved),
    lambda _: (DeliveryProved(), DeliveryNotProved()),
    takes=Parcel,
)

DISPATCH_DESK = ("dispatch desk", "dispatch lead")
LAST_RUNG = len(DISPATCH_DESK) - 1
WORTH_TELLING = {
    Progress.OUT_FOR_DELIVERY: "shipment.out_for_delivery",
    Progress.AVAILABLE_FOR_PICKUP: "shipment.available_for_pickup",
    Progress.ATTEMPTED: "shipment.attempted",
    Progress.DELAYED: "shipment.delayed",
}


def _message(shipment: Shipment, template: str) -> Message:
    facts = {"tracking": shipment.tracking or "", "progress": shipment.progress, "reason": shipment.reason}
    return Message(
        template=template,
        customer=shipment.customer,
        to=shipment.buyer,
        locale=shipment.locale,
        about=shipment.parcel,
        facts=facts,
    )


def _tell(template: str) -> MessageType:
    def arguments(shipment: Shipment, _: Event) -> Iterable[Message]:
        yield _message(shipment, template)

    return message(template, arguments=arguments, fulfils=("ORD-6",))


def _progress(shipment: Shipment, _: Event) -> Iterable[Message]:
    template = WORTH_TELLING.get(shipment.progress)
    if template:
        yield _message(shipment, template)


def _call(role: str, subject: str) -> CommandType:
    def arguments(shipment: Shipment, _: Event) -> Iterable[Alert]:
        yield Alert(role=role, about=shipment.parcel, subject=subject)

    return alert(arguments=arguments)


def _next_in_line(shipment: Shipment, _: Event) -> Iterable[Alert]:
    yield Alert(role=DISPATCH_DESK[shipment.rung], about=shipment.parcel, subject="a parcel has no label")


TELL_PROGRESS = message("shipment.progress", arguments=_progress, fulfils=("ORD-6",))
TELL_SEARCHING = _tell("shipment.searching")
TELL_COMING_BACK = _tell("shipment.coming_back")
REMIND_TO_COLLECT = _tell("shipment.reminder_to_collect")
TELL_PROVED = _tell("shipment.delivery_proved")
CALL_DISPATCH_DESK = alert(arguments=_next_in_line)
CALL_ABOUT_STRAY = _call("dispatch desk", "a cancelled parcel has left all the same; call it back")
CALL_ABOUT_UNCOLLECTED = _call(
    "dispatch desk", "nobody has collected a parcel for two weeks; have the carrier send it back"
)
CALL_ABOUT_STRAY_BACK = _call(
    "dispatch desk", "a cancelled parcel had left and is back; compare the stock with what lies there"
)
CALL_ABOUT_RETURN = _call(
    "dispatch desk",
    "a parcel is back that counts as delivered; see to it under its return, or ask the customer",
)
CALL_ABOUT_FOUND = _call("dispatch desk", "a parcel given up for lost has turned up; withdraw the claim")
