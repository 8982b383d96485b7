"""What a shipment knows: the parcel, its label, and the story that the carrier tells about it."""

from __future__ import annotations

from datetime import datetime

from machines.between import Address, Pick, Trouble
from machines.kernel.event import Facts
from machines.messages import Buyer
from machines.shipment.events import Progress


class Shipment(Facts):
    """``progress`` is the carrier's story as of scan number ``sequence``; it moves no state by itself."""

    parcel: str
    order: str
    customer: str
    buyer: Buyer
    ship_to: Address
    locale: str
    items: tuple[Pick, ...]
    value: int
    tracking: str | None = None
    carrier: str = "standard"
    sequence: int = 0
    scanned_at: datetime | None = None
    progress: Progress = Progress.NONE
    trouble: Trouble | None = None
    cancelled: bool = False
    delivered: bool = False  #: whoever opened it has been told that the customer has it
    back: bool = False  #: in the warehouse again
    acknowledged: bool = False  #: the customer has said to have it
    reason: str = ""
    rung: int = 0

    @property
    def country(self) -> str:
        """Where it goes; deadlines of the policy can differ by country."""
        return self.ship_to.country

    @property
    def pieces(self) -> int:
        return sum(item.quantity for item in self.items)
