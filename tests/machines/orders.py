"""Orders for tests: what is placed, what customers say to it and what providers answer."""

from __future__ import annotations

from datetime import UTC, datetime

from machines.between import Means
from machines.kernel.event import Event
from machines.order import events, outcomes
from machines.order.asks import Hold, Submission
from machines.order.data import Line, Offer, OfferKind, PayWith
from machines.order.events import OrderPlaced
from machines.shipment import events as carrier

PLAIN, TWO_LINES, SPLIT, *_ = (OrderPlaced.model_validate(example) for example in OrderPlaced.examples)
CASE, FIRST, SECOND = "order/SO-1001", "shipment/SO-1001-1", "shipment/SO-1001-2"
LEAVES, ARRIVES = carrier.ShipmentDispatched(), carrier.ShipmentDelivered()
CANCEL = events.OrderCancelRequested(customer="C-1")
CARD = events.MeansGiven(pay_with=PayWith(means=Means.CARD, token="tok_other"))
AMEND = events.OrderAmended(customer="C-1", lines=(Line(sku="CUP", quantity=2, price=1000),))
RESTOCK = datetime(2026, 12, 20, tzinfo=UTC)
SHORT = outcomes.StockShort(offer=Offer(kind=OfferKind.REDUCED, reason="sold out", restock=RESTOCK))


def choose(choice: events.Choice, sku: str | None = None) -> Event:
    return events.ChoiceMade(choice=choice, sku=sku)


def remedy(chosen: events.Remedy, parcel: str = "SO-1001-1") -> Event:
    return events.RemedyChosen(parcel=parcel, remedy=chosen)


def declined(asked: Hold) -> Event:
    return outcomes.PaymentDeclined(payment=asked.payment, reason="no funds")


def needs_action(asked: Hold) -> Event:
    return outcomes.PaymentActionRequired(payment=asked.payment)


def two_parcels(asked: Submission) -> Event:
    items = asked.items
    return outcomes.WarehouseAccepted(parcels=tuple(outcomes.PlannedParcel(items=(item,)) for item in items))
