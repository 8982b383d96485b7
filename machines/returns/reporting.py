"""What a return tells its order when it ends: which goods cannot be returned once more."""

from __future__ import annotations

from collections.abc import Iterable

from machines.between import Pick
from machines.kernel.event import Event
from machines.returning import ReturnClosed, Sold
from machines.returns.counting import missing
from machines.returns.data import Return


def closed(data: Return) -> Event:
    """The customer has the goods, or others of the same kind; they may be returned another time."""
    return ReturnClosed(rma=data.rma)


def closed_and_taken(data: Return) -> Event:
    """What we have, and what was paid without having come, cannot be returned once more."""
    paid_for_all = not data.instead and data.going_back >= data.answer.refund
    if data.award is not None or paid_for_all or not (data.earlier or data.found):
        return ReturnClosed(rma=data.rma, taken=_announced(data))
    kept = (*data.earlier, *data.kept)
    came = {item.sku: sum(found.quantity for found in kept if found.sku == item.sku) for item in data.items}
    picks = (
        Pick(sku=item.sku, quantity=min(item.quantity, came[item.sku]))
        for item in data.items
        if came[item.sku]
    )
    return ReturnClosed(rma=data.rma, taken=tuple(picks))


def closed_and_missing(data: Return) -> Event:
    """What was replaced without having come cannot be returned once more."""
    return ReturnClosed(rma=data.rma, taken=_picks(missing(data)))


def _announced(data: Return) -> tuple[Pick, ...]:
    return _picks(data.items)


def _picks(items: Iterable[Sold]) -> tuple[Pick, ...]:
    return tuple(Pick(sku=item.sku, quantity=item.quantity) for item in items)


def closed_exchanged(data: Return) -> Event:
    return closed_and_taken(data) if data.instead else closed(data)
