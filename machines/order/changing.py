"""Rules for orders that change after they were placed: other goods, another address, another price."""

from __future__ import annotations

from machines.kernel.rule import defer, on, refuse
from machines.kernel.verdict import all_of
from machines.order import commands, deadlines, effects, events, guards, junctions, letters, paying, states
from machines.order.planning import let_go_before

# Goods and address can change until the first parcel leaves; whatever was held is let go first.
CHANGES = (
    on(
        events.OrderAmended,
        at=states.RESTING,
        to=states.VERIFYING,
        when=all_of(guards.nothing_to_undo, let_go_before),
        then=effects.amend_at_once,
    ),
    on(
        events.OrderAmended,
        at=states.RESTING,
        to=junctions.ORDER_STANDS,
        when=all_of(guards.may_amend, let_go_before),
        then=effects.take_back_to_amend,
        does=commands.MONEY_BACK,
    ),
    on(
        events.OrderAmended,
        at=states.UNSHIPPED,
        to=states.STOP_REQUESTED,
        when=guards.may_amend,
        then=effects.note_amendment,
    ),
    defer(
        events.OrderAmended,
        at=(*states.DECIDING, *states.HANDING_OVER),
        because="the step under way comes first",
    ),
    refuse(
        events.OrderAmended,
        at=(*states.TOO_LATE_TO_CHANGE, *states.AFTER_WAREHOUSE),
        because="it is too late to change this order; what has not left can be cancelled",
    ),
    refuse(events.OrderAmended, at=states.ENDED, because="this order has ended; please place a new one"),
)

# A lower price counts at once. A higher one needs the customer's yes; without it the price ordered at stands,
# since nobody need pay more than they agreed to. The order goes on meanwhile, and is not given up for that.
PRICES = (
    on(
        events.OrderRepriced,
        at=tuple(state for state in states.RESTING if state is not states.AWAITING_PRICE),
        when=guards.not_dearer,
        then=effects.reprice,
    ),
    on(
        events.OrderRepriced,
        at=states.PRICED,
        to=states.AWAITING_PRICE,
        when=all_of(guards.dearer_than_reserved, let_go_before),
        then=effects.ask_price,
    ),
    on(
        events.OrderRepriced,
        at=states.UNSHIPPED,
        to=states.PRICE_IN_QUESTION,
        when=guards.dearer,
        then=effects.ask_price,
    ),
    on(
        events.PriceAnswered,
        at=states.AWAITING_PRICE,
        to=junctions.PAYMENT_STANDS,
        when=guards.agrees_to_price,
        then=paying.pay_new_price,
    ),
    on(
        events.PriceAnswered,
        at=states.PRICE_IN_QUESTION,
        to=states.STOP_REQUESTED,
        when=guards.agrees_to_price,
        then=effects.amend_price,
    ),
    *(
        on(
            event,
            at=place,
            to=stands,
            when=when,
            then=effects.price_stands,
            does=(letters.TELL_PRICE_STANDS,),
        )
        for place, stands in (
            (states.AWAITING_PRICE, junctions.PAYMENT_STANDS),
            (states.PRICE_IN_QUESTION, junctions.ORDER_STANDS),
        )
        for event, when in ((events.PriceAnswered, guards.price_asked), (deadlines.PRICE_DUE, None))
    ),
    on(
        deadlines.HOLD_ENDS_SOON,
        at=states.AWAITING_PRICE,
        to=junctions.PAYMENT_STANDS,
        then=effects.price_stands,
        does=(letters.TELL_PRICE_STANDS,),
    ),
    on(
        deadlines.HOLD_ENDS_SOON,
        at=states.PRICE_IN_QUESTION,
        to=states.RENEWING,
        then=effects.price_stands,
        does=(commands.ASK_WHAT_IS_READY, letters.TELL_PRICE_STANDS),
    ),
    defer(
        events.OrderRepriced,
        at=(states.AWAITING_PRICE, states.PRICE_IN_QUESTION),
        because="the customer is being asked about a price already",
    ),
    defer(
        events.OrderRepriced,
        at=(*states.DECIDING, *states.HANDING_OVER),
        because="the step under way comes first",
    ),
    refuse(
        events.OrderRepriced,
        at=(*states.IN_WAREHOUSE, *states.AFTER_WAREHOUSE, *states.ENDED),
        because="the price confirmed to the customer stands",
    ),
)
