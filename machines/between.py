"""What cases of different procedures tell one another: the events that open, direct and report.

Procedures do not import one another; they meet here. What these events post to the ledger is explained in
``machines/ledger.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from machines.kernel.event import CLEAN, PRINTED, Event, Facts, Key, Outcome, Personal, Text
from machines.kernel.money import Currency
from machines.messages import Buyer


class Between(Event):
    """An event that only another case of ours can send; nothing of it is taken from outside."""


class Address(Facts):
    """Where a parcel goes; ``zone`` is the first part of the postcode, enough for rules and fees."""

    street: Personal
    city: Personal
    postcode: Personal
    zone: Text
    country: Key


Sku = Annotated[str, Field(max_length=64, pattern=CLEAN)]
Quantity = Annotated[int, Field(gt=0, description="pieces")]
ParcelKey = Annotated[str, Field(max_length=80, pattern=PRINTED)]
"""The key of its order, and a number."""


class Pick(Facts):
    """So many pieces of one article."""

    sku: Sku
    quantity: Quantity


BUYER_EXAMPLE = {"name": "Ada Example", "email": "ada@customer.example", "phone": "+49 30 5550100"}
ADDRESS_EXAMPLE = {
    "street": "1 Sample Street",
    "city": "Berlin",
    "postcode": "10115",
    "zone": "10",
    "country": "DE",
}

# -- shipment --------------------------------------------------------------------------------------


class ShipmentRequested(Between, type="shipment.requested", opens=True, key="parcel"):
    """One parcel is to be sent."""

    parcel: str
    order: str
    customer: str
    buyer: Buyer
    ship_to: Address
    locale: str
    items: tuple[Pick, ...]
    value: int

    examples = (
        {
            "parcel": "SO-1001-1",
            "order": "SO-1001",
            "customer": "C-1",
            "buyer": BUYER_EXAMPLE,
            "ship_to": ADDRESS_EXAMPLE,
            "locale": "en",
            "items": [{"sku": "KETTLE", "quantity": 1}],
            "value": 3000,
        },
    )


class ShipmentCancelled(Between, type="shipment.cancelled", key="parcel"):
    """The parcel is not to be sent after all."""

    parcel: str


class ParcelReport(Between):
    """What became of a parcel; ``pieces`` and ``value`` (minor units) are those of the whole parcel."""

    parcel: str
    pieces: int
    value: int


class ParcelDispatched(ParcelReport, type="parcel.dispatched"):
    """The carrier has taken the parcel."""

    tracking: str | None = None

    def postings(self) -> Mapping[str, int]:
        return {"shipped": self.pieces}


class ParcelDelivered(ParcelReport, type="parcel.delivered"):
    """The customer has the parcel; ``found`` says that it had been given up for lost."""

    found: bool = False

    def postings(self) -> Mapping[str, int]:
        return {"delivered": self.value, "found": self.value if self.found else 0}


class ParcelCancelled(ParcelReport, type="parcel.cancelled"):
    """The parcel never left."""

    reason: str


class Trouble(StrEnum):
    LOST = "lost"
    DAMAGED = "damaged"
    RETURNED = "returned"
    NOT_RECEIVED = "not received"  #: delivered, says the carrier; without proof


class ParcelFailed(ParcelReport, type="parcel.failed"):
    """The parcel left, but the customer does not have what is in it."""

    trouble: Trouble
    after_delivery: bool = False  #: it had been reported as delivered

    def postings(self) -> Mapping[str, int]:
        return {"delivered": -self.value} if self.after_delivery else {}


# -- goods that come back --------------------------------------------------------------------------


class Booking(Facts):
    """Where pieces that came back go: on sale again, to be refurbished, or written off. ``rma`` is the return
    that they came back under, or the parcel that could not be delivered."""

    rma: str
    restock: tuple[Pick, ...]
    refurbish: tuple[Pick, ...]
    write_off: tuple[Pick, ...]


class GoodsBookedIn(Outcome, type="warehouse.booked_in"):
    """What came back has been put where it belongs."""


# -- refund ----------------------------------------------------------------------------------------


class Means(StrEnum):
    CARD = "card"
    STORE_CREDIT = "store credit"
    BANK_TRANSFER = "bank transfer"


class Source(Facts):
    """A payment that money can go back to: what it paid, less what went back already or is on its way."""

    payment: str
    means: Means
    cap: int


class Share(Facts):
    """What one payment gets back."""

    payment: str
    amount: int


class RefundRequested(Between, type="refund.requested", opens=True, key="refund"):
    """Money is owed to a customer; ``sources`` are the payments that it came from, newest first. As
    ``goodwill`` it is given although the goods have been had."""

    refund: str
    order: str
    customer: str
    buyer: Buyer
    locale: str
    currency: Currency
    amount: int
    reason: str
    sources: tuple[Source, ...]
    goodwill: bool = False

    examples = tuple(
        {
            "refund": "SO-1001-1-R",
            "order": "SO-1001",
            "customer": "C-1",
            "buyer": BUYER_EXAMPLE,
            "locale": "en",
            "currency": "EUR",
            "amount": amount,
            "reason": "parcel not received",
            "sources": [
                {"payment": "2", "means": "card", "cap": 2000},
                {"payment": "1", "means": "store credit", "cap": 98000},
            ],
        }
        for amount in (1500, 3000, 90000, 100001)
    )

    def postings(self) -> Mapping[str, int]:
        covered = self.amount <= sum(source.cap for source in self.sources)
        return {"requested": self.amount} if covered else {}


class RefundReport(Between):
    """What became of a refund, payment by payment; each share counts against the cap of its payment, by
    whatever means it was paid."""

    refund: str
    shares: tuple[Share, ...]
    goodwill: bool = False

    @property
    def amount(self) -> int:
        return sum(share.amount for share in self.shares)


class RefundSettled(RefundReport, type="refund.settled"):
    """The customer has the money."""

    def postings(self) -> Mapping[str, int]:
        return {"refunded": self.amount, "goodwill": self.amount if self.goodwill else 0}


class RefundWithheld(RefundReport, type="refund.withheld"):
    """Finance has decided, with a reason on record, that this money is not paid back."""

    reason: str

    def postings(self) -> Mapping[str, int]:
        return {} if self.goodwill else {"withheld": self.amount}


class RefundCapped(Between, type="refund.capped", key="refund"):
    """The customer's bank has taken money back: no more than ``most`` may still go back to ``payment``."""

    refund: str
    payment: str
    most: int

    def postings(self) -> Mapping[str, int]:
        return {"capped": 1}


class RefundCrossed(Between, type="refund.crossed"):
    """``amount`` had gone back already when we heard that the customer's bank had taken it as well."""

    refund: str
    amount: int

    def postings(self) -> Mapping[str, int]:
        return {"crossed": self.amount}


def spread(amount: int, *, sources: tuple[Source, ...]) -> tuple[Share, ...]:
    """``amount`` taken from ``sources`` in their order, never more than the cap of each."""
    shares = []
    for source in sources:
        part = min(amount, source.cap)
        if part > 0:
            shares.append(Share(payment=source.payment, amount=part))
            amount -= part
    return tuple(shares)


# -- survey ----------------------------------------------------------------------------------------


class SurveyRequested(Between, type="survey.requested", opens=True, key="survey"):
    """A customer has been served; ``about`` is the case that has ended, such as ``order/SO-1001``."""

    survey: str
    about: str
    channel: str
    customer: str
    buyer: Buyer
    locale: str
    currency: Currency
    order: str | None = None

    examples = (
        {
            "survey": "order-SO-1001",
            "about": "order/SO-1001",
            "channel": "web",
            "customer": "C-1",
            "buyer": BUYER_EXAMPLE,
            "locale": "en",
            "currency": "EUR",
            "order": "SO-1001",
        },
    )


class SurveyCalledOff(Between, type="survey.called_off", key="survey"):
    """The case that it is about is open again: there is nothing to ask about yet."""

    survey: str
