"""Rules from the request to the parcel that arrives."""

from __future__ import annotations

from machines.kernel.rule import defer, ignore, on, refuse
from machines.returning import ReturnRequested
from machines.returns import commands, deadlines, effects, events, guards, letters, paying, states
from machines.returns.effects import explained
from machines.returns.sending import reopen, request_refund, send_newest_parcel

# The policy decides, and its answer is what journal, message and order desk read. Goods of little worth with
# which something is wrong are paid back without being sent.
ELIGIBILITY = (
    on(
        ReturnRequested,
        at=states.REQUESTED,
        to=states.MONEY_STANDS,
        when=guards.may_keep,
        then=effects.request_to_keep,
        does=(letters.TELL_KEEP,),
        sends=request_refund,
        explains=explained,
    ),
    on(
        ReturnRequested,
        at=states.REQUESTED,
        to=states.AUTHORISING,
        when=guards.eligible,
        then=effects.request,
        explains=explained,
    ),
    on(ReturnRequested, at=states.REQUESTED, to=states.DECLINED, then=effects.request, explains=explained),
    on(deadlines.APPEAL_DUE, at=states.DECLINED, to=states.TURNED_DOWN),
)

# A colleague may decide otherwise; who and why stays on record.
OVERRIDE = (
    on(
        events.ReturnOverridden,
        at=states.REFUSED,
        to=states.MONEY_STANDS,
        when=guards.to_keep,
        then=effects.override_to_keep,
        does=(letters.TELL_KEEP,),
        sends=request_refund,
        explains=explained,
    ),
    on(
        events.ReturnOverridden,
        at=states.REFUSED,
        to=states.AUTHORISING,
        then=effects.override,
        explains=explained,
    ),
    on(
        events.ReturnOverridden,
        at=states.BEFORE_INSPECTION,
        to=states.MONEY_STANDS,
        when=guards.may_still_keep,
        then=effects.override_to_keep,
        does=(commands.VOID_LABEL, letters.TELL_KEEP),
        sends=request_refund,
        explains=explained,
    ),
    on(
        events.ReturnOverridden,
        at=(*states.BEFORE_INSPECTION, states.INSPECTING),
        when=guards.to_come_back,
        then=effects.override,
        explains=explained,
    ),
    defer(
        events.ReturnOverridden,
        at=(states.AUTHORISING, states.ADVANCING),
        because="the step under way comes first",
    ),
    refuse(
        events.ReturnOverridden,
        at=states.besides(
            *states.REFUSED,
            states.AUTHORISING,
            states.ADVANCING,
            *states.BEFORE_INSPECTION,
            states.INSPECTING,
        ),
        because="this return has been decided; what else is owed is for a complaint",
    ),
)

# The customer has a label and a number, and where it was agreed the replacement leaves at once.
LABEL = (
    on(
        events.LabelIssued,
        at=states.AUTHORISING,
        to=states.ADVANCING,
        when=guards.in_advance,
        then=effects.label,
    ),
    on(
        events.LabelIssued,
        at=states.AUTHORISING,
        to=states.AWAITING_PARCEL,
        then=effects.label,
        does=(letters.TELL_AUTHORISED,),
    ),
    on(
        events.LabelNotIssued,
        at=states.AUTHORISING,
        to=states.AWAITING_PARCEL,
        then=effects.no_label,
        does=(letters.TELL_AUTHORISED, letters.CALL_ABOUT_LABEL),
    ),
    on(
        events.GoodsSetAside,
        at=states.ADVANCING,
        to=states.AWAITING_PARCEL,
        then=paying.set_aside_and_replace,
        does=(letters.TELL_AUTHORISED, commands.PACK, letters.TELL_REPLACEMENT),
        sends=send_newest_parcel,
    ),
    on(
        events.GoodsShort,
        at=states.ADVANCING,
        to=states.AWAITING_PARCEL,
        then=paying.no_advance,
        does=(letters.TELL_AUTHORISED, letters.TELL_OUT_OF_STOCK),
    ),
)

# The goods come, or they do not. The carrier's story is data: only what is lost or here moves the return.
PARCEL = (
    on(deadlines.REMINDER, at=states.AWAITING_PARCEL, does=(letters.REMIND_TO_SEND,)),
    on(
        deadlines.PARCEL_DUE,
        at=states.AWAITING_PARCEL,
        to=states.CHARGING,
        when=guards.charge_is_due,
        then=paying.begin_charge,
    ),
    on(
        deadlines.PARCEL_DUE,
        at=states.AWAITING_PARCEL,
        when=guards.replaced,
        does=(letters.CALL_WAREHOUSE_LEAD,),
    ),
    on(deadlines.PARCEL_DUE, at=states.AWAITING_PARCEL, to=states.EXPIRED),
    on(
        events.ReturnWithdrawn,
        at=(states.AWAITING_PARCEL, states.IN_DOUBT),
        to=states.CANCELLED,
        when=guards.may_withdraw,
    ),
    on(events.ReturnWithdrawn, at=states.REFUSED, to=states.TURNED_DOWN, when=guards.by_its_customer),
    on(
        events.ReturnArrived,
        at=(*states.BEFORE_INSPECTION, states.CHARGE_DECLINED),
        to=states.INSPECTING,
        then=effects.arrived,
    ),
    defer(events.ReturnArrived, at=(*states.BUSY, states.COVERING), because="the step under way comes first"),
    defer(
        events.ReturnWithdrawn,
        at=(states.AUTHORISING, states.ADVANCING),
        because="the step under way comes first",
    ),
    refuse(
        events.ReturnWithdrawn,
        at=states.besides(*states.REFUSED, states.AUTHORISING, states.ADVANCING, *states.ENDED),
        because="the goods are on their way or here; tell us if they are to be sent back",
    ),
    ignore(events.ReturnWithdrawn, at=states.ENDED, because="this return is over"),
)

# Goods that come although nobody expects them any more.
LATE = (
    on(events.ReturnArrived, at=(*states.REFUSED, states.TURNED_DOWN), does=(letters.CALL_ABOUT_UNASKED,)),
    on(
        events.ReturnArrived,
        at=(states.EXPIRED, states.CANCELLED),
        to=states.COVERING,
        then=effects.reopen_for_goods,
        sends=reopen,
    ),
    on(
        events.ReturnArrived,
        at=states.REJECTED,
        to=states.COVERING,
        when=guards.box_was_empty,
        then=effects.reopen_for_goods,
        sends=reopen,
    ),
    on(events.ReturnArrived, at=states.UNRETURNED, to=states.INSPECTING, then=effects.arrived),
    on(
        events.ReturnArrived,
        at=(
            *states.WITH_PARCELS,
            states.REFUNDED,
            states.EXCHANGED,
            states.WRITTEN_OFF,
            states.WITHHELD,
        ),
        when=guards.not_here_yet,
        then=effects.arrived,
        does=(commands.BOOK_IN, letters.CALL_ABOUT_LATE),
    ),
    on(
        events.ReturnArrived,
        at=states.besides(states.INSPECTING, *states.BUSY, states.COVERING),
        does=(letters.CALL_ABOUT_UNAWAITED,),
    ),
)
