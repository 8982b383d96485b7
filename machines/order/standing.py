"""Where an order stands, told from what it knows, and the instants that follow from that."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from machines.between import Pick
from machines.order.data import Ending, Order, Parcel, ParcelStatus, PaymentStatus, RefundStatus

MARGIN = timedelta(hours=24)  #: how long before a hold ends we act on it
LEFT = (
    ParcelStatus.DISPATCHED,
    ParcelStatus.DELIVERED,
    ParcelStatus.FAILED,
    ParcelStatus.REPLACING,
    ParcelStatus.REPLACED,
    ParcelStatus.REFUNDED,
)
COMING = (  #: with the customer in the end, as far as anybody knows
    ParcelStatus.OPEN,
    ParcelStatus.DISPATCHED,
    ParcelStatus.DELIVERED,
    ParcelStatus.FAILED,
    ParcelStatus.REPLACING,
)

# -- where an order stands -------------------------------------------------------------------------


def some(*statuses: ParcelStatus) -> Callable[[Order], bool]:
    """Some parcel is in one of ``statuses``."""

    def holds(order: Order) -> bool:
        return any(parcel.status in statuses for parcel in order.parcels)

    return holds


def some_packed(order: Order) -> bool:
    return some(ParcelStatus.OPEN)(order)


def being_charged(order: Order) -> bool:
    """A parcel has failed whose charge is not booked yet, so that nobody knows what there is to give back."""
    return any(
        parcel.status is ParcelStatus.FAILED and order.charging(order.paid_as(parcel.key))
        for parcel in order.parcels
    )


def part_shipped(order: Order) -> bool:
    return some(ParcelStatus.OPEN)(order) and some(*LEFT)(order)


def price_in_question(order: Order) -> bool:
    return order.asked_price is not None and some(ParcelStatus.OPEN)(order)


def under_way(order: Order) -> bool:
    """Something has been asked of stock, provider or a refund case and is not answered."""
    stock = order.stock
    return (
        stock.reserving
        or stock.releasing > 0
        or bool(order.charges)
        or renewing(order)
        or any(parcel.refund in (RefundStatus.DUE, RefundStatus.ASKED) for parcel in order.parcels)
    )


def renewing(order: Order) -> bool:
    """The provider still has to answer about money to hold or to let go."""
    waiting = (PaymentStatus.ASKED, PaymentStatus.RENEWING)
    return any(payment.status in waiting or payment.voiding > 0 for payment in order.payments)


def still_to_charge(order: Order) -> tuple[Parcel, ...]:
    """Parcels for which money is held; none is for one that replaces a parcel that was not paid."""
    waiting = order.parcels_in(ParcelStatus.OPEN)
    return tuple(parcel for parcel in waiting if not parcel.charged and not parcel.replaces)


def still_owed(order: Order, parcel: Parcel) -> int:
    """What was not paid for ``parcel``, but for goods that never arrived, in it or in those sent instead."""
    gone = order.parcels_in(ParcelStatus.STOPPED, ParcelStatus.REFUNDED)
    lost = sum(sent.value for sent in gone if parcel.key in (sent.key, sent.replaces))
    return max(0, parcel.value - lost - parcel.captured)


def owing(order: Order) -> tuple[Parcel, ...]:
    """What has come and was not paid, by the parcel under whose key it is charged."""
    come = dict.fromkeys(order.paid_as(parcel.key) for parcel in order.parcels_in(ParcelStatus.DELIVERED))
    parcels = (order.parcel(key) for key in come)
    return tuple(parcel for parcel in parcels if still_owed(order, parcel) and not parcel.waived)


def owed(order: Order) -> int:
    return sum(still_owed(order, parcel) for parcel in owing(order))


def unpaid(order: Order) -> bool:
    """Where goods come back, or are about to, nothing is asked for them."""
    back = order.return_offered or any(one.open or one.taken for one in order.returns)
    return owed(order) > 0 and not back


def unsecured(order: Order) -> bool:
    """What is still to be charged is not held, or will soon not be held any more."""
    needed = sum(parcel.value for parcel in still_to_charge(order))
    held = sum(payment.hold for payment in order.payments if payment.status is not PaymentStatus.DECLINED)
    return held < needed


def payment_is(status: PaymentStatus) -> Callable[[Order], bool]:
    def holds(order: Order) -> bool:
        return any(payment.status is status for payment in order.payments)

    return holds


def ended_as(ending: Ending) -> Callable[[Order], bool]:
    def holds(order: Order) -> bool:
        return order.ending is ending

    return holds


def covered(order: Order) -> bool:
    """The providers hold all that the customer is to pay."""
    return order.held >= order.total


def always(_: Order) -> bool:
    return True


# -- pieces that came, and pieces that went back ----------------------------------------------------


def kept_pieces(order: Order) -> Counter[str]:
    """What the customer has, as far as returns that are over have not taken it."""
    return _less(_delivered(order), [item for one in order.returns for item in one.taken])


def left_to_return(order: Order, *, besides: str | None = None) -> Counter[str]:
    """Delivered pieces that are in no return (``besides`` one), and that none has taken."""
    others = [one for one in order.returns if one.rma != besides]
    return _less(
        _delivered(order), [item for one in others for item in (one.items if one.open else one.taken)]
    )


def some_return_open(order: Order) -> bool:
    return any(one.open for one in order.returns)


def all_returned(order: Order) -> bool:
    return bool(order.returns) and not left_to_return(order)


def _delivered(order: Order) -> Counter[str]:
    pieces: Counter[str] = Counter()
    for parcel in order.parcels_in(ParcelStatus.DELIVERED):
        for item in parcel.items:
            pieces[item.sku] += item.quantity
    return pieces


def _less(pieces: Counter[str], gone: Iterable[Pick]) -> Counter[str]:
    for item in gone:
        pieces[item.sku] -= item.quantity
    return +pieces


# -- instants --------------------------------------------------------------------------------------


def hold_ends(order: Order) -> datetime | None:
    """When the first of the holds ends that nothing has been done about."""
    ends = [payment.capture_before for payment in order.payments if payment.hold > 0]
    return min((end for end in ends if end is not None), default=None)


def hold_ends_soon(order: Order) -> datetime | None:
    ends = [
        payment.capture_before
        for payment in order.payments
        if payment.status is PaymentStatus.AUTHORISED and payment.hold > 0
    ]
    end = min((end for end in ends if end is not None), default=None)
    return end - MARGIN if end else None


def promise_ends_soon(order: Order) -> datetime | None:
    return order.promised - 2 * MARGIN if order.promised else None


def promised_day(order: Order) -> datetime | None:
    return order.promised
