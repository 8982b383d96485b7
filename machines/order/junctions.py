"""Where the way of an order forks by what it knows: the first branch that holds is taken."""

from __future__ import annotations

from machines.kernel.rule import Junction
from machines.order import states
from machines.order.data import Ending, ParcelStatus, PaymentStatus
from machines.order.standing import (
    all_returned,
    always,
    being_charged,
    covered,
    ended_as,
    part_shipped,
    payment_is,
    price_in_question,
    renewing,
    some,
    some_return_open,
    under_way,
    unpaid,
    unsecured,
)

PAYMENT_STANDS = Junction(
    "payment stands",
    (
        (states.AUTHORISING, payment_is(PaymentStatus.ASKED)),
        (states.AWAITING_MEANS, payment_is(PaymentStatus.DECLINED)),
        (states.AWAITING_CONFIRMATION, payment_is(PaymentStatus.ACTION)),
        (states.CONFIRMED, covered),
        (states.AWAITING_MEANS, always),
    ),
)
ORDER_STANDS = Junction(
    "order stands",
    (
        (states.SETTLING, being_charged),
        (states.AWAITING_REMEDY, some(ParcelStatus.FAILED)),
        (states.SETTLING, some(ParcelStatus.STOPPING)),
        (states.PART_SHIPPED, part_shipped),
        (states.PRICE_IN_QUESTION, price_in_question),
        (states.AWAITING_DISPATCH, some(ParcelStatus.OPEN)),
        (states.SHIPPED, some(ParcelStatus.DISPATCHED)),
        (states.SETTLING, under_way),
        (states.IN_RETURN, some_return_open),
        (states.RETURNED, all_returned),
        (states.AWAITING_PAYMENT, unpaid),
        (states.DELIVERED, some(ParcelStatus.DELIVERED)),
        (states.REJECTED, ended_as(Ending.REJECTED)),
        (states.EXPIRED, ended_as(Ending.EXPIRED)),
        (states.CANCELLED, ended_as(Ending.CANCELLED)),
        (states.WITHHELD, ended_as(Ending.WITHHELD)),
        (states.REFUNDED, always),
    ),
)
RENEWAL_STANDS = Junction(
    "renewal stands",
    ((states.RENEWING, renewing), (states.AWAITING_RENEWAL, unsecured), *ORDER_STANDS.branches),
)
CHOICE_STANDS = Junction(
    "choice stands",
    ((states.AWAITING_REMEDY, renewing), (states.AWAITING_RENEWAL, unsecured), *ORDER_STANDS.branches),
)
STOP_STANDS = Junction(
    "stop stands", ((states.STOP_REQUESTED, some(ParcelStatus.OPEN)), *ORDER_STANDS.branches)
)
RENEWALS = (  #: where the provider answers whether it holds money anew, and where that leads
    ((states.RENEWING, *states.PACKING), RENEWAL_STANDS),
    ((states.AWAITING_REMEDY,), CHOICE_STANDS),
    ((states.STOP_REQUESTED,), STOP_STANDS),
)

WITH_PARCELS = (  #: and where news of a parcel leads from there
    (
        (
            states.AWAITING_DISPATCH,
            states.PRICE_IN_QUESTION,
            states.PART_SHIPPED,
            states.SHIPPED,
            states.AWAITING_REMEDY,
            states.SETTLING,
            *states.OWING,
        ),
        ORDER_STANDS,
    ),
    ((states.STOP_REQUESTED,), STOP_STANDS),
    ((states.AWAITING_RENEWAL,), RENEWAL_STANDS),
)
