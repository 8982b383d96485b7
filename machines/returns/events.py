"""What can happen to a return: told by customer, carrier and warehouse, decided by people, answered to
commands."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

from pydantic import AwareDatetime, Field

from machines.between import Quantity, Sku
from machines.kernel.event import CLEAN, Event, Facts, Name, Note, Outcome, Personal, Story, Text
from machines.kernel.money import Amount

# -- from outside ----------------------------------------------------------------------------------


class ReturnWithdrawn(Event, type="return.cancel"):
    """The customer keeps the goods after all."""

    customer: str

    examples = ({"customer": "C-1"},)


class ReturnAppealed(Event, type="return.appeal"):
    """The customer does not accept our answer, and says why."""

    customer: str
    words: Story | None = None

    examples = ({"customer": "C-1", "words": "It was a gift, and opened on the birthday."},)


class ReturnSent(Event, type="return.sent"):
    """The customer says that the parcel has been handed to a carrier; ``proof``, the carrier's receipt, shows
    it. Without it nothing is paid before the carrier has scanned the parcel or the goods are here."""

    customer: str
    proof: Note | None = None

    examples = ({"customer": "C-1", "proof": "receipt 4711 of the post office"}, {"customer": "C-1"})


class PostageClaimed(Event, type="return.postage"):
    """The customer has paid for the way to us, shows the receipt, and says where the money is to go."""

    customer: str
    amount: Annotated[Amount, Field(gt=0)]
    proof: Note
    account: Personal

    examples = (
        {
            "customer": "C-1",
            "amount": 690,
            "proof": "receipt 4711 of the post office",
            "account": "DE00 0000 0000 0000",
        },
    )

    def postings(self) -> Mapping[str, int]:
        return {"postage claimed": self.amount}


class ReturnScanned(Event, type="return.scanned"):
    """The carrier has scanned the parcel on its way to us; ``sequence`` counts scans, ``scanned_at`` is the
    time it gives."""

    sequence: int = Field(gt=0)
    scanned_at: AwareDatetime

    examples = ({"sequence": 1, "scanned_at": "2026-12-02T09:00:00Z"},)


class ReturnLost(Event, type="return.lost"):
    """The carrier cannot find the parcel."""

    examples = ({},)


class ReturnArrived(Event, type="return.arrived"):
    """The warehouse has the parcel."""

    examples = ({},)


class ReturnOverridden(Event, type="return.override"):
    """A colleague decides otherwise than the policy: the goods may come back, without a fee, or stay with the
    customer (``keep``), who has the money all the same."""

    by: Text
    reason: Text = Field(min_length=1)
    keep: bool = False

    examples = (
        {"by": "j.doe", "reason": "good customer for ten years"},
        {"by": "j.doe", "reason": "not worth the postage", "keep": True},
    )


# -- forms -----------------------------------------------------------------------------------------


class Condition(StrEnum):
    AS_SOLD = "as sold"
    WORTH_LESS = "worth less"  #: used, damaged or incomplete; ``worth`` says what it is still worth
    WORTHLESS = "worthless"
    OTHER_ITEM = "other item"  #: not what was announced
    REPLACEMENT = "replacement"  #: what we sent in advance, not the original


class Found(Facts):
    """``quantity`` pieces that were in the parcel; ``worth`` is in per cent of what they were sold for."""

    sku: Sku = Field(title="Article", description="As it is printed on it (SKU).")
    quantity: Quantity
    condition: Condition = Field(
        default=Condition.AS_SOLD,
        description="Worth less: used, damaged or incomplete. Other item: not what was announced. "
        "Replacement: what we sent in advance.",
    )
    worth: int = Field(
        default=50,
        ge=1,
        le=99,
        title="Still worth (%)",
        description="In per cent of the price; it counts only for what is worth less.",
    )

    @property
    def explained(self) -> str:
        worth = f" ({self.worth} %)" if self.condition is Condition.WORTH_LESS else ""
        return f"{self.quantity} x {self.sku}, {self.condition}{worth}"


class ReturnInspected(Event, type="return.inspected"):
    """The warehouse has looked at what was in the parcel; nothing at all is an empty list."""

    by: Name
    found: tuple[Found, ...] = Field(
        title="What was in the parcel",
        description="One item for each article and condition; none if the parcel was empty.",
    )

    def postings(self) -> Mapping[str, int]:
        good = sum(found.quantity for found in self.found if found.condition is Condition.AS_SOLD)
        return {"accepted": good} if good else {}

    examples = (
        {"by": "warehouse", "found": [{"sku": "KETTLE", "quantity": 1}]},
        {
            "by": "warehouse",
            "found": [{"sku": "KETTLE", "quantity": 1, "condition": "worth less", "worth": 60}],
        },
        {"by": "warehouse", "found": [{"sku": "BRICK", "quantity": 1, "condition": "other item"}]},
    )


class Choice(StrEnum):
    PARTIAL_REFUND = "partial refund"
    SEND_BACK = "send back"
    DISPOSE = "dispose"


class OfferAnswered(Event, type="return.choice"):
    """The customer has chosen what becomes of goods that we do not take back in full."""

    customer: str
    choice: Choice

    examples = tuple({"customer": "C-1", "choice": choice} for choice in Choice)


class DifferenceAnswered(Event, type="return.difference"):
    """The customer pays what the other article costs more, by a means given now, or has the money back."""

    customer: str
    pay: bool
    token: str | None = Field(default=None, max_length=500, pattern=CLEAN)

    examples = (
        {"customer": "C-1", "pay": True, "token": "tok_example"},
        {"customer": "C-1", "pay": False},
    )


class ParcelJudged(Event, type="return.parcel_judged"):
    """The returns desk has decided about a parcel without a trace: sent and lost, or not sent yet."""

    lost: bool = Field(
        title="Sent, and lost?",
        description="After yes the loss is ours; after no the customer is asked to send it.",
    )
    reason: Text = Field(min_length=1, description="What carrier and customer say; for the journal.")

    examples = (
        {"lost": True, "reason": "the shop took it in"},
        {"lost": False, "reason": "it is with the customer still"},
    )


class ChargeDecided(Event, type="return.charge_decided"):
    """Finance has decided about a replacement whose charge was declined: charge again, or let it go."""

    again: bool = Field(title="Charge again?", description="After no we let it go.")
    reason: Text = Field(min_length=1, description="For the journal.")

    examples = ({"again": True, "reason": "new card"}, {"again": False, "reason": "not worth it"})


# -- outcomes of commands --------------------------------------------------------------------------


class LabelIssued(Outcome, type="carrier.return_label_issued"):
    """The customer can send the parcel with this label."""

    tracking: str


class LabelNotIssued(Outcome, type="carrier.return_label_refused"):
    """The carrier does not collect parcels there."""

    reason: str


class PostagePaid(Outcome, type="postage.paid"):
    """The bank has paid the customer's postage."""

    amount: Amount

    def postings(self) -> Mapping[str, int]:
        return {"postage": self.amount}


class PostageRefused(Outcome, type="postage.refused"):
    """The bank cannot pay to that account."""

    amount: Amount
    reason: str

    def postings(self) -> Mapping[str, int]:
        return {"postage refused": self.amount}


class ReturnLabelVoided(Outcome, type="carrier.return_label_voided"):
    """Nothing can be sent with the label any more."""


class ReturnLabelSpent(Outcome, type="carrier.return_label_spent"):
    """The label has been used, or cannot be voided."""


class ReturnClaimed(Outcome, type="carrier.return_claimed"):
    """The carrier has our claim for a parcel lost on its way to us."""


class GoodsSetAside(Outcome, type="stock.set_aside"):
    """The replacement is there, at ``price`` a piece."""

    price: Amount


class GoodsShort(Outcome, type="stock.not_set_aside"):
    """The replacement is out of stock, and nothing has been set aside."""


class GoodsPutBack(Outcome, type="stock.put_back_done"):
    """What was set aside is for sale again."""


class ReplacementPacked(Outcome, type="warehouse.replacement_noted"):
    """The warehouse will pack the parcel."""


class Charged(Outcome, type="payment.charged"):
    """The customer has paid for a replacement."""

    amount: int

    def postings(self) -> Mapping[str, int]:
        return {"charged": self.amount}


class ChargeDeclined(Outcome, type="payment.charge_declined"):
    """The customer's means does not pay for the replacement."""

    reason: str
