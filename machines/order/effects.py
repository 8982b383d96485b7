"""What an event changes in what an order knows. Each effect takes (order, event, now) and answers the order
as it is then; asking and telling others is left to the rules."""

from __future__ import annotations

from datetime import datetime, timedelta

from machines.between import (
    Pick,
)
from machines.kernel.event import DeadlinePassed, Event
from machines.order import events as told
from machines.order import outcomes
from machines.order.data import (
    Amendment,
    Ending,
    Line,
    NewPrice,
    Order,
    ParcelStatus,
    Payment,
    Stock,
)
from machines.order.money import (
    ask_for_authorisation,
    paid_anew,
    release,
    take_back,
    with_parcel,
)

NO_LONGER_WANTED = "your choice"

MOST_LEAD = 5  #: days: two until a parcel counts as late in the warehouse, three on the way
ON_THE_WAY = 3  #: days of these

# -- placing and changing --------------------------------------------------------------------------


def place(_: object, event: told.OrderPlaced, now: datetime) -> Order:
    payments = tuple(
        Payment(id=str(number), means=paid.means, token=paid.token, up_to=paid.up_to)
        for number, paid in enumerate(event.payments, start=1)
    )
    return Order(
        order=event.order,
        customer=event.customer,
        channel=event.channel,
        locale=event.locale,
        currency=event.currency,
        buyer=event.buyer,
        ship_to=event.ship_to,
        deliver_by=event.deliver_by,
        lead=max(0, min(MOST_LEAD, (event.deliver_by - now.date()).days)),
        shipping=event.shipping,
        lines=event.lines,
        payments=payments,
    )


def due_after(order: Order, now: datetime, *, days: int = MOST_LEAD) -> Order:
    """From ``now`` on it takes that long, or as long as at placement if that was less; no day that was
    promised is brought forward."""
    soonest = now.date() + timedelta(days=min(days, order.lead))
    return order.model_copy(update={"deliver_by": max(order.deliver_by, soonest)})


def amend_at_once(order: Order, event: told.OrderAmended, now: datetime) -> Order:
    return amend(note_amendment(order, event, now))


def correct_address(order: Order, event: told.AddressCorrected, _: datetime) -> Order:
    return order.model_copy(update={"ship_to": event.ship_to})


def begin_ladder(order: Order, _: Event, __: datetime) -> Order:
    return order.model_copy(update={"rung": 0})


def climb(order: Order, _: DeadlinePassed, __: datetime) -> Order:
    return order.model_copy(update={"rung": min(order.rung + 1, 2)})


def note_amendment(order: Order, event: told.OrderAmended, _: datetime) -> Order:
    amendment = Amendment(lines=event.lines, ship_to=event.ship_to)
    return order.model_copy(update={"amendment": amendment, "asked_price": None})


def take_back_to_amend(order: Order, event: told.OrderAmended, now: datetime) -> Order:
    return take_back(note_amendment(order, event, now), event)


def amend(order: Order) -> Order:
    """The order as amended, with nothing reserved and nothing held; its old parcels were stopped."""
    amendment = order.amendment or Amendment()
    update = {
        "lines": amendment.lines or order.lines,
        "ship_to": amendment.ship_to or order.ship_to,
        "amendment": None,
        "asked_price": None,
        "payments": paid_anew(order),
        "stock": Stock(),
        "fee": 0,
        "offer": None,
        "ending": None,
        "reason": "",
        "cut": False,
        "former": len(order.parcels),
        "not_taken": "",
        "rung": 0,
        "return_offered": False,
    }
    return order.model_copy(update=update)


def reprice(order: Order, event: told.OrderRepriced, _: datetime) -> Order:
    return order.model_copy(update={"lines": lines_at(order, NewPrice(sku=event.sku, price=event.price))})


def lines_at(order: Order, new: NewPrice) -> tuple[Line, ...]:
    return tuple(
        line.model_copy(update={"price": new.price}) if line.sku == new.sku else line for line in order.lines
    )


def ask_price(order: Order, event: told.OrderRepriced, _: datetime) -> Order:
    return order.model_copy(update={"asked_price": NewPrice(sku=event.sku, price=event.price)})


def price_stands(order: Order, _: Event, __: datetime) -> Order:
    """Who has ordered at a price need not pay more: neither silence nor a no costs the customer the order."""
    return order.model_copy(update={"asked_price": None})


def amend_price(order: Order, _: told.PriceAnswered, __: datetime) -> Order:
    """Parcels are planned and paid at the old price: they are stopped, and the order starts anew."""
    if order.asked_price is None:
        return order
    lines = lines_at(order, order.asked_price)
    return order.model_copy(update={"amendment": Amendment(lines=lines), "asked_price": None})


# -- restrictions and stock ------------------------------------------------------------------------


def note_offer(order: Order, event: outcomes.RestrictionsOffer, _: datetime) -> Order:
    stock = order.stock.model_copy(update={"short": False})
    return order.model_copy(update={"offer": event.offer, "stock": stock})


def note_short(order: Order, event: outcomes.StockShort, _: datetime) -> Order:
    stock = order.stock.model_copy(update={"reserving": False, "short": True})
    return order.model_copy(update={"offer": event.offer, "stock": stock})


def begin_reserving(order: Order, _: Event, __: datetime) -> Order:
    stock = order.stock.model_copy(update={"reserving": True, "short": False})
    return order.model_copy(update={"offer": None, "stock": stock})


def take_offer(order: Order, _: told.ChoiceMade, now: datetime) -> Order:
    offer = order.offer
    if offer is None:
        return order
    if offer.available:
        lines = tuple(
            line for line in (_reduced(line, offer.available) for line in order.lines) if line.quantity
        )
        order = order.model_copy(update={"lines": lines})
    order = order.model_copy(update={"fee": offer.fee or order.fee})
    return begin_reserving(order, _, now)


def _reduced(line: Line, available: tuple[Pick, ...]) -> Line:
    had = sum(pick.quantity for pick in available if pick.sku == line.sku)
    return line.model_copy(update={"quantity": min(line.quantity, had)})


def substitute(order: Order, event: told.ChoiceMade, _: datetime) -> Order:
    """A fee was agreed to for the article that is not taken; the other one is checked for its own."""
    similar = next(found for found in order.offer.similar if found.sku == event.sku) if order.offer else None
    if similar is None:
        return order
    lines = tuple(
        Line(sku=similar.sku, quantity=line.quantity, price=similar.price)
        if line.sku == similar.instead_of
        else line
        for line in order.lines
    )
    return order.model_copy(update={"lines": lines, "fee": 0, "offer": None})


def wait_for_stock(order: Order, _: told.ChoiceMade, __: datetime) -> Order:
    promised = order.offer.restock if order.offer else None
    return order.model_copy(update={"promised": promised, "offer": None})


def promise_again(order: Order, event: outcomes.StockExpected, _: datetime) -> Order:
    return order.model_copy(update={"promised": event.on, "delays": 2 if order.delays else 1})


def promise_broken(order: Order, _: DeadlinePassed, __: datetime) -> Order:
    return order.model_copy(update={"promised": None, "delays": 2})


def wait_longer(order: Order, _: told.DelayAnswered, now: datetime) -> Order:
    """Consent to an unknown day holds for thirty days; then the customer is asked again."""
    return order.model_copy(update={"promised": order.promised or now + timedelta(days=30)})


def reserved(order: Order, event: outcomes.StockReserved, now: datetime) -> Order:
    """The goods are there: ask for the money."""
    return ask_for_authorisation(due_after(_reserved(order, event), now))


def reserved_again(order: Order, event: outcomes.StockReserved, now: datetime) -> Order:
    return due_after(_reserved(order, event), now)


def reserved_late(order: Order, event: outcomes.StockReserved, _: datetime) -> Order:
    """The order was given up meanwhile: the pieces go back."""
    return release(_reserved(order, event))


def _reserved(order: Order, event: outcomes.StockReserved) -> Order:
    stock = order.stock
    update = {"reserving": False, "reserved": stock.reserved + event.pieces}
    return order.model_copy(update={"stock": stock.model_copy(update=update), "promised": None, "delays": 0})


def not_reserved(order: Order, _: outcomes.StockShort, __: datetime) -> Order:
    return order.model_copy(update={"stock": order.stock.model_copy(update={"reserving": False})})


def released(order: Order, event: outcomes.StockReleased, _: datetime) -> Order:
    """Goods that the warehouse would not send once more are free with this; a replacement under way is not
    touched by what another parcel lets go."""
    stock = order.stock
    update = {"releasing": stock.releasing - event.pieces, "released": stock.released + event.pieces}
    order = order.model_copy(update={"stock": stock.model_copy(update=update)})
    again = order.parcel(order.replacing).status if order.replacing else None
    if again in (ParcelStatus.REPLACING, ParcelStatus.REPACKED):
        return order
    return order.model_copy(update={"replacing": None})


# -- cancelling ------------------------------------------------------------------------------------


def cancel(order: Order, event: told.OrderCancelRequested, _: datetime) -> Order:
    return give_up(order, event, ending=Ending.CANCELLED, reason=event.reason)


def ask_to_stop(order: Order, event: told.OrderCancelRequested, _: datetime) -> Order:
    """What happens to money and goods follows from which parcels the warehouse could still stop."""
    update = {"ending": Ending.CANCELLED, "reason": event.reason, "amendment": None, "asked_price": None}
    return order.model_copy(update=update)


def stop_unpaid(order: Order, _: DeadlinePassed, __: datetime) -> Order:
    return order.model_copy(update={"ending": Ending.EXPIRED, "reason": "no payment"})


def stop_accepted(order: Order, event: told.CancellationAccepted, _: datetime) -> Order:
    """Where a parcel cannot be stopped the order can only be cancelled in part, not changed."""
    waiting = order.parcels_in(ParcelStatus.OPEN)
    if any(parcel.key not in event.parcels for parcel in waiting):
        order = order.model_copy(update={"amendment": None})
    for parcel in waiting:
        if parcel.key in event.parcels:
            order = with_parcel(order, parcel.key, status=ParcelStatus.STOPPING)
    return order


def stop_rejected(order: Order, event: told.CancellationRejected, now: datetime) -> Order:
    """What was stopped before stays cancelled."""
    if not order.stopped():
        order = order.model_copy(update={"ending": None, "reason": ""})
    return offer_return(order, event, now)


def change_rejected(order: Order, _: told.CancellationRejected, __: datetime) -> Order:
    return order.model_copy(update={"amendment": None})


def offer_return(order: Order, _: Event, __: datetime) -> Order:
    return order.model_copy(update={"return_offered": True})


def reject(order: Order, event: outcomes.OrderBlocked | told.ReviewDecided, _: datetime) -> Order:
    return give_up(order, event, ending=Ending.REJECTED, reason=event.reason)


def no_longer_wanted(order: Order, event: Event, _: datetime) -> Order:
    return give_up(order, event, ending=Ending.CANCELLED, reason=NO_LONGER_WANTED)


def cannot_hand_over(order: Order, event: Event, _: datetime) -> Order:
    return give_up(order, event, ending=Ending.CANCELLED, reason="the warehouse could not take the order")


def expire(order: Order, event: DeadlinePassed, _: datetime) -> Order:
    return give_up(order, event, ending=Ending.EXPIRED, reason="no answer in time")


def give_up(order: Order, event: Event, *, ending: Ending, reason: str) -> Order:
    update = {"ending": ending, "reason": reason, "amendment": None, "asked_price": None}
    return take_back(order.model_copy(update=update), event)
