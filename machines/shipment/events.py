"""What can happen to a shipment: told by warehouse and carrier, decided by staff, answered to commands."""

from __future__ import annotations

from enum import StrEnum

from pydantic import AwareDatetime, Field

from machines.kernel.event import Event, Key, Outcome, Text

# -- from outside ----------------------------------------------------------------------------------


class ShipmentDispatched(Event, type="shipment.dispatched"):
    """The carrier has taken the parcel from the warehouse."""

    tracking: Text | None = None

    examples = ({"tracking": "TRACK-1"},)


class Progress(StrEnum):
    NONE = "none"
    IN_TRANSIT = "in transit"
    OUT_FOR_DELIVERY = "out for delivery"
    AVAILABLE_FOR_PICKUP = "available for pickup"
    ATTEMPTED = "attempted"
    DELAYED = "delayed"


class ParcelScanned(Event, type="shipment.scanned"):
    """The carrier has scanned the parcel; ``sequence`` counts scans, ``scanned_at`` is the time it gives."""

    sequence: int
    scanned_at: AwareDatetime
    progress: Progress

    examples = ({"sequence": 1, "scanned_at": "2026-12-02T09:00:00Z", "progress": "in transit"},)


class ShipmentDelivered(Event, type="shipment.delivered"):
    """The carrier has handed the parcel over."""

    examples = ({},)


class ParcelDamaged(Event, type="shipment.damaged"):
    """The carrier reports that the goods are spoilt."""

    examples = ({},)


class ParcelLost(Event, type="shipment.lost"):
    """The carrier reports that the parcel cannot be found."""

    examples = ({},)


class ReturnReason(StrEnum):
    REFUSED = "refused"
    UNDELIVERABLE = "undeliverable"
    NOT_COLLECTED = "not collected"


class ReturnStarted(Event, type="shipment.returning"):
    """The parcel is on its way back to us."""

    reason: ReturnReason

    examples = ({"reason": "refused"},)


class ParcelReceivedBack(Event, type="shipment.returned"):
    """The parcel is back in the warehouse."""

    examples = ({},)


class DeliveryDisputed(Event, type="shipment.disputed"):
    """The customer says that a parcel reported as delivered has not come."""

    customer: str

    examples = ({"customer": "C-1"},)


# -- forms -----------------------------------------------------------------------------------------


class LabelDecided(Event, type="shipment.label_decided"):
    """The dispatch desk has decided about a parcel that the carrier would not take."""

    carrier: Key | None = Field(
        default=None, description="Who takes it instead; left empty, the parcel is given up."
    )

    examples = ({"carrier": "express"}, {"carrier": None})


# -- outcomes of commands --------------------------------------------------------------------------


class LabelBought(Outcome, type="carrier.label_bought"):
    """The parcel has a label."""

    tracking: str


class LabelRefused(Outcome, type="carrier.label_refused"):
    """The carrier does not take this parcel."""

    reason: str


class LabelVoided(Outcome, type="carrier.label_voided"):
    """The label is worth nothing any more."""


class LabelSpent(Outcome, type="carrier.label_spent"):
    """The label cannot be given back; it is paid for all the same."""


class ClaimFiled(Outcome, type="carrier.claim_filed"):
    """The carrier has our claim."""


class ClaimRefused(Outcome, type="carrier.claim_refused"):
    """The carrier does not accept our claim; the loss is ours."""

    reason: str


class DeliveryProved(Outcome, type="carrier.delivery_proved"):
    """The carrier has proof that the customer has the parcel."""


class DeliveryNotProved(Outcome, type="carrier.delivery_not_proved"):
    """The carrier has no proof of delivery."""
