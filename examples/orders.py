"""What becomes of orders on the example day, from placement to delivery or not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from examples.day import Day

Story = Callable[..., None]


def delivered(day: Day, minute: float, **changes: Any) -> None:
    key = day.place(minute, **changes)
    parcel = day.dispatch(minute + 150, key)
    day.scan(minute + 180, parcel, 1, "in transit")
    day.scan(minute + 260, parcel, 2, "out for delivery")
    day.tell(minute + 330, "shipment.delivered", parcel, {})


def on_the_way(day: Day, minute: float) -> None:
    parcel = day.dispatch(minute + 150, day.place(minute))
    day.scan(minute + 200, parcel, 1, "in transit")


def waiting(day: Day, minute: float) -> None:
    day.place(minute)


def scans_disordered(day: Day, minute: float) -> None:
    parcel = day.dispatch(minute + 150, day.place(minute))
    day.scan(minute + 240, parcel, 3, "out for delivery")
    day.scan(minute + 250, parcel, 2, "in transit")
    day.scan(minute + 251, parcel, 2, "in transit")
    day.tell(minute + 300, "shipment.delivered", parcel, {})
    day.scan(minute + 320, parcel, 1, "in transit")


def delivered_before_dispatched(day: Day, minute: float) -> None:
    key = day.place(minute)
    day.tell(minute + 200, "shipment.delivered", f"{key}-1", {})
    day.dispatch(minute + 215, key)


def two_parcels(day: Day, minute: float) -> None:
    lines = [
        {"sku": "LAMP", "quantity": 1, "price": 7400},
        {"sku": "ANVIL-HEAVY", "quantity": 1, "price": 19900},
    ]
    key = day.place(minute, lines=lines)
    for number in (1, 2):
        parcel = day.dispatch(minute + 100 + 60 * number, key, parcel=number)
        day.tell(minute + 250 + 40 * number, "shipment.delivered", parcel, {})


def declined_then_paid(day: Day, minute: float) -> None:
    key = day.place(minute, payments=[{"means": "card", "token": "tok_declined"}])
    day.tell(
        minute + 25, "order.means_given", key, {"pay_with": {"means": "card", "token": "tok_other_card"}}
    )
    parcel = day.dispatch(minute + 190, key)
    day.tell(minute + 330, "shipment.delivered", parcel, {})


def declined(day: Day, minute: float) -> None:
    day.place(minute, payments=[{"means": "card", "token": "tok_declined"}])


def confirmed_at_bank(day: Day, minute: float) -> None:
    key = day.place(minute, payments=[{"means": "card", "token": "tok_3ds"}])
    day.tell(minute + 4, "payment.confirmed", key, {"payment": "1"})
    parcel = day.dispatch(minute + 160, key)
    day.tell(minute + 310, "shipment.delivered", parcel, {})


def split_tender(day: Day, minute: float) -> None:
    payments = [
        {"means": "store credit", "token": "credit_voucher", "up_to": 2000},
        {"means": "card", "token": "tok_rest"},
    ]
    delivered(day, minute, payments=payments)


def backordered(day: Day, minute: float) -> None:
    key = day.place(minute, lines=[{"sku": "TEAPOT-BACK", "quantity": 1, "price": 5200}])
    day.tell(minute + 30, "order.choice", key, {"choice": "wait"})
    if day.chance.random() < 0.5:
        day.tell(minute + 200, "stock.replenished", key, {})


def sold_out(day: Day, minute: float) -> None:
    key = day.place(minute, lines=[{"sku": "CLOCK-OUT", "quantity": 1, "price": 11900}])
    if day.chance.random() < 0.5:
        day.tell(minute + 45, "order.choice", key, {"choice": "cancel"})


def blocked_zone(day: Day, minute: float) -> None:
    day.place(minute, country=day.chance.choice(("AQ", "BV", "HM")))


def undeliverable(day: Day, minute: float) -> None:
    day.place(minute, zone="00")


def suspicious(day: Day, minute: float) -> None:
    lines = [{"sku": "CLOCK", "quantity": 5, "price": 11900}]
    key = day.place(minute, customer=f"NEW-{day.number}", lines=lines)
    if day.chance.random() < 0.5:
        day.tell(minute + 40, "order.reviewed", key, {"accept": True, "reason": "spoke to the customer"})


def cancelled_at_once(day: Day, minute: float) -> None:
    key = day.place(minute)
    day.cancel(minute + 0.2, key, "changed mind")


def cancelled_after_handover(day: Day, minute: float) -> None:
    key = day.place(minute)
    day.cancel(minute + 50, key, "changed mind")
    day.cancel(minute + 52, key, "changed mind")


def cancelled_too_late(day: Day, minute: float) -> None:
    key = day.place(minute, sign="-SHIPPED")
    day.cancel(minute + 140, key, "too late")
    parcel = day.dispatch(minute + 150, key)
    day.tell(minute + 320, "shipment.delivered", parcel, {})


def damaged(day: Day, minute: float) -> None:
    key = day.place(minute)
    parcel = day.dispatch(minute + 150, key)
    day.tell(minute + 240, "shipment.damaged", parcel, {})
    if day.chance.random() < 0.5:
        day.tell(minute + 300, "order.remedy", key, {"parcel": parcel, "remedy": "refund"})


def sent_twice(day: Day, minute: float) -> None:
    """The shop's webhook repeats itself: the same events with the same ids."""
    before = len(day.events)
    delivered(day, minute)
    for at, line in day.events[before:]:
        day.events.append((at + 1, line))


def of_no_order(day: Day, minute: float) -> None:
    """A parcel of an order that has not come in; the event waits for it."""
    day.tell(minute, "shipment.dispatched", f"SO-{9000 + int(minute)}-1", {"tracking": "TR-EARLY"})


def malformed(day: Day, minute: float) -> None:
    day.tell(minute, "order.placed", day.key(), {"order": "SO-X", "customer": "C-1", "currency": "euro"})


#: Of each hundred orders, so many live so.
STORIES: tuple[tuple[int, Story], ...] = (
    (40, delivered),
    (10, on_the_way),
    (8, waiting),
    (4, scans_disordered),
    (2, delivered_before_dispatched),
    (4, two_parcels),
    (3, declined_then_paid),
    (2, declined),
    (3, confirmed_at_bank),
    (3, split_tender),
    (3, backordered),
    (2, sold_out),
    (2, blocked_zone),
    (1, undeliverable),
    (2, suspicious),
    (2, cancelled_at_once),
    (3, cancelled_after_handover),
    (2, cancelled_too_late),
    (2, damaged),
    (2, sent_twice),
)
