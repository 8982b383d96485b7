"""Rules and effects for money that the customer's bank takes back, wherever an order stands."""

from __future__ import annotations

from datetime import datetime

from machines.kernel.rule import on, refuse
from machines.order import events, guards, junctions, letters, states
from machines.order.data import Order
from machines.order.delivery import quiet
from machines.order.money import refund_what_is_owed, with_payment
from machines.order.sending import request_refunds


def disputed(order: Order, event: events.PaymentDisputed, _: datetime) -> Order:
    """What the bank takes we shall not pay back as well. What has gone back before, or is on its way, it
    takes a second time: that is for finance to contest."""
    payment = order.payment(event.payment)
    taken = max(0, min(event.amount, payment.refundable))
    return with_payment(order, event.payment, disputed=payment.disputed + taken)


def dispute_won(order: Order, event: events.PaymentDisputeWon, _: datetime) -> Order:
    """The money is ours again, and goes back to the customer if the goods for it never arrived."""
    payment = order.payment(event.payment)
    order = quiet(with_payment(order, event.payment, disputed=max(0, payment.disputed - event.amount)))
    return refund_what_is_owed(order, event)


# A chargeback moves no order by itself: finance decides whether to contest it, staff whether to cancel.
DISPUTES = (
    on(
        events.PaymentDisputed,
        at=states.OPENED,
        when=guards.knows_payment,
        then=disputed,
        does=(letters.CALL_ABOUT_DISPUTE,),
    ),
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
