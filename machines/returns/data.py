"""What a return knows: the goods, the answer of the policy, how far the parcel is, what inspection found,
and which money and parcels are under way because of it. Amounts are minor units of its one currency."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from machines.between import Address, Means, Pick, Share, Source
from machines.complaining import Relief, Ruling
from machines.kernel.event import Facts
from machines.kernel.money import Amount, Currency
from machines.messages import Buyer
from machines.returning import Reason, Sold, Wish
from machines.returns.eligibility import Answer
from machines.returns.events import Choice, Condition, Found

CHARGE = "exchange"  #: the payment that a replacement was charged as


class Override(Facts):
    """A colleague has decided otherwise than the policy; ``by`` and ``reason`` say who and why."""

    by: str
    reason: str
    at: datetime


class Payback(Facts):
    """One refund case of this return; ``shares`` are what it may take from each payment."""

    key: str
    shares: tuple[Share, ...]
    cause: str  #: the event that it follows from
    open: bool = True
    withheld: bool = False


class Purpose(StrEnum):
    REPLACEMENT = "replacement"
    BACK = "back to the customer"


class ParcelStatus(StrEnum):
    OPEN = "open"
    LEFT = "left"
    DELIVERED = "delivered"
    FAILED = "failed"


class Parcel(Facts):
    """A parcel to the customer, and the shipment case of that ``key``."""

    key: str
    purpose: Purpose
    items: tuple[Pick, ...]
    value: int
    status: ParcelStatus = ParcelStatus.OPEN


class Reopening(StrEnum):
    """Why a return that was over is opened once more."""

    GOODS_CAME = "goods came"
    PARCEL_FAILED = "parcel failed"
    APPEAL = "appeal"  #: it was upheld, at least in part


class Award(Facts):
    """What an appeal has brought: promised to the customer as ``redress``; ``refund`` is the key of the case
    that pays ``amount``."""

    redress: str
    relief: Relief
    amount: Amount = 0
    refund: str = ""


class Return(Facts):
    rma: str
    order: str
    channel: str
    customer: str
    buyer: Buyer
    ship_to: Address
    locale: str
    currency: Currency
    items: tuple[Sold, ...]
    reason: Reason
    wish: Wish
    instead: str | None
    advance: bool
    sources: tuple[Source, ...]
    token: str | None
    answer: Answer
    override: Override | None = None
    tracking: str | None = None
    postage_most: Amount = 0  #: what we pay back of the customer's own postage
    own_postage: bool = False  #: the carrier gave no label
    postage: Amount = 0  #: asked back and owed
    sequence: int = 0
    scanned_at: datetime | None = None
    said_sent: bool = False  #: by the customer, without proof
    sent_at: datetime | None = None  #: when a scan, the customer's proof or the parcel itself showed it
    came: bool = False  #: the warehouse has it
    found: tuple[Found, ...] = ()
    earlier: tuple[Found, ...] = ()  #: what parcels before this one held of goods replaced in advance
    rest_asked: bool = False  #: the customer knows that it is not all
    accepted: Amount = 0  #: what goes back for the pieces found as they were sold
    offered: Amount = 0  #: that, and what the other pieces are still worth
    choice: Choice | None = None
    paybacks: tuple[Payback, ...] = ()
    parcels: tuple[Parcel, ...] = ()
    price: Amount = 0  #: of one piece of the replacement
    charging: Amount = 0
    charged: Amount = 0
    reopening: Reopening | None = None
    reopened: int = 0
    appealed: bool = False  #: a complaint was opened about our answer
    ruling: Ruling | None = None  #: how it ended
    award: Award | None = None
    rung: int = 0

    @property
    def country(self) -> str:
        return self.ship_to.country

    @property
    def pieces(self) -> int:
        return sum(item.quantity for item in self.items)

    @property
    def refund(self) -> int:
        """What goes back if everything comes back as it was sold, as far as payments cover it."""
        return min(self.answer.refund, self.covered)

    @property
    def worth(self) -> int:
        """What the goods count for when others take their place."""
        return self.answer.refund - self.answer.delivery_costs

    @property
    def covered(self) -> int:
        return sum(source.cap for source in self.sources)

    @property
    def going_back(self) -> int:
        """Asked for, paid or withheld."""
        return sum(share.amount for payback in self.paybacks for share in payback.shares)

    @property
    def replacing(self) -> tuple[Pick, ...]:
        """What takes the place of the goods."""
        return tuple(Pick(sku=self.instead or item.sku, quantity=item.quantity) for item in self.items)

    @property
    def difference(self) -> int:
        """What the replacement costs more than the goods (less, if negative)."""
        return self.price * self.pieces - self.worth if self.instead else 0

    @property
    def kept(self) -> tuple[Found, ...]:
        """What was found and stays here: all, or where goods go back to the customer what we take."""
        if not any(parcel.purpose is Purpose.BACK for parcel in self.parcels):
            return self.found
        return tuple(found for found in self.found if found.condition is Condition.AS_SOLD)

    def caps(self) -> tuple[Source, ...]:
        """What each payment can still give back, the newest first; a charge for a replacement is newest."""
        charge = (Source(payment=CHARGE, means=Means.CARD, cap=self.charged),) if self.charged else ()
        left = (
            source.model_copy(update={"cap": source.cap - self.gone(source.payment)})
            for source in (*charge, *self.sources)
        )
        return tuple(source for source in left if source.cap > 0)

    def gone(self, payment: str) -> int:
        """What of a payment goes back, has gone back, or is withheld."""
        shares = (share for payback in self.paybacks for share in payback.shares)
        return sum(share.amount for share in shares if share.payment == payment)

    @property
    def charge_left(self) -> int:
        """What was charged for a replacement, less what goes back of that."""
        return self.charged - self.gone(CHARGE)

    def replacement(self, *statuses: ParcelStatus) -> bool:
        """Whether a replacement is in one of ``statuses``."""
        return any(
            parcel.purpose is Purpose.REPLACEMENT and parcel.status in statuses for parcel in self.parcels
        )


def appeal_key(data: Return) -> str:
    """The complaint that an appeal opens."""
    return f"{data.rma}-A"
