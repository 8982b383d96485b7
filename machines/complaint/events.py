"""What can happen to a complaint: told by customer and staff, decided in forms."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from machines.between import ADDRESS_EXAMPLE, BUYER_EXAMPLE, Address, Pick
from machines.complaint.data import Nature, Remedy, Severity
from machines.kernel.clock import Acknowledged
from machines.kernel.event import Event, Key, Name, Personal, Story, Text
from machines.kernel.money import Amount, Currency
from machines.messages import Buyer

# -- from the customer -----------------------------------------------------------------------------


class ComplaintReceived(Event, type="complaint.received", opens=True, key="complaint"):
    """A customer complains. ``sought`` is the remedy that the customer has in mind; ``hazard`` says that
    somebody was or may be hurt."""

    complaint: Key
    channel: Key
    customer: Key
    buyer: Buyer
    locale: Key = "en"
    currency: Currency
    words: Story
    order: Key | None = None
    ship_to: Address | None = None
    items: tuple[Pick, ...] = ()
    sought: Remedy | None = None
    hazard: bool = False

    examples = (
        {
            "complaint": "CP-1001",
            "channel": "e-mail",
            "customer": "C-1",
            "buyer": BUYER_EXAMPLE,
            "currency": "EUR",
            "words": "The kettle leaks, and nobody called me back.",
            "order": "SO-1001",
            "ship_to": ADDRESS_EXAMPLE,
            "items": [{"sku": "KETTLE", "quantity": 1}],
            "sought": "partial refund",
        },
        {
            "complaint": "CP-1002",
            "channel": "phone",
            "customer": "C-1",
            "buyer": BUYER_EXAMPLE,
            "currency": "EUR",
            "words": "I waited for an hour and was then cut off.",
        },
        {
            "complaint": "CP-1003",
            "channel": "phone",
            "customer": "C-1",
            "buyer": BUYER_EXAMPLE,
            "currency": "EUR",
            "words": "The plug melted.",
            "order": "SO-1001",
            "hazard": True,
        },
    )


class CustomerWrote(Event, type="complaint.customer_wrote"):
    """The customer adds something, by any channel. ``through`` are complaints that passed it on, because they
    were merged into another."""

    customer: Key
    words: Story
    through: tuple[Key, ...] = ()

    examples = ({"customer": "C-1", "words": "Here is a picture of it."},)


class ComplaintWithdrawn(Event, type="complaint.withdrawn"):
    """The customer does not complain any more."""

    customer: Key

    examples = ({"customer": "C-1"},)


class ComplaintReopened(Event, type="complaint.reopened"):
    """The customer is not content with how a complaint was closed."""

    customer: Key
    words: Story

    examples = ({"customer": "C-1", "words": "It leaks again."},)


# -- from staff ------------------------------------------------------------------------------------


class ComplaintAssigned(Event, type="complaint.assigned"):
    """Somebody else looks after the complaint now; what was escalated before is escalated anew."""

    owner: Name

    examples = ({"owner": "m.hill"},)


class EscalationTaken(Acknowledged, type="complaint.escalation_taken"):
    """Whoever was alerted has taken the escalation on."""

    examples = ({"by": "m.hill"},)


class DepartmentConsulted(Event, type="complaint.consulted"):
    """A department is to look into a question."""

    department: Key
    question: Text

    examples = (
        {"department": "warehouse", "question": "How was the parcel packed?"},
        {"department": "carrier-desk", "question": "Was the parcel dropped?"},
    )


class InformationNeeded(Event, type="complaint.information_needed"):
    """Nothing can be found without hearing from the customer, or from somebody outside the house."""

    question: Text
    of_customer: bool = True

    examples = (
        {"question": "Which number is printed under the kettle?"},
        {"question": "What does the maker say about the seal?", "of_customer": False},
    )


class ThirdPartyAnswered(Event, type="complaint.third_party_answered"):
    """Somebody outside the house has answered."""

    answer: Text

    examples = ({"answer": "The seal of that batch was faulty."},)


class SpecialistCalled(Event, type="complaint.specialist_called"):
    """The conversation is tense; somebody trained to calm conflicts joins."""

    by: Key
    reason: Text

    examples = ({"by": "a.field", "reason": "the customer shouts"},)


class HazardFound(Event, type="complaint.hazard_found"):
    """What has been heard since shows that somebody was or may be hurt."""

    by: Name
    reason: Text = Field(min_length=1)

    examples = ({"by": "a.field", "reason": "a child burnt two fingers on the plug"},)


class ComplaintMerged(Event, type="complaint.merged"):
    """The customer has complained about the same before; all is to go on ``into`` that complaint, which must
    be open."""

    into: Key

    examples = ({"into": "CP-0999"},)


class ReferredOutside(Event, type="complaint.referred"):
    """The customer has taken the complaint to the ombudsman."""

    body: Text

    examples = ({"body": "Ombudsman for consumer disputes"},)


class OutsideDecision(Event, type="complaint.outside_decision"):
    """The ombudsman has decided: we are to offer the customer ``amount``, or nothing."""

    amount: Amount
    reason: Text

    examples = (
        {"amount": 0, "reason": "the offer was fair"},
        {"amount": 1500, "reason": "the delay was ours"},
    )


# -- forms -----------------------------------------------------------------------------------------


class ComplaintTaken(Event, type="complaint.taken"):
    """Somebody looks after the complaint from now on, and says so to the customer."""

    owner: Name = Field(description="Who looks after it from now on. The customer is told this name.")

    examples = ({"owner": "a.field"},)


class HazardSecured(Event, type="complaint.secured"):
    """The safety officer has seen to it that nobody is hurt (any more)."""

    by: Name
    action: Text = Field(min_length=1, description="What was done so that nobody is hurt (any more).")

    examples = ({"by": "s.guard", "action": "sales stopped, the customer told to unplug it"},)


class ComplaintAssessed(Event, type="complaint.assessed"):
    """How severe it is, what it is about, and what was done at once."""

    severity: Severity = Field(
        description="S1: safety or law. S2: much money, or not the first time. S3: the service failed. "
        "S4: minor."
    )
    nature: Nature = Field(description="What it is about.")
    action: Text = Field(default="", title="Done at once", description="What was done already, if anything.")

    examples = tuple({"severity": severity, "nature": "product"} for severity in ("S3", "S1", "S2", "S4"))


class InformationGiven(Event, type="complaint.information"):
    """What the customer has to say to our question."""

    customer: Key
    words: Story

    examples = ({"customer": "C-1", "words": "It says K-77."},)


class CauseFound(Event, type="complaint.found"):
    """What happened and why; ``upheld`` says that the customer is right. ``without_answers`` goes on
    although departments have not answered."""

    cause: Text = Field(min_length=1, description="What happened and why. The customer reads it.")
    upheld: bool = Field(title="Is the customer right?", description="After no we decline, and say why.")
    without_answers: bool = Field(
        default=False,
        title="Go on without answers?",
        description="Only after yes can it go on while a department has not answered.",
    )

    examples = (
        {"cause": "a seal was missing", "upheld": True, "without_answers": True},
        {"cause": "the kettle was used without water", "upheld": False, "without_answers": True},
    )


class ResolutionProposed(Event, type="complaint.proposed"):
    """What the customer is to be offered, and why it fits."""

    remedy: Remedy
    amount: Amount = 0
    explanation: Text = Field(min_length=1, description="Why it fits. The customer reads it.")

    examples = (
        {"remedy": "partial refund", "amount": 1000, "explanation": "a third of the price"},
        {"remedy": "voucher", "amount": 1500, "explanation": "for the wait"},
        {"remedy": "replacement", "explanation": "a new kettle"},
        {"remedy": "apology", "explanation": "we should have called"},
        {"remedy": "full refund", "amount": 30000, "explanation": "it cannot be repaired"},
        {"remedy": "goodwill payment", "amount": 4000, "explanation": "for the trouble"},
    )


class OfferApproved(Event, type="complaint.approved"):
    """An offer above the limit may be made, or not."""

    approve: bool = Field(title="May it be offered?", description="After no another offer is to be found.")
    reason: Text = Field(min_length=1, description="For the journal.")

    examples = ({"approve": True, "reason": "fair"}, {"approve": False, "reason": "half will do"})


class OfferAnswered(Event, type="complaint.answered", settled=("number", "amount")):
    """The customer accepts offer ``number`` of ``amount``, or does not. A goodwill payment needs an
    ``account``."""

    customer: Key
    number: int
    amount: Amount
    accept: bool
    account: Personal | None = None

    examples = (
        {"customer": "C-1", "number": 1, "amount": 1000, "accept": True},
        {"customer": "C-1", "number": 1, "amount": 1000, "accept": False},
    )

    def postings(self) -> Mapping[str, int]:
        return {"promised": self.amount} if self.accept else {}
