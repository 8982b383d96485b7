"""What an event changes in what a return knows."""

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
from machines.kernel.event import DeadlinePassed, Event
from machines.returning import ReturnCovered, ReturnRequested, Wish
from machines.returns import events as told
from machines.returns.data import (
    Override,
    Parcel,
    ParcelStatus,
    Payback,
    Purpose,
    Reopening,
    Return,
)
from machines.returns.eligibility import Answer, Question, Ruling, assess
from machines.returns.terms import Terms

LAST_RUNG = 2

# -- request ---------------------------------------------------------------------------------------


def answered(terms: Terms, event: ReturnRequested) -> Answer:
    """What the policy says, as of the day on which the customer told us."""
    question = Question(
        items=event.items,
        country=event.ship_to.country,
        currency=event.currency,
        delivered=event.delivered,
        reason=event.reason,
        delivery_costs=event.delivery_costs,
    )
    return assess(question, terms=terms, now=event.notified)


def request(terms: Terms, event: ReturnRequested, _: datetime) -> Return:
    return Return(
        rma=event.rma,
        order=event.order,
        customer=event.customer,
        buyer=event.buyer,
        ship_to=event.ship_to,
        locale=event.locale,
        currency=event.currency,
        items=event.items,
        reason=event.reason,
        wish=event.wish,
        instead=event.instead if event.wish is Wish.EXCHANGE else None,
        advance=_in_advance(terms, event),
        sources=event.sources,
        token=event.token,
        answer=answered(terms, event),
    )


def _in_advance(terms: Terms, event: ReturnRequested) -> bool:
    """A replacement comes first only where it could be charged if the original stays away."""
    chargeable = event.token is not None
    return event.advance and terms.advance and chargeable and event.wish is Wish.REPLACEMENT


def request_to_keep(terms: Terms, event: ReturnRequested, now: datetime) -> Return:
    return owe_all(request(terms, event, now), event, now)


def explained(data: Return) -> str:
    """What the journal says of the answer."""
    return data.answer.explained


def override(data: Return, event: told.ReturnOverridden, now: datetime) -> Return:
    """Whoever decided and why stays on record; the goods come back without a fee."""
    answer = data.answer
    costs = answer.delivery_costs
    value = sum(item.price * item.quantity for item in data.items)
    prices = {item.sku: item.price for item in data.items}
    lines = tuple(
        line.model_copy(update={"ruling": Ruling.ALLOWED, "fee_percent": 0, "refund": prices[line.sku]})
        for line in answer.lines
    )
    update = {
        "ruling": Ruling.ALLOWED,
        "reasons": (f"allowed by {event.by}: {event.reason}",),
        "alternatives": (),
        "fee": 0,
        "refund": value + costs,
        "lines": lines,
    }
    made = Override(by=event.by, reason=event.reason, at=now)
    return data.model_copy(update={"override": made, "answer": answer.model_copy(update=update)})


def override_to_keep(data: Return, event: told.ReturnOverridden, now: datetime) -> Return:
    return owe_all(override(data, event, now), event, now)


# -- parcel to us ----------------------------------------------------------------------------------


def label(data: Return, event: told.LabelIssued, _: datetime) -> Return:
    return data.model_copy(update={"tracking": event.tracking})


def no_label(data: Return, _: told.LabelNotIssued, __: datetime) -> Return:
    """Without a label of ours a replacement does not leave first."""
    return data.model_copy(update={"advance": False})


def sent(data: Return, _: Event, now: datetime) -> Return:
    return data.model_copy(update={"sent_at": data.sent_at or now})


def scan(data: Return, event: told.ReturnScanned, now: datetime) -> Return:
    update = {"sequence": event.sequence, "scanned_at": event.scanned_at}
    return sent(data.model_copy(update=update), event, now)


def lost(data: Return, _: Event, __: datetime) -> Return:
    """As if all had come back as it was sold."""
    update = {"accepted": data.answer.refund, "offered": data.answer.refund}
    return data.model_copy(update=update)


def lost_and_owe(data: Return, event: Event, now: datetime) -> Return:
    return owe_offer(lost(data, event, now), event, now)


def arrived(data: Return, event: Event, now: datetime) -> Return:
    return sent(data.model_copy(update={"came": True, "rung": 0}), event, now)


def climb(data: Return, _: DeadlinePassed, __: datetime) -> Return:
    return data.model_copy(update={"rung": min(data.rung + 1, LAST_RUNG)})


def inspect(data: Return, event: told.ReturnInspected, _: datetime) -> Return:
    """Counts what was found against what was announced, each announced piece once, the best first."""
    worth = {line.sku: line.refund for line in data.answer.lines}
    left = {item.sku: item.quantity for item in data.items}
    accepted = offered = 0
    for found in sorted(event.found, key=_still_worth, reverse=True):
        if found.condition in (told.Condition.OTHER_ITEM, told.Condition.REPLACEMENT):
            continue
        pieces = min(found.quantity, left.get(found.sku, 0))
        left[found.sku] = left.get(found.sku, 0) - pieces
        full = worth.get(found.sku, 0) * pieces
        if found.condition is told.Condition.AS_SOLD:
            accepted, offered = accepted + full, offered + full
        elif found.condition is told.Condition.WORTH_LESS:
            offered += full * found.worth // 100
    if offered and not any(left.values()):
        costs = data.answer.delivery_costs
        accepted, offered = accepted + costs if accepted else 0, offered + costs
    return data.model_copy(update={"found": event.found, "accepted": accepted, "offered": offered})


def _still_worth(found: told.Found) -> int:
    """In per cent."""
    return {told.Condition.AS_SOLD: 100, told.Condition.WORTH_LESS: found.worth}.get(found.condition, 0)


def inspect_and_owe(data: Return, event: told.ReturnInspected, now: datetime) -> Return:
    data = inspect(data, event, now)
    return owe(data, data.offered, event)


def inspect_and_undo_charge(data: Return, event: told.ReturnInspected, now: datetime) -> Return:
    """The original is here after all. Where the replacement turned out never to have arrived, both count."""
    data = inspect(data, event, now)
    if data.replacement(ParcelStatus.FAILED):
        return owe(data, data.offered + data.charged, event)
    return owe(data, min(data.offered, data.charged), event)


def inspect_and_send_back(data: Return, event: told.ReturnInspected, now: datetime) -> Return:
    return send_back(inspect(data, event, now))


def inspect_and_charge(data: Return, event: told.ReturnInspected, now: datetime) -> Return:
    return begin_charge(inspect(data, event, now), event, now)


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
    return data.model_copy(update={"charging": data.worth, "rung": 0})


def charged(data: Return, event: told.Charged, _: datetime) -> Return:
    """Where the replacement got lost meanwhile, its price goes back at once."""
    data = data.model_copy(update={"charging": 0, "charged": data.charged + event.amount})
    standing = data.replacement(ParcelStatus.OPEN, ParcelStatus.LEFT, ParcelStatus.DELIVERED)
    return data if standing else owe(data, data.going_back + event.amount, event)


def not_charged(data: Return, _: Event, __: datetime) -> Return:
    return data.model_copy(update={"charging": 0})


# -- replacement and other parcels to the customer -------------------------------------------------


def price(data: Return, event: told.GoodsSetAside, _: datetime) -> Return:
    return data.model_copy(update={"price": event.price})


def replace(data: Return, event: Event, _: datetime) -> Return:
    """Send the replacement; what it costs less than the goods goes back."""
    value = data.worth + data.difference
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


def reopen_for_goods(data: Return, event: Event, now: datetime) -> Return:
    return arrived(data, event, now).model_copy(update={"reopening": Reopening.GOODS_CAME})


def reopen_for_parcel(data: Return, event: ParcelReport, now: datetime) -> Return:
    return note_parcel(data, event, now).model_copy(update={"reopening": Reopening.PARCEL_FAILED})


def cover(data: Return, event: ReturnCovered, _: datetime) -> Return:
    """What the order sets aside anew comes on top of what has gone back."""
    gone: dict[str, int] = {}
    for payback in data.paybacks:
        for share in payback.shares:
            gone[share.payment] = gone.get(share.payment, 0) + share.amount
    sources = tuple(
        source.model_copy(update={"cap": source.cap + gone.get(source.payment, 0)})
        for source in event.sources
    )
    return data.model_copy(update={"sources": sources, "reopening": None})


def cover_and_owe(data: Return, event: ReturnCovered, now: datetime) -> Return:
    return owe_for_failed(cover(data, event, now), event)
