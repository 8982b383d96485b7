"""What an order and its returns tell one another.

A return is opened by its order, which knows what was delivered, when and for how much, and sets aside the
money that may go back. Several returns of one order therefore never give back more than was paid.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

from pydantic import AwareDatetime, Field

from machines.between import (
    ADDRESS_EXAMPLE,
    BUYER_EXAMPLE,
    Address,
    Between,
    Pick,
    Quantity,
    Share,
    Sku,
    Source,
)
from machines.kernel.event import CLEAN, Facts, Key
from machines.kernel.money import Amount, Currency
from machines.messages import Buyer

ReturnKey = Annotated[str, Field(max_length=80, pattern=CLEAN)]
"""The RMA number: the key of the order, and a number, such as ``SO-1001-RT1``."""


class Sold(Facts):
    """``quantity`` pieces of an article, sold at ``price`` each."""

    sku: Sku
    quantity: Quantity
    price: Amount


class Reason(StrEnum):
    """Why goods come back."""

    CHANGED_MIND = "changed mind"
    CANCELLED_TOO_LATE = "cancelled too late"
    DEFECTIVE = "defective"
    DAMAGED = "damaged on the way"
    WRONG_ITEM = "wrong item"
    NOT_AS_DESCRIBED = "not as described"


class Wish(StrEnum):
    REFUND = "refund"
    REPLACEMENT = "replacement"
    EXCHANGE = "exchange"  #: for another article


class ReturnRequested(Between, type="return.requested", opens=True, key="rma"):
    """Delivered goods are to come back. ``delivered`` is when the last of them came, ``notified`` when the
    customer told us; ``delivery_costs`` are what the customer paid for the way there, if everything comes
    back. ``sources`` are the payments that the money came from, newest first, each with what the order has
    set aside for this return; ``token`` is a card that may be charged if the customer agrees."""

    rma: ReturnKey
    order: Key
    channel: str
    customer: str
    buyer: Buyer
    ship_to: Address
    locale: str
    currency: Currency
    items: tuple[Sold, ...]
    delivery_costs: Amount = 0
    delivered: AwareDatetime
    notified: AwareDatetime
    reason: Reason
    wish: Wish = Wish.REFUND
    instead: Sku | None = None
    advance: bool = False
    sources: tuple[Source, ...]
    token: str | None = None

    examples = tuple(
        {
            "rma": "SO-1001-RT1",
            "order": "SO-1001",
            "channel": "web",
            "customer": "C-1",
            "buyer": BUYER_EXAMPLE,
            "ship_to": ADDRESS_EXAMPLE,
            "locale": "en",
            "currency": "EUR",
            "delivered": "2026-01-02T10:00:00Z",
            "notified": "2026-01-05T10:00:00Z",
            "token": "tok_example",
            **said,
        }
        for said in (
            {
                "items": [{"sku": "KETTLE", "quantity": 1, "price": 3000}],
                "delivery_costs": 500,
                "reason": "changed mind",
                "sources": [{"payment": "1", "means": "card", "cap": 3500}],
            },
            {
                "items": [{"sku": "LAMP", "quantity": 2, "price": 2000}],
                "reason": "defective",
                "wish": "replacement",
                "sources": [{"payment": "1", "means": "card", "cap": 4000}],
            },
            {
                "items": [{"sku": "KETTLE", "quantity": 1, "price": 3000}],
                "reason": "changed mind",
                "wish": "exchange",
                "instead": "POT",
                "sources": [{"payment": "1", "means": "card", "cap": 3000}],
            },
            {
                "items": [{"sku": "KETTLE", "quantity": 1, "price": 3000}],
                "reason": "defective",
                "wish": "replacement",
                "advance": True,
                "sources": [{"payment": "1", "means": "card", "cap": 3000}],
            },
            {
                "items": [{"sku": "RAZOR-HYGIENE", "quantity": 1, "price": 3000}],
                "reason": "changed mind",
                "sources": [{"payment": "1", "means": "card", "cap": 3000}],
            },
            {
                "items": [{"sku": "CUP", "quantity": 1, "price": 900}],
                "reason": "damaged on the way",
                "sources": [{"payment": "1", "means": "card", "cap": 900}],
            },
            {
                "items": [{"sku": "SOFA", "quantity": 1, "price": 60000}],
                "reason": "changed mind",
                "sources": [{"payment": "1", "means": "card", "cap": 60000}],
            },
            {
                "items": [{"sku": "LAMP", "quantity": 2, "price": 2000}],
                "reason": "defective",
                "wish": "replacement",
                "advance": True,
                "sources": [{"payment": "1", "means": "card", "cap": 4000}],
            },
        )
    )

    @property
    def value(self) -> int:
        return sum(item.price * item.quantity for item in self.items) + self.delivery_costs

    def postings(self) -> Mapping[str, int]:
        return {"claimed": self.value, "covered": sum(source.cap for source in self.sources)}


class ParcelAcknowledged(Between, type="parcel.acknowledged", key="parcel"):
    """The customer wants to send back what was in a parcel, and so has it."""

    parcel: str


class ReturnRefunded(Between, type="return.refunded"):
    """Money of the order has gone back for a return."""

    rma: str
    shares: tuple[Share, ...]

    @property
    def amount(self) -> int:
        return sum(share.amount for share in self.shares)

    def postings(self) -> Mapping[str, int]:
        return {"refunded": self.amount, "returned": self.amount}


class ReturnClosed(Between, type="return.closed"):
    """Nothing more goes back for this return. ``taken`` are the pieces that cannot be returned once more."""

    rma: str
    taken: tuple[Pick, ...] = ()

    def postings(self) -> Mapping[str, int]:
        return {"taken": sum(pick.quantity for pick in self.taken)}


class ReturnReopened(Between, type="return.reopened"):
    """A return that was over is not: goods have come after all, or its replacement has not."""

    rma: str


class ReturnCapped(Between, type="return.capped", key="rma"):
    """The customer's bank has taken money back: no more than ``most`` of ``payment`` may still go back."""

    rma: str
    payment: str
    most: int

    def postings(self) -> Mapping[str, int]:
        return {"settled otherwise": 1}


class ReturnCovered(Between, type="return.covered", key="rma"):
    """What the order has set aside anew for a return; nothing, if the money has gone back otherwise."""

    rma: str
    sources: tuple[Source, ...]

    def postings(self) -> Mapping[str, int]:
        covered = sum(source.cap for source in self.sources)
        return {"covered": covered} if covered else {"settled otherwise": 1}
