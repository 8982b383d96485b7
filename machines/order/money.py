"""Sums inside one order: who pays how much, what is taken for a parcel, what is let go, what goes back.

All functions take an order and answer the order as it is then; none asks or tells anybody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
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
from machines.order.standing import still_owed

NEVER_ARRIVED = (ParcelStatus.STOPPED, ParcelStatus.REFUNDED)


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
    """It holds money, the provider has been asked to, or it has given what it is to give."""
    return payment.status in (PaymentStatus.AUTHORISED, PaymentStatus.ASKED, PaymentStatus.SPENT)


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
    if parcel.replaces:
        return charge_again(order, order.parcel(parcel.replaces))
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


def charge_again(order: Order, parcel: Parcel) -> tuple[Charge, ...]:
    """What is still owed for ``parcel`` is asked of the newest means; nothing is held for it any more."""
    owed = still_owed(order, parcel)
    newest = order.payments[-1].id
    return (Charge(payment=newest, parcel=parcel.key, amount=owed, held=False, again=True),) if owed else ()


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
            parcel.model_copy(update=_paid_for(parcel, charge)) if parcel.key == charge.parcel else parcel
            for parcel in parcels
        )
    charges = tuple(other for other in order.charges if other != charge)
    order = order.model_copy(update={"payments": payments, "parcels": parcels, "charges": charges})
    if order.parcel(charge.parcel).refund is RefundStatus.DUE:
        return refund_parcel(order, charge.parcel, event)
    return order


def _paid_for(parcel: Parcel, charge: Charge) -> dict[str, Any]:
    share = Share(payment=charge.payment, amount=charge.amount)
    paid = sorted((*parcel.paid, share), key=lambda one: one.payment)
    return {"captured": parcel.captured + charge.amount, "paid": tuple(paid)}


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
    """Let go of everything that is held, and call off what the customer has still to confirm at the bank."""
    return each_payment(order, lambda payment: _let_go(payment, event))


def _let_go(payment: Payment, event: Event) -> dict[str, Any]:
    if payment.hold > 0:
        return {"voiding": payment.voiding + payment.hold, "void_for": cause(event)}
    return {"void_for": cause(event)} if payment.status is PaymentStatus.ACTION else {}


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


def _sources_for(order: Order, parcel: Parcel) -> tuple[Source, ...]:
    """Those that paid for ``parcel`` first, for as much as they did; then what else there is."""
    paid = {share.payment: share.amount for share in parcel.paid}
    all_sources = sources(order)
    own = tuple(
        source.model_copy(update={"cap": min(source.cap, paid[source.payment])})
        for source in all_sources
        if source.payment in paid
    )
    taken = {source.payment: source.cap for source in own}
    others = (
        source.model_copy(update={"cap": source.cap - taken.get(source.payment, 0)}) for source in all_sources
    )
    return (*own, *(source for source in others if source.cap > 0))


def _joined(shares: tuple[Share, ...]) -> tuple[Share, ...]:
    """One share of each payment."""
    amounts: dict[str, int] = {}
    for share in shares:
        amounts[share.payment] = amounts.get(share.payment, 0) + share.amount
    return tuple(Share(payment=payment, amount=amount) for payment, amount in amounts.items())


def _never_arrived(order: Order, parcel: Parcel) -> int:
    """How much of what was charged for ``parcel`` was for goods that never arrived, whether they were sent
    in it or in those that took its place; what was not charged was for goods that did."""
    lost = sum(
        sent.value for sent in order.parcels_in(*NEVER_ARRIVED) if parcel.key in (sent.key, sent.replaces)
    )
    return max(0, parcel.captured - (parcel.value - lost))


def _paid_in_vain(order: Order, parcel: Parcel, payment: str) -> int:
    """Of that, what ``payment`` gave; the newest one counts first, as in a refund."""
    rest = _never_arrived(order, parcel)
    for share in reversed(_joined(parcel.paid)):
        part = min(rest, share.amount)
        if share.payment == payment:
            return part
        rest -= part
    return 0


def _with_the_bank(order: Order, parcel: Parcel) -> int:
    """Of what was charged for goods that never arrived, what the customer's bank has taken back: it counts
    against these goods before any others, in the order of their parcels."""
    taken = 0
    for share in _joined(parcel.paid):
        disputed = order.payment(share.payment).disputed
        for other in order.parcels:
            if other.key == parcel.key:
                break
            disputed -= min(disputed, _paid_in_vain(order, other, share.payment))
        taken += min(disputed, share.amount)
    return taken


def paid_anew(order: Order) -> tuple[Payment, ...]:
    """The same means for an order that was changed, with nothing held. What was charged on them before stays
    on record by its own number: it may still go back, or the customer's bank may take it."""
    spent = tuple(
        payment.model_copy(update={"status": PaymentStatus.SPENT})
        for payment in order.payments
        if payment.captured
    )
    newest = max(int(payment.id) for payment in order.payments)
    fresh = []
    for payment in order.payments:
        if payment.status is PaymentStatus.SPENT:
            continue
        newest += bool(payment.captured)
        id = str(newest) if payment.captured else payment.id
        fresh.append(Payment(id=id, means=payment.means, token=payment.token, up_to=payment.up_to))
    return (*spent, *fresh)


def refund_key(parcel: Parcel) -> str:
    """``SO-1001-1-R``: the refund case of a parcel. A second one (``-R2``) pays only what the first did not:
    the customer's bank had taken it and gave it back to us, or what was sent in its place failed as well."""
    return f"{parcel.key}-R{parcel.refunds + 1}" if parcel.refunds else f"{parcel.key}-R"


def refund_parcel(order: Order, key: str, event: Event) -> Order:
    """What was taken for a parcel goes back: at once, or as soon as its charge is booked; where others took
    its place, as far as they never arrived. What the customer's bank has taken back already does not go back
    twice."""
    key = order.paid_as(key)
    parcel = order.parcel(key)
    if parcel.refund is RefundStatus.ASKED:
        return order
    if order.charging(key):
        return with_parcel(order, key, refund=RefundStatus.DUE)
    owed = _never_arrived(order, parcel) - parcel.returned - _with_the_bank(order, parcel)
    shares = _joined(spread(owed, sources=_sources_for(order, parcel)))
    if not shares:
        return with_parcel(order, key, refund=RefundStatus.NONE)
    order = set_aside(order, shares)
    return with_parcel(order, key, refund=RefundStatus.ASKED, refund_for=cause(event), shares=shares)


def set_aside(order: Order, shares: Iterable[Share]) -> Order:
    """These sums are on their way back to their payments, and free for nothing else."""
    for share in shares:
        going = order.payment(share.payment).refunding + share.amount
        order = with_payment(order, share.payment, refunding=going)
    return order


def free(order: Order, shares: Iterable[Share]) -> Order:
    return set_aside(order, (share.model_copy(update={"amount": -share.amount}) for share in shares))


def went_out(order: Order, shares: Iterable[Share]) -> Order:
    for share in shares:
        gone = order.payment(share.payment).refunded + share.amount
        order = with_payment(order, share.payment, refunded=gone)
    return order


def refund_what_is_owed(order: Order, event: Event) -> Order:
    """Money that is free again goes to the customer if the goods for it never arrived."""
    for parcel in order.parcels_in(*NEVER_ARRIVED):
        order = refund_parcel(order, parcel.key, event)
    return order


def finish_refund(order: Order, key: str, *, shares: tuple[Share, ...], paid: bool) -> Order:
    """A refund case has ended: ``paid`` counts as given back, otherwise the money stays with us. What was set
    aside for it is free again."""
    parcel = order.parcel(key)
    order = went_out(free(order, parcel.shares), shares) if paid else free(order, parcel.shares)
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
