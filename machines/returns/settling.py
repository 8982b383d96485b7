"""Rules from the inspection to the customer's money or replacement."""

from __future__ import annotations

from machines.between import (
    ParcelCancelled,
    ParcelDelivered,
    ParcelDispatched,
    ParcelFailed,
    RefundSettled,
    RefundWithheld,
)
from machines.kernel.rule import ignore, note, on, refuse
from machines.messages import MessageSent, MessageUndeliverable, StaffAlerted
from machines.returning import ReturnCovered, ReturnRequested
from machines.returns import commands, effects, events, guards, letters, states
from machines.returns.data import ParcelStatus, Reopening
from machines.returns.guards import inspected
from machines.returns.sending import (
    pass_on,
    reopen,
    replace_and_refund,
    request_refund,
    send_newest_parcel,
    settle_choice,
)

# What was in the parcel decides. What a colleague finds is counted against what was announced.
INSPECTION = (
    on(
        events.ReturnInspected,
        at=states.INSPECTING,
        to=states.RETURN_STANDS,
        when=guards.came_after_charge,
        then=effects.inspect_and_undo_charge,
        does=(commands.BOOK_IN, letters.CALL_ABOUT_UNLISTED),
        sends=request_refund,
    ),
    on(
        events.ReturnInspected,
        at=states.INSPECTING,
        to=states.UNEXCHANGED,
        when=inspected(guards.replaced, guards.replacement_came_back),
        then=effects.inspect,
        does=(commands.BOOK_IN, letters.CALL_ABOUT_UNLISTED),
    ),
    on(
        events.ReturnInspected,
        at=states.INSPECTING,
        to=states.RETURN_STANDS,
        when=inspected(guards.replaced, guards.accepted),
        then=effects.inspect,
        does=(commands.BOOK_IN, letters.CALL_ABOUT_UNLISTED),
    ),
    on(
        events.ReturnInspected,
        at=states.INSPECTING,
        to=states.RETURN_STANDS,
        when=inspected(guards.replaced, guards.worth_something),
        then=effects.inspect,
        does=(commands.BOOK_IN, letters.CALL_ABOUT_CONDITION),
    ),
    on(
        events.ReturnInspected,
        at=states.INSPECTING,
        to=states.CHARGING,
        when=guards.charge_is_due,
        then=effects.inspect_and_charge,
    ),
    on(
        events.ReturnInspected,
        at=states.INSPECTING,
        to=states.SETTING_ASIDE,
        when=inspected(guards.accepted, guards.wants_replacement),
        then=effects.inspect,
        does=(commands.BOOK_IN, letters.CALL_ABOUT_UNLISTED),
    ),
    on(
        events.ReturnInspected,
        at=states.INSPECTING,
        to=states.RETURN_STANDS,
        when=guards.accepted,
        then=effects.inspect_and_owe,
        does=(commands.BOOK_IN, letters.CALL_ABOUT_UNLISTED, letters.TELL_REFUND),
        sends=request_refund,
    ),
    on(
        events.ReturnInspected,
        at=states.INSPECTING,
        to=states.AWAITING_CHOICE,
        when=guards.worth_something,
        then=effects.inspect,
        does=(letters.CALL_ABOUT_UNLISTED,),
    ),
    on(
        events.ReturnInspected,
        at=states.INSPECTING,
        to=states.PACKING,
        when=guards.something_came,
        then=effects.inspect_and_send_back,
        does=(commands.PACK, letters.TELL_REJECTED),
        sends=send_newest_parcel,
    ),
    on(
        events.ReturnInspected,
        at=states.INSPECTING,
        to=states.REJECTED,
        then=effects.inspect,
    ),
    on(states.INSPECTION_DUE, at=states.INSPECTING, then=effects.climb, does=(letters.CALL_INSPECTOR,)),
)

# Goods that are not taken back in full: the customer chooses, silence means the partial refund.
CHOICE = (
    on(
        events.OfferAnswered,
        at=states.AWAITING_CHOICE,
        to=states.RETURN_STANDS,
        when=guards.sends_back,
        then=effects.take_offer,
        does=(commands.BOOK_IN, commands.PACK),
        sends=settle_choice,
    ),
    on(
        events.OfferAnswered,
        at=states.AWAITING_CHOICE,
        to=states.RETURN_STANDS,
        when=guards.by_its_customer,
        then=effects.take_offer,
        does=(commands.BOOK_IN, letters.TELL_REFUND),
        sends=settle_choice,
    ),
    on(states.CHOICE_REMINDER, at=states.AWAITING_CHOICE, does=(letters.REMIND_TO_CHOOSE,)),
    on(
        states.CHOICE_DUE,
        at=states.AWAITING_CHOICE,
        to=states.RETURN_STANDS,
        then=effects.owe_offer,
        does=(commands.BOOK_IN, letters.TELL_REFUND),
        sends=request_refund,
    ),
)

# The refund of a withdrawal may wait for the goods, or for proof that they were sent, and not for us.
BY_LAW = (
    on(
        states.REFUND_BY,
        at=(states.IN_TRANSIT, states.INSPECTING),
        to=states.RETURN_STANDS,
        then=effects.owe_all,
        does=(letters.TELL_REFUND_BY_LAW,),
        sends=request_refund,
    ),
    on(
        states.REFUND_BY,
        at=states.AWAITING_CHOICE,
        to=states.RETURN_STANDS,
        then=effects.owe_offer,
        does=(commands.BOOK_IN, letters.TELL_REFUND),
        sends=request_refund,
    ),
)

# A replacement leaves when it is there; what is out of stock is paid back; what costs more is asked.
REPLACEMENT = (
    on(
        events.GoodsSetAside,
        at=states.SETTING_ASIDE,
        to=states.AWAITING_DIFFERENCE,
        when=guards.dearer,
        then=effects.price,
    ),
    on(
        events.GoodsSetAside,
        at=states.SETTING_ASIDE,
        to=states.PACKING,
        then=effects.set_aside_and_replace,
        does=(commands.PACK, letters.TELL_REPLACEMENT),
        sends=replace_and_refund,
    ),
    on(
        events.GoodsShort,
        at=states.SETTING_ASIDE,
        to=states.RETURN_STANDS,
        then=effects.refund_instead,
        does=(letters.TELL_OUT_OF_STOCK,),
        sends=request_refund,
    ),
    on(
        events.DifferenceAnswered,
        at=states.AWAITING_DIFFERENCE,
        to=states.CHARGING_DIFFERENCE,
        when=guards.pays,
        then=effects.pay_difference,
    ),
    on(
        events.DifferenceAnswered,
        at=states.AWAITING_DIFFERENCE,
        to=states.RETURN_STANDS,
        when=guards.does_not_pay,
        then=effects.refund_instead,
        does=(commands.PUT_BACK, letters.TELL_REFUND),
        sends=request_refund,
    ),
    on(
        states.DIFFERENCE_DUE,
        at=states.AWAITING_DIFFERENCE,
        to=states.RETURN_STANDS,
        then=effects.refund_instead,
        does=(commands.PUT_BACK, letters.TELL_REFUND),
        sends=request_refund,
    ),
    on(
        events.Charged,
        at=states.CHARGING_DIFFERENCE,
        to=states.PACKING,
        then=effects.charged_and_replace,
        does=(commands.PACK, letters.TELL_REPLACEMENT),
        sends=send_newest_parcel,
    ),
    on(
        events.ChargeDeclined,
        at=states.CHARGING_DIFFERENCE,
        to=states.AWAITING_DIFFERENCE,
        then=effects.not_charged,
    ),
)

# A replacement sent in advance is paid for if the original stays away.
UNRETURNED = (
    on(
        events.Charged,
        at=states.CHARGING,
        to=states.RETURN_STANDS,
        then=effects.charged,
        sends=request_refund,
    ),
    on(events.ChargeDeclined, at=states.CHARGING, to=states.CHARGE_DECLINED, then=effects.not_charged),
    on(
        events.ChargeDecided,
        at=states.CHARGE_DECLINED,
        to=states.CHARGING,
        when=guards.charges_again,
        then=effects.begin_charge,
    ),
    on(events.ChargeDecided, at=states.CHARGE_DECLINED, to=states.WRITTEN_OFF),
    on(states.CHARGE_DUE, at=states.CHARGE_DECLINED, then=effects.climb, does=(letters.CALL_FINANCE,)),
)

# Refunds and parcels under way end; the return ends with the last of them.
CHILDREN = (
    on(
        RefundSettled,
        at=states.WITH_PARCELS,
        to=states.RETURN_STANDS,
        when=guards.refund_open,
        then=effects.refund_ended,
        sends=pass_on,
    ),
    on(
        RefundWithheld,
        at=states.WITH_PARCELS,
        to=states.RETURN_STANDS,
        when=guards.refund_open,
        then=effects.refund_ended,
    ),
    *(
        on(
            event,
            at=states.WITH_PARCELS,
            to=states.RETURN_STANDS,
            when=guards.parcel_is(ParcelStatus.OPEN, ParcelStatus.LEFT),
            then=effects.note_parcel,
        )
        for event in (ParcelDispatched, ParcelDelivered)
    ),
    *(
        on(
            event,
            at=states.WITH_PARCELS,
            to=states.RETURN_STANDS,
            when=guards.parcel_is(*guards.STANDING),
            then=effects.parcel_failed,
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
            then=effects.note_parcel,
        )
        for event in (ParcelDispatched, ParcelDelivered, ParcelFailed, ParcelCancelled)
    ),
    on(states.DISPATCH_DUE, at=states.PACKING, does=(letters.CALL_WAREHOUSE_LEAD,)),
)

# A return that was over: its replacement did not arrive after all, or its goods did.
REOPENING = (
    on(
        ParcelFailed,
        at=states.UNRETURNED,
        to=states.RETURN_STANDS,
        when=guards.parcel_is(*guards.STANDING),
        then=effects.parcel_failed,
        sends=request_refund,
    ),
    on(
        ParcelFailed,
        at=(states.EXCHANGED, states.REFUNDED, states.REJECTED),
        to=states.COVERING,
        when=guards.parcel_is(*guards.STANDING),
        then=effects.reopen_for_parcel,
        sends=reopen,
    ),
    on(
        ReturnCovered,
        at=states.COVERING,
        to=states.INSPECTING,
        when=guards.reopened_for(Reopening.GOODS_CAME),
        then=effects.cover,
    ),
    on(
        ReturnCovered,
        at=states.COVERING,
        to=states.RETURN_STANDS,
        when=guards.reopened_for(Reopening.PARCEL_FAILED),
        then=effects.cover_and_owe,
        sends=request_refund,
    ),
    on(ReturnCovered, at=states.COVERING, to=states.NOT_OWED, then=effects.cover),
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
            events.GoodsBookedIn,
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
            events.OfferAnswered,
            events.DifferenceAnswered,
            events.ChargeDecided,
        )
    ),
)
