"""What an order knows: what was bought, who pays with what, what lies in which parcel, what is still owed.

Amounts are minor units of the order's one currency. Everything that is under way outside (asked, but not
answered) is on record here too, so that an order can tell when it has come to rest.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from pydantic import AwareDatetime, Field

from machines.between import Address, Means, Pick, Quantity, Share, Sku
from machines.kernel.event import CLEAN, Event, Facts
from machines.kernel.money import MINOR_UNITS, Amount, Currency
from machines.messages import Buyer
from machines.returning import Reason, Wish


class Line(Facts):
    """``quantity`` pieces of an article at ``price`` each."""

    sku: Sku
    quantity: Quantity
    price: Amount


class PayWith(Facts):
    """What the customer pays with; ``up_to`` bounds a store credit, the last means takes what remains."""

    means: Means
    token: str = Field(max_length=500, pattern=CLEAN)
    up_to: int | None = Field(default=None, gt=0, description=MINOR_UNITS)


class PaymentStatus(StrEnum):
    NEW = "new"
    ASKED = "asked"  #: the provider has been asked and has not answered
    AUTHORISED = "authorised"
    ACTION = "action"  #: the customer must confirm it at the bank
    DECLINED = "declined"
    RENEWING = "renewing"  #: the provider has been asked to hold the money for longer
    SPENT = "spent"  #: charged for the order as it was before it was changed; nothing more is asked of it


class Payment(Facts):
    """One means of payment of this order: what is held, taken and given back on it."""

    id: str
    means: Means
    token: str
    up_to: int | None = None
    status: PaymentStatus = PaymentStatus.NEW
    amount: int = 0  #: to be authorised
    authorised: int = 0
    capturing: int = 0
    captured: int = 0
    voiding: int = 0
    void_for: str = ""  #: what the voiding follows from
    voided: int = 0  #: let go, or no longer held
    refunding: int = 0
    refunded: int = 0
    disputed: int = 0  #: taken back by the customer's bank, even where it had gone back already
    capture_before: datetime | None = None
    lapsed: bool = False  #: the provider let go of money that we had not asked it to let go of

    @property
    def hold(self) -> int:
        """What the provider still holds for us and nobody has asked for."""
        return self.authorised - self.captured - self.capturing - self.voided - self.voiding

    @property
    def refundable(self) -> int:
        return max(0, self.captured - self.refunded - self.refunding - self.disputed)


class ParcelStatus(StrEnum):
    OPEN = "open"  #: in the warehouse
    STOPPING = "stopping"  #: the warehouse stopped it; the shipment has not confirmed yet
    STOPPED = "stopped"
    DISPATCHED = "dispatched"
    DELIVERED = "delivered"
    FAILED = "failed"  #: lost, damaged or returned; the customer has not chosen yet
    REPLACING = "replacing"  #: the same goods are being reserved once more
    REPLACED = "replaced"  #: another parcel took its place
    REPACKED = "repacked"  #: never left, stopped for a change that came too late; its goods are packed anew
    REFUNDED = "refunded"
    RECALLED = "recalled"  #: of a plan that was not taken; the warehouse is asked to let go of it
    STUCK = "stuck"  #: of such a plan, and the warehouse has not said that it lets go of it
    LET_GO = "let go"  #: of such a plan, and not packed


class RefundStatus(StrEnum):
    NONE = "none"
    DUE = "due"  #: as soon as the charge under way is booked
    ASKED = "asked"


class Parcel(Facts):
    """``key`` is also the key of its shipment case."""

    key: str
    items: tuple[Pick, ...]
    value: int
    status: ParcelStatus = ParcelStatus.OPEN
    charged: bool = False  #: its charge was asked for before it left
    replaces: str | None = None  #: the parcel under whose key it was charged and would be refunded
    captured: int = 0
    paid: tuple[Share, ...] = ()  #: of each payment in what was captured
    refund: RefundStatus = RefundStatus.NONE
    refund_for: str = ""  #: what the refund follows from
    shares: tuple[Share, ...] = ()  #: of each payment in its refund
    delivered_at: datetime | None = None
    refunds: int = 0  #: that have come to an end
    waived: bool = False  #: it was not paid, and finance has given up the claim
    returned: int = 0  #: settled by these and by returns: paid back, or kept by decision of finance

    @property
    def pieces(self) -> int:
        return sum(item.quantity for item in self.items)


class Goodwill(Facts):
    """Money promised to settle a complaint; ``key`` is the promise, ``shares`` what each payment gives. It is
    called off if the customer's bank takes that money first."""

    key: str
    complaint: str
    shares: tuple[Share, ...]
    under_way: bool = True
    called_off: bool = False


class Charge(Facts):
    """``amount`` of one payment taken for one parcel; ``held`` says that the provider held it for us,
    ``again`` that it did not hand it over the first time."""

    payment: str
    parcel: str
    amount: int
    held: bool = True
    again: bool = False


class Stock(Facts):
    """Pieces reserved for the order, and what became of them."""

    reserving: bool = False
    short: bool = False  #: pieces are missing, and the customer chooses what to do
    reserved: int = 0
    shipped: int = 0
    releasing: int = 0
    released: int = 0

    @property
    def held(self) -> int:
        return self.reserved - self.shipped - self.releasing - self.released


class OfferKind(StrEnum):
    FEE = "fee"
    REDUCED = "reduced"
    ALTERNATIVES = "alternatives"


class Similar(Facts):
    """A product that could replace the one wanted."""

    sku: Sku
    instead_of: Sku
    price: Amount


class Offer(Facts):
    """What the customer is offered instead of the order as placed. ``available`` says how many pieces can be
    had now, ``restock`` when the missing ones are expected."""

    kind: OfferKind
    reason: str
    fee: Amount = 0
    available: tuple[Pick, ...] = ()
    similar: tuple[Similar, ...] = ()
    restock: AwareDatetime | None = None


class Amendment(Facts):
    """What the customer wants changed; ``None`` leaves it as it is."""

    lines: tuple[Line, ...] | None = None
    ship_to: Address | None = None


class Returning(Facts):
    """A return of this order, and the case of that key: what is to come back, and what each payment may give
    back for it. ``taken`` are the pieces that it has taken for good once it is over."""

    rma: str
    items: tuple[Pick, ...]
    delivery_costs: int
    notified: datetime
    reason: Reason
    wish: Wish = Wish.REFUND
    instead: str | None = None
    advance: bool = False
    shares: tuple[Share, ...] = ()
    open: bool = True
    taken: tuple[Pick, ...] = ()


class NewPrice(Facts):
    """What the shop wants for an article; no higher price than ordered counts before the customer agrees."""

    sku: Sku
    price: Amount


class Ending(StrEnum):
    """Why an order ends without a delivery."""

    CANCELLED = "cancelled"
    REJECTED = "rejected"
    EXPIRED = "expired"
    WITHHELD = "withheld"  #: finance does not pay the money back


class Order(Facts):
    order: str
    customer: str
    channel: str
    locale: str
    currency: Currency
    buyer: Buyer
    ship_to: Address
    deliver_by: date  #: moves with what holds the goods up
    lead: int = 5  #: days from goods and money to the door: as at placement, five at most
    shipping: int
    lines: tuple[Line, ...]
    payments: tuple[Payment, ...]
    parcels: tuple[Parcel, ...] = ()
    former: int = 0  #: so many of them are of the order as it was before it was changed
    charges: tuple[Charge, ...] = ()  #: asked of the provider and not answered
    goodwill: tuple[Goodwill, ...] = ()
    replacing: str | None = None  #: the parcel whose goods are being sent once more
    stock: Stock = Stock()
    fee: int = 0
    offer: Offer | None = None
    promised: datetime | None = None
    delays: int = 0
    amendment: Amendment | None = None
    asked_price: NewPrice | None = None  #: a higher price that the customer is asked about
    ending: Ending | None = None
    reason: str = ""
    not_taken: str = ""  #: why the warehouse would not take it, or its plan was not taken
    cut: bool = False  #: a part was given up; what is left is less than its limits were checked for
    return_offered: bool = False  #: the customer wanted to cancel what had left; a return opens by itself
    returns: tuple[Returning, ...] = ()
    reopened: int = 0  #: how often goods counted as delivered turned out not to be
    rung: int = 0

    @property
    def country(self) -> str:
        """Where it goes; deadlines of the policy can differ by country."""
        return self.ship_to.country

    @property
    def total(self) -> int:
        return sum(line.price * line.quantity for line in self.lines) + self.shipping + self.fee

    @property
    def held(self) -> int:
        """What the providers hold for it, all payments together."""
        return sum(payment.hold for payment in self.payments)

    @property
    def pieces(self) -> int:
        return sum(line.quantity for line in self.lines)

    def payment(self, id: str) -> Payment:
        return next(payment for payment in self.payments if payment.id == id)

    def parcel(self, key: str) -> Parcel:
        return next(parcel for parcel in self.parcels if parcel.key == key)

    def returning(self, rma: str) -> Returning:
        return next(one for one in self.returns if one.rma == rma)

    def charging(self, key: str) -> bool:
        return any(charge.parcel == key for charge in self.charges)

    def paid_as(self, key: str) -> str:
        """The parcel under whose key the goods in ``key`` were charged."""
        return self.parcel(key).replaces or key

    def stopped(self, *statuses: ParcelStatus) -> tuple[Parcel, ...]:
        """Parcels of the order as it is now, not as it was before a change, that were stopped."""
        among = statuses or (ParcelStatus.STOPPING, ParcelStatus.STOPPED)
        return tuple(parcel for parcel in self.parcels[self.former :] if parcel.status in among)

    def parcels_in(self, *statuses: ParcelStatus) -> tuple[Parcel, ...]:
        return tuple(parcel for parcel in self.parcels if parcel.status in statuses)


def cause(event: Event) -> str:
    """Names what follows from ``event`` within one order, so that it is asked for once and for that alone."""
    charge: Charge | None = getattr(event, "charge", None)
    about = charge.parcel if charge else getattr(event, "parcel", None)
    return f"{event.type}/{about}" if about else event.type
