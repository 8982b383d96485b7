"""How what an order asks for can end: the outcomes of its commands."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import AwareDatetime, field_validator

from machines.between import Pick
from machines.kernel.event import Facts, Outcome
from machines.order.data import Charge, Offer


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


class LimitsReleased(Outcome, type="restrictions.released"):
    """What the customer did not get counts towards no limit any more."""


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
        return gone if self.charge.again else {"declined": self.charge.amount, **gone}


class PlannedParcel(Facts):
    items: tuple[Pick, ...]


class WarehouseAccepted(Outcome, type="warehouse.accepted"):
    """The warehouse will pack what it was asked for into these parcels."""

    parcels: tuple[PlannedParcel, ...]

    @field_validator("parcels")
    @classmethod
    def _some(cls, parcels: tuple[PlannedParcel, ...]) -> tuple[PlannedParcel, ...]:
        if not parcels:
            raise ValueError(
                "a plan names a parcel at least; where nothing is packed, say warehouse.rejected"
            )
        return parcels


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
