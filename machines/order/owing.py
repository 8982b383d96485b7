"""Rules for goods that have come and were not paid, since their charge was declined when they left.

The customer is asked for another means, then finance decides. No order counts as delivered before that."""

from __future__ import annotations

from machines.kernel.rule import on
from machines.order import commands, deadlines, effects, events, guards, junctions, letters, paying, states

OWING = (
    on(
        events.MeansGiven,
        at=states.AWAITING_PAYMENT,
        to=states.SETTLING,
        when=guards.may_add_means,
        then=paying.pay_what_has_come,
        does=(commands.CHARGE_OWED,),
    ),
    on(
        deadlines.OWED_DUE,
        at=states.AWAITING_PAYMENT,
        to=states.PAYMENT_OWED,
        then=effects.begin_ladder,
    ),
    on(
        events.DebtDecided,
        at=states.PAYMENT_OWED,
        to=junctions.ORDER_STANDS,
        when=guards.gives_up,
        then=paying.waive,
        because="finance has given up the claim",
    ),
    on(
        events.DebtDecided,
        at=states.PAYMENT_OWED,
        to=states.SETTLING,
        when=guards.is_owed,
        then=paying.try_again,
        does=(commands.CHARGE_OWED,),
    ),
    on(
        deadlines.DEBT_DUE,
        at=states.PAYMENT_OWED,
        then=effects.climb,
        does=(letters.CALL_ABOUT_DEBT,),
    ),
)
