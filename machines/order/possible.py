"""How each command of an order can end: every outcome worth telling apart, the ordinary one first.

``sop check`` and the simulated world draw on these; figures and dates are examples.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from machines.between import Pick
from machines.kernel.event import Event
from machines.order.asks import (
    Hold,
    Kept,
    Parcels,
    Pieces,
    Promise,
    Restrictions,
    Submission,
    Taking,
    Verification,
)
from machines.order.data import Offer, OfferKind, Similar
from machines.order.events import (
    CancellationAccepted,
    CancellationRejected,
)
from machines.order.outcomes import (
    AddressUndeliverable,
    CancellationNoted,
    CaptureDeclined,
    LimitsReleased,
    MeansUnusable,
    NothingToVoid,
    OrderBlocked,
    OrderSuspicious,
    OrderVerified,
    PaymentActionRequired,
    PaymentAuthorized,
    PaymentCaptured,
    PaymentDeclined,
    PaymentReauthorized,
    PaymentVoided,
    PlannedParcel,
    RestrictionsCleared,
    RestrictionsOffer,
    StockExpected,
    StockReleased,
    StockReserved,
    StockShort,
    WarehouseAccepted,
    WarehouseChased,
    WarehouseRejected,
    WarehouseReported,
)

RESTOCK = datetime(2026, 12, 20, 12, tzinfo=UTC)


def verdicts(_: Verification) -> Iterable[Event]:
    return OrderVerified(), OrderSuspicious(rule="velocity"), AddressUndeliverable(), MeansUnusable()


def restrictions(asked: Restrictions) -> Iterable[Event]:
    """Each kind of offer on an order of its own, since together they would multiply."""
    first, *others = asked.lines
    yield RestrictionsCleared()
    if others:
        available = (Pick(sku=first.sku, quantity=first.quantity),)
        limit = Offer(kind=OfferKind.REDUCED, reason="limit per customer in 30 days", available=available)
        yield RestrictionsOffer(offer=limit)
    elif first.sku == "SOFA":
        yield RestrictionsOffer(offer=Offer(kind=OfferKind.FEE, reason="bulky goods", fee=300))
    elif first.sku == "MUG":
        yield OrderBlocked(rule="export", reason="this article may not be sent to that country")
    else:
        similar = (Similar(sku="MUG", instead_of=first.sku, price=first.price),)
        yield RestrictionsOffer(
            offer=Offer(kind=OfferKind.ALTERNATIVES, reason="not sold in this zone", similar=similar)
        )


def limits_released(_: Kept) -> Iterable[Event]:
    return (LimitsReleased(),)


def reservations(asked: Pieces) -> Iterable[Event]:
    first, *others = asked.items
    yield StockReserved(pieces=sum(item.quantity for item in asked.items))
    yield StockShort(offer=Offer(kind=OfferKind.REDUCED, reason="sold out", restock=RESTOCK))
    if others:
        yield StockShort(offer=Offer(kind=OfferKind.REDUCED, reason="partly sold out", available=(first,)))


def releases(asked: Pieces) -> Iterable[Event]:
    yield StockReleased(pieces=sum(item.quantity for item in asked.items))


def forecasts(asked: Promise) -> Iterable[Event]:
    if asked.promised is not None:
        yield StockExpected(on=asked.promised)
        yield StockExpected(on=asked.promised + timedelta(days=14))
    yield StockExpected()


def authorisations(asked: Hold) -> Iterable[Event]:
    yield PaymentAuthorized(payment=asked.payment, amount=asked.amount)
    yield PaymentDeclined(payment=asked.payment, reason="insufficient funds")
    yield PaymentActionRequired(payment=asked.payment)


def renewals(asked: Hold) -> Iterable[Event]:
    yield PaymentReauthorized(payment=asked.payment)
    yield PaymentDeclined(payment=asked.payment, reason="insufficient funds")


def voids(asked: Hold) -> Iterable[Event]:
    yield PaymentVoided(payment=asked.payment, amount=asked.amount)
    yield NothingToVoid(payment=asked.payment, amount=asked.amount)


def captures(asked: Taking) -> Iterable[Event]:
    return PaymentCaptured(charge=asked.charge), CaptureDeclined(charge=asked.charge)


def plans(asked: Submission) -> Iterable[Event]:
    """What lacks an article is planned for one order of two only, since it would multiply."""
    yield WarehouseAccepted(parcels=(PlannedParcel(items=asked.items),))
    if len(asked.items) > 1:
        yield WarehouseAccepted(parcels=tuple(PlannedParcel(items=(item,)) for item in asked.items))
        if asked.items[0].sku == "KETTLE":
            yield WarehouseAccepted(parcels=(PlannedParcel(items=asked.items[:1]),))
    yield WarehouseRejected(reason="the goods cannot be found")


def stops(asked: Parcels) -> Iterable[Event]:
    yield CancellationAccepted(parcels=asked.parcels)
    if len(asked.parcels) > 1:
        yield CancellationAccepted(parcels=asked.parcels[:1])
    yield CancellationRejected()
    yield CancellationNoted()


def reports(asked: Parcels) -> Iterable[Event]:
    return WarehouseReported(ready=()), WarehouseReported(ready=asked.parcels[:1])


def chases(_: Parcels) -> Iterable[Event]:
    return (WarehouseChased(),)
