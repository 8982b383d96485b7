"""What can happen to an order: told from outside, filled in on a form, or answered to one of its commands."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from enum import StrEnum

from pydantic import AwareDatetime

from machines.between import ADDRESS_EXAMPLE, BUYER_EXAMPLE, Address, ParcelKey, Pick, Sku
from machines.kernel.event import Event, Facts, Key, Outcome, Personal, Text
from machines.kernel.money import Amount, Currency
from machines.messages import Buyer
from machines.order.data import Charge, Line, Offer, PayWith

# -- from outside ----------------------------------------------------------------------------------


_KETTLE = {"sku": "KETTLE", "quantity": 1, "price": 3000}
_CUP = {"sku": "CUP", "quantity": 1, "price": 1000}
_SOFA = {"sku": "SOFA", "quantity": 1, "price": 4000}
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
    note: Personal | None = None

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

    examples = ({"sku": "KETTLE", "price": 2500},)


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


class HandoverDecided(Event, type="order.handover_decided"):
    """The order desk has decided about an order that the warehouse would not take."""

    again: bool

    examples = ({"again": True}, {"again": False})


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


# -- outcomes of commands --------------------------------------------------------------------------


class OrderVerified(Outcome, type="order.verified"):
    """Address, payment means and fraud rules raise no question."""


class OrderSuspicious(Outcome, type="order.suspicious"):
    """A fraud rule asks for a second look."""

    rule: str


class AddressUndeliverable(Outcome, type="order.address_undeliverable"):
    """Nothing can be delivered to that address."""


class MeansUnusable(Outcome, type="order.means_unusable"):
    """The means of payment cannot be used for this order."""


class RestrictionsCleared(Outcome, type="restrictions.cleared"):
    """No restriction applies."""


class RestrictionsOffer(Outcome, type="restrictions.offer"):
    """The order can be had only otherwise than placed: with a fee, with fewer pieces, as another product."""

    offer: Offer


class OrderBlocked(Outcome, type="restrictions.blocked"):
    """A rule forbids the order."""

    rule: str
    reason: str


class StockReserved(Outcome, type="stock.reserved"):
    """All pieces asked for are reserved."""

    pieces: int

    def postings(self) -> Mapping[str, int]:
        return {"reserved": self.pieces}


class StockShort(Outcome, type="stock.short"):
    """Not all pieces are there any more, and none has been reserved."""

    offer: Offer


class StockReleased(Outcome, type="stock.released"):
    """Reserved pieces are for sale again."""

    pieces: int

    def postings(self) -> Mapping[str, int]:
        return {"released": self.pieces}


class StockExpected(Outcome, type="stock.expected"):
    """The goods are expected on another day than promised, or on no known day."""

    on: AwareDatetime | None = None


class PaymentAuthorized(Outcome, type="payment.authorized"):
    """The provider holds the money; ``None`` stands for the usual seven days."""

    payment: str
    amount: int
    capture_before: AwareDatetime | None = None

    def postings(self) -> Mapping[str, int]:
        return {"authorized": self.amount}


class PaymentDeclined(Outcome, type="payment.declined"):
    """The provider does not hold the money (any longer than it does already)."""

    payment: str
    reason: str


class PaymentActionRequired(Outcome, type="payment.action_required"):
    """The customer must confirm the payment at the bank."""

    payment: str


class PaymentReauthorized(Outcome, type="payment.reauthorized"):
    """The provider holds the money for longer."""

    payment: str
    capture_before: AwareDatetime | None = None


class NothingToVoid(Outcome, type="payment.nothing_to_void"):
    """The money to let go was no longer held."""

    payment: str
    amount: int

    def postings(self) -> Mapping[str, int]:
        return {"voided": self.amount}


class PaymentVoided(Outcome, type="payment.voided"):
    """The provider has let go of money held."""

    payment: str
    amount: int

    def postings(self) -> Mapping[str, int]:
        return {"voided": self.amount}


class PaymentCaptured(Outcome, type="payment.captured"):
    """The money for a parcel is ours; where nothing was held, held and taken at once."""

    charge: Charge

    def postings(self) -> Mapping[str, int]:
        taken = {"captured": self.charge.amount}
        return taken if self.charge.held else {"authorized": self.charge.amount, **taken}


class CaptureDeclined(Outcome, type="payment.capture_declined"):
    """The provider does not hand over the money for a parcel."""

    charge: Charge

    def postings(self) -> Mapping[str, int]:
        gone = {"voided": self.charge.amount} if self.charge.held else {}
        return {"declined": self.charge.amount, **gone}


class PlannedParcel(Facts):
    items: tuple[Pick, ...]


class WarehouseAccepted(Outcome, type="warehouse.accepted"):
    """The warehouse will pack the order into these parcels."""

    parcels: tuple[PlannedParcel, ...]


class WarehouseRejected(Outcome, type="warehouse.rejected"):
    """The warehouse cannot take the order."""

    reason: str


class CancellationNoted(Outcome, type="warehouse.cancellation_noted"):
    """The warehouse will say later whether it could stop the parcels."""


class WarehouseReported(Outcome, type="warehouse.reported"):
    """Which parcels are packed and about to leave."""

    ready: tuple[str, ...]


class WarehouseChased(Outcome, type="warehouse.chased"):
    """The warehouse has been reminded."""
