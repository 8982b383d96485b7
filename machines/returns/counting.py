"""Counts the pieces that came against those announced: each announced piece once, the best first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from machines.returning import Sold
from machines.returns.data import Return
from machines.returns.events import Condition, Found

WORTH = {Condition.AS_SOLD: 100, Condition.REPLACEMENT: 100, Condition.WORTHLESS: 0}


def still_worth(found: Found) -> int:
    """In per cent of what it was sold for."""
    return WORTH.get(found.condition, found.worth)


def counted(items: Iterable[Sold], found: Iterable[Found]) -> tuple[Found, ...]:
    """Of what was found, the pieces that stand for ``items``. A replacement stands for what it replaced."""
    left = Counter({item.sku: item.quantity for item in items})
    pieces: Counter[Found] = Counter()
    own = (one for one in found if one.condition is not Condition.OTHER_ITEM)
    for one in sorted(own, key=still_worth, reverse=True):
        taken = min(one.quantity, left[one.sku])
        left[one.sku] -= taken
        pieces[one.model_copy(update={"quantity": 1})] += taken
    return tuple(one.model_copy(update={"quantity": taken}) for one, taken in pieces.items() if taken)


def came(data: Return) -> tuple[Found, ...]:
    """In all parcels."""
    return counted(data.items, (*data.earlier, *data.found))


def missing(data: Return) -> tuple[Sold, ...]:
    """Of what a replacement was sent for, the pieces that have not come back, neither as the original nor as
    the replacement; what came worthless has not."""
    back = Counter[str]()
    for found in came(data):
        if found.condition is not Condition.WORTHLESS:
            back[found.sku] += found.quantity
    left = (
        item.model_copy(update={"quantity": item.quantity - back[item.sku]})
        for item in data.items
        if item.quantity > back[item.sku]
    )
    return tuple(left)


def price(items: Iterable[Sold]) -> int:
    """What they were sold for."""
    return sum(item.price * item.quantity for item in items)
