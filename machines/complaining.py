"""What a complaint and the cases that open one tell one another.

An appeal against our answer to a return is a complaint that the return opens. How it ends the complaint tells
the return, which gives what was promised through the books of its order and says what came of it; money and
goods that the return is about go back by that one way only.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from machines.between import BUYER_EXAMPLE, Between
from machines.kernel.event import Facts, Story
from machines.kernel.money import Amount, Currency
from machines.messages import Buyer


class Origin(StrEnum):
    """Where a complaint comes from."""

    CUSTOMER = "customer"
    INQUIRY = "inquiry"
    SURVEY = "survey"  #: a low score; nobody has complained, but somebody is dissatisfied
    RETURN = "return"  #: an appeal against a declined return


class Appealed(Facts):
    """The return whose answer is appealed against: ``worth`` is the most that can go back for it,
    ``inspected`` says that the goods have been here."""

    rma: str
    worth: Amount
    inspected: bool = False


class ComplaintOpened(Between, type="complaint.opened", opens=True, key="complaint"):
    """What another case was told is a complaint; ``why`` is what that case knows of it, ``words`` what the
    customer said."""

    complaint: str
    origin: Origin
    channel: str
    customer: str
    buyer: Buyer
    locale: str
    currency: Currency
    why: str
    order: str | None = None
    words: Story | None = None
    appeal: Appealed | None = None

    examples = tuple(
        {
            "complaint": "CP-1001",
            "origin": origin,
            "channel": "e-mail",
            "customer": "C-1",
            "buyer": BUYER_EXAMPLE,
            "locale": "en",
            "currency": "EUR",
            "why": why,
            "order": "SO-1001",
            "appeal": appeal,
        }
        for origin, why, appeal in (
            ("survey", "scored 1 of 5", None),
            ("return", "the return was declined", {"rma": "SO-1001-RT1", "worth": 30000}),
        )
    )


# -- two complaints about the same -----------------------------------------------------------------


class MergeAsked(Between, type="complaint.merge_asked"):
    """Another ``complaint``, ``received`` at that instant, is about the same: is it to go on in this one?"""

    complaint: str
    customer: str
    received: datetime


class MergeAgreed(Between, type="complaint.merge_agreed"):
    """The complaint asked takes this one on: it is open, of the same customer, and the older one."""

    into: str


class MergeDeclined(Between, type="complaint.merge_declined"):
    """The complaint asked does not take this one on."""

    into: str
    why: str


class DuplicateFound(Between, type="complaint.duplicate_found"):
    """Another complaint of the same customer about the same was merged into this one."""

    complaint: str


# -- how an appeal ends ----------------------------------------------------------------------------


class Ruling(StrEnum):
    """How an appeal against our answer ended."""

    UPHELD = "upheld"
    IN_PART = "upheld in part"
    NOT_UPHELD = "not upheld"
    UNDECIDED = "not decided"  #: withdrawn, or the customer said nothing to our offer or turned it down


class Relief(StrEnum):
    """What the return is to give; anything else, such as a voucher, the complaint gives itself."""

    NONE = "none"
    RETURN = "return"  #: the goods may come back after all
    REFUND = "refund"
    REPLACEMENT = "replacement"


class AppealDecided(Between, type="appeal.decided"):
    """How the appeal ended. A ``relief`` is what the customer has accepted, promised under the key
    ``redress``; ``amount`` is that of a refund."""

    complaint: str
    ruling: Ruling
    relief: Relief = Relief.NONE
    redress: str = ""
    amount: Amount = 0


class AppealGranted(Between, type="appeal.granted"):
    """The return has given what the appeal brought, or sees to it from now on."""

    redress: str
    amount: Amount = 0

    def postings(self) -> Mapping[str, int]:
        return {"given": self.amount}


class AppealBarred(Between, type="appeal.barred"):
    """The return cannot give it: it has moved on, the money has gone back otherwise, or finance said no."""

    redress: str
    amount: Amount = 0
    reason: str

    def postings(self) -> Mapping[str, int]:
        return {"not_given": self.amount}
