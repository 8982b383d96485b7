"""How an order opens its returns and keeps the money that may go back in them.

The customer asks the order, which knows what was delivered, when and for how much. It sets that money aside
and opens a case of the procedure ``return`` with all that case must know. What the return pays back it
reports; what it does not need is free again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from machines.between import (
    Means,
    ParcelFailed,
    Pick,
    Source,
    spread,
)
from machines.kernel.event import Event, Key
from machines.kernel.rule import Junction, Send, defer, ignore, on, refuse
from machines.kernel.verdict import Refusal, Verdict, allow_if
from machines.order import states
from machines.order.data import Order, ParcelStatus, Returning
from machines.order.money import free, set_aside, sources, went_out, with_parcel
from machines.order.standing import all_returned, always, left_to_return, some_return_open, unpaid
from machines.returning import (
    ParcelAcknowledged,
    Reason,
    ReturnClosed,
    ReturnCovered,
    ReturnRefunded,
    ReturnReopened,
    ReturnRequested,
    Sold,
    Wish,
)


class OrderReturnAsked(Event, type="order.return"):
    """The customer wants to send delivered goods back; no ``items`` means all of them. With ``advance`` the
    replacement comes first, and is charged if the original stays away."""

    customer: str
    items: tuple[Pick, ...] = ()
    reason: Reason
    wish: Wish = Wish.REFUND
    instead: Key | None = None
    advance: bool = False

    examples = (
        {"customer": "C-1", "reason": "changed mind"},
        {"customer": "C-1", "reason": "defective", "wish": "replacement"},
        {"customer": "C-1", "reason": "defective", "wish": "replacement", "advance": True},
    )


# -- pieces and money ------------------------------------------------------------------------------


def _set_aside(order: Order, rma: str) -> Order:
    """Mark what may go back for a return, newest payment first, as far as there is any."""
    one = order.returning(rma)
    shares = spread(_worth(order, one), sources=sources(order))
    return with_return(set_aside(order, shares), rma, shares=shares, open=True, taken=())


def _worth(order: Order, one: Returning) -> int:
    prices = {line.sku: line.price for line in order.lines}
    goods = sum(prices[item.sku] * item.quantity for item in one.items)
    return goods + one.delivery_costs


def _free(order: Order, rma: str) -> Order:
    return with_return(free(order, order.returning(rma).shares), rma, shares=())


def with_return(order: Order, rma: str, **update: Any) -> Order:
    returns = tuple(one.model_copy(update=update) if one.rma == rma else one for one in order.returns)
    return order.model_copy(update={"returns": returns})


# -- effects ---------------------------------------------------------------------------------------


def begin_return(order: Order, event: OrderReturnAsked, now: datetime) -> Order:
    wanted = Counter({item.sku: item.quantity for item in event.items}) or left_to_return(order)
    return begin(
        order,
        wanted,
        now,
        reason=event.reason,
        wish=event.wish,
        instead=event.instead,
        advance=event.advance,
    )


def begin(order: Order, wanted: Counter[str], now: datetime, *, reason: Reason, **said: Any) -> Order:
    """The return with which all pieces of the order have come back for money, at once or one by one, brings
    back what the customer paid for the delivery, too."""
    items = tuple(Pick(sku=sku, quantity=quantity) for sku, quantity in sorted(wanted.items()))
    rma = f"{order.order}-RT{len(order.returns) + 1}"
    whole = wanted.total() + _for_money(order) == order.pieces
    added = Returning(
        rma=rma,
        items=items,
        delivery_costs=order.shipping if whole else 0,
        notified=now,
        reason=reason,
        **said,
    )
    order = order.model_copy(update={"returns": (*order.returns, added), "return_offered": False})
    return _set_aside(order, rma)


def _for_money(order: Order) -> int:
    """How many pieces other returns have brought back for money, or are about to; none where one of them had
    the delivery to bring back as well."""
    others = [one for one in order.returns if one.wish is Wish.REFUND and (one.open or one.taken)]
    if any(one.delivery_costs for one in others):
        return 0
    return sum(pick.quantity for one in others for pick in (one.items if one.open else one.taken))


def went_back(order: Order, event: ReturnRefunded, _: datetime) -> Order:
    """Each euro leaves what was set aside, and the parcels that the goods came in."""
    one = order.returning(event.rma)
    gone = {share.payment: share.amount for share in event.shares}
    used = tuple(
        share.model_copy(update={"amount": min(share.amount, gone.get(share.payment, 0))})
        for share in one.shares
    )
    order = went_out(free(order, used), event.shares)
    skus, amount = {item.sku for item in one.items}, event.amount
    for parcel in order.parcels_in(ParcelStatus.DELIVERED):
        part = min(amount, parcel.captured - parcel.returned)
        if part > 0 and any(item.sku in skus for item in parcel.items):
            order = with_parcel(order, parcel.key, returned=parcel.returned + part)
            amount -= part
    shares = tuple(
        share.model_copy(update={"amount": max(0, share.amount - gone.get(share.payment, 0))})
        for share in one.shares
    )
    return with_return(order, event.rma, shares=shares)


def close_return(order: Order, event: ReturnClosed, _: datetime) -> Order:
    return with_return(_free(order, event.rma), event.rma, open=False, taken=event.taken)


def reopen_return(order: Order, event: ReturnReopened, _: datetime) -> Order:
    """Only what no other return has taken or is about to take can go back."""
    left = left_to_return(order, besides=event.rma)
    one = order.returning(event.rma)
    if any(left[item.sku] < item.quantity for item in one.items):
        return with_return(order, event.rma, open=True)
    return _set_aside(order, event.rma)


# -- guards ----------------------------------------------------------------------------------------


def returnable(order: Order, event: OrderReturnAsked, _: datetime) -> Verdict:
    if event.customer != order.customer:
        return Refusal("this order belongs to another customer")
    if (event.wish is Wish.EXCHANGE) != (event.instead is not None):
        return Refusal("an exchange names the article wanted instead, and nothing else does")
    left = left_to_return(order)
    if not left:
        return Refusal("all that was delivered is being returned, or has been")
    for item in event.items:
        if item.quantity > left[item.sku]:
            return Refusal(f"of {item.sku} there are {left[item.sku]} pieces left to return")
    return allow_if(len({item.sku for item in event.items}) == len(event.items), "name each article once")


def return_open(order: Order, event: ReturnRefunded | ReturnClosed, _: datetime) -> Verdict:
    known = any(one.rma == event.rma and one.open for one in order.returns)
    return allow_if(known, "that return is over")


# -- what a return is told -------------------------------------------------------------------------


def open_return(order: Order, _: Event) -> Iterable[Send]:
    one = order.returns[-1]
    prices = {line.sku: line.price for line in order.lines}
    arrived = [parcel.delivered_at for parcel in order.parcels if parcel.delivered_at]
    cards = [payment.token for payment in order.payments if payment.means is Means.CARD]
    request = ReturnRequested(
        channel=order.channel,
        rma=one.rma,
        order=order.order,
        customer=order.customer,
        buyer=order.buyer,
        ship_to=order.ship_to,
        locale=order.locale,
        currency=order.currency,
        items=tuple(Sold(sku=item.sku, quantity=item.quantity, price=prices[item.sku]) for item in one.items),
        delivery_costs=one.delivery_costs,
        delivered=max(arrived, default=one.notified),
        notified=one.notified,
        reason=one.reason,
        wish=one.wish,
        instead=one.instead,
        advance=one.advance,
        sources=_sources(order, one),
        token=cards[-1] if cards else None,
    )
    yield Send(request, to=("return", one.rma))
    skus = {item.sku for item in one.items}
    for parcel in order.parcels_in(ParcelStatus.DELIVERED):
        if any(item.sku in skus for item in parcel.items):
            yield Send(ParcelAcknowledged(parcel=parcel.key), to=("shipment", parcel.key))


def _sources(order: Order, one: Returning) -> tuple[Source, ...]:
    return tuple(
        Source(payment=share.payment, means=order.payment(share.payment).means, cap=share.amount)
        for share in one.shares
        if share.amount
    )


def cover(order: Order, event: ReturnReopened) -> Iterable[Send]:
    covered = ReturnCovered(rma=event.rma, sources=_sources(order, order.returning(event.rma)))
    yield Send(covered, to=("return", event.rma))


def cover_nothing(_: Order, event: ReturnReopened) -> Iterable[Send]:
    yield Send(ReturnCovered(rma=event.rma, sources=()), to=("return", event.rma))


# -- rules -----------------------------------------------------------------------------------------

RETURNS_STAND = Junction(
    "returns stand",
    (
        (states.IN_RETURN, some_return_open),
        (states.RETURNED, all_returned),
        (states.AWAITING_PAYMENT, unpaid),
        (states.DELIVERED, always),
    ),
)
WITH_GOODS = (*states.OWING, states.DELIVERED, states.IN_RETURN, states.RETURNED)
ARRIVING = (*states.IN_WAREHOUSE, states.SHIPPED, states.AWAITING_REMEDY, states.REPLACING, states.SETTLING)
ELSEWHERE = tuple(state for state in states.OPENED if state not in WITH_GOODS)

RETURNS = (
    on(
        OrderReturnAsked,
        at=(states.DELIVERED, *states.OWING),
        to=states.IN_RETURN,
        when=returnable,
        then=begin_return,
        sends=open_return,
    ),
    on(OrderReturnAsked, at=states.IN_RETURN, when=returnable, then=begin_return, sends=open_return),
    on(ReturnRefunded, at=states.IN_RETURN, when=return_open, then=went_back),
    on(ReturnClosed, at=states.IN_RETURN, to=RETURNS_STAND, when=return_open, then=close_return),
    on(ReturnReopened, at=WITH_GOODS, to=states.IN_RETURN, then=reopen_return, sends=cover),
    on(ReturnReopened, at=ELSEWHERE, sends=cover_nothing),
    defer(OrderReturnAsked, at=ARRIVING, because="the goods have not all arrived yet"),
    refuse(OrderReturnAsked, at=states.RETURNED, because="all that was delivered has been returned"),
    refuse(
        OrderReturnAsked,
        at=tuple(state for state in ELSEWHERE if state not in ARRIVING),
        because="nothing has been delivered that could come back; an order under way can be cancelled",
    ),
    defer(ParcelFailed, at=states.IN_RETURN, because="the return under way comes first"),
    ignore(ReturnRefunded, at=states.OPENED, because="that return is over"),
    ignore(ReturnClosed, at=states.OPENED, because="that return is over"),
)


def may_return(order: Order) -> Iterable[Event]:
    """One article after the other, on orders of two in one parcel; whole orders come back by themselves."""
    if len(order.parcels) != 1 or len(order.lines) != 2 or len(order.returns) == 2:
        return
    line = order.lines[len(order.returns)]
    item = Pick(sku=line.sku, quantity=line.quantity)
    yield OrderReturnAsked(customer=order.customer, items=(item,), reason=Reason.CHANGED_MIND)
