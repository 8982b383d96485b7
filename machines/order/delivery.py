"""What payments and parcels change in what an order knows; effects like those in ``effects.py``."""

from __future__ import annotations

from datetime import datetime, timedelta

from machines.between import (
    ParcelCancelled,
    ParcelDelivered,
    ParcelDispatched,
    ParcelFailed,
    RefundReport,
    RefundSettled,
)
from machines.kernel.event import Event
from machines.order import events as told
from machines.order.data import (
    Ending,
    Order,
    Parcel,
    ParcelStatus,
    Payment,
    PaymentStatus,
    RefundStatus,
)
from machines.order.effects import ask_to_stop, begin_reserving, give_up, not_reserved
from machines.order.money import (
    ask_for_authorisation,
    begin_charge,
    begin_void,
    each_payment,
    end_charge,
    finish_refund,
    refund_key,
    refund_parcel,
    release,
    stands,
    void_if_all_left,
    with_parcel,
    with_payment,
)

USUAL_HOLD = timedelta(days=7)  #: card payments; Stripe, "Place a hold on a payment method"

# -- payment ---------------------------------------------------------------------------------------


def authorised(order: Order, event: told.PaymentAuthorized, now: datetime) -> Order:
    payment = order.payment(event.payment)
    return with_payment(
        order,
        event.payment,
        status=PaymentStatus.AUTHORISED,
        authorised=payment.authorised + event.amount,
        capture_before=event.capture_before or now + USUAL_HOLD,
    )


def authorised_late(order: Order, event: told.PaymentAuthorized, now: datetime) -> Order:
    """The order was given up meanwhile: the money is let go."""
    return with_payment(authorised(order, event, now), event.payment, voiding=event.amount)


def declined(order: Order, event: told.PaymentDeclined, _: datetime) -> Order:
    return with_payment(order, event.payment, status=PaymentStatus.DECLINED)


def action_required(order: Order, event: told.PaymentActionRequired, _: datetime) -> Order:
    return with_payment(order, event.payment, status=PaymentStatus.ACTION)


def ask_again(order: Order, _: Event, __: datetime) -> Order:
    return ask_for_authorisation(order)


def other_means(order: Order, event: told.MeansGiven, _: datetime) -> Order:
    """The new means replaces those that were refused; where all stand and hold too little, it is added."""
    paid = event.pay_with
    given = {"means": paid.means, "token": paid.token, "up_to": paid.up_to, "status": PaymentStatus.NEW}
    if all(stands(payment) for payment in order.payments):
        added = Payment(id=_next_id(order.payments), means=paid.means, token=paid.token)
        return order.model_copy(update={"payments": (*order.payments, added)})
    return each_payment(order, lambda payment: {} if stands(payment) else given)


def _next_id(payments: tuple[Payment, ...]) -> str:
    return str(max(int(payment.id) for payment in payments) + 1)


def other_means_to_authorise(order: Order, event: told.MeansGiven, now: datetime) -> Order:
    return ask_for_authorisation(other_means(order, event, now))


def voided(order: Order, event: told.PaymentVoided | told.NothingToVoid, _: datetime) -> Order:
    payment = order.payment(event.payment)
    return with_payment(
        order,
        event.payment,
        voiding=payment.voiding - event.amount,
        voided=payment.voided + event.amount,
        void_for="",
        capture_before=None,
    )


def lapsed(order: Order, event: told.PaymentLapsed, _: datetime) -> Order:
    payment = order.payment(event.payment)
    return with_payment(
        order, event.payment, voided=payment.voided + event.amount, capture_before=None, lapsed=True
    )


def lapsed_before_handover(order: Order, event: told.PaymentLapsed, now: datetime) -> Order:
    """It will be asked for again, together with what the customer still has to settle."""
    order = lapsed(order, event, now)
    if order.payment(event.payment).hold > 0:
        return order
    return with_payment(order, event.payment, status=PaymentStatus.NEW)


def not_renewed(order: Order, event: told.PaymentActionRequired, _: datetime) -> Order:
    return with_payment(order, event.payment, status=PaymentStatus.DECLINED)


def renew(order: Order, event: told.WarehouseReported, _: datetime) -> Order:
    """What is packed is charged while the money is still held; the rest is to be held for longer."""
    for key in event.ready:
        parcel = order.parcel(key)
        if parcel.status is ParcelStatus.OPEN and not parcel.charged:
            order = begin_charge(order, parcel, charged=True)
    return each_payment(
        order,
        lambda payment: (
            {"status": PaymentStatus.RENEWING} if payment.hold > 0 and payment.capture_before else {}
        ),
    )


def renewed(order: Order, event: told.PaymentReauthorized, now: datetime) -> Order:
    return with_payment(
        order,
        event.payment,
        status=PaymentStatus.AUTHORISED,
        capture_before=event.capture_before or now + USUAL_HOLD,
    )


def add_means(order: Order, event: told.MeansGiven, _: datetime) -> Order:
    """A further payment takes over what is not yet charged; what the others hold is let go once it stands."""
    paid = event.pay_with
    parcels = order.parcels_in(ParcelStatus.OPEN)
    amount = sum(parcel.value for parcel in parcels if not parcel.charged)
    kept = tuple(payment for payment in order.payments if payment.authorised or payment.captured)
    added = Payment(
        id=_next_id(kept),
        means=paid.means,
        token=paid.token,
        status=PaymentStatus.ASKED,
        amount=amount,
    )
    return order.model_copy(update={"payments": (*kept, added)})


def took_over(order: Order, event: told.PaymentAuthorized, now: datetime) -> Order:
    """The further payment stands: let go of what the others hold, unless it holds too little itself."""
    if event.amount >= order.payment(event.payment).amount:
        order = begin_void(order, event)
    return authorised(order, event, now)


# -- warehouse and parcels -------------------------------------------------------------------------


def plan_parcels(order: Order, event: told.WarehouseAccepted, _: datetime) -> Order:
    """Each parcel is worth its goods; the first one carries shipping and fee. Together they are worth what
    the customer pays."""
    prices = {line.sku: line.price for line in order.lines}
    extra = order.shipping + order.fee
    parcels = list(order.parcels)
    for planned in event.parcels:
        value = sum(prices[item.sku] * item.quantity for item in planned.items) + extra
        key = f"{order.order}-{len(parcels) + 1}"
        parcels.append(Parcel(key=key, items=planned.items, value=value))
        extra = 0
    planned_value = sum(parcel.value for parcel in parcels[len(order.parcels) :])
    if planned_value != order.total:
        raise AssertionError(f"parcels worth {planned_value} were planned for an order of {order.total}")
    return order.model_copy(update={"parcels": tuple(parcels)})


def dispatched(order: Order, event: ParcelDispatched, _: datetime) -> Order:
    """The parcel has left: its charge begins, unless it was charged before; an amendment comes too late."""
    stock = order.stock.model_copy(update={"shipped": order.stock.shipped + event.pieces})
    order = order.model_copy(update={"stock": stock, "amendment": None})
    parcel = order.parcel(event.parcel)
    if parcel.charged:
        order = with_parcel(order, event.parcel, status=ParcelStatus.DISPATCHED)
    else:
        order = begin_charge(order, parcel, status=ParcelStatus.DISPATCHED)
    return void_if_all_left(order, event)


def captured(order: Order, event: told.PaymentCaptured, _: datetime) -> Order:
    return end_charge(order, event, taken=True)


def capture_declined(order: Order, event: told.CaptureDeclined, _: datetime) -> Order:
    return end_charge(order, event, taken=False)


def delivered(order: Order, event: ParcelDelivered, now: datetime) -> Order:
    return with_parcel(order, event.parcel, status=ParcelStatus.DELIVERED, delivered_at=now)


def failed(order: Order, event: ParcelFailed, _: datetime) -> Order:
    """A return that was offered before is beside the point now."""
    order = order.model_copy(update={"return_offered": False})
    return with_parcel(order, event.parcel, status=ParcelStatus.FAILED)


def stopped(order: Order, event: ParcelCancelled, _: datetime) -> Order:
    """The parcel stays: its goods go back into stock, its money to the customer."""
    parcel = order.parcel(event.parcel)
    order = with_parcel(order, event.parcel, status=ParcelStatus.STOPPED)
    order = refund_parcel(release(order, parcel.pieces), event.parcel, event)
    if order.amendment is None and order.ending is None:
        order = order.model_copy(update={"ending": Ending.CANCELLED, "reason": event.reason})
    return void_if_all_left(order, event)


# -- parcels that did not arrive -------------------------------------------------------------------


def refund_failed(order: Order, event: told.RemedyChosen, _: datetime) -> Order:
    return _refund(_quiet(order), event.parcel, event)


def refund_all_failed(order: Order, event: Event, _: datetime) -> Order:
    order = _quiet(order)
    for parcel in order.parcels_in(ParcelStatus.FAILED):
        order = _refund(order, parcel.key, event)
    return order


def begin_replacing(order: Order, event: told.RemedyChosen, now: datetime) -> Order:
    order = with_parcel(order, event.parcel, status=ParcelStatus.REPLACING)
    return begin_reserving(order.model_copy(update={"replacing": event.parcel}), event, now)


def replaced(order: Order, _: told.WarehouseAccepted, __: datetime) -> Order:
    """Another parcel takes the place of the one that failed; it is paid for already."""
    if order.replacing is None:
        return order
    old = order.parcel(order.replacing)
    order = with_parcel(order, old.key, status=ParcelStatus.REPLACED)
    key = f"{order.order}-{len(order.parcels) + 1}"
    added = Parcel(key=key, items=old.items, value=old.value, charged=True, replaces=order.paid_as(old.key))
    return order.model_copy(update={"parcels": (*order.parcels, added), "replacing": None})


def cannot_replace(order: Order, event: told.StockShort, now: datetime) -> Order:
    order = _quiet(not_reserved(order, event, now))
    if order.replacing:
        order = _refund(order, order.replacing, event)
    return order.model_copy(update={"replacing": None})


def replacement_rejected(order: Order, event: told.WarehouseRejected, _: datetime) -> Order:
    if order.replacing is None:
        return order
    pieces = order.parcel(order.replacing).pieces
    return _refund(release(_quiet(order), pieces), order.replacing, event)


def _quiet(order: Order) -> Order:
    """Refunds asked for earlier, on an event of the same name, are not asked for again."""
    parcels = tuple(
        parcel.model_copy(update={"refund_for": ""}) if parcel.refund_for else parcel
        for parcel in order.parcels
    )
    return order.model_copy(update={"parcels": parcels})


def _refund(order: Order, key: str, event: Event) -> Order:
    return refund_parcel(with_parcel(order, key, status=ParcelStatus.REFUNDED), key, event)


def refunded(order: Order, event: RefundReport, _: datetime) -> Order:
    parcel = refunded_parcel(order, event)
    if parcel is None:
        return order
    paid = isinstance(event, RefundSettled)
    return finish_refund(order, parcel.key, shares=event.shares, paid=paid)


def refunded_parcel(order: Order, event: RefundReport) -> Parcel | None:
    """The parcel whose money ``event`` is about, while its refund is under way."""
    return next(
        (
            parcel
            for parcel in order.parcels
            if refund_key(parcel.key) == event.refund and parcel.refund is RefundStatus.ASKED
        ),
        None,
    )


def cancel_all(order: Order, event: told.OrderCancelRequested, now: datetime) -> Order:
    """What has not left is stopped, what did not arrive is refunded."""
    return refund_all_failed(ask_to_stop(order, event, now), event, now)


def expire_lapsed(order: Order, event: told.PaymentLapsed, now: datetime) -> Order:
    return give_up(lapsed(order, event, now), event, ending=Ending.EXPIRED, reason="the payment lapsed")
