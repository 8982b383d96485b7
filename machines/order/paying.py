"""What payments change in what an order knows; effects like those in ``effects.py``."""

from __future__ import annotations

from datetime import datetime, timedelta

from machines.kernel.event import Event
from machines.order import events as told
from machines.order import outcomes
from machines.order.data import Order, ParcelStatus, Payment, PaymentStatus
from machines.order.effects import cannot_hand_over, due_after, lines_at
from machines.order.money import (
    ask_for_authorisation,
    begin_charge,
    begin_void,
    charge_again,
    each_payment,
    end_charge,
    stands,
    with_parcel,
    with_payment,
)
from machines.order.standing import MARGIN, owing, still_to_charge

USUAL_HOLD = timedelta(days=7)  #: card payments; Stripe, "Place a hold on a payment method"


def authorised(order: Order, event: outcomes.PaymentAuthorized, now: datetime) -> Order:
    payment = order.payment(event.payment)
    return with_payment(
        due_after(order, now),
        event.payment,
        status=PaymentStatus.AUTHORISED,
        authorised=payment.authorised + event.amount,
        capture_before=event.capture_before or now + USUAL_HOLD,
    )


def authorised_late(order: Order, event: outcomes.PaymentAuthorized, now: datetime) -> Order:
    """The order was given up meanwhile: the money is let go."""
    return with_payment(authorised(order, event, now), event.payment, voiding=event.amount)


def declined(order: Order, event: outcomes.PaymentDeclined, _: datetime) -> Order:
    return with_payment(order, event.payment, status=PaymentStatus.DECLINED)


def action_required(order: Order, event: outcomes.PaymentActionRequired, _: datetime) -> Order:
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


def pay_new_price(order: Order, _: told.PriceAnswered, __: datetime) -> Order:
    """What is held stays held; the difference is asked of the means that was given last. Where a means is
    still to be confirmed or replaced, it will be asked for the difference as well."""
    if order.asked_price is None:
        return order
    order = order.model_copy(update={"lines": lines_at(order, order.asked_price), "asked_price": None})
    if not all(stands(payment) for payment in order.payments) or order.held >= order.total:
        return order
    last = order.payments[-1]
    added = Payment(
        id=_next_id(order.payments),
        means=last.means,
        token=last.token,
        status=PaymentStatus.ASKED,
        amount=order.total - order.held,
    )
    return order.model_copy(update={"payments": (*order.payments, added)})


def voided(order: Order, event: outcomes.PaymentVoided | outcomes.NothingToVoid, _: datetime) -> Order:
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


def not_renewed(order: Order, event: outcomes.PaymentActionRequired, _: datetime) -> Order:
    return with_payment(order, event.payment, status=PaymentStatus.DECLINED)


def renew(order: Order, event: outcomes.WarehouseReported, now: datetime) -> Order:
    """What is packed is charged while the money is still held; the rest is to be held for longer."""
    for key in event.ready:
        parcel = order.parcel(key)
        if parcel.status is ParcelStatus.OPEN and not parcel.charged:
            order = begin_charge(order, parcel, charged=True)
    return hold_anew(order, event, now)


def hold_anew(order: Order, _: Event, __: datetime) -> Order:
    return each_payment(
        order,
        lambda payment: (
            {"status": PaymentStatus.RENEWING} if payment.hold > 0 and payment.capture_before else {}
        ),
    )


def renewed(order: Order, event: outcomes.PaymentReauthorized, now: datetime) -> Order:
    """A hold that ends within a day all the same is as good as declined: it would only be renewed at once."""
    ends = event.capture_before or now + USUAL_HOLD
    status = PaymentStatus.AUTHORISED if ends > now + MARGIN else PaymentStatus.DECLINED
    return with_payment(order, event.payment, status=status, capture_before=ends)


def held_until_it_ends(order: Order, event: outcomes.PaymentDeclined, _: datetime) -> Order:
    """It is not held for longer, but still held: it is asked for again where the order next waits."""
    return with_payment(order, event.payment, status=PaymentStatus.AUTHORISED)


def add_means(order: Order, event: told.MeansGiven, _: datetime) -> Order:
    """A further payment takes over what is not yet charged; what the others hold is let go once it stands."""
    paid = event.pay_with
    amount = sum(parcel.value for parcel in still_to_charge(order))
    kept = tuple(payment for payment in order.payments if payment.authorised or payment.captured)
    added = Payment(
        id=_next_id(kept),
        means=paid.means,
        token=paid.token,
        status=PaymentStatus.ASKED,
        amount=amount,
    )
    return order.model_copy(update={"payments": (*kept, added)})


def pay_what_has_come(order: Order, event: told.MeansGiven, now: datetime) -> Order:
    """The customer has the goods: the new means is charged at once."""
    paid = event.pay_with
    added = Payment(id=_next_id(order.payments), means=paid.means, token=paid.token)
    return try_again(order.model_copy(update={"payments": (*order.payments, added)}), event, now)


def try_again(order: Order, _: Event, __: datetime) -> Order:
    charges = tuple(charge for parcel in owing(order) for charge in charge_again(order, parcel))
    return order.model_copy(update={"charges": charges})


def waive(order: Order, _: told.DebtDecided, __: datetime) -> Order:
    for parcel in owing(order):
        order = with_parcel(order, parcel.key, waived=True)
    return order


def took_over(order: Order, event: outcomes.PaymentAuthorized, now: datetime) -> Order:
    """The further payment stands: let go of what the others hold, unless it holds too little itself."""
    if event.amount >= order.payment(event.payment).amount:
        order = begin_void(order, event)
    return authorised(order, event, now)


def captured(order: Order, event: outcomes.PaymentCaptured, _: datetime) -> Order:
    return end_charge(order, event, taken=True)


def capture_declined(order: Order, event: outcomes.CaptureDeclined, _: datetime) -> Order:
    return end_charge(order, event, taken=False)


def cannot_hand_over_lapsed(order: Order, event: told.PaymentLapsed, now: datetime) -> Order:
    return cannot_hand_over(lapsed(order, event, now), event, now)
