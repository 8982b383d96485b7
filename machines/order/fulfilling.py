"""Rules from the warehouse to the customer's door, and for what goes wrong on the way."""

from __future__ import annotations

from machines.between import (
    ParcelCancelled,
    ParcelDelivered,
    ParcelDispatched,
    ParcelFailed,
)
from machines.kernel.rule import defer, on
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
    paying,
    states,
)
from machines.order.data import ParcelStatus
from machines.order.sending import call_off_survey, request_refunds

WITH_PARCEL_CLOCKS = (*states.PACKING, states.RENEWING, states.AWAITING_REMEDY)
ENDED_OTHERWISE = tuple(state for state in states.ENDED if state is not states.DELIVERED)

# Each parcel is charged when it leaves, and for what is in it. What a shipment reports counts once.
PARCELS = (
    *(
        on(
            ParcelDispatched,
            at=place,
            to=stands,
            when=guards.parcel_is(ParcelStatus.OPEN, ParcelStatus.STOPPING),
            then=delivery.dispatched,
            does=(commands.CHARGE_PARCEL, commands.VOID, letters.TELL_DISPATCHED),
        )
        for place, stands in junctions.WITH_PARCELS
    ),
    *(
        on(
            ParcelCancelled,
            at=place,
            to=stands,
            when=guards.parcel_is(ParcelStatus.OPEN, ParcelStatus.STOPPING),
            then=delivery.stopped,
            does=(commands.RELEASE_PARCEL, commands.VOID),
            sends=request_refunds,
        )
        for place, stands in junctions.WITH_PARCELS
    ),
    *(
        on(
            ParcelDelivered,
            at=place,
            to=stands,
            when=guards.parcel_is(ParcelStatus.DISPATCHED, ParcelStatus.FAILED),
            then=delivery.delivered,
        )
        for place, stands in junctions.WITH_PARCELS
    ),
    on(
        ParcelDelivered,
        at=tuple(state for state in states.OPENED if state not in states.BUSY),
        when=guards.parcel_is(ParcelStatus.REPLACED, ParcelStatus.REFUNDED),
        does=(letters.CALL_ABOUT_FOUND,),
        because="it has been replaced or paid back meanwhile",
    ),
    on(
        ParcelFailed,
        at=states.AWAITING_REMEDY,
        to=states.AWAITING_REMEDY,
        when=guards.failed_and_booked,
        then=delivery.failed,
        because="the customer is asked about this parcel as well, with as much time",
    ),
    *(
        on(
            ParcelFailed,
            at=place,
            to=stands,
            when=guards.parcel_is(ParcelStatus.DISPATCHED, ParcelStatus.DELIVERED),
            then=delivery.failed,
        )
        for place, stands in (*junctions.WITH_PARCELS, (ENDED_OTHERWISE, junctions.ORDER_STANDS))
    ),
    on(
        ParcelFailed,
        at=states.DELIVERED,
        to=junctions.ORDER_STANDS,
        when=guards.parcel_is(ParcelStatus.DISPATCHED, ParcelStatus.DELIVERED),
        then=delivery.failed_after_all,
        sends=call_off_survey,
    ),
    on(
        deadlines.DISPATCH_DUE,
        at=WITH_PARCEL_CLOCKS,
        does=(commands.CHASE, letters.TELL_DISPATCH_LATE),
    ),
    on(
        deadlines.DISPATCH_OVERDUE,
        at=WITH_PARCEL_CLOCKS,
        then=delivery.move_day,
        does=(letters.CALL_WAREHOUSE_LEAD, letters.TELL_NOT_LEFT_YET),
    ),
    defer(ParcelDispatched, at=states.BUSY, because="the step under way comes first"),
    defer(ParcelCancelled, at=states.BUSY, because="the step under way comes first"),
    defer(ParcelDelivered, at=states.BUSY, because="the step under way comes first"),
    defer(ParcelFailed, at=states.BUSY, because="the step under way comes first"),
)

# Before a hold ends, what is packed is charged and the rest held anew; else the customer is asked. While the
# customer chooses about a parcel that did not arrive, or the warehouse has to say what it can stop, the money
# is only held anew: that question stays open, and the provider's answer is taken wherever the order then is.
RENEWAL = (
    on(
        deadlines.HOLD_ENDS_SOON,
        at=(states.AWAITING_DISPATCH, states.PART_SHIPPED),
        to=states.RENEWING,
        does=(commands.ASK_WHAT_IS_READY,),
    ),
    on(
        deadlines.HOLD_ENDS_SOON,
        at=states.AWAITING_REMEDY,
        then=paying.hold_anew,
        does=(commands.REAUTHORISE,),
        because="the customer can choose meanwhile",
    ),
    on(
        deadlines.HOLD_ENDS_SOON,
        at=states.STOP_REQUESTED,
        then=paying.hold_anew,
        does=(commands.REAUTHORISE,),
        because="what is to be stopped is not charged",
    ),
    on(
        outcomes.WarehouseReported,
        at=states.RENEWING,
        to=junctions.RENEWAL_STANDS,
        then=paying.renew,
        does=(commands.CHARGE_READY, commands.REAUTHORISE),
    ),
    *(
        on(outcomes.PaymentReauthorized, at=place, to=stands, then=paying.renewed)
        for place, stands in junctions.RENEWALS
    ),
    *(
        on(outcomes.PaymentDeclined, at=place, to=stands, then=paying.declined)
        for place, stands in junctions.RENEWALS
    ),
    on(
        outcomes.PaymentActionRequired,
        at=states.RENEWING,
        to=junctions.RENEWAL_STANDS,
        then=paying.not_renewed,
    ),
    on(
        outcomes.PaymentAuthorized,
        at=states.RENEWING,
        to=junctions.RENEWAL_STANDS,
        then=paying.took_over,
        does=(commands.VOID,),
    ),
    on(
        outcomes.PaymentVoided,
        at=states.RENEWING,
        to=junctions.RENEWAL_STANDS,
        when=guards.being_voided,
        then=paying.voided,
    ),
    on(
        outcomes.NothingToVoid,
        at=states.RENEWING,
        to=junctions.RENEWAL_STANDS,
        when=guards.being_voided,
        then=paying.voided,
    ),
    on(
        events.PaymentLapsed,
        at=states.PACKING,
        to=junctions.RENEWAL_STANDS,
        when=guards.held,
        then=paying.lapsed,
    ),
    on(
        events.MeansGiven,
        at=states.AWAITING_RENEWAL,
        to=states.RENEWING,
        when=guards.may_add_means,
        then=paying.add_means,
        does=(commands.AUTHORISE,),
    ),
    on(deadlines.MEANS_DUE, at=states.AWAITING_RENEWAL, to=states.STOP_REQUESTED, then=effects.stop_unpaid),
    on(deadlines.HOLD_ENDS, at=states.AWAITING_RENEWAL, to=states.STOP_REQUESTED, then=effects.stop_unpaid),
)

# A parcel that did not arrive is sent once more, or its money goes back.
REMEDIES = (
    on(
        events.RemedyChosen,
        at=states.AWAITING_REMEDY,
        to=states.REPLACING,
        when=guards.reships,
        then=delivery.begin_replacing,
        does=(commands.RESERVE_AGAIN, letters.TELL_REPLACING),
    ),
    on(
        events.RemedyChosen,
        at=states.AWAITING_REMEDY,
        to=junctions.ORDER_STANDS,
        when=guards.refunds,
        then=delivery.refund_failed,
        sends=request_refunds,
    ),
    on(
        events.RemedyChosen,
        at=states.AWAITING_REMEDY,
        to=junctions.ORDER_STANDS,
        when=guards.sent_twice,
        then=delivery.refund_failed,
        sends=request_refunds,
        because="the goods were sent twice and did not arrive; the money goes back, no third parcel",
    ),
    on(
        outcomes.StockReserved,
        at=states.REPLACING,
        then=effects.reserved_again,
        does=(commands.SUBMIT_AGAIN,),
    ),
    on(
        outcomes.StockShort,
        at=states.REPLACING,
        to=junctions.ORDER_STANDS,
        then=delivery.cannot_replace,
        sends=request_refunds,
    ),
    on(
        outcomes.WarehouseRejected,
        at=states.REPLACING,
        to=junctions.ORDER_STANDS,
        then=delivery.replacement_rejected,
        does=(commands.RELEASE_REPLACEMENT, commands.VOID, letters.TELL_NOT_PACKED_AGAIN),
        sends=request_refunds,
    ),
)
