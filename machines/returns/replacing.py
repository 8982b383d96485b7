"""Rules for a replacement: out of stock, dearer, or sent in advance for goods that stay away."""

from __future__ import annotations

from machines.kernel.rule import on
from machines.returns import commands, deadlines, effects, events, guards, letters, paying, states
from machines.returns.sending import replace_and_refund, request_refund, send_newest_parcel

# A replacement leaves when it is there; what is out of stock is paid back; what costs more is asked.
REPLACEMENT = (
    on(
        events.GoodsSetAside,
        at=states.SETTING_ASIDE,
        to=states.AWAITING_DIFFERENCE,
        when=guards.dearer,
        then=paying.price,
    ),
    on(
        events.GoodsSetAside,
        at=states.SETTING_ASIDE,
        to=states.PACKING,
        then=paying.set_aside_and_replace,
        does=(commands.PACK, letters.TELL_REPLACEMENT),
        sends=replace_and_refund,
    ),
    on(
        events.GoodsShort,
        at=states.SETTING_ASIDE,
        to=states.MONEY_STANDS,
        then=paying.refund_instead,
        does=(letters.TELL_OUT_OF_STOCK,),
        sends=request_refund,
    ),
    on(
        events.DifferenceAnswered,
        at=states.AWAITING_DIFFERENCE,
        to=states.CHARGING_DIFFERENCE,
        when=guards.pays,
        then=paying.pay_difference,
    ),
    on(
        events.DifferenceAnswered,
        at=states.AWAITING_DIFFERENCE,
        to=states.MONEY_STANDS,
        when=guards.does_not_pay,
        then=paying.refund_instead,
        does=(commands.PUT_BACK, letters.TELL_REFUND),
        sends=request_refund,
    ),
    on(
        deadlines.DIFFERENCE_DUE,
        at=states.AWAITING_DIFFERENCE,
        to=states.MONEY_STANDS,
        then=paying.refund_instead,
        does=(commands.PUT_BACK, letters.TELL_REFUND),
        sends=request_refund,
    ),
    on(
        events.Charged,
        at=states.CHARGING_DIFFERENCE,
        to=states.PACKING,
        then=paying.charged_and_replace,
        does=(commands.PACK, letters.TELL_REPLACEMENT),
        sends=send_newest_parcel,
    ),
    on(
        events.ChargeDeclined,
        at=states.CHARGING_DIFFERENCE,
        to=states.AWAITING_DIFFERENCE,
        then=paying.not_charged,
    ),
)

# A replacement sent in advance is paid for if the original stays away.
UNRETURNED = (
    on(
        events.Charged,
        at=states.CHARGING,
        to=states.RETURN_STANDS,
        then=paying.charged,
        sends=request_refund,
    ),
    on(events.ChargeDeclined, at=states.CHARGING, to=states.CHARGE_DECLINED, then=paying.not_charged),
    on(
        events.ChargeDecided,
        at=states.CHARGE_DECLINED,
        to=states.CHARGING,
        when=guards.charges_again,
        then=paying.begin_charge,
    ),
    on(events.ChargeDecided, at=states.CHARGE_DECLINED, to=states.WRITTEN_OFF),
    on(deadlines.CHARGE_DUE, at=states.CHARGE_DECLINED, then=effects.climb, does=(letters.CALL_FINANCE,)),
)
