"""What parcels change in what an order knows; effects like those in ``effects.py``."""

from __future__ import annotations

from datetime import datetime
from typing import Any

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
from machines.order import outcomes
from machines.order.data import (
    Ending,
    Order,
    Parcel,
    ParcelStatus,
    RefundStatus,
)
from machines.order.effects import ON_THE_WAY, ask_to_stop, begin_reserving, due_after, not_reserved
from machines.order.money import (
    begin_charge,
    finish_refund,
    refund_key,
    refund_parcel,
    refund_what_is_owed,
    release,
    void_if_all_left,
    with_parcel,
)
from machines.order.standing import COMING, some, still_owed

# -- warehouse and parcels -------------------------------------------------------------------------


def plan_parcels(order: Order, event: outcomes.WarehouseAccepted, _: datetime) -> Order:
    """Each parcel is worth its goods; the first one carries shipping and fee. Together they are worth what
    the customer pays."""
    planned = planned_parcels(order, event, extra=order.shipping + order.fee)
    value = sum(parcel.value for parcel in planned)
    if value != order.total:
        raise AssertionError(f"parcels worth {value} were planned for an order of {order.total}")
    return order.model_copy(update={"parcels": (*order.parcels, *planned), "not_taken": ""})


def planned_parcels(
    order: Order, event: outcomes.WarehouseAccepted, *, extra: int, **known: Any
) -> tuple[Parcel, ...]:
    """Each worth its goods, the first one ``extra`` besides; ``known`` is true of them all."""
    prices = {line.sku: line.price for line in order.lines}
    parcels = []
    for number, planned in enumerate(event.parcels, start=len(order.parcels) + 1):
        value = sum(prices[item.sku] * item.quantity for item in planned.items) + extra
        parcels.append(Parcel(key=f"{order.order}-{number}", items=planned.items, value=value, **known))
        extra = 0
    return tuple(parcels)


def planned_instead(
    order: Order, old: Parcel, event: outcomes.WarehouseAccepted, **known: Any
) -> tuple[Parcel, ...]:
    """The parcels for the goods in ``old``, together worth what it was."""
    prices = {line.sku: line.price for line in order.lines}
    goods = sum(prices[item.sku] * item.quantity for item in old.items)
    return planned_parcels(order, event, extra=old.value - goods, **known)


def move_day(order: Order, _: Event, now: datetime) -> Order:
    """What has not left by now may not come on the day that was promised (FTC 16 CFR 435.2)."""
    return due_after(order, now)


def dispatched(order: Order, event: ParcelDispatched, now: datetime) -> Order:
    """The parcel has left: its charge begins, unless it was charged before; a change comes too late."""
    stock = order.stock.model_copy(update={"shipped": order.stock.shipped + event.pieces})
    order = order.model_copy(update={"stock": stock, "amendment": None, "asked_price": None})
    order = due_after(order, now, days=ON_THE_WAY)
    parcel = order.parcel(event.parcel)
    if parcel.charged or order.charging(order.paid_as(parcel.key)):
        order = with_parcel(order, event.parcel, status=ParcelStatus.DISPATCHED, charged=True)
    else:
        order = begin_charge(order, parcel, status=ParcelStatus.DISPATCHED)
    return void_if_all_left(order, event)


def delivered(order: Order, event: ParcelDelivered, now: datetime) -> Order:
    return with_parcel(order, event.parcel, status=ParcelStatus.DELIVERED, delivered_at=now)


def failed(order: Order, event: ParcelFailed, _: datetime) -> Order:
    """A return that was offered before is beside the point now."""
    order = order.model_copy(update={"return_offered": False})
    return with_parcel(order, event.parcel, status=ParcelStatus.FAILED)


def failed_after_all(order: Order, event: ParcelFailed, now: datetime) -> Order:
    return failed(order.model_copy(update={"reopened": order.reopened + 1}), event, now)


def stopped(order: Order, event: ParcelCancelled, _: datetime) -> Order:
    """The parcel stays: its goods go back into stock, its money to the customer."""
    order = stays(order, event.parcel, event)
    if order.amendment is None and order.ending is None and not _some_comes(order):
        order = order.model_copy(update={"ending": Ending.CANCELLED, "reason": event.reason})
    return order


def stays(order: Order, key: str, event: Event) -> Order:
    """Where other parcels come, the order is from now on what is in them."""
    parcel = order.parcel(key)
    order = with_parcel(order, key, status=ParcelStatus.STOPPED)
    order = refund_parcel(release(order, parcel.pieces), key, event)
    if order.amendment is None and _some_comes(order):
        order = _without(order, parcel)
    return void_if_all_left(order, event)


def _some_comes(order: Order) -> bool:
    return some(*COMING)(order)


def _without(order: Order, parcel: Parcel) -> Order:
    """What was to be charged with ``parcel`` is not charged with another one later."""
    gone = {item.sku: item.quantity for item in parcel.items}
    prices = {line.sku: line.price for line in order.lines}
    kept = [
        line.model_copy(update={"quantity": line.quantity - gone.get(line.sku, 0)})
        for line in order.lines
        if line.quantity > gone.get(line.sku, 0)
    ]
    update: dict[str, object] = {"lines": tuple(kept), "cut": True}
    if parcel.value > sum(prices[sku] * quantity for sku, quantity in gone.items()):
        update.update(shipping=0, fee=0)
    return order.model_copy(update=update)


# -- parcels that did not arrive -------------------------------------------------------------------


def refund_failed(order: Order, event: told.RemedyChosen, _: datetime) -> Order:
    return _refund(quiet(order), event.parcel, event)


def refund_all_failed(order: Order, event: Event, _: datetime) -> Order:
    order = quiet(order)
    for parcel in order.parcels_in(ParcelStatus.FAILED):
        order = _refund(order, parcel.key, event)
    return order


def begin_replacing(order: Order, event: told.RemedyChosen, now: datetime) -> Order:
    order = with_parcel(order, event.parcel, status=ParcelStatus.REPLACING)
    return begin_reserving(order.model_copy(update={"replacing": event.parcel}), event, now)


def replaced(order: Order, event: outcomes.WarehouseAccepted, _: datetime) -> Order:
    """Other parcels take the place of the one that failed. What was paid for that one is paid for these."""
    if order.replacing is None:
        return order
    old = order.parcel(order.replacing)
    first = order.parcel(order.paid_as(old.key))
    added = planned_instead(order, old, event, charged=not still_owed(order, first), replaces=first.key)
    order = with_parcel(order, old.key, status=ParcelStatus.REPLACED)
    return order.model_copy(update={"parcels": (*order.parcels, *added), "replacing": None})


def cannot_replace(order: Order, event: outcomes.StockShort, now: datetime) -> Order:
    order = quiet(not_reserved(order, event, now))
    if order.replacing:
        order = _refund(order, order.replacing, event)
    return order.model_copy(update={"replacing": None})


def replacement_rejected(order: Order, event: Event, _: datetime) -> Order:
    if order.replacing is None:
        return order
    if order.parcel(order.replacing).status is ParcelStatus.REPACKED:
        return stays(quiet(order), order.replacing, event)
    pieces = order.parcel(order.replacing).pieces
    return _refund(release(quiet(order), pieces), order.replacing, event)


def quiet(order: Order) -> Order:
    """Refunds asked for earlier, on an event of the same name, are not asked for again."""
    parcels = tuple(
        parcel.model_copy(update={"refund_for": ""}) if parcel.refund_for else parcel
        for parcel in order.parcels
    )
    return order.model_copy(update={"parcels": parcels})


def _refund(order: Order, key: str, event: Event) -> Order:
    return refund_parcel(with_parcel(order, key, status=ParcelStatus.REFUNDED), key, event)


def refunded(order: Order, event: RefundReport, _: datetime) -> Order:
    """What was called off meanwhile, because the customer's bank had taken it, may be owed again."""
    parcel = refunded_parcel(order, event)
    if parcel is None:
        return order
    paid = isinstance(event, RefundSettled)
    if not paid and order.ending is None:
        order = order.model_copy(update={"ending": Ending.WITHHELD})
    order = finish_refund(quiet(order), parcel.key, shares=event.shares, paid=paid)
    return refund_what_is_owed(order, event)


def refunded_parcel(order: Order, event: RefundReport) -> Parcel | None:
    """The parcel whose money ``event`` is about, while its refund is under way."""
    return next(
        (
            parcel
            for parcel in order.parcels
            if refund_key(parcel) == event.refund and parcel.refund is RefundStatus.ASKED
        ),
        None,
    )


def cancel_all(order: Order, event: told.OrderCancelRequested, now: datetime) -> Order:
    """What has not left is stopped, what did not arrive is refunded."""
    return refund_all_failed(ask_to_stop(order, event, now), event, now)
