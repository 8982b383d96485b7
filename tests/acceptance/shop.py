"""Orders that live through stories of the example day, each going on as soon as the house has nothing left to
do for it; so what becomes of an order does not depend on how fast the house is."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass
from random import Random

from examples import orders
from examples.day import Day
from tests.acceptance.house import House

Events = list[object]

#: Share of a hundred, story, where such an order stands in the end.
STORIES: tuple[tuple[int, orders.Story, str], ...] = (
    (36, orders.delivered, "delivered"),
    (6, orders.on_the_way, "shipped"),
    (6, orders.waiting, "awaiting_dispatch"),
    (6, orders.scans_disordered, "delivered"),
    (5, orders.delivered_before_dispatched, "delivered"),
    (6, orders.two_parcels, "delivered"),
    (5, orders.declined_then_paid, "delivered"),
    (3, orders.declined, "awaiting_means"),
    (5, orders.split_tender, "delivered"),
    (6, orders.cancelled_at_once, "cancelled"),
    (6, orders.cancelled_after_handover, "cancelled"),
    (5, orders.cancelled_too_late, "in_return"),
    (5, orders.sent_twice, "delivered"),
)
_BUSY = """
    SELECT key FROM inbox WHERE status = 'new'
    UNION SELECT key FROM cases WHERE lease IS NOT NULL
    UNION SELECT cases.key FROM cases JOIN steps ON steps.case_id = cases.id
          WHERE steps.status IN ('pending', 'running', 'retrying')
"""


@dataclass
class Order:
    key: str
    expected: str
    to_come: deque[Events]


class Shop:
    """``open`` lets customers order, ``look`` sends whatever is next."""

    def __init__(self, house: House, *, seed: int) -> None:
        self._house = house
        self._day = Day(Random(seed))
        self._told = [(story, end) for share, story, end in STORIES for _ in range(share)]
        self._day.chance.shuffle(self._told)
        self.orders: list[Order] = []

    def open(self, count: int) -> None:
        for _ in range(count):
            story, end = self._told[len(self.orders) % len(self._told)]
            first = len(self._day.events)
            story(self._day, 0.0)
            told = sorted(self._day.events[first:], key=lambda event: event[0])
            self.orders.append(_order(told, end))

    def look(self) -> bool:
        """Send what is next for orders at rest; whether all is sent and every order rests."""
        open_orders = [order for order in self.orders if order.to_come]
        busy = {_number(str(row[0])) for row in self._house.rows(_BUSY)}
        ready = [order for order in open_orders if _number(order.key) not in busy]
        self._house.send([event for order in ready for event in order.to_come.popleft()])
        return not (open_orders or busy)

    def astray(self) -> list[tuple[str, str, object]]:
        """Orders that do not stand where they should: key, where they should, where they do."""
        rows = self._house.rows("SELECT key, state FROM cases WHERE sop = 'order'")
        standing = {str(key): state for key, state in rows}
        return [
            (order.key, order.expected, standing.get(order.key))
            for order in self.orders
            if standing.get(order.key) != order.expected
        ]


def _order(told: list[tuple[float, str]], end: str) -> Order:
    """Events less than a minute apart come together."""
    groups: deque[Events] = deque()
    last = float("-inf")
    for minute, line in told:
        if minute - last >= 1:
            groups.append([])
        groups[-1].append(json.loads(line))
        last = minute
    return Order(json.loads(told[0][1])["subject"], end, groups)


def _number(key: str) -> str:
    """``SO-1001-SHIPPED-1`` is a parcel of the order 1001."""
    return key.split("-")[1]
