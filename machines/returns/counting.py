"""Counts the pieces that came against those announced: each announced piece once, the best first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from machines.returning import Sold
from machines.returns.events import Condition, Found

WORTH = {Condition.AS_SOLD: 100, Condition.REPLACEMENT: 100, Condition.WORTHLESS: 0}


def still_worth(found: Found) -> int:
    """In per cent of what it was sold for."""
    return WORTH.get(found.condition, found.worth)


def counted(items: Iterable[Sold], found: Iterable[Found]) -> Iterator[Found]:
    """Of what was found, the pieces that stand for ``items``. A replacement stands for what it replaced."""
    left = {item.sku: item.quantity for item in items}
    own = (one for one in found if one.condition is not Condition.OTHER_ITEM)
    for one in sorted(own, key=still_worth, reverse=True):
        pieces = min(one.quantity, left.get(one.sku, 0))
        left[one.sku] = left.get(one.sku, 0) - pieces
        if pieces:
            yield one.model_copy(update={"quantity": pieces})
