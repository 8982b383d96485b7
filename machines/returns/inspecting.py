"""Rules for the goods that are here: what they are worth, and what the customer chooses."""

from __future__ import annotations

from machines.kernel.rule import on
from machines.kernel.verdict import all_of
from machines.returns import commands, deadlines, effects, events, guards, letters, paying, states
from machines.returns.sending import request_refund, send_newest_parcel, settle_choice

# What was in the parcel decides; where a replacement went ahead, first of all by ``exchanging.py``. What a
# colleague finds is counted against what was announced.
INSPECTION = (
    on(
        events.ReturnInspected,
        at=states.INSPECTING,
        to=states.SETTING_ASIDE,
        when=all_of(guards.accepted, guards.wants_replacement),
        then=effects.inspect,
        does=(commands.BOOK_IN, letters.CALL_ABOUT_UNLISTED),
    ),
    on(
        events.ReturnInspected,
        at=states.INSPECTING,
        to=states.RETURN_STANDS,
        when=guards.paid_before,
        then=effects.inspect_and_owe,
        does=(commands.BOOK_IN, letters.CALL_ABOUT_UNLISTED, letters.CALL_ABOUT_PAID),
        sends=request_refund,
    ),
    on(
        events.ReturnInspected,
        at=states.INSPECTING,
        to=states.MONEY_STANDS,
        when=guards.accepted,
        then=effects.inspect_and_owe,
        does=(commands.BOOK_IN, letters.CALL_ABOUT_UNLISTED, letters.TELL_REFUND),
        sends=request_refund,
    ),
    on(
        events.ReturnInspected,
        at=states.INSPECTING,
        to=states.MONEY_STANDS,
        when=guards.only_too_few,
        then=effects.inspect_and_owe,
        does=(commands.BOOK_IN, letters.CALL_ABOUT_UNLISTED, letters.TELL_INCOMPLETE),
        sends=request_refund,
    ),
    on(
        events.ReturnInspected,
        at=states.INSPECTING,
        to=states.AWAITING_CHOICE,
        when=guards.worth_something,
        then=effects.inspect_and_owe_accepted,
        does=(letters.CALL_ABOUT_UNLISTED,),
        sends=request_refund,
    ),
    on(
        events.ReturnInspected,
        at=states.INSPECTING,
        to=states.PACKING,
        when=guards.something_came,
        then=effects.inspect_and_send_back,
        does=(commands.PACK, letters.TELL_SENDING_BACK),
        sends=send_newest_parcel,
    ),
    on(
        events.ReturnInspected,
        at=states.INSPECTING,
        to=states.REJECTED,
        then=effects.inspect,
    ),
    on(deadlines.INSPECTION_DUE, at=states.INSPECTING, then=effects.climb, does=(letters.CALL_INSPECTOR,)),
)

# Goods that are not taken back in full: the customer chooses, silence means the partial refund. What came as
# it was sold is paid with the inspection.
CHOICE = (
    on(
        events.OfferAnswered,
        at=states.AWAITING_CHOICE,
        to=states.RETURN_STANDS,
        when=guards.sends_back,
        then=paying.take_offer,
        does=(commands.BOOK_IN, commands.PACK, letters.TELL_SENDING_BACK),
        sends=settle_choice,
    ),
    on(
        events.OfferAnswered,
        at=states.AWAITING_CHOICE,
        to=states.RETURN_STANDS,
        when=guards.by_its_customer,
        then=paying.take_offer,
        does=(commands.BOOK_IN, letters.TELL_REFUND),
        sends=settle_choice,
    ),
    on(deadlines.CHOICE_REMINDER, at=states.AWAITING_CHOICE, does=(letters.REMIND_TO_CHOOSE,)),
    on(
        deadlines.CHOICE_DUE,
        at=states.AWAITING_CHOICE,
        to=states.MONEY_STANDS,
        then=paying.owe_offer,
        does=(commands.BOOK_IN, letters.TELL_REFUND),
        sends=request_refund,
    ),
)

# The refund of a withdrawal may wait for the goods, or for proof that they were sent, and not for us. Goods
# that are here are looked at all the same.
BY_LAW = (
    on(
        deadlines.REFUND_BY,
        at=states.IN_TRANSIT,
        to=states.MONEY_STANDS,
        then=paying.owe_all,
        does=(letters.TELL_REFUND_BY_LAW,),
        sends=request_refund,
    ),
    on(
        deadlines.REFUND_BY,
        at=states.INSPECTING,
        then=paying.owe_all,
        does=(letters.TELL_REFUND_BY_LAW,),
        sends=request_refund,
    ),
)
