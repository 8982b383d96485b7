"""Rules for the children of a return, for one that opens once more, and for all that changes nothing."""

from __future__ import annotations

from machines.between import (
    GoodsBookedIn,
    ParcelCancelled,
    ParcelDelivered,
    ParcelDispatched,
    ParcelFailed,
    RefundCrossed,
    RefundSettled,
    RefundWithheld,
)
from machines.kernel.rule import ignore, note, on, refuse
from machines.messages import MessageSent, MessageUndeliverable, StaffAlerted
from machines.returning import ReturnCapped, ReturnCovered, ReturnRequested
from machines.returns import deadlines, events, guards, letters, paying, states
from machines.returns.data import ParcelStatus, Reopening
from machines.returns.sending import (
    cap_refunds,
    refund_ended,
    reopen,
    reopen_and_call_off,
    request_refund,
    tell_order_of_crossed,
)

# Refunds and parcels under way end; the return ends with the last of them.
CHILDREN = (
    on(
        RefundSettled,
        at=states.WITH_PARCELS,
        to=states.RETURN_STANDS,
        when=guards.refund_open,
        then=paying.refund_ended,
        sends=refund_ended,
    ),
    on(
        RefundWithheld,
        at=states.WITH_PARCELS,
        to=states.RETURN_STANDS,
        when=guards.refund_open,
        then=paying.refund_ended,
        sends=refund_ended,
    ),
    *(
        on(
            event,
            at=states.PAID_MEANWHILE,
            when=guards.refund_open,
            then=paying.refund_ended,
            sends=refund_ended,
        )
        for event in (RefundSettled, RefundWithheld)
    ),
    *(
        on(
            event,
            at=states.WITH_PARCELS,
            to=states.RETURN_STANDS,
            when=guards.parcel_is(ParcelStatus.OPEN, ParcelStatus.LEFT),
            then=paying.note_parcel,
        )
        for event in (ParcelDispatched, ParcelDelivered)
    ),
    *(
        on(
            event,
            at=states.WITH_PARCELS,
            to=states.RETURN_STANDS,
            when=guards.parcel_is(*guards.STANDING),
            then=paying.parcel_failed,
            does=(letters.TELL_REFUND,),
            sends=request_refund,
        )
        for event in (ParcelFailed, ParcelCancelled)
    ),
    *(
        on(
            event,
            at=states.besides(*states.WITH_PARCELS, *states.ENDED),
            when=guards.parcel_is(*guards.STANDING),
            then=paying.note_parcel,
        )
        for event in (ParcelDispatched, ParcelDelivered, ParcelFailed, ParcelCancelled)
    ),
    on(deadlines.DISPATCH_DUE, at=states.PACKING, does=(letters.CALL_WAREHOUSE_LEAD,)),
)

# What the customer's bank has taken is not paid back as well.
CHARGED_BACK = (
    on(
        ReturnCapped,
        at=states.besides(*states.ENDED),
        when=guards.cut_down,
        then=paying.cap,
        sends=cap_refunds,
    ),
    ignore(ReturnCapped, at=states.OPENED, because="no more than that is still to go back"),
    on(RefundCrossed, at=states.OPENED, sends=tell_order_of_crossed),
)

# A return that was over: its replacement did not arrive after all, or its goods did.
REOPENING = (
    on(
        ParcelFailed,
        at=states.UNRETURNED,
        to=states.RETURN_STANDS,
        when=guards.parcel_is(*guards.STANDING),
        then=paying.parcel_failed,
        sends=request_refund,
    ),
    on(
        ParcelFailed,
        at=(states.EXCHANGED, states.REFUNDED),
        to=states.COVERING,
        when=guards.parcel_is(*guards.STANDING),
        then=paying.reopen_for_parcel,
        sends=reopen_and_call_off,
    ),
    on(
        ParcelFailed,
        at=states.REJECTED,
        to=states.COVERING,
        when=guards.parcel_is(*guards.STANDING),
        then=paying.reopen_for_parcel,
        sends=reopen,
    ),
    on(
        ReturnCovered,
        at=states.COVERING,
        to=states.INSPECTING,
        when=guards.reopened_for(Reopening.GOODS_CAME),
        then=paying.cover,
    ),
    on(
        ReturnCovered,
        at=states.COVERING,
        to=states.RETURN_STANDS,
        when=guards.reopened_for(Reopening.PARCEL_FAILED),
        then=paying.cover_and_owe,
        sends=request_refund,
    ),
    on(ReturnCovered, at=states.COVERING, to=states.NOT_OWED, then=paying.cover),
    ignore(ReturnCovered, at=states.besides(states.COVERING), because="nobody has asked for that money"),
)

# Whatever else arrives changes nothing.
OTHERWISE = (
    on(MessageUndeliverable, at=states.OPENED, does=(letters.CALL_ABOUT_ADDRESS,)),
    note(MessageSent, at=states.OPENED, because="the message is on its way"),
    note(StaffAlerted, at=states.OPENED, because="a colleague has been called"),
    *(
        note(event, at=states.OPENED, because="the step is done")
        for event in (
            events.ReturnLabelVoided,
            events.ReturnLabelSpent,
            events.ReturnClaimed,
            events.GoodsPutBack,
            events.ReplacementPacked,
            GoodsBookedIn,
        )
    ),
    ignore(ReturnRequested, at=states.OPENED, because="this return is known already"),
    *(
        ignore(event, at=states.OPENED, because="a late or repeated report changes nothing but the log")
        for event in (events.ReturnSent, events.ReturnScanned, events.ReturnLost, events.ReturnArrived)
    ),
    *(
        ignore(event, at=states.OPENED, because="this has been counted already")
        for event in (
            ParcelDispatched,
            ParcelDelivered,
            ParcelFailed,
            ParcelCancelled,
            RefundSettled,
            RefundWithheld,
        )
    ),
    *(
        refuse(form, at=states.OPENED, because="that question is not open")
        for form in (
            events.ReturnInspected,
            events.ParcelJudged,
            events.OfferAnswered,
            events.DifferenceAnswered,
            events.ChargeDecided,
        )
    ),
)
