"""What an order writes to the customer, and when it calls a colleague."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from machines.between import ParcelCancelled, ParcelDispatched
from machines.kernel.command import CommandType
from machines.kernel.event import Event
from machines.kernel.money import Money
from machines.messages import Alert, Message, MessageType, alert, message
from machines.order.data import Order, Parcel, ParcelStatus, Similar
from machines.order.effects import NO_LONGER_WANTED
from machines.order.events import CancelReason
from machines.order.standing import COMING, owed, owing

REVIEWERS = ("order desk", "order lead", "head of customer service")
ORDER_DESK = REVIEWERS[:2]
FINANCE = ("finance", "head of finance")
BY_CUSTOMER = (*CancelReason, NO_LONGER_WANTED)
Told = Callable[[Order, Any], dict[str, str]]


def _nothing(_: Order, __: Event) -> dict[str, str]:
    return {}


def _tell(template: str, told: Told = _nothing, *, fulfils: tuple[str, ...] = ()) -> MessageType:
    return _tell_if(template, lambda order, event: (told(order, event),), fulfils=fulfils)


def _tell_if(
    template: str, told: Callable[[Order, Any], Iterable[dict[str, str]]], *, fulfils: tuple[str, ...] = ()
) -> MessageType:
    """A letter only where there is something to tell."""

    def arguments(order: Order, event: Event) -> Iterable[Message]:
        for facts in told(order, event):
            yield Message(
                template=template,
                customer=order.customer,
                to=order.buyer,
                locale=order.locale,
                about=order.order,
                facts=facts,
            )

    return message(template, arguments=arguments, fulfils=fulfils)


def _call(role: str, subject: str) -> CommandType:
    def arguments(order: Order, _: Event) -> Iterable[Alert]:
        yield Alert(role=role, about=order.order, subject=subject)

    return alert(arguments=arguments)


def _call_next(ladder: tuple[str, ...], subject: Callable[[Order], str]) -> CommandType:
    def arguments(order: Order, _: Event) -> Iterable[Alert]:
        rung = min(order.rung, len(ladder) - 1)
        yield Alert.model_construct(role=ladder[rung], about=order.order, subject=subject(order))

    return alert(arguments=arguments)


def _price(order: Order, _: Event) -> dict[str, str]:
    return {
        "deliver_by": order.deliver_by.isoformat(),
        "total": str(Money(amount=order.total, currency=order.currency)),
        "fee": str(Money(amount=order.fee, currency=order.currency)),
    }


def _day(order: Order, _: Event) -> dict[str, str]:
    return {"deliver_by": order.deliver_by.isoformat()}


def _offer(order: Order, _: Event) -> dict[str, str]:
    offer = order.offer
    if offer is None:
        return {}
    similar_costs = [_cost(order, similar) for similar in offer.similar]
    return {
        "kind": offer.kind,
        "reason": offer.reason,
        "fee": str(Money(amount=offer.fee, currency=order.currency)),
        "available": ", ".join(f"{pick.quantity} x {pick.sku}" for pick in offer.available),
        "similar": ", ".join(similar.sku for similar in offer.similar),
        "similar_prices": ", ".join(str(price) for price, _ in similar_costs),
        "similar_totals": ", ".join(str(total) for _, total in similar_costs),
        "restock": offer.restock.date().isoformat() if offer.restock else "",
    }


def _cost(order: Order, similar: Similar) -> tuple[Money, Money]:
    """The price of one piece, and the total with it in the place of what was ordered."""
    wanted = [line for line in order.lines if line.sku == similar.instead_of]
    more = sum((similar.price - line.price) * line.quantity for line in wanted)
    total = order.total - order.fee + more
    return (
        Money(amount=similar.price, currency=order.currency),
        Money(amount=total, currency=order.currency),
    )


def _promise(order: Order, _: Event) -> dict[str, str]:
    return {"promised": order.promised.date().isoformat() if order.promised else ""}


def _new_price(order: Order, _: Event) -> dict[str, str]:
    new = order.asked_price
    if new is None:
        return {}
    line = next(line for line in order.lines if line.sku == new.sku)
    total = order.total + (new.price - line.price) * line.quantity
    return {
        "article": line.sku,
        "ordered_at": str(Money(amount=line.price, currency=order.currency)),
        "new_price": str(Money(amount=new.price, currency=order.currency)),
        "total": str(Money(amount=total, currency=order.currency)),
    }


def _unchanged(order: Order, _: Event) -> dict[str, str]:
    """What was unpacked for the change before it turned out to be too late does not come."""
    return {
        "deliver_by": order.deliver_by.isoformat(),
        "goods": _goods(order.stopped(ParcelStatus.STOPPED)),
    }


def _parcel(order: Order, event: ParcelDispatched) -> dict[str, str]:
    return {
        "parcel": event.parcel,
        "tracking": event.tracking or "",
        "deliver_by": order.deliver_by.isoformat(),
    }


def _failed(order: Order, _: Event) -> dict[str, str]:
    """What was sent twice already is not sent a third time, so only its money can be chosen."""
    parcels = order.parcels_in(ParcelStatus.FAILED)
    again = any(parcel.replaces is None for parcel in parcels)
    return {
        "parcels": ", ".join(parcel.key for parcel in parcels),
        "choices": "a new parcel or the money back" if again else "the money back",
    }


def _stop(order: Order, event: Event) -> dict[str, str]:
    """What stays, what comes all the same, and whether a return of it opens by itself."""
    return {
        **_not_coming(order, order.stopped()),
        "coming": _goods(order.parcels_in(*COMING)),
        "opens_return": "opens by itself" if order.return_offered else "",
    }


def _given_up(order: Order, event: ParcelCancelled) -> dict[str, str]:
    return _not_coming(order, (order.parcel(event.parcel),))


def _not_packed_again(order: Order, _: Event) -> Iterable[dict[str, str]]:
    """Of a replacement that cannot be packed the refund tells."""
    for parcel in order.stopped():
        if parcel.key == order.replacing:
            yield _not_coming(order, (parcel,))


def _not_coming(order: Order, staying: tuple[Parcel, ...]) -> dict[str, str]:
    amount = sum(parcel.value for parcel in staying)
    return {"goods": _goods(staying), "amount": str(Money(amount=amount, currency=order.currency))}


def _goods(parcels: Iterable[Parcel]) -> str:
    pieces: Counter[str] = Counter()
    for parcel in parcels:
        for item in parcel.items:
            pieces[item.sku] += item.quantity
    return ", ".join(f"{quantity} x {sku}" for sku, quantity in sorted(pieces.items()))


def _cancelled(order: Order, _: Event) -> dict[str, str]:
    """Whether it was the customer who gave it up, or we."""
    return {"reason": order.reason, "asked": "yes" if order.reason in BY_CUSTOMER else ""}


def _owed(order: Order, _: Event) -> dict[str, str]:
    return {"goods": _goods(owing(order)), "amount": str(Money(amount=owed(order), currency=order.currency))}


def _reason(order: Order, _: Event) -> dict[str, str]:
    return {"reason": order.reason}


TELL_CONFIRMED = _tell("order.confirmed", _price, fulfils=("ORD-4", "RES-4"))
TELL_DISPATCHED = _tell("order.dispatched", _parcel, fulfils=("ORD-6",))
ASK_ADDRESS = _tell("order.address_needed")
ASK_CHOICE = _tell("order.choice_needed", _offer, fulfils=("RES-1", "RES-2", "RES-3", "RES-4"))
ASK_MEANS = _tell("order.means_needed")
ASK_CONFIRMATION = _tell("order.payment_confirmation_needed")
ASK_PAYMENT = _tell("order.payment_needed", _owed)
ASK_PRICE = _tell("order.higher_price", _new_price, fulfils=("RES-4",))
TELL_PRICE_STANDS = _tell("order.price_stands", _price)
ASK_LONGER = _tell("order.longer_wait", _promise)
ASK_REMEDY = _tell("order.remedy_needed", _failed)
REMIND = _tell("order.reminder")
TELL_BACKORDERED = _tell("order.backordered", _promise, fulfils=("RES-2",))
TELL_DELAYED = _tell("order.delayed", _promise)
TELL_DISPATCH_LATE = _tell("order.dispatch_late", fulfils=("ORD-7",))
TELL_NOT_LEFT_YET = _tell("order.not_left_yet", _day, fulfils=("ORD-7",))
TELL_CANCELLING = _tell("order.cancelling")
TELL_TOO_LATE = _tell("order.too_late_to_cancel")
TELL_TOO_LATE_TO_CHANGE = _tell("order.too_late_to_change", _unchanged)
TELL_PART_STOPPED = _tell("order.part_stopped", _stop, fulfils=("ORD-5",))
TELL_PART_UNPAID = _tell("order.part_unpaid", _stop)
TELL_NOT_PACKED_AGAIN = _tell_if("order.part_given_up", _not_packed_again)
TELL_PART_GIVEN_UP = _tell("order.part_given_up", _given_up)
TELL_CANCELLED = _tell("order.cancelled", _cancelled, fulfils=("ORD-5",))
TELL_REJECTED = _tell("order.rejected", _reason, fulfils=("RES-1",))
TELL_EXPIRED = _tell("order.expired", _reason)
TELL_REPLACING = _tell("order.replacement")
TELL_REFUNDED = _tell("order.refunded")

CALL_REVIEWER = _call_next(REVIEWERS, lambda _: "a suspicious order waits for a decision")
CALL_ORDER_DESK = _call_next(ORDER_DESK, lambda order: f"an order cannot be handed over: {order.not_taken}")
CALL_WAREHOUSE_LEAD = _call("warehouse lead", "a parcel is late by four days or more")
CALL_ABOUT_STOP = _call("warehouse lead", "the warehouse has not said whether it could stop an order")
CALL_ABOUT_PLAN = _call(
    "warehouse lead",
    "the warehouse has not let go of a plan that was not taken; see that nothing is packed by it",
)
CALL_FINANCE = _call("finance", "goods have left and the provider does not hand over the money")
CALL_ABOUT_DEBT = _call_next(
    FINANCE, lambda _: "a customer has goods and has not paid; charge again, or give it up"
)
CALL_ABOUT_FOUND = _call(
    "finance",
    "a parcel that was paid back or sent once more has come after all; stop the second, or ask for payment",
)
CALL_ABOUT_DISPUTE = _call(
    "finance", "a customer's bank has taken money back; accept it, or contest it with proof"
)
CALL_ABOUT_CROSSED = _call(
    "finance", "we had paid back what a customer's bank has taken as well; contest it with proof"
)
CALL_ABOUT_DISPUTE_WON = _call("finance", "a customer's bank has given money back that it had taken")
CALL_ABOUT_ADDRESS = _call("order desk", "a customer cannot be reached by message")
