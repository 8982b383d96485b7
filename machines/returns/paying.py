"""What money and parcels to the customer change in what a return knows; effects as in ``effects.py``."""

from __future__ import annotations

from datetime import datetime

from machines.between import (
    ParcelDelivered,
    ParcelDispatched,
    ParcelReport,
    Pick,
    RefundReport,
    RefundWithheld,
    spread,
)
from machines.kernel.event import Event
from machines.returning import ReturnCapped, ReturnCovered, Wish
from machines.returns import events as told
from machines.returns.counting import missing
from machines.returns.counting import price as price_of
from machines.returns.data import Parcel, ParcelStatus, Payback, Purpose, Reopening, Return

# -- money -----------------------------------------------------------------------------------------


def owe(data: Return, amount: int, event: Event) -> Return:
    """The customer is to have ``amount`` in all; what is not on its way yet becomes a refund, from each
    payment no more than it can still give back."""
    shares = spread(amount - data.going_back, sources=data.caps())
    if not shares:
        return data
    key = f"{data.rma}-R{len(data.paybacks) + 1}"
    added = Payback(key=key, shares=shares, cause=event.type)
    return data.model_copy(update={"paybacks": (*data.paybacks, added)})


def owe_all(data: Return, event: Event, _: datetime) -> Return:
    return owe(data, data.refund, event)


def owe_offer(data: Return, event: Event, _: datetime) -> Return:
    return owe(data, data.offered, event)


def take_offer(data: Return, event: told.OfferAnswered, now: datetime) -> Return:
    data = data.model_copy(update={"choice": event.choice})
    if event.choice is told.Choice.PARTIAL_REFUND:
        return owe_offer(data, event, now)
    data = owe(data, data.accepted, event)
    return send_back(data) if event.choice is told.Choice.SEND_BACK else data


def refund_ended(data: Return, event: RefundReport, _: datetime) -> Return:
    """What finance withheld counts as gone: it is not asked for once more."""
    withheld = isinstance(event, RefundWithheld)
    paybacks = tuple(
        payback.model_copy(update={"open": False, "withheld": withheld})
        if payback.key == event.refund
        else payback
        for payback in data.paybacks
    )
    return data.model_copy(update={"paybacks": paybacks})


def begin_charge(data: Return, _: Event, __: datetime) -> Return:
    """The replacement costs what the goods did that have not come back."""
    return data.model_copy(update={"charging": price_of(missing(data)), "rest_asked": True, "rung": 0})


def charged(data: Return, event: told.Charged, _: datetime) -> Return:
    """Where the replacement got lost meanwhile, the charge goes back at once, and the worth of what came."""
    data = data.model_copy(update={"charging": 0, "charged": data.charged + event.amount})
    standing = data.replacement(ParcelStatus.OPEN, ParcelStatus.LEFT, ParcelStatus.DELIVERED)
    return data if standing else owe(data, data.offered + data.charged, event)


def not_charged(data: Return, _: Event, __: datetime) -> Return:
    return data.model_copy(update={"charging": 0})


# -- replacement and other parcels to the customer -------------------------------------------------


def price(data: Return, event: told.GoodsSetAside, _: datetime) -> Return:
    return data.model_copy(update={"price": event.price})


def replace(data: Return, event: Event, _: datetime) -> Return:
    """Send the replacement; what it costs less than the goods goes back."""
    value = data.price * data.pieces if data.instead else price_of(data.items)
    key = f"{data.rma}-X{len(data.parcels) + 1}"
    parcel = Parcel(key=key, purpose=Purpose.REPLACEMENT, items=data.replacing, value=value)
    data = data.model_copy(update={"parcels": (*data.parcels, parcel)})
    return owe(data, -data.difference, event) if data.difference < 0 else data


def set_aside_and_replace(data: Return, event: told.GoodsSetAside, now: datetime) -> Return:
    return replace(price(data, event, now), event, now)


def pay_difference(data: Return, event: told.DifferenceAnswered, _: datetime) -> Return:
    return data.model_copy(update={"charging": data.difference, "token": event.token or data.token})


def charged_and_replace(data: Return, event: told.Charged, now: datetime) -> Return:
    update = {"charging": 0, "charged": data.charged + event.amount}
    return replace(data.model_copy(update=update), event, now)


def refund_instead(data: Return, event: Event, _: datetime) -> Return:
    data = data.model_copy(update={"wish": Wish.REFUND})
    return owe(data, data.refund, event)


def no_advance(data: Return, _: told.GoodsShort, __: datetime) -> Return:
    return data.model_copy(update={"wish": Wish.REFUND, "advance": False})


def send_back(data: Return) -> Return:
    """What was found and is not taken goes back to the customer."""
    items = tuple(
        Pick(sku=found.sku, quantity=found.quantity)
        for found in data.found
        if found.condition is not told.Condition.AS_SOLD or data.choice is None
    )
    key = f"{data.rma}-B{len(data.parcels) + 1}"
    value = max(0, data.offered - data.accepted)
    parcel = Parcel(key=key, purpose=Purpose.BACK, items=items, value=value)
    return data.model_copy(update={"parcels": (*data.parcels, parcel)})


def note_parcel(data: Return, event: ParcelReport, _: datetime) -> Return:
    """The story of a parcel to the customer; a replacement that failed is not charged, and money is owed."""
    status = ParcelStatus.FAILED
    if isinstance(event, ParcelDispatched):
        status = ParcelStatus.LEFT
    elif isinstance(event, ParcelDelivered):
        status = ParcelStatus.DELIVERED
    parcels = tuple(
        parcel.model_copy(update={"status": status}) if parcel.key == event.parcel else parcel
        for parcel in data.parcels
    )
    update: dict[str, object] = {"parcels": parcels}
    if status is ParcelStatus.FAILED:
        update |= {"wish": Wish.REFUND}
    return data.model_copy(update=update)


def parcel_failed(data: Return, event: ParcelReport, now: datetime) -> Return:
    """A replacement that did not arrive is paid back, with what was charged for it; so is the worth of goods
    lost on their way back to the customer."""
    return owe_for_failed(note_parcel(data, event, now), event)


def owe_for_failed(data: Return, event: Event) -> Return:
    failed = {parcel.purpose: parcel.value for parcel in data.parcels if parcel.status is ParcelStatus.FAILED}
    if Purpose.REPLACEMENT in failed:
        return owe(data, data.offered + data.charged, event)
    return owe(data, data.accepted + failed.get(Purpose.BACK, 0), event)


# -- opened once more ------------------------------------------------------------------------------


def reopen_for_parcel(data: Return, event: ParcelReport, now: datetime) -> Return:
    update = {"reopening": Reopening.PARCEL_FAILED, "reopened": data.reopened + 1}
    return note_parcel(data, event, now).model_copy(update=update)


def cover(data: Return, event: ReturnCovered, _: datetime) -> Return:
    """What the order sets aside anew comes on top of what has gone back."""
    sources = tuple(
        source.model_copy(update={"cap": source.cap + data.gone(source.payment)}) for source in event.sources
    )
    return data.model_copy(update={"sources": sources, "reopening": None})


def cap(data: Return, event: ReturnCapped, _: datetime) -> Return:
    """The customer's bank has taken money back: what went back already counts, and of the rest only what is
    left."""
    gone = sum(
        share.amount
        for payback in data.paybacks
        for share in payback.shares
        if share.payment == event.payment and not payback.open and not payback.withheld
    )
    sources = tuple(
        source.model_copy(update={"cap": min(source.cap, gone + event.most)})
        if source.payment == event.payment
        else source
        for source in data.sources
    )
    return data.model_copy(update={"sources": sources})


def cover_and_owe(data: Return, event: ReturnCovered, now: datetime) -> Return:
    return owe_for_failed(cover(data, event, now), event)
