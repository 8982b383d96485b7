"""What a refund knows: how much of it goes back to which payment, and how far that has come."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from machines.between import Means, Share, Source
from machines.kernel.event import Facts, Personal
from machines.kernel.money import Amount, Currency, Money, Sum, exponent
from machines.messages import Buyer


class RefundTerms(Facts):
    """What the house may set for refunds."""

    approval: tuple[Sum, ...] = Field((), description="more than this needs finance, one sum per currency")
    approval_otherwise: int = Field(500, ge=0, description="main units, in every other currency")

    def limit(self, currency: str) -> Money:
        stated = {sum.currency: sum for sum in self.approval}
        other = Money(amount=self.approval_otherwise * 10 ** exponent(currency), currency=currency)
        return stated.get(currency, other)


class PartStatus(StrEnum):
    NEW = "new"
    ASKED = "asked"
    PENDING = "pending"  #: the provider works on it
    FAILED = "failed"
    PAID = "paid"
    PAID_OTHERWISE = "paid otherwise"
    CALLED_OFF = "called off"  #: the customer's bank took it first


OPEN = (PartStatus.NEW, PartStatus.ASKED, PartStatus.PENDING, PartStatus.FAILED)


class Part(Facts):
    """The share of one payment. ``tries`` counts how often the provider was asked; ``paid`` is what the
    customer has of it, ``crossed`` what the customer's bank has taken although it had gone back already."""

    payment: str
    means: Means
    amount: Amount
    status: PartStatus = PartStatus.NEW
    tries: int = 0
    paid: int = 0
    crossed: int = 0

    @property
    def owed(self) -> int:
        """What the customer does not have of it yet."""
        return max(0, self.amount - self.paid)

    def beyond(self, most: int) -> int:
        """What has gone back of more than ``most``, and is not known as crossed yet."""
        return max(0, self.paid - most - self.crossed)


class Consent(Facts):
    """What the customer agreed to instead: the means, and which wording was shown."""

    means: Means
    wording: str
    account: Personal | None = None


class Refund(Facts):
    refund: str
    order: str
    customer: str
    buyer: Buyer
    locale: str
    currency: Currency
    amount: Amount
    reason: str
    sources: tuple[Source, ...]
    goodwill: bool = False
    parts: tuple[Part, ...] = ()
    consent: Consent | None = None
    rung: int = 0
    reported: bool = False  #: the case that asked for it has been told that it is settled

    def part(self, payment: str) -> Part:
        return next(part for part in self.parts if part.payment == payment)

    def parts_in(self, *statuses: PartStatus) -> tuple[Part, ...]:
        return tuple(part for part in self.parts if part.status in statuses)

    @property
    def outstanding(self) -> int:
        """What the customer does not have yet."""
        return sum(part.owed for part in self.parts_in(*OPEN))

    @property
    def shares(self) -> tuple[Share, ...]:
        return tuple(Share(payment=part.payment, amount=part.amount) for part in self.parts if part.amount)
