"""What can happen to a refund: told by the provider, decided by people, answered to commands."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from machines.between import Means
from machines.kernel.event import Event, Key, Outcome, Personal, Text
from machines.kernel.money import Amount

# -- from outside ----------------------------------------------------------------------------------


class RefundConfirmed(Event, type="refund.confirmed"):
    """The provider has paid a refund that was pending."""

    payment: Key
    amount: Amount

    examples = ({"payment": "1", "amount": 3000},)

    def postings(self) -> Mapping[str, int]:
        return {"paid": self.amount}


class RefundBounced(Event, type="refund.bounced"):
    """A refund that was pending has failed at the provider or the customer's bank."""

    payment: Key

    examples = ({"payment": "1"},)


class RefundReversed(Event, type="refund.reversed"):
    """Money that had been paid back has come back to us."""

    payment: Key
    amount: Amount

    examples = ({"payment": "1", "amount": 3000},)

    def postings(self) -> Mapping[str, int]:
        return {"reversed": self.amount}


# -- forms -----------------------------------------------------------------------------------------


class RefundDecided(Event, type="refund.decided"):
    """Finance has approved a refund above the limit, or not."""

    approve: bool = Field(title="May it be paid?", description="After no nothing is paid back.")
    reason: Text = Field(min_length=1, description="For the journal.")

    def postings(self) -> Mapping[str, int]:
        return {} if self.approve else {"denied": 1}

    examples = ({"approve": True, "reason": "order lost"}, {"approve": False, "reason": "goods were kept"})


class AlternativeChosen(Event, type="refund.alternative"):
    """The customer agrees to be paid another way; ``wording`` is the version of the text agreed to."""

    customer: str
    means: Means
    wording: Text
    account: Personal | None = None

    examples = ({"customer": "C-1", "means": "store credit", "wording": "refund-alternative-1"},)


# -- outcomes of commands --------------------------------------------------------------------------


class RefundPaid(Outcome, type="payment.refunded"):
    """The provider has paid."""

    payment: str
    amount: int

    def postings(self) -> Mapping[str, int]:
        return {"paid": self.amount}


class RefundPending(Outcome, type="payment.refund_pending"):
    """The provider will pay, and tell when it has."""

    payment: str
    reason: str


class RefundFailed(Outcome, type="payment.refund_failed"):
    """The provider cannot pay back to this means."""

    payment: str
    reason: str


class PaidOut(Outcome, type="payout.paid"):
    """The customer has the money by the other way."""

    amount: int

    def postings(self) -> Mapping[str, int]:
        return {"paid": self.amount}


class PayoutFailed(Outcome, type="payout.failed"):
    """The other way failed as well."""

    reason: str
