"""Rules and guards for goods that a replacement went ahead of: what of them comes, what is missing, and what
the replacement costs then.

Each piece comes back once, as the original or as its replacement. Who sends something else, or too little,
is told and has the time for the parcel anew; a further parcel that brings nothing of what is missing buys no
more. What has not come by then is charged, and goes back when it comes after all.
"""

from __future__ import annotations

from datetime import datetime

from machines.between import ParcelFailed
from machines.kernel.event import Event
from machines.kernel.rule import on
from machines.kernel.verdict import Refusal, Verdict, all_of, allow_if
from machines.returns import commands, counting, deadlines, effects, events, guards, letters, paying, states
from machines.returns.data import Return
from machines.returns.sending import reopen, request_refund

# -- guards ----------------------------------------------------------------------------------------


def charged_before(data: Return, _: Event, __: datetime) -> Verdict:
    return allow_if(data.advance and data.charged > 0, "the replacement has not been charged")


def nothing_missing(data: Return, event: events.ReturnInspected, now: datetime) -> Verdict:
    missing = counting.missing(effects.inspect(data, event, now))
    return allow_if(not missing, "not all that was replaced has come")


def replacement_came_back(data: Return, event: events.ReturnInspected, now: datetime) -> Verdict:
    back = guards.replacement_is_back(effects.inspect(data, event, now))
    return allow_if(back, "it is not the replacement that came back")


def told_in_vain(data: Return, event: events.ReturnInspected, now: datetime) -> Verdict:
    after = effects.inspect(data, event, now)
    if not data.rest_asked:
        return Refusal("the customer has not been told what is missing")
    return allow_if(counting.missing(after) == counting.missing(data), "some of what was missing has come")


def rest_asked(data: Return, _: Event, __: datetime) -> Verdict:
    return allow_if(data.rest_asked, "the goods have not been looked at yet")


def came_unreplaced(data: Return, event: Event, now: datetime) -> Verdict:
    """Some of the goods are here, and their replacement has not arrived and will not."""
    if guards.replaced(data, event, now):
        return Refusal("a replacement has been sent for these goods")
    return allow_if(data.rest_asked and data.offered > 0, "nothing has come that is worth anything")


def failed_after_some_came(data: Return, event: ParcelFailed, now: datetime) -> Verdict:
    if not (verdict := guards.parcel_is(*guards.STANDING)(data, event, now)):
        return verdict
    return allow_if(data.offered > 0, "nothing has come that is worth anything")


# -- rules -----------------------------------------------------------------------------------------

ADVANCE_INSPECTION = (
    on(
        events.ReturnInspected,
        at=states.INSPECTING,
        to=states.RETURN_STANDS,
        when=charged_before,
        then=effects.inspect_and_undo_charge,
        does=(commands.BOOK_IN, letters.CALL_ABOUT_UNLISTED),
        sends=request_refund,
    ),
    on(
        events.ReturnInspected,
        at=states.INSPECTING,
        to=states.UNEXCHANGED,
        when=all_of(guards.replaced, replacement_came_back),
        then=effects.inspect,
        does=(commands.BOOK_IN, letters.CALL_ABOUT_UNLISTED),
    ),
    on(
        events.ReturnInspected,
        at=states.INSPECTING,
        to=states.RETURN_STANDS,
        when=all_of(guards.replaced, nothing_missing),
        then=effects.inspect,
        does=(commands.BOOK_IN, letters.CALL_ABOUT_UNLISTED, letters.CALL_ABOUT_CONDITION),
    ),
    on(
        events.ReturnInspected,
        at=states.INSPECTING,
        to=states.CHARGING,
        when=all_of(guards.charge_is_due, told_in_vain),
        then=effects.inspect_and_charge,
        does=(commands.BOOK_IN, letters.CALL_ABOUT_UNLISTED),
    ),
    on(
        events.ReturnInspected,
        at=states.INSPECTING,
        to=states.AUTHORISING,
        when=guards.replaced,
        then=effects.inspect_and_ask_for_the_rest,
        does=(commands.BOOK_IN, letters.CALL_ABOUT_UNLISTED),
    ),
)

# The rest has a label of its own, and the time of a parcel.
REST = (
    on(
        events.LabelIssued,
        at=states.AUTHORISING,
        to=states.AWAITING_PARCEL,
        when=rest_asked,
        then=effects.label,
        does=(letters.ASK_FOR_THE_REST,),
    ),
    on(
        events.LabelNotIssued,
        at=states.AUTHORISING,
        to=states.AWAITING_PARCEL,
        when=rest_asked,
        then=effects.no_label_for_the_rest,
        does=(letters.ASK_FOR_THE_REST, letters.CALL_ABOUT_LABEL),
    ),
)

# The replacement did not arrive: what has come is paid back, whatever becomes of the rest.
UNREPLACED = (
    on(
        deadlines.PARCEL_DUE,
        at=states.AWAITING_PARCEL,
        to=states.MONEY_STANDS,
        when=came_unreplaced,
        then=paying.owe_offer,
        does=(commands.VOID_LABEL, letters.TELL_REFUND),
        sends=request_refund,
    ),
    on(
        events.ReturnWithdrawn,
        at=(states.AWAITING_PARCEL, states.IN_DOUBT),
        to=states.MONEY_STANDS,
        when=all_of(guards.by_its_customer, came_unreplaced),
        then=paying.owe_offer,
        does=(commands.VOID_LABEL, letters.TELL_REFUND),
        sends=request_refund,
    ),
    on(
        events.ChargeDecided,
        at=states.CHARGE_DECLINED,
        to=states.MONEY_STANDS,
        when=came_unreplaced,
        then=paying.owe_offer,
        does=(commands.VOID_LABEL, letters.TELL_REFUND),
        sends=request_refund,
    ),
    on(
        ParcelFailed,
        at=states.WRITTEN_OFF,
        to=states.COVERING,
        when=failed_after_some_came,
        then=paying.reopen_for_parcel,
        sends=reopen,
    ),
)
