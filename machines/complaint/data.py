"""What a complaint knows: who complains about what, how severe it is, what was found, offered and given.

Amounts are minor units of the complaint's one currency.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from pydantic import Field

from machines.between import Address, Pick
from machines.complaining import Appealed, Origin
from machines.kernel.event import Facts, Key, Personal, Text
from machines.kernel.money import Amount, Currency, Money, Sum, exponent
from machines.messages import Buyer


class Severity(StrEnum):
    S1 = "S1"  #: safety or law
    S2 = "S2"  #: much money, or not the first time
    S3 = "S3"  #: the service failed
    S4 = "S4"  #: minor


class Nature(StrEnum):
    PRODUCT = "product"
    DELIVERY = "delivery"
    SERVICE = "service"
    PRICE = "price"
    PRIVACY = "privacy"
    OTHER = "other"


class Remedy(StrEnum):
    APOLOGY = "apology"
    VOUCHER = "voucher"
    PARTIAL_REFUND = "partial refund"
    FULL_REFUND = "full refund"
    REPLACEMENT = "replacement"
    RETURN = "return"  #: on appeal: the goods may come back after all
    GOODWILL = "goodwill payment"  #: to the customer's bank, where there is no order to pay back on


REFUNDS = (Remedy.PARTIAL_REFUND, Remedy.FULL_REFUND)
WORTHLESS = (Remedy.APOLOGY, Remedy.REPLACEMENT, Remedy.RETURN)  #: no sum of money is promised
OVERTURNING = (
    *REFUNDS,
    Remedy.REPLACEMENT,
    Remedy.RETURN,
)  #: on appeal the return gives it, and no other does


EVERY_REMEDY = tuple(remedy for remedy in Remedy if remedy is not Remedy.RETURN)


class Limit(Facts):
    """A sum of money: as ``stated`` for a currency, else ``otherwise`` of its main unit."""

    stated: tuple[Sum, ...] = ()
    otherwise: int = Field(ge=0)

    def of(self, currency: str) -> Money:
        other = Money(amount=self.otherwise * 10 ** exponent(currency), currency=currency)
        return next((sum for sum in self.stated if sum.currency == currency), other)


class Compensation(Facts):
    """What may be offered: ``remedies``, and for at most how much."""

    remedies: tuple[Remedy, ...]
    most: Limit


class Terms(Facts):
    """The severity matrix, and the limits under which complaints are settled: above ``senior_above`` a senior
    agent approves an offer, above ``manager_above`` a manager."""

    s1: Compensation = Compensation(remedies=EVERY_REMEDY, most=Limit(otherwise=5000))
    s2: Compensation = Compensation(remedies=EVERY_REMEDY, most=Limit(otherwise=1000))
    s3: Compensation = Compensation(
        remedies=(
            Remedy.APOLOGY,
            Remedy.VOUCHER,
            Remedy.PARTIAL_REFUND,
            Remedy.REPLACEMENT,
            Remedy.GOODWILL,
        ),
        most=Limit(otherwise=200),
    )
    s4: Compensation = Compensation(remedies=(Remedy.APOLOGY, Remedy.VOUCHER), most=Limit(otherwise=20))
    senior_above: Limit = Limit(otherwise=50)
    manager_above: Limit = Limit(otherwise=250)
    goodwill_most: Limit = Limit(otherwise=100)  #: to a bank account, without an order
    reopen_days: int = Field(default=30, gt=0)
    most_rejections: int = Field(default=2, gt=0)  #: after so many, the final response names the ombudsman

    def compensation(self, severity: Severity) -> Compensation:
        rows: Mapping[Severity, Compensation] = {
            Severity.S1: self.s1,
            Severity.S2: self.s2,
            Severity.S3: self.s3,
            Severity.S4: self.s4,
        }
        return rows[severity]


class TaskStatus(StrEnum):
    ASKED = "asked"
    OVERDUE = "overdue"
    DONE = "done"
    WITHDRAWN = "withdrawn"


AWAITED = (TaskStatus.ASKED, TaskStatus.OVERDUE)


class Consulted(Facts):
    """A department that was asked; ``task`` is the key of the case in which it answers."""

    task: str
    department: Key
    status: TaskStatus = TaskStatus.ASKED
    answer: Text = ""
    withdrawn_for: str = ""  #: the type of the event that made the answer needless

    @property
    def explained(self) -> str:
        return f"{self.department}: {self.answer or self.status}"


class Offer(Facts):
    """What the customer is offered; ``number`` counts the offers of this complaint."""

    number: int
    remedy: Remedy
    amount: Amount
    explanation: Text


class MergeWish(Facts):
    """The complaint ``into`` was asked to take this one on; without an answer by ``due`` somebody looks."""

    into: str
    due: datetime


class Complaint(Facts):
    complaint: str
    origin: Origin
    channel: str
    customer: str
    buyer: Buyer
    locale: str
    currency: Currency
    received: datetime
    terms: Terms
    order: str | None = None
    left: Amount | None = Field(default=None, title="left of what was paid")  #: as the order has last told
    appeal: Appealed | None = None  #: against a return that has not had our answer to it yet
    ship_to: Address | None = None
    items: tuple[Pick, ...] = ()  #: the goods that it is about
    sought: Remedy | None = None
    owner: str | None = None
    severity: Severity | None = None
    nature: Nature | None = None
    tasks: tuple[Consulted, ...] = Field(default=(), title="departments")
    question: Text = ""  #: what we want to hear from a department, the customer or somebody outside
    upheld: bool = True
    cause: Text = ""
    offer: Offer | None = None
    offers: int = 0  #: that were made
    rejections: int = 0
    failed: tuple[Remedy, ...] = ()  #: promised, and could not be given
    account: Personal | None = None  #: for a goodwill payment
    prompt: bool = True  #: the third business day has not closed yet
    secured: bool = False  #: the safety officer has seen to it
    specialist: bool = False  #: somebody trained to calm conflicts has been called in
    referred: bool = False  #: the customer has taken it to the ombudsman
    closed: datetime | None = None
    reopened: int = 0
    duplicates: tuple[str, ...] = ()  #: complaints that were merged into this one
    merging: MergeWish | None = None  #: until the other complaint has answered
    into: str | None = None  #: the complaint that it was merged into
    reason: Text = ""

    @property
    def priority(self) -> str | None:
        """What the policy may make exceptions by."""
        return self.severity

    @property
    def amount(self) -> int:
        return self.offer.amount if self.offer else 0

    @property
    def overturns(self) -> bool:
        """Whether the return that is appealed about gives what is offered."""
        return self.appeal is not None and self.offer is not None and self.offer.remedy in OVERTURNING

    @property
    def awaited(self) -> tuple[Consulted, ...]:
        """Questions that are still open."""
        return tuple(one for one in self.tasks if one.status in AWAITED)

    @property
    def redress(self) -> str:
        """By which key the redress of the latest offer goes in the books of others."""
        return f"{self.complaint}-{self.offer.number if self.offer else 0}"
