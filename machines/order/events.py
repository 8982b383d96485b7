"""What can happen to an order: told from outside, or filled in on a form."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from enum import StrEnum

from machines.between import ADDRESS_EXAMPLE, BUYER_EXAMPLE, Address, ParcelKey, Sku
from machines.kernel.event import Event, Key, Note, Text
from machines.kernel.money import Amount, Currency
from machines.messages import Buyer
from machines.order.data import Line, PayWith

# -- from outside ----------------------------------------------------------------------------------


_KETTLE = {"sku": "KETTLE", "quantity": 1, "price": 3000}
_CUP = {"sku": "CUP", "quantity": 1, "price": 1000}
_SOFA = {"sku": "SOFA", "quantity": 1, "price": 4000}
_PIANO = {"sku": "PIANO", "quantity": 1, "price": 90000}  # dear enough for finance to approve its refund
_CARD = {"means": "card", "token": "tok_example"}
_CREDIT = {"means": "store credit", "token": "credit_example", "up_to": 2000}


class OrderPlaced(Event, type="order.placed", opens=True, key="order"):
    """A customer has placed an order and chosen how to pay for it."""

    order: Key
    customer: str
    channel: Text = "web"
    locale: Key = "en"
    currency: Currency
    buyer: Buyer
    ship_to: Address
    deliver_by: date
    shipping: Amount = 0
    lines: tuple[Line, ...]
    payments: tuple[PayWith, ...]

    examples = tuple(
        {
            "order": "SO-1001",
            "customer": "C-1",
            "currency": "EUR",
            "buyer": BUYER_EXAMPLE,
            "ship_to": ADDRESS_EXAMPLE,
            "deliver_by": "2026-12-04",
            "shipping": 500,
            "lines": lines,
            "payments": payments,
        }
        for lines, payments in (
            ([_KETTLE], [_CARD]),
            ([_KETTLE, _CUP], [_CARD]),
            ([_SOFA], [_CREDIT, _CARD]),
            ([_PIANO], [_CARD]),
            ([_PIANO, _CUP], [_CARD]),
        )
    )


class CancelReason(StrEnum):
    CHANGED_MIND = "changed mind"
    TOO_LATE = "too late"
    BY_STAFF = "by staff"


class OrderCancelRequested(Event, type="order.cancel"):
    """The customer, or a colleague for the customer, wants the order cancelled."""

    customer: str
    reason: CancelReason = CancelReason.CHANGED_MIND
    note: Note | None = None

    examples = ({"customer": "C-1", "reason": "changed mind"},)


class OrderAmended(Event, type="order.amend"):
    """The customer wants other goods or another address before the order is shipped."""

    customer: str
    lines: tuple[Line, ...] | None = None
    ship_to: Address | None = None

    examples = ({"customer": "C-1", "lines": [{"sku": "CUP", "quantity": 1, "price": 1000}]},)


class OrderRepriced(Event, type="order.reprice"):
    """The shop has corrected the price of an article in this order."""

    sku: Sku
    price: Amount

    examples = ({"sku": "KETTLE", "price": 2500}, {"sku": "KETTLE", "price": 3500})


class StockReplenished(Event, type="stock.replenished"):
    """The goods that the order waited for have come in."""

    examples = ({},)


class PaymentConfirmed(Event, type="payment.confirmed"):
    """The customer has confirmed a payment at the bank."""

    payment: Key

    examples = ({"payment": "1"},)


class PaymentLapsed(Event, type="payment.lapsed"):
    """The provider no longer holds this money for us."""

    payment: Key
    amount: Amount

    examples = ({"payment": "1", "amount": 3000},)

    def postings(self) -> Mapping[str, int]:
        return {"voided": self.amount}


class PaymentDisputed(Event, type="payment.disputed"):
    """The customer's bank has taken this money back from us (a chargeback)."""

    payment: Key
    amount: Amount
    reason: Text = ""

    examples = ({"payment": "1", "amount": 3500, "reason": "goods not received"},)

    def postings(self) -> Mapping[str, int]:
        return {"charged_back": self.amount}


class PaymentDisputeWon(Event, type="payment.dispute_won"):
    """The bank has given money back to us that it had taken."""

    payment: Key
    amount: Amount

    examples = ({"payment": "1", "amount": 3500},)

    def postings(self) -> Mapping[str, int]:
        return {"charged_back": -self.amount}


class CancellationAccepted(Event, type="warehouse.cancellation_accepted"):
    """The warehouse has stopped these parcels."""

    parcels: tuple[ParcelKey, ...]

    examples = ({"parcels": ["SO-1001-1"]},)


class CancellationRejected(Event, type="warehouse.cancellation_rejected"):
    """The warehouse can stop none of the parcels any more."""

    examples = ({},)


# -- forms -----------------------------------------------------------------------------------------


class ReviewDecided(Event, type="order.reviewed"):
    """A colleague has looked at a suspicious order."""

    accept: bool
    reason: Text

    examples = ({"accept": True, "reason": "known customer"}, {"accept": False, "reason": "stolen card"})


class AddressCorrected(Event, type="order.address_corrected"):
    """The customer has given an address that can be delivered to."""

    customer: str
    ship_to: Address

    examples = ({"customer": "C-1", "ship_to": ADDRESS_EXAMPLE},)


class Choice(StrEnum):
    ACCEPT = "accept"
    SUBSTITUTE = "substitute"
    WAIT = "wait"
    CANCEL = "cancel"


class ChoiceMade(Event, type="order.choice"):
    """The customer has chosen what to do instead; ``sku`` names the similar product taken."""

    choice: Choice
    sku: Sku | None = None

    examples = ({"choice": "accept"}, {"choice": "wait"}, {"choice": "cancel"})


class DelayAnswered(Event, type="order.delay_answered"):
    """The customer has said whether to wait any longer."""

    wait: bool

    examples = ({"wait": True}, {"wait": False})


class MeansGiven(Event, type="order.means_given"):
    """The customer has given another means of payment."""

    pay_with: PayWith

    examples = ({"pay_with": {"means": "card", "token": "tok_other"}},)


class PriceAnswered(Event, type="order.price_answered", settled=("price",)):
    """The customer agrees to pay more for an article, or does not; ``price`` is the one that was shown."""

    price: Amount
    agree: bool

    examples = ({"price": 3500, "agree": True}, {"price": 3500, "agree": False})


class HandoverDecided(Event, type="order.handover_decided"):
    """The order desk has decided about an order that the warehouse would not take."""

    again: bool

    examples = ({"again": True}, {"again": False})


class DebtDecided(Event, type="order.debt_decided", settled=("amount",)):
    """Finance has decided about goods that came and were not paid; ``amount`` is what is owed for them."""

    amount: Amount
    give_up: bool
    reason: Text

    examples = (
        {"amount": 3500, "give_up": False, "reason": "the bank had blocked the card by mistake"},
        {"amount": 3500, "give_up": True, "reason": "not worth the costs of collecting it"},
    )

    def postings(self) -> Mapping[str, int]:
        return {"written off": self.amount} if self.give_up else {}


class Remedy(StrEnum):
    RESHIP = "reship"
    REFUND = "refund"


class RemedyChosen(Event, type="order.remedy"):
    """The customer has chosen between a new parcel and the money."""

    parcel: ParcelKey
    remedy: Remedy

    examples = (
        {"parcel": "SO-1001-1", "remedy": "reship"},
        {"parcel": "SO-1001-1", "remedy": "refund"},
    )
