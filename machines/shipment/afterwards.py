"""Rules for a parcel that was given up, delivered or cancelled, and of which more is heard."""

from __future__ import annotations

from machines.kernel.rule import ignore, on, refuse
from machines.returning import ParcelAcknowledged
from machines.shipment import commands, effects, events, guards
from machines.shipment.sending import report_delivered, report_found
from machines.shipment.states import (
    BEFORE_CARRIER,
    CANCELLED,
    CLAIMING,
    COMING_BACK,
    DELIVERED,
    FAILED,
    PROVING,
    TURNED_UP,
    WITH_CARRIER,
)

# A parcel given up for lost turns up. Whoever was told that it failed is told; the desk withdraws the claim.
FOUND = (
    on(
        events.ShipmentDelivered,
        at=CLAIMING,
        to=DELIVERED,
        when=guards.given_up_after_delivery,
        then=effects.found,
        does=(commands.CALL_ABOUT_FOUND,),
        because="it was reported as delivered before it turned round",
    ),
    on(
        events.ShipmentDelivered,
        at=CLAIMING,
        to=DELIVERED,
        when=guards.given_up,
        then=effects.found,
        does=(commands.CALL_ABOUT_FOUND,),
        sends=report_delivered,
    ),
    on(
        events.ShipmentDelivered,
        at=FAILED,
        to=TURNED_UP,
        when=guards.given_up,
        then=effects.found,
        does=(commands.CALL_ABOUT_FOUND,),
        sends=report_found,
    ),
    on(events.ShipmentDelivered, at=(CLAIMING, FAILED), does=(commands.CALL_ABOUT_FOUND,)),
    on(
        events.ParcelReceivedBack,
        at=(CLAIMING, FAILED),
        when=guards.not_back_yet,
        then=effects.back,
        does=(commands.CALL_ABOUT_FOUND, commands.BOOK_IN),
    ),
    *(
        ignore(
            event,
            at=(*WITH_CARRIER, PROVING, DELIVERED, FAILED, TURNED_UP),
            because="it has turned up meanwhile",
        )
        for event in (events.ClaimFiled, events.ClaimRefused)
    ),
)

# A parcel said to be delivered comes back all the same: the customer has not got it, unless a return is open.
BACK_AFTER_DELIVERY = (
    on(
        events.ReturnStarted,
        at=(DELIVERED, PROVING),
        to=COMING_BACK,
        when=guards.unexpected_back,
        then=effects.returning,
    ),
    on(
        events.ParcelReceivedBack,
        at=(DELIVERED, PROVING),
        to=FAILED,
        when=guards.unexpected_back,
        then=effects.back,
        does=(commands.BOOK_IN,),
    ),
    on(events.ParcelReceivedBack, at=(DELIVERED, TURNED_UP), does=(commands.CALL_ABOUT_RETURN,)),
    on(events.ReturnStarted, at=CANCELLED, does=(commands.CALL_ABOUT_STRAY,)),
    on(events.ParcelReceivedBack, at=CANCELLED, does=(commands.CALL_ABOUT_STRAY_BACK,)),
)

# A delivered parcel that the customer has not seen: the carrier must prove it, or it counts as not received.
DISPUTE = (
    on(
        events.DeliveryDisputed,
        at=DELIVERED,
        to=PROVING,
        when=guards.undisputed,
        then=effects.not_received,
    ),
    on(events.DeliveryProved, at=PROVING, to=DELIVERED, does=(commands.TELL_PROVED,)),
    on(events.DeliveryNotProved, at=PROVING, to=FAILED),
    on(ParcelAcknowledged, at=DELIVERED, then=effects.acknowledged),
    on(ParcelAcknowledged, at=PROVING, to=DELIVERED, then=effects.acknowledged),
    ignore(
        ParcelAcknowledged,
        at=(*BEFORE_CARRIER, *WITH_CARRIER, CLAIMING, CANCELLED, FAILED, TURNED_UP),
        because="it counts only for a parcel that was delivered",
    ),
    *(
        ignore(
            event, at=(COMING_BACK, CLAIMING, DELIVERED, FAILED, TURNED_UP), because="more is known meanwhile"
        )
        for event in (events.DeliveryProved, events.DeliveryNotProved)
    ),
    refuse(
        events.DeliveryDisputed,
        at=(*BEFORE_CARRIER, *WITH_CARRIER, CLAIMING, PROVING, CANCELLED, FAILED, TURNED_UP),
        because="only a parcel reported as delivered can be disputed",
    ),
)
