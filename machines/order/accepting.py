"""Rules from placement to a paid order: verification, restrictions, stock, payment, silence."""

from __future__ import annotations

from machines.kernel.rule import defer, ignore, on, send_back
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
from machines.order.sending import request_refunds

# An order is verified before it is accepted.
VERIFICATION = (
    on(events.OrderPlaced, at=states.PLACED, to=states.VERIFYING, when=guards.payable, then=effects.place),
    on(outcomes.OrderVerified, at=states.VERIFYING, to=states.CHECKING),
    on(outcomes.OrderSuspicious, at=states.VERIFYING, to=states.IN_REVIEW, does=(letters.CALL_REVIEWER,)),
    on(outcomes.AddressUndeliverable, at=states.VERIFYING, to=states.AWAITING_ADDRESS),
    on(outcomes.MeansUnusable, at=states.VERIFYING, to=states.AWAITING_MEANS),
    on(
        events.ReviewDecided,
        at=states.IN_REVIEW,
        to=states.CHECKING,
        when=guards.accepted,
        then=effects.begin_ladder,
    ),
    on(events.ReviewDecided, at=states.IN_REVIEW, to=states.REJECTED, then=effects.reject),
    on(deadlines.REVIEW_DUE, at=states.IN_REVIEW, then=effects.climb, does=(letters.CALL_REVIEWER,)),
    on(
        events.AddressCorrected,
        at=states.AWAITING_ADDRESS,
        to=states.VERIFYING,
        when=guards.by_its_customer,
        then=effects.correct_address,
    ),
)

# Restrictions are told before the customer commits, with whatever can be had instead.
RESTRICTIONS = (
    on(outcomes.RestrictionsCleared, at=states.CHECKING, to=states.RESERVING, then=effects.begin_reserving),
    on(outcomes.RestrictionsOffer, at=states.CHECKING, to=states.AWAITING_CHOICE, then=effects.note_offer),
    on(outcomes.OrderBlocked, at=states.CHECKING, to=states.REJECTED, then=effects.reject),
    on(
        events.ChoiceMade,
        at=states.AWAITING_CHOICE,
        to=states.RESERVING,
        when=guards.chooses(events.Choice.ACCEPT),
        then=effects.take_offer,
    ),
    on(
        events.ChoiceMade,
        at=states.AWAITING_CHOICE,
        to=states.CHECKING,
        when=guards.chooses(events.Choice.SUBSTITUTE),
        then=effects.substitute,
    ),
    on(
        events.ChoiceMade,
        at=states.AWAITING_CHOICE,
        to=states.BACKORDERED,
        when=guards.chooses(events.Choice.WAIT),
        then=effects.wait_for_stock,
        does=(letters.TELL_BACKORDERED,),
    ),
    on(
        events.ChoiceMade,
        at=states.AWAITING_CHOICE,
        to=states.CANCELLED,
        when=guards.chooses(events.Choice.CANCEL),
        then=effects.no_longer_wanted,
    ),
)

# Goods are reserved; what is missing is offered otherwise, or waited for until a promised day.
STOCK = (
    on(outcomes.StockReserved, at=states.RESERVING, to=junctions.PAYMENT_STANDS, then=effects.reserved),
    on(outcomes.StockShort, at=states.RESERVING, to=states.AWAITING_CHOICE, then=effects.note_short),
    on(
        events.StockReplenished,
        at=states.AWAITING_CHOICE,
        to=states.RESERVING,
        when=guards.short_of_stock,
        then=effects.begin_reserving,
    ),
    on(events.StockReplenished, at=states.BACKORDERED, to=states.RESERVING, then=effects.begin_reserving),
    on(
        events.StockReplenished, at=states.AWAITING_CONSENT, to=states.RESERVING, then=effects.begin_reserving
    ),
    on(deadlines.PROMISE_DUE, at=states.BACKORDERED, to=states.FORECASTING),
    on(deadlines.PROMISE_BROKEN, at=states.ON_ORDER, to=states.AWAITING_CONSENT, then=effects.promise_broken),
    on(outcomes.StockExpected, at=states.FORECASTING, to=states.BACKORDERED, when=guards.on_time),
    on(
        outcomes.StockExpected,
        at=states.FORECASTING,
        to=states.BACKORDERED,
        when=guards.first_short_delay,
        then=effects.promise_again,
        does=(letters.TELL_DELAYED,),
    ),
    on(outcomes.StockExpected, at=states.FORECASTING, to=states.AWAITING_CONSENT, then=effects.promise_again),
    ignore(deadlines.PROMISE_DUE, at=states.FORECASTING, because="stock is being asked already"),
    defer(events.StockReplenished, at=states.FORECASTING, because="the step under way comes first"),
    on(
        events.DelayAnswered,
        at=states.AWAITING_CONSENT,
        to=states.BACKORDERED,
        when=guards.waits,
        then=effects.wait_longer,
    ),
    on(events.DelayAnswered, at=states.AWAITING_CONSENT, to=states.CANCELLED, then=effects.no_longer_wanted),
)

# The money is held, each means of payment for its share.
PAYMENT = (
    on(
        outcomes.PaymentAuthorized,
        at=states.AUTHORISING,
        to=junctions.PAYMENT_STANDS,
        then=paying.authorised,
    ),
    on(outcomes.PaymentDeclined, at=states.AUTHORISING, to=junctions.PAYMENT_STANDS, then=paying.declined),
    on(
        outcomes.PaymentActionRequired,
        at=states.AUTHORISING,
        to=junctions.PAYMENT_STANDS,
        then=paying.action_required,
    ),
    on(
        events.PaymentConfirmed,
        at=states.AWAITING_CONFIRMATION,
        to=junctions.PAYMENT_STANDS,
        then=paying.ask_again,
    ),
    defer(
        events.PaymentConfirmed,
        at=(*states.DECIDING, states.AWAITING_PRICE),
        because="the bank's word can overtake another answer; it is kept until that is here",
    ),
    on(
        events.MeansGiven,
        at=states.AWAITING_MEANS,
        to=junctions.PAYMENT_STANDS,
        when=guards.goods_reserved,
        then=paying.other_means_to_authorise,
    ),
    on(
        events.MeansGiven,
        at=states.AWAITING_MEANS,
        to=states.VERIFYING,
        when=guards.may_pay_otherwise,
        then=paying.other_means,
    ),
)

# Where a colleague finds that the answer was wrong, it is asked for once more.
SENT_BACK = (
    send_back(
        at=(states.IN_REVIEW, states.AWAITING_ADDRESS),
        to=states.VERIFYING,
        because="the rules, or what they know of the address, have been put right",
    ),
    send_back(
        at=states.AWAITING_MEANS,
        to=states.AUTHORISING,
        when=guards.was_declined,
        then=paying.ask_again,
        because="the provider has put right why it declined",
    ),
)

# Silence ends an order that waits for its customer.
SILENCE = (
    on(deadlines.REMINDER, at=states.ASKING_CUSTOMER, does=(letters.REMIND,)),
    on(
        deadlines.ANSWER_DUE,
        at=(states.AWAITING_ADDRESS, states.AWAITING_CHOICE, states.AWAITING_CONSENT),
        to=junctions.ORDER_STANDS,
        then=effects.expire,
        does=commands.MONEY_BACK,
    ),
    on(
        deadlines.MEANS_DUE,
        at=states.AWAITING_MEANS,
        to=junctions.ORDER_STANDS,
        then=effects.expire,
        does=commands.MONEY_BACK,
    ),
    on(
        deadlines.PAYMENT_DUE,
        at=(states.AUTHORISING, states.AWAITING_CONFIRMATION),
        to=junctions.ORDER_STANDS,
        then=effects.expire,
        does=commands.MONEY_BACK,
    ),
    on(
        deadlines.HOLD_ENDS,
        at=states.HANDOVER_REFUSED,
        to=junctions.ORDER_STANDS,
        then=effects.cannot_hand_over,
        does=commands.MONEY_BACK,
    ),
    on(
        deadlines.ANSWER_DUE,
        at=states.AWAITING_REMEDY,
        to=junctions.ORDER_STANDS,
        then=delivery.refund_all_failed,
        sends=request_refunds,
    ),
)
