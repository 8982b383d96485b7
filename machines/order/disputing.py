"""Rules and effects for money that the customer's bank takes back, wherever an order stands."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from machines.between import RefundCapped, RefundCrossed, Share
from machines.kernel.rule import Send, on, refuse
from machines.order import events, guards, junctions, letters, money, redress, states
from machines.order.data import Order, Payment
from machines.order.delivery import quiet
from machines.order.money import with_payment
from machines.order.returning import with_return
from machines.order.sending import request_refunds
from machines.returning import ReturnCapped


def disputed(order: Order, event: events.PaymentDisputed, _: datetime) -> Order:
    """What the bank takes we shall not pay back as well. What has gone back before it takes a second time:
    that is for finance to contest."""
    payment = order.payment(event.payment)
    order = with_payment(order, payment.id, disputed=payment.disputed + event.amount)
    return _call_off(order, payment.id)


def _call_off(order: Order, id: str) -> Order:
    """What was set aside and is there no longer is not to go back: first what was promised to settle
    complaints, which is kept whole or not at all, then what is meant for returns, then for parcels."""
    for promise in order.goodwill:
        if promise.under_way and not promise.called_off and _short(order.payment(id), promise.shares):
            kept = tuple(one for one in order.goodwill if one is not promise)
            called_off = promise.model_copy(update={"called_off": True})
            order = money.free(order, promise.shares).model_copy(update={"goodwill": (*kept, called_off)})
    for one in order.returns:
        if one.open and (short := _short(order.payment(id), one.shares)):
            order = money.free(order, (short,))
            order = with_return(order, one.rma, shares=_without(one.shares, short))
    for parcel in order.parcels:
        if short := _short(order.payment(id), parcel.shares):
            order = money.free(order, (short,))
            order = money.with_parcel(order, parcel.key, shares=_without(parcel.shares, short))
    return order


def _short(payment: Payment, shares: tuple[Share, ...]) -> Share | None:
    """What ``payment`` cannot give any more of its share in ``shares``."""
    too_much = payment.refunded + payment.refunding + payment.disputed - payment.captured
    own = sum(share.amount for share in shares if share.payment == payment.id)
    amount = min(too_much, own)
    return Share(payment=payment.id, amount=amount) if amount > 0 else None


def _without(shares: tuple[Share, ...], short: Share) -> tuple[Share, ...]:
    return tuple(
        share.model_copy(update={"amount": share.amount - short.amount})
        if share.payment == short.payment
        else share
        for share in shares
    )


def cap(order: Order, event: events.PaymentDisputed) -> Iterable[Send]:
    """Whoever is to give back money of that payment hears how much of it there still is."""
    if order.payment(event.payment).refundable > 0:
        return
    for promise in order.goodwill:
        if promise.under_way and promise.called_off:
            for share in promise.shares:
                yield _cap_refund(redress.refund_key(promise.key), share.payment, most=0)
    for one in order.returns:
        for share in one.shares:
            if one.open and share.payment == event.payment:
                capped = ReturnCapped(rma=one.rma, payment=share.payment, most=share.amount)
                yield Send(capped, to=("return", one.rma))
    for parcel in order.parcels:
        for share in parcel.shares:
            if share.payment == event.payment:
                yield _cap_refund(money.refund_key(parcel), share.payment, most=share.amount)


def _cap_refund(refund: str, payment: str, *, most: int) -> Send:
    return Send(RefundCapped(refund=refund, payment=payment, most=most), to=("refund", refund))


def dispute_won(order: Order, event: events.PaymentDisputeWon, _: datetime) -> Order:
    """The money is ours again, and goes back to the customer if the goods for it never arrived."""
    payment = order.payment(event.payment)
    order = quiet(with_payment(order, event.payment, disputed=max(0, payment.disputed - event.amount)))
    return money.refund_what_is_owed(order, event)


# A chargeback moves no order by itself: finance decides whether to contest it, staff whether to cancel.
DISPUTES = (
    on(
        events.PaymentDisputed,
        at=states.OPENED,
        when=guards.knows_payment,
        then=disputed,
        does=(letters.CALL_ABOUT_DISPUTE,),
        sends=cap,
    ),
    on(RefundCrossed, at=states.OPENED, does=(letters.CALL_ABOUT_CROSSED,)),
    on(
        events.PaymentDisputeWon,
        at=states.AT_REST,
        to=junctions.ORDER_STANDS,
        when=guards.knows_payment,
        then=dispute_won,
        does=(letters.CALL_ABOUT_DISPUTE_WON,),
        sends=request_refunds,
    ),
    on(
        events.PaymentDisputeWon,
        at=tuple(state for state in states.OPENED if state not in states.AT_REST),
        when=guards.knows_payment,
        then=dispute_won,
        does=(letters.CALL_ABOUT_DISPUTE_WON,),
        sends=request_refunds,
    ),
    refuse(events.PaymentDisputed, at=states.OPENED, because="this order has no such payment"),
    refuse(events.PaymentDisputeWon, at=states.OPENED, because="this order has no such payment"),
)
