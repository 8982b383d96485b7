"""Under which condition a rule applies, with the reason to give where it does not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

from machines.between import ParcelReport, RefundReport
from machines.kernel.event import Event, SentBack
from machines.kernel.verdict import ALLOWED, Refusal, Verdict, allow_if
from machines.order import events as told
from machines.order import outcomes
from machines.order.data import (
    Ending,
    Line,
    OfferKind,
    Order,
    ParcelStatus,
    PaymentStatus,
    PayWith,
)
from machines.order.delivery import refunded_parcel
from machines.order.effects import amend
from machines.order.money import stands
from machines.order.standing import LEFT, being_charged, owed, some, under_way

E = TypeVar("E", bound=Event)
ByCustomer = told.OrderCancelRequested | told.OrderAmended | told.AddressCorrected

MOST_PAYMENTS = 4

# -- before the warehouse --------------------------------------------------------------------------


def payable(_: object, event: told.OrderPlaced, __: datetime) -> Verdict:
    if not event.lines or not event.payments:
        return Refusal("an order needs an article and a means of payment")
    if not (verdict := _each_once(event.lines)):
        return verdict
    return _covers_rest(event.payments[-1])


def _each_once(lines: tuple[Line, ...]) -> Verdict:
    once = len({line.sku for line in lines}) == len(lines)
    return allow_if(once, "an article stands in two lines; write it in one, with one price")


def _covers_rest(last: PayWith) -> Verdict:
    return allow_if(last.up_to is None, "the last means of payment must cover whatever remains")


def accepted(_: Order, event: told.ReviewDecided, __: datetime) -> Verdict:
    return allow_if(event.accept, "the order was not accepted")


def _offers(order: Order, event: told.ChoiceMade, *, choice: told.Choice) -> bool:
    offer = order.offer
    if offer is None or event.choice is not choice:
        return False
    if choice is told.Choice.ACCEPT:
        return offer.kind is OfferKind.FEE or bool(offer.available)
    if choice is told.Choice.SUBSTITUTE:
        twice = any(line.sku == event.sku for line in order.lines)
        return not twice and any(similar.sku == event.sku for similar in offer.similar)
    return choice is told.Choice.CANCEL or offer.restock is not None


def chooses(choice: told.Choice) -> Callable[[Order, told.ChoiceMade, datetime], Verdict]:
    def guard(order: Order, event: told.ChoiceMade, _: datetime) -> Verdict:
        return allow_if(_offers(order, event, choice=choice), "that is not among the choices offered")

    return guard


def short_of_stock(order: Order, _: told.StockReplenished, __: datetime) -> Verdict:
    return allow_if(order.stock.short, "the customer is asked about something else than missing goods")


def on_time(order: Order, event: outcomes.StockExpected, _: datetime) -> Verdict:
    kept = event.on is not None and order.promised is not None and event.on <= order.promised
    return allow_if(kept, "the goods will come later than promised")


def first_short_delay(order: Order, event: outcomes.StockExpected, _: datetime) -> Verdict:
    """FTC 16 CFR 435.2: silence is consent to a first delay of 30 days at most."""
    if event.on is None or order.promised is None:
        return Refusal("no day is known")
    short = event.on - order.promised <= timedelta(days=30)
    return allow_if(short and order.delays == 0, "a longer or second delay needs the customer's consent")


def waits(_: Order, event: told.DelayAnswered, __: datetime) -> Verdict:
    return allow_if(event.wait, "the customer does not want to wait")


def goods_reserved(order: Order, event: told.MeansGiven, now: datetime) -> Verdict:
    if not (verdict := may_pay_otherwise(order, event, now)):
        return verdict
    return allow_if(order.stock.held > 0, "no goods are reserved yet")


def may_pay_otherwise(order: Order, event: told.MeansGiven, now: datetime) -> Verdict:
    if all(stands(payment) for payment in order.payments):
        return may_add_means(order, event, now)
    return _covers_rest(event.pay_with)


def was_declined(order: Order, _: SentBack, __: datetime) -> Verdict:
    declined = any(payment.status is PaymentStatus.DECLINED for payment in order.payments)
    return allow_if(declined and order.stock.held > 0, "no payment was declined that goods are reserved for")


def tries_again(_: Order, event: told.HandoverDecided, __: datetime) -> Verdict:
    return allow_if(event.again, "the order is given up")


# -- changes ---------------------------------------------------------------------------------------


def by_its_customer(order: Order, event: ByCustomer, _: datetime) -> Verdict:
    """What somebody else sends is sealed under the key of that customer and has no place in this order."""
    return allow_if(event.customer == order.customer, "this order belongs to another customer")


def may_amend(order: Order, event: told.OrderAmended, now: datetime) -> Verdict:
    if not (verdict := by_its_customer(order, event, now)):
        return verdict
    return _each_once(event.lines or ())


def nothing_to_undo(order: Order, event: told.OrderAmended, now: datetime) -> Verdict:
    if not (verdict := may_amend(order, event, now)):
        return verdict
    held = any(payment.hold > 0 for payment in order.payments)
    undo = held or order.stock.held > 0 or under_way(order)
    return allow_if(not undo, "goods or money have to be let go first")


def not_dearer(order: Order, event: told.OrderRepriced, _: datetime) -> Verdict:
    line = _repriced(order, event)
    if line is None:
        return Refusal("this order has no such article")
    return allow_if(
        event.price <= line.price,
        "the price at which the order was placed stands",
        alternatives=("ask the customer to change the order",),
    )


def dearer(order: Order, event: told.OrderRepriced, _: datetime) -> Verdict:
    """One question at a time; a new price for the article in question takes the place of the one before."""
    line = _repriced(order, event)
    if line is None:
        return Refusal("this order has no such article")
    if order.asked_price and order.asked_price.sku != event.sku:
        return Refusal("the customer is being asked about another article")
    return allow_if(event.price > line.price, "the price confirmed to the customer stands")


def dearer_than_reserved(order: Order, event: told.OrderRepriced, now: datetime) -> Verdict:
    if order.stock.held == 0:
        return Refusal("the price at which the order was placed stands")
    return dearer(order, event, now)


def _repriced(order: Order, event: told.OrderRepriced) -> Line | None:
    return next((line for line in order.lines if line.sku == event.sku), None)


def price_asked(order: Order, event: told.PriceAnswered, _: datetime) -> Verdict:
    asked = order.asked_price is not None and order.asked_price.price == event.price
    return allow_if(asked, "the customer was asked about another price; the latest message shows it")


def agrees_to_price(order: Order, event: told.PriceAnswered, now: datetime) -> Verdict:
    if not (verdict := price_asked(order, event, now)):
        return verdict
    return allow_if(event.agree, "the customer does not agree to the higher price")


def starts_over(then: Callable[[Order, E, datetime], Order]) -> Callable[[Order, E, datetime], Verdict]:
    """After ``then`` all is undone, and an amendment waits to be taken up."""

    def guard(order: Order, event: E, now: datetime) -> Verdict:
        if order.amendment is None:
            return Refusal("nothing is to be changed")
        after = then(order, event, now)
        busy = some(ParcelStatus.STOPPING, ParcelStatus.OPEN, *LEFT)(after) or under_way(after)
        return allow_if(not busy, "goods or money are still to be let go")

    return guard


def amended(then: Callable[[Order, E, datetime], Order]) -> Callable[[Order, E, datetime], Order]:
    def effect(order: Order, event: E, now: datetime) -> Order:
        return amend(then(order, event, now))

    return effect


# -- money and parcels -----------------------------------------------------------------------------


def charge_open(
    order: Order, event: outcomes.PaymentCaptured | outcomes.CaptureDeclined, _: datetime
) -> Verdict:
    return allow_if(event.charge in order.charges, "this charge was answered before")


def being_voided(
    order: Order, event: outcomes.PaymentVoided | outcomes.NothingToVoid, _: datetime
) -> Verdict:
    return allow_if(
        0 < event.amount <= order.payment(event.payment).voiding, "nobody asked to let go of this money"
    )


def nobody_waits(order: Order, event: told.PaymentConfirmed, _: datetime) -> Verdict:
    awaited = [payment for payment in order.payments if payment.id == event.payment and not stands(payment)]
    return allow_if(bool(awaited), "that payment stands already")


def called_off(_: Order, event: outcomes.PaymentVoided | outcomes.NothingToVoid, __: datetime) -> Verdict:
    return allow_if(event.amount == 0, "nobody asked to let go of this money")


def held(order: Order, event: told.PaymentLapsed, _: datetime) -> Verdict:
    known = any(payment.id == event.payment for payment in order.payments)
    return allow_if(
        known and 0 < event.amount <= order.payment(event.payment).hold, "this money is no longer held"
    )


def asked_for_longer(order: Order, event: outcomes.PaymentDeclined, _: datetime) -> Verdict:
    renewing = order.payment(event.payment).status is PaymentStatus.RENEWING
    return allow_if(renewing, "nobody asked to hold this money for longer")


def knows_payment(order: Order, event: told.PaymentDisputed | told.PaymentDisputeWon, _: datetime) -> Verdict:
    known = any(payment.id == event.payment for payment in order.payments)
    return allow_if(known, "this order has no such payment")


def may_add_means(order: Order, event: told.MeansGiven, _: datetime) -> Verdict:
    if not (verdict := _covers_rest(event.pay_with)):
        return verdict
    tried = sum(payment.status is not PaymentStatus.SPENT for payment in order.payments)
    return allow_if(tried < MOST_PAYMENTS, "too many means of payment have been tried")


def is_owed(order: Order, event: told.DebtDecided, _: datetime) -> Verdict:
    return allow_if(
        event.amount == owed(order), f"{owed(order)} is owed, not {event.amount}; decide about that"
    )


def gives_up(order: Order, event: told.DebtDecided, now: datetime) -> Verdict:
    if not (verdict := is_owed(order, event, now)):
        return verdict
    return allow_if(event.give_up, "it is to be charged again")


def parcel_is(*statuses: ParcelStatus) -> Callable[[Order, ParcelReport, datetime], Verdict]:
    def guard(order: Order, event: ParcelReport, _: datetime) -> Verdict:
        for parcel in order.parcels:
            if parcel.key == event.parcel:
                return allow_if(parcel.status in statuses, f"that parcel is {parcel.status} already")
        return Refusal("this order has no such parcel")

    return guard


def failed_and_booked(order: Order, event: ParcelReport, now: datetime) -> Verdict:
    if not (verdict := parcel_is(ParcelStatus.DISPATCHED, ParcelStatus.DELIVERED)(order, event, now)):
        return verdict
    booked = not being_charged(order) and not order.charging(order.paid_as(event.parcel))
    return allow_if(booked, "its charge is not booked yet")


def stops_some(order: Order, event: told.CancellationAccepted, _: datetime) -> Verdict:
    some_open = any(
        parcel.key in event.parcels and parcel.status is ParcelStatus.OPEN for parcel in order.parcels
    )
    return allow_if(some_open, "the parcels had left before the warehouse could stop them")


def reships(order: Order, event: told.RemedyChosen, _: datetime) -> Verdict:
    if event.remedy is not told.Remedy.RESHIP:
        return Refusal("the customer wants the money")
    if not (verdict := _failed(order, event)):
        return verdict
    return allow_if(order.parcel(event.parcel).replaces is None, "these goods were sent twice already")


def refunds(order: Order, event: told.RemedyChosen, _: datetime) -> Verdict:
    if event.remedy is not told.Remedy.REFUND:
        return Refusal("the customer wants a new parcel")
    return _failed(order, event)


def sent_twice(order: Order, event: told.RemedyChosen, _: datetime) -> Verdict:
    return _failed(order, event)


def _failed(order: Order, event: told.RemedyChosen) -> Verdict:
    wanted = any(
        parcel.key == event.parcel and parcel.status is ParcelStatus.FAILED for parcel in order.parcels
    )
    return allow_if(wanted, "this parcel needs no remedy")


def refund_open(order: Order, event: RefundReport, _: datetime) -> Verdict:
    return ALLOWED if refunded_parcel(order, event) else Refusal("this refund was reported before")


def amending(order: Order, _: Event, __: datetime) -> Verdict:
    return allow_if(order.amendment is not None, "nothing is to be changed")


def not_yet_asked(order: Order, _: Event, __: datetime) -> Verdict:
    return allow_if(order.ending is not Ending.CANCELLED, "the order is being given up already")


def not_yet_asked_but_open(order: Order, event: Event, now: datetime) -> Verdict:
    return not_yet_asked(order, event, now) and some_open(order, event, now)


def not_yet_asked_nor_arrived(order: Order, event: Event, now: datetime) -> Verdict:
    if not (verdict := not_yet_asked(order, event, now)):
        return verdict
    left = order.amendment is not None or some(ParcelStatus.FAILED, ParcelStatus.STOPPING)(order)
    return allow_if(left, "there is nothing left to stop")


def not_yet_offered(order: Order, _: Event, __: datetime) -> Verdict:
    return allow_if(not order.return_offered, "the customer was offered a return already")


def some_open(order: Order, _: Event, __: datetime) -> Verdict:
    return allow_if(some(ParcelStatus.OPEN)(order), "every parcel has left")
