"""What the warehouse can stop, and what it cannot: a parcel can leave before it is stopped, and of two only
one may be stopped in time. The customer is told how far it came. What was to be cancelled and comes all
the same can be returned; what was to be changed and cannot be is packed once more as it was ordered."""

from __future__ import annotations

from datetime import datetime

from machines.between import ParcelCancelled, ParcelDispatched
from machines.kernel.event import Event
from machines.kernel.rule import ignore, on
from machines.kernel.verdict import Verdict, all_of, allow_if
from machines.order import (
    commands,
    deadlines,
    delivery,
    effects,
    events,
    guards,
    junctions,
    letters,
    outcomes,
    planning,
    states,
)
from machines.order.data import Ending, Order, ParcelStatus
from machines.order.money import with_parcel
from machines.order.sending import open_new_parcels, request_refunds, stop_shipments
from machines.order.standing import COMING, some

# -- guards ----------------------------------------------------------------------------------------


def _wants_out(order: Order) -> bool:
    return order.ending is Ending.CANCELLED


def cancelling(order: Order, _: Event, __: datetime) -> Verdict:
    return allow_if(_wants_out(order), "the customer has not asked to cancel it")


def unpaid(order: Order, _: Event, __: datetime) -> Verdict:
    return allow_if(order.ending is Ending.EXPIRED, "it was not to be stopped for want of money")


def leaves_last(order: Order, event: ParcelDispatched, _: datetime) -> Verdict:
    others = [parcel for parcel in order.parcels_in(ParcelStatus.OPEN) if parcel.key != event.parcel]
    return allow_if(not others, "the warehouse still has to answer for another parcel")


def some_other_stopped(order: Order, event: ParcelDispatched, _: datetime) -> Verdict:
    others = [parcel for parcel in order.stopped() if parcel.key != event.parcel]
    return allow_if(bool(others), "nothing else was stopped")


def stops_in_part(order: Order, event: events.CancellationAccepted, now: datetime) -> Verdict:
    if not (verdict := guards.stops_some(order, event, now)):
        return verdict
    comes = some(*COMING)(effects.stop_accepted(order, event, now))
    return allow_if(comes, "all of the order was stopped")


def kept_in_vain(order: Order, event: ParcelCancelled, now: datetime) -> Verdict:
    """It was stopped for a change that has come too late, and nobody wants it stopped any more."""
    if not (verdict := guards.parcel_is(ParcelStatus.STOPPING)(order, event, now)):
        return verdict
    return allow_if(order.amendment is None and order.ending is None, "it is to stay")


def given_up_alone(order: Order, event: ParcelCancelled, now: datetime) -> Verdict:
    """The desk has given up a parcel that the customer waits for, while others come."""
    if not (verdict := guards.parcel_is(ParcelStatus.OPEN)(order, event, now)):
        return verdict
    others = [parcel for parcel in order.parcels_in(*COMING) if parcel.key != event.parcel]
    awaited = order.amendment is None and order.ending is None
    return allow_if(awaited and bool(others), "nothing else of the order comes")


def packs_again(order: Order, _: Event, __: datetime) -> Verdict:
    again = order.replacing is not None and order.parcel(order.replacing).status is ParcelStatus.REPACKED
    return allow_if(again, "a parcel is being replaced")


# -- effects ---------------------------------------------------------------------------------------


def left_unwanted(order: Order, event: ParcelDispatched, now: datetime) -> Order:
    return effects.offer_return(delivery.dispatched(order, event, now), event, now)


def stopped_in_part(order: Order, event: events.CancellationAccepted, now: datetime) -> Order:
    """What the warehouse had to let go although the customer wanted it stopped can be returned."""
    order = effects.stop_accepted(order, event, now)
    return effects.offer_return(order, event, now) if some(ParcelStatus.OPEN)(order) else order


def goes_unpaid(order: Order, _: events.CancellationRejected, __: datetime) -> Order:
    """Its charge is tried when it leaves; the customer did not ask for anything."""
    return order.model_copy(update={"ending": None, "reason": ""})


def pack_again(order: Order, event: ParcelCancelled, _: datetime) -> Order:
    """The goods stay reserved and the money held."""
    order = with_parcel(order, event.parcel, status=ParcelStatus.REPACKED)
    return order.model_copy(update={"replacing": event.parcel})


def packed_again(order: Order, event: outcomes.WarehouseAccepted, _: datetime) -> Order:
    old = order.parcel(order.replacing or "")
    paid_as = order.paid_as(old.key) if old.charged else None
    added = delivery.planned_instead(order, old, event, charged=old.charged, replaces=paid_as)
    return order.model_copy(update={"parcels": (*order.parcels, *added), "replacing": None})


# -- rules -----------------------------------------------------------------------------------------

STOPPING = ((states.STOP_REQUESTED, junctions.STOP_STANDS), (states.SETTLING, junctions.ORDER_STANDS))
CHARGED = (commands.CHARGE_PARCEL, commands.VOID, letters.TELL_DISPATCHED)
ON_THE_WAY = guards.parcel_is(ParcelStatus.OPEN, ParcelStatus.STOPPING)
STOPPED_IN_VAIN = (guards.parcel_is(ParcelStatus.STOPPING), cancelling)
LAST_ASKED_FOR = (ON_THE_WAY, cancelling, leaves_last)

# A parcel leaves that the customer wanted changed or cancelled. Where the warehouse has still to answer for
# another one, the letter waits for that answer.
CROSSED = (
    *(
        on(
            ParcelDispatched,
            at=place,
            to=stands,
            when=all_of(ON_THE_WAY, guards.amending),
            then=delivery.dispatched,
            does=(*CHARGED, letters.TELL_TOO_LATE_TO_CHANGE),
        )
        for place, stands in STOPPING
    ),
    *(
        on(
            ParcelDispatched,
            at=place,
            to=stands,
            when=all_of(*left, *others),
            then=left_unwanted,
            does=(*CHARGED, letter),
        )
        for place, stands, left in (
            (states.STOP_REQUESTED, junctions.STOP_STANDS, LAST_ASKED_FOR),
            (states.SETTLING, junctions.ORDER_STANDS, STOPPED_IN_VAIN),
        )
        for others, letter in (
            ((some_other_stopped,), letters.TELL_PART_STOPPED),
            ((), letters.TELL_TOO_LATE),
        )
    ),
    on(
        ParcelDispatched,
        at=states.STOP_REQUESTED,
        to=junctions.STOP_STANDS,
        when=all_of(ON_THE_WAY, cancelling),
        then=left_unwanted,
        does=CHARGED,
    ),
)

# The warehouse answers. Where it stops a part only, there is no change any more.
ANSWERED = (
    *(
        on(
            events.CancellationAccepted,
            at=states.STOP_REQUESTED,
            to=junctions.ORDER_STANDS,
            when=all_of(stops_in_part, wanted),
            then=stopped_in_part if wanted is cancelling else effects.stop_accepted,
            does=(letter,),
            sends=stop_shipments,
        )
        for wanted, letter in (
            (guards.amending, letters.TELL_TOO_LATE_TO_CHANGE),
            (cancelling, letters.TELL_PART_STOPPED),
            (unpaid, letters.TELL_PART_UNPAID),
        )
    ),
    on(
        events.CancellationAccepted,
        at=states.STOP_REQUESTED,
        to=junctions.ORDER_STANDS,
        when=guards.stops_some,
        then=effects.stop_accepted,
        sends=stop_shipments,
    ),
    *(
        on(
            events.CancellationRejected,
            at=states.STOP_REQUESTED,
            to=junctions.ORDER_STANDS,
            when=wanted,
            then=then,
            does=(letter,),
        )
        for wanted, then, letter in (
            (guards.amending, effects.change_rejected, letters.TELL_TOO_LATE_TO_CHANGE),
            (cancelling, effects.stop_rejected, letters.TELL_TOO_LATE),
        )
    ),
    on(
        events.CancellationRejected,
        at=states.STOP_REQUESTED,
        to=junctions.ORDER_STANDS,
        then=goes_unpaid,
        because="nobody had asked to cancel it",
    ),
    on(deadlines.STOP_DUE, at=states.STOP_REQUESTED, does=(letters.CALL_ABOUT_STOP,)),
    ignore(events.CancellationAccepted, at=states.OPENED, because="no parcel is waiting to be stopped"),
    ignore(events.CancellationRejected, at=states.OPENED, because="no parcel is waiting to be stopped"),
)

# A parcel stays that the customer waits for: packed once more if a change held it up, else given up.
STAYING = (
    on(
        ParcelCancelled,
        at=(states.SETTLING, states.STOP_REQUESTED, states.AWAITING_REMEDY),
        to=states.REPLACING,
        when=kept_in_vain,
        then=pack_again,
        does=(commands.SUBMIT_AGAIN,),
        because="it was stopped for a change that came too late",
    ),
    on(
        outcomes.WarehouseAccepted,
        at=states.REPLACING,
        to=junctions.ORDER_STANDS,
        when=all_of(packs_again, planning.plan_is_complete),
        then=packed_again,
        sends=open_new_parcels,
    ),
    *(
        on(
            ParcelCancelled,
            at=place,
            to=stands,
            when=given_up_alone,
            then=delivery.stopped,
            does=(commands.RELEASE_PARCEL, commands.VOID, letters.TELL_PART_GIVEN_UP),
            sends=request_refunds,
        )
        for place, stands in junctions.WITH_PARCELS
        if stands is not junctions.STOP_STANDS
    ),
)

STOPS = (*CROSSED, *ANSWERED, *STAYING)
