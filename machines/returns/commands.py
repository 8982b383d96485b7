"""What a return asks of carrier, stock, warehouse and payment provider, and every way in which it can end."""

from __future__ import annotations

from collections.abc import Iterable

from machines.between import Address, Booking, GoodsBookedIn, Pick
from machines.kernel.command import CommandType, Retry
from machines.kernel.event import Event, Facts, Personal
from machines.returns.counting import missing
from machines.returns.data import Return
from machines.returns.events import (
    Charged,
    ChargeDeclined,
    Condition,
    GoodsPutBack,
    GoodsSetAside,
    GoodsShort,
    LabelIssued,
    LabelNotIssued,
    PostageClaimed,
    PostagePaid,
    PostageRefused,
    ReplacementPacked,
    ReturnArrived,
    ReturnClaimed,
    ReturnLabelSpent,
    ReturnLabelVoided,
)

PATIENT = Retry(attempts=8)  #: where money or goods hang in the air
EXAMPLE_PRICES = {"POT": 4500, "PAN": 2500}

# -- what is asked ---------------------------------------------------------------------------------


class InboundLabel(Facts):
    """A label for a parcel from the customer to us."""

    rma: str
    sender: Address
    items: tuple[Pick, ...]


class Inbound(Facts):
    """A parcel from the customer to us, known to the carrier by ``tracking``."""

    rma: str
    tracking: str | None
    value: int


class Goods(Facts):
    """Pieces of a replacement to take from stock, to put back, or to pack as parcel ``parcel``."""

    rma: str
    items: tuple[Pick, ...]
    parcel: str | None = None


class ChargeRequest(Facts):
    """Money to take for a replacement, as the customer agreed."""

    rma: str
    order: str
    token: str
    amount: int
    currency: str


class Postage(Facts):
    """What a customer paid for the way to us, to go to the customer's bank account."""

    rma: str
    customer: str
    account: Personal
    amount: int
    currency: str


# -- how it is asked -------------------------------------------------------------------------------


def _to_come(data: Return) -> tuple[Pick, ...]:
    return tuple(Pick(sku=item.sku, quantity=item.quantity) for item in missing(data))


def _label(data: Return, _: Event) -> Iterable[Facts]:
    yield InboundLabel(rma=data.rma, sender=data.ship_to, items=_to_come(data))


def _inbound(data: Return, _: Event) -> Iterable[Facts]:
    yield Inbound(rma=data.rma, tracking=data.tracking, value=data.answer.refund)


def _issued_label(data: Return, event: Event) -> Iterable[Facts]:
    return _inbound(data, event) if data.tracking else ()


def _replacement(data: Return, _: Event) -> Iterable[Facts]:
    yield Goods(rma=data.rma, items=data.replacing)


def _packing(data: Return, _: Event) -> Iterable[Facts]:
    newest = data.parcels[-1]
    yield Goods(rma=data.rma, items=newest.items, parcel=newest.key)


def _booking(data: Return, event: Event) -> Iterable[Facts]:
    """As inspected, without what goes back to the customer; goods that nobody has inspected are on sale again
    only after somebody has."""

    def kept(*conditions: Condition) -> tuple[Pick, ...]:
        return tuple(
            Pick(sku=one.sku, quantity=one.quantity) for one in data.kept if one.condition in conditions
        )

    restock = kept(Condition.AS_SOLD, Condition.REPLACEMENT)
    refurbish = _to_come(data) if isinstance(event, ReturnArrived) else kept(Condition.WORTH_LESS)
    write_off = kept(Condition.WORTHLESS)
    if restock or refurbish or write_off:
        yield Booking(rma=data.rma, restock=restock, refurbish=refurbish, write_off=write_off)


def _charge(data: Return, _: Event) -> Iterable[Facts]:
    if data.token:
        yield ChargeRequest(
            rma=data.rma,
            order=data.order,
            token=data.token,
            amount=data.charging,
            currency=data.currency,
        )


def _postage(data: Return, event: PostageClaimed) -> Iterable[Facts]:
    yield Postage(
        rma=data.rma,
        customer=data.customer,
        account=event.account,
        amount=data.postage,
        currency=data.currency,
    )


# -- what is said to it ----------------------------------------------------------------------------


def _labels(_: InboundLabel) -> Iterable[Event]:
    return LabelIssued(tracking="TRACK-R1"), LabelNotIssued(reason="no collection at this place")


def _set_aside(asked: Goods) -> Iterable[Event]:
    yield GoodsSetAside(price=EXAMPLE_PRICES.get(asked.items[0].sku, 3000))
    yield GoodsShort()


def _payments(asked: Postage) -> Iterable[Event]:
    return PostagePaid(amount=asked.amount), PostageRefused(amount=asked.amount, reason="account closed")


def _charges(asked: ChargeRequest) -> Iterable[Event]:
    return Charged(amount=asked.amount), ChargeDeclined(reason="insufficient funds")


ISSUE_LABEL = CommandType(
    "carrier.return_label",
    _label,
    (LabelIssued, LabelNotIssued),
    _labels,
    takes=InboundLabel,
    fulfils=("RET-4",),
)
VOID_LABEL = CommandType(
    "carrier.void_return_label",
    _issued_label,
    (ReturnLabelVoided, ReturnLabelSpent),
    lambda _: (ReturnLabelVoided(), ReturnLabelSpent()),
    takes=Inbound,
)
CLAIM = CommandType(
    "carrier.claim_return", _inbound, (ReturnClaimed,), lambda _: (ReturnClaimed(),), takes=Inbound
)
SET_ASIDE = CommandType(
    "stock.set_aside",
    _replacement,
    (GoodsSetAside, GoodsShort),
    _set_aside,
    takes=Goods,
    fulfils=("RET-7",),
)
PUT_BACK = CommandType(
    "stock.put_back",
    _replacement,
    (GoodsPutBack,),
    lambda _: (GoodsPutBack(),),
    takes=Goods,
    retry=PATIENT,
)
PACK = CommandType(
    "warehouse.pack",
    _packing,
    (ReplacementPacked,),
    lambda _: (ReplacementPacked(),),
    takes=Goods,
    fulfils=("RET-7",),
)
BOOK_IN = CommandType(
    "warehouse.book_in",
    _booking,
    (GoodsBookedIn,),
    lambda _: (GoodsBookedIn(),),
    takes=Booking,
    fulfils=("RET-5",),
)
CHARGE = CommandType(
    "payment.charge",
    _charge,
    (Charged, ChargeDeclined),
    _charges,
    takes=ChargeRequest,
    retry=PATIENT,
)
PAY_POSTAGE = CommandType(
    "postage.pay",
    _postage,
    (PostagePaid, PostageRefused),
    _payments,
    takes=Postage,
    retry=PATIENT,
    fulfils=("RET-8",),
)
