"""Sums inside one order: who pays how much, what is taken for a parcel, what is let go, what goes back.

All functions take an order and answer the order as it is then; none asks or tells anybody.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from machines.between import Share, Source, spread
from machines.kernel.event import Event
from machines.order.data import (
    Charge,
    Order,
    Parcel,
    ParcelStatus,
    Payment,
    PaymentStatus,
    RefundStatus,
    cause,
)
from machines.order.outcomes import CaptureDeclined, PaymentCaptured


def with_payment(order: Order, id: str, **update: Any) -> Order:
    payments = tuple(
        payment.model_copy(update=update) if payment.id == id else payment for payment in order.payments
    )
    return order.model_copy(update={"payments": payments})


def with_parcel(order: Order, key: str, **update: Any) -> Order:
    parcels = tuple(
        parcel.model_copy(update=update) if parcel.key == key else parcel for parcel in order.parcels
    )
    return order.model_copy(update={"parcels": parcels})


def each_payment(order: Order, change: Callable[[Payment], dict[str, Any]]) -> Order:
    """``change`` gives what is new in a payment; nothing new is an empty mapping."""
    payments = tuple(
        payment.model_copy(update=update) if (update := change(payment)) else payment
        for payment in order.payments
    )
    return order.model_copy(update={"payments": payments})


def stands(payment: Payment) -> bool:
    """It holds money, or the provider has been asked to."""
    return payment.status in (PaymentStatus.AUTHORISED, PaymentStatus.ASKED)


def ask_for_authorisation(order: Order) -> Order:
    """Share the total among the means of payment that hold nothing yet, and mark them as asked."""
    rest = order.total - order.held
    payments = []
    for payment in order.payments:
        if stands(payment):
            payments.append(payment)
            continue
        amount = max(0, rest if payment.up_to is None else min(rest, payment.up_to))
        rest -= amount
        status = PaymentStatus.ASKED if amount else PaymentStatus.NEW
        payments.append(payment.model_copy(update={"amount": amount, "status": status}))
    return order.model_copy(update={"payments": tuple(payments)})


def charges_for(order: Order, parcel: Parcel) -> tuple[Charge, ...]:
    """What to take for ``parcel`` from the money held; what a provider let go of too early is asked of the
    newest means."""
    rest = parcel.value
    charges = []
    for payment in order.payments:
        part = min(rest, payment.hold)
        if part > 0:
            charges.append(Charge(payment=payment.id, parcel=parcel.key, amount=part))
            rest -= part
    if rest > 0 and any(payment.lapsed for payment in order.payments):
        newest = order.payments[-1]
        charges.append(Charge(payment=newest.id, parcel=parcel.key, amount=rest, held=False))
    return tuple(charges)


def begin_charge(order: Order, parcel: Parcel, **update: Any) -> Order:
    """``parcel`` with ``update``, and its charges under way."""
    charges = charges_for(order, parcel)
    taken = {charge.payment: charge.amount for charge in charges if charge.held}
    payments = tuple(
        payment.model_copy(update=_charged(payment, taken[payment.id])) if payment.id in taken else payment
        for payment in order.payments
    )
    parcels = tuple(other.model_copy(update=update) if other is parcel else other for other in order.parcels)
    under_way = sorted((*order.charges, *charges), key=lambda charge: (charge.parcel, charge.payment))
    return order.model_copy(update={"payments": payments, "parcels": parcels, "charges": tuple(under_way)})


def _charged(payment: Payment, amount: int) -> dict[str, Any]:
    """Where nothing is held any more, no hold is left to end."""
    update: dict[str, Any] = {"capturing": payment.capturing + amount}
    return update if payment.hold > amount else {**update, "capture_before": None}


def end_charge(order: Order, event: PaymentCaptured | CaptureDeclined, *, taken: bool) -> Order:
    """The provider has answered a charge; what it held and did not hand over is not held any more."""
    charge = event.charge
    payments = tuple(
        payment.model_copy(update=_answered(payment, charge, taken=taken))
        if payment.id == charge.payment
        else payment
        for payment in order.payments
    )
    parcels = order.parcels
    if taken:
        parcels = tuple(
            parcel.model_copy(update={"captured": parcel.captured + charge.amount})
            if parcel.key == charge.parcel
            else parcel
            for parcel in parcels
        )
    charges = tuple(other for other in order.charges if other != charge)
    order = order.model_copy(update={"payments": payments, "parcels": parcels, "charges": charges})
    if order.parcel(charge.parcel).refund is RefundStatus.DUE:
        return refund_parcel(order, charge.parcel, event)
    return order


def _answered(payment: Payment, charge: Charge, *, taken: bool) -> dict[str, int]:
    amount = charge.amount
    update = {"capturing": payment.capturing - amount} if charge.held else {}
    if taken:
        update["captured"] = payment.captured + amount
        if not charge.held:
            update["authorised"] = payment.authorised + amount
    elif charge.held:
        update["voided"] = payment.voided + amount
    return update


def begin_void(order: Order, event: Event) -> Order:
    """Let go of everything that is held."""
    return each_payment(
        order,
        lambda payment: (
            {"voiding": payment.voiding + payment.hold, "void_for": cause(event)} if payment.hold > 0 else {}
        ),
    )


def void_if_all_left(order: Order, event: Event) -> Order:
    """Once no parcel is to be charged any more, nothing needs to be held."""
    if any(parcel.status in (ParcelStatus.OPEN, ParcelStatus.STOPPING) for parcel in order.parcels):
        return order
    return begin_void(order, event) if any(payment.hold > 0 for payment in order.payments) else order


def sources(order: Order) -> tuple[Source, ...]:
    """Where money can go back to, newest payment first."""
    return tuple(
        Source(payment=payment.id, means=payment.means, cap=payment.refundable)
        for payment in reversed(order.payments)
        if payment.refundable > 0
    )


def refund_key(parcel: Parcel) -> str:
    """``SO-1001-1-R``: the refund case of a parcel. A second one (``-R2``) pays only what the first did not,
    since the customer's bank had taken it and gave it back to us."""
    return f"{parcel.key}-R{parcel.refunds + 1}" if parcel.refunds else f"{parcel.key}-R"


def refund_parcel(order: Order, key: str, event: Event) -> Order:
    """What was taken for a parcel goes back: at once, or as soon as its charge is booked. What the customer's
    bank has taken back already does not go back twice."""
    key = order.paid_as(key)
    parcel = order.parcel(key)
    if parcel.refund is RefundStatus.ASKED:
        return order
    if order.charging(key):
        return with_parcel(order, key, refund=RefundStatus.DUE)
    shares = spread(parcel.captured - parcel.returned, sources=sources(order))
    if not shares:
        return with_parcel(order, key, refund=RefundStatus.NONE)
    for share in shares:
        going = order.payment(share.payment).refunding + share.amount
        order = with_payment(order, share.payment, refunding=going)
    return with_parcel(order, key, refund=RefundStatus.ASKED, refund_for=cause(event), shares=shares)


def refund_what_is_owed(order: Order, event: Event) -> Order:
    """Money that is free again goes to the customer if the goods for it never arrived."""
    for parcel in order.parcels_in(ParcelStatus.STOPPED, ParcelStatus.REFUNDED):
        order = refund_parcel(order, parcel.key, event)
    return order


def finish_refund(order: Order, key: str, *, shares: tuple[Share, ...], paid: bool) -> Order:
    """A refund case has ended: ``paid`` counts as given back, otherwise the money stays with us."""
    for share in shares:
        payment = order.payment(share.payment)
        refunded = payment.refunded + (share.amount if paid else 0)
        order = with_payment(
            order, share.payment, refunding=payment.refunding - share.amount, refunded=refunded
        )
    parcel = order.parcel(key)
    settled = parcel.returned + sum(share.amount for share in shares)
    update = {"refund": RefundStatus.NONE, "refund_for": "", "shares": ()}
    return with_parcel(order, key, **update, refunds=parcel.refunds + 1, returned=settled)


def release(order: Order, pieces: int | None = None) -> Order:
    stock = order.stock
    update = {"releasing": stock.releasing + (stock.held if pieces is None else pieces)}
    return order.model_copy(update={"stock": stock.model_copy(update=update)})


def take_back(order: Order, event: Event) -> Order:
    """Let go of all money and goods; what is still being asked follows when it is answered."""
    return begin_void(release(order.model_copy(update={"offer": None, "promised": None})), event)
