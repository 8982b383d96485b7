"""The shipment procedure, as its owner reads it: one parcel from its label to its end.

The carrier's story is data: a scan says where the parcel is and reminds the clock that it is alive. Only what
carrier or warehouse state as a fact (taken, delivered, damaged, lost, on its way back) moves the shipment.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from machines.between import (
    GoodsBookedIn,
    ShipmentCancelled,
    ShipmentRequested,
)
from machines.kernel.event import Event
from machines.kernel.procedure import Procedure
from machines.kernel.rule import defer, ignore, note, on, refuse
from machines.messages import MessageSent, MessageUndeliverable, StaffAlerted
from machines.returning import ParcelAcknowledged
from machines.shipment import commands, effects, events, guards
from machines.shipment.afterwards import BACK_AFTER_DELIVERY, DISPUTE, FOUND
from machines.shipment.data import Shipment
from machines.shipment.events import Progress
from machines.shipment.sending import report_both, report_delivered, report_dispatched
from machines.shipment.states import (
    AFTERWARDS,
    AT_PICKUP,
    BEFORE_CARRIER,
    CANCELLED,
    CANCELLING_LABEL,
    CLAIMING,
    COMING_BACK,
    DELIVERED,
    FAILED,
    LABEL_DUE,
    LABEL_REFUSED,
    LABELLING,
    NO_SCAN,
    NOT_BACK,
    NOT_COLLECTED,
    ON_THE_WAY,
    OPENED,
    PICKUP_OVER,
    READY,
    REQUESTED,
    UNCOLLECTED,
    WITH_CARRIER,
)

# -- rules -----------------------------------------------------------------------------------------

# A label is bought, or the dispatch desk finds another carrier.
LABEL = (
    on(ShipmentRequested, at=REQUESTED, to=LABELLING, then=effects.request),
    on(events.LabelBought, at=LABELLING, to=READY, then=effects.label),
    on(events.LabelRefused, at=LABELLING, to=LABEL_REFUSED, then=effects.no_label),
    on(
        events.LabelDecided,
        at=LABEL_REFUSED,
        to=LABELLING,
        when=guards.another_carrier,
        then=effects.other_carrier,
    ),
    on(events.LabelDecided, at=LABEL_REFUSED, to=CANCELLED),
    on(LABEL_DUE, at=LABEL_REFUSED, then=effects.climb, does=(commands.CALL_DISPATCH_DESK,)),
)

# Until the carrier has the parcel it can be cancelled; the label is given back.
CANCELLATION = (
    on(ShipmentCancelled, at=LABELLING, to=CANCELLING_LABEL, then=effects.cancel),
    on(ShipmentCancelled, at=LABEL_REFUSED, to=CANCELLED, then=effects.cancel),
    on(ShipmentCancelled, at=READY, to=CANCELLING_LABEL, then=effects.cancel, does=(commands.VOID_LABEL,)),
    on(events.LabelBought, at=CANCELLING_LABEL, then=effects.label, does=(commands.VOID_LABEL,)),
    on(events.LabelRefused, at=CANCELLING_LABEL, to=CANCELLED),
    on(events.LabelVoided, at=CANCELLING_LABEL, to=CANCELLED),
    on(events.LabelSpent, at=CANCELLING_LABEL, to=CANCELLED),
    on(events.ShipmentDispatched, at=CANCELLED, does=(commands.CALL_ABOUT_STRAY,)),
    on(events.ShipmentDelivered, at=CANCELLED, does=(commands.CALL_ABOUT_STRAY,)),
    ignore(
        ShipmentCancelled,
        at=(CANCELLING_LABEL, *WITH_CARRIER, *AFTERWARDS),
        because="the carrier was faster, or the parcel is cancelled already",
    ),
)

# The carrier takes the parcel. A delivery reported first is news of both.
JOURNEY = (
    on(
        events.ShipmentDispatched,
        at=BEFORE_CARRIER,
        to=ON_THE_WAY,
        then=effects.dispatch,
        sends=report_dispatched,
    ),
    on(
        events.ShipmentDelivered,
        at=BEFORE_CARRIER,
        to=DELIVERED,
        then=effects.delivered,
        sends=report_both,
    ),
    on(
        events.ShipmentDelivered,
        at=COMING_BACK,
        to=DELIVERED,
        when=guards.told_delivered,
        because="it was reported as delivered before it turned round",
    ),
    on(
        events.ShipmentDelivered,
        at=WITH_CARRIER,
        to=DELIVERED,
        then=effects.delivered,
        sends=report_delivered,
    ),
    on(
        events.ParcelScanned,
        at=ON_THE_WAY,
        to=AT_PICKUP,
        when=guards.at_pickup,
        then=effects.scan,
        does=(commands.TELL_PROGRESS,),
    ),
    on(
        events.ParcelScanned,
        at=AT_PICKUP,
        when=guards.at_pickup,
        then=effects.scan,
        because="it waits there as before, and so do its time limits",
    ),
    on(
        events.ParcelScanned,
        at=(ON_THE_WAY, AT_PICKUP),
        to=ON_THE_WAY,
        when=guards.newer,
        then=effects.scan,
        does=(commands.TELL_PROGRESS,),
    ),
    on(NOT_COLLECTED, at=AT_PICKUP, does=(commands.REMIND_TO_COLLECT,)),
    on(UNCOLLECTED, at=AT_PICKUP, does=(commands.CALL_ABOUT_UNCOLLECTED,)),
    on(PICKUP_OVER, at=AT_PICKUP, to=CLAIMING, then=effects.lost),
    defer(events.ParcelScanned, at=BEFORE_CARRIER, because="the carrier overtook the warehouse"),
)

# What can go wrong on the way. The order decides between a new parcel and the money.
EXCEPTIONS = (
    on(NO_SCAN, at=ON_THE_WAY, to=CLAIMING, then=effects.lost),
    on(NOT_BACK, at=COMING_BACK, to=CLAIMING, then=effects.lost),
    on(events.ParcelLost, at=WITH_CARRIER, to=CLAIMING, then=effects.lost),
    on(events.ParcelDamaged, at=WITH_CARRIER, to=CLAIMING, then=effects.damaged),
    on(events.ReturnStarted, at=(ON_THE_WAY, AT_PICKUP), to=COMING_BACK, then=effects.returning),
    on(
        events.ParcelReceivedBack,
        at=COMING_BACK,
        to=FAILED,
        then=effects.back,
        does=(commands.BOOK_IN,),
    ),
    on(events.ClaimFiled, at=CLAIMING, to=FAILED),
    on(events.ClaimRefused, at=CLAIMING, to=FAILED),
    defer(events.ParcelLost, at=BEFORE_CARRIER, because="the carrier overtook the warehouse"),
    defer(events.ParcelDamaged, at=BEFORE_CARRIER, because="the carrier overtook the warehouse"),
    defer(events.ReturnStarted, at=BEFORE_CARRIER, because="the carrier overtook the warehouse"),
    defer(
        events.ParcelReceivedBack,
        at=(*BEFORE_CARRIER, ON_THE_WAY, AT_PICKUP),
        because="it must set out first",
    ),
)

# Whatever else arrives changes nothing but the log.
OTHERWISE = (
    ignore(ShipmentRequested, at=OPENED, because="this shipment is known already"),
    note(MessageSent, at=OPENED, because="the message is on its way"),
    note(MessageUndeliverable, at=OPENED, because="the order's own messages tell the order desk"),
    note(GoodsBookedIn, at=OPENED, because="the goods are where they belong"),
    note(StaffAlerted, at=OPENED, because="a colleague has been called"),
    *(
        ignore(event, at=OPENED, because="a late or repeated report changes nothing but the log")
        for event in (
            events.ShipmentDispatched,
            events.ShipmentDelivered,
            events.ParcelScanned,
            events.ParcelLost,
            events.ParcelDamaged,
            events.ReturnStarted,
            events.ParcelReceivedBack,
        )
    ),
    *(
        ignore(event, at=OPENED, because="the parcel has moved on meanwhile")
        for event in (
            events.LabelBought,
            events.LabelRefused,
            events.LabelVoided,
            events.LabelSpent,
        )
    ),
    refuse(events.LabelDecided, at=OPENED, because="that question is not open any more"),
)


def may_happen(shipment: Shipment) -> Iterable[Event]:
    """What warehouse, carrier and customer may report of this parcel."""
    at = datetime(2026, 12, 2, 9, tzinfo=UTC)
    yield events.ShipmentDispatched()
    yield events.ShipmentDelivered()
    yield ShipmentCancelled(parcel=shipment.parcel)
    yield ParcelAcknowledged(parcel=shipment.parcel)
    yield events.ParcelDamaged()
    yield events.ParcelLost()
    yield events.ReturnStarted(reason=events.ReturnReason.REFUSED)
    yield events.ParcelReceivedBack()
    yield events.DeliveryDisputed(customer=shipment.customer)
    yield events.LabelDecided(carrier=None)
    if shipment.carrier == "standard":
        yield events.LabelDecided(carrier="express")
    yield events.ParcelScanned(sequence=1, scanned_at=at, progress=Progress.IN_TRANSIT)
    for sequence in (2, 3):
        yield events.ParcelScanned(sequence=sequence, scanned_at=at, progress=Progress.AVAILABLE_FOR_PICKUP)


SHIPMENT = Procedure(
    name="shipment",
    title="Shipment of a parcel",
    version=1,
    purpose="Bring one parcel to the customer, and know when it will not get there.",
    scope="Every parcel that leaves the warehouse for an order, an exchange or a repair.",
    responsible="Head of dispatch",
    references=("Order processing",),
    fulfils=("ORD-6", "ORD-7", "GOV-1"),
    data=Shipment,
    events=(
        ShipmentRequested,
        ShipmentCancelled,
        ParcelAcknowledged,
        events.ShipmentDispatched,
        events.ParcelScanned,
        events.ShipmentDelivered,
        events.ParcelDamaged,
        events.ParcelLost,
        events.ReturnStarted,
        events.ParcelReceivedBack,
        events.DeliveryDisputed,
    ),
    states=(REQUESTED, *OPENED),
    rules=(
        *LABEL,
        *CANCELLATION,
        *JOURNEY,
        *EXCEPTIONS,
        *FOUND,
        *BACK_AFTER_DELIVERY,
        *DISPUTE,
        *OTHERWISE,
    ),
    may_happen=may_happen,
    module="machines.shipment",
    kpis=(
        "days from dispatch to delivery",
        "share delivered at the first attempt",
        "share lost, damaged or come back",
    ),
)
