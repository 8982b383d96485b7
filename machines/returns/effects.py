"""What an event changes in what a return knows."""

from __future__ import annotations

from datetime import datetime

from machines.kernel.event import DeadlinePassed, Event
from machines.kernel.money import exponent
from machines.returning import ReturnRequested, Wish
from machines.returns import events as told
from machines.returns.counting import counted, missing, still_worth
from machines.returns.data import Override, ParcelStatus, Reopening, Return
from machines.returns.eligibility import Answer, Ground, Question, Ruling, assess
from machines.returns.paying import begin_charge, owe, owe_all, owe_offer, send_back
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
        channel=event.channel,
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
        postage_most=terms.postage_most * 10 ** exponent(event.currency),
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
    """Whoever decided and why stays on record."""
    reason = f"allowed by {event.by}: {event.reason}"
    answer = allowed(data, reasons=(reason,), ground=Ground.OVERRIDDEN)
    made = Override(by=event.by, reason=event.reason, at=now)
    return data.model_copy(update={"override": made, "answer": answer})


def allowed(data: Return, *, reasons: tuple[str, ...], ground: Ground) -> Answer:
    """The answer as if the goods could come back, without a fee."""
    value = sum(item.price * item.quantity for item in data.items)
    prices = {item.sku: item.price for item in data.items}
    lines = tuple(
        line.model_copy(
            update={
                "ruling": Ruling.ALLOWED,
                "fee_percent": 0,
                "refund": prices[line.sku],
                "ground": ground,
            }
        )
        for line in data.answer.lines
    )
    update = {
        "ruling": Ruling.ALLOWED,
        "reasons": reasons,
        "alternatives": (),
        "fee": 0,
        "refund": value + data.answer.delivery_costs,
        "lines": lines,
    }
    return data.answer.model_copy(update=update)


def override_to_keep(data: Return, event: told.ReturnOverridden, now: datetime) -> Return:
    return owe_all(override(data, event, now), event, now)


def appeal(data: Return, _: told.ReturnAppealed, __: datetime) -> Return:
    return data.model_copy(update={"appealed": True})


# -- parcel to us ----------------------------------------------------------------------------------


def label(data: Return, event: told.LabelIssued, _: datetime) -> Return:
    return data.model_copy(update={"tracking": event.tracking})


def no_label(data: Return, _: told.LabelNotIssued, __: datetime) -> Return:
    """Without a label of ours a replacement does not leave first, and the way to us is paid back."""
    return data.model_copy(update={"advance": False, "own_postage": True})


def no_label_for_the_rest(data: Return, _: told.LabelNotIssued, __: datetime) -> Return:
    return data.model_copy(update={"tracking": None, "own_postage": True})


def sent(data: Return, _: Event, now: datetime) -> Return:
    return data.model_copy(update={"sent_at": data.sent_at or now, "said_sent": False})


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
    update: dict[str, object] = {"came": True, "rung": 0}
    if data.advance:
        update |= {"earlier": counted(data.items, (*data.earlier, *data.found)), "found": ()}
    return sent(data.model_copy(update=update), event, now)


def climb(data: Return, _: DeadlinePassed, __: datetime) -> Return:
    return data.model_copy(update={"rung": min(data.rung + 1, LAST_RUNG)})


def inspect(data: Return, event: told.ReturnInspected, _: datetime) -> Return:
    """Counts what was found against what was announced, each announced piece once, the best first."""
    worth = {line.sku: line.refund for line in data.answer.lines}
    came = accepted = offered = 0
    for found in counted(data.items, (*data.earlier, *event.found)):
        if found.condition is told.Condition.REPLACEMENT:
            continue
        full = worth[found.sku] * found.quantity
        came, offered = came + found.quantity, offered + full * still_worth(found) // 100
        if found.condition is told.Condition.AS_SOLD:
            accepted += full
    if offered and came == data.pieces:
        costs = data.answer.delivery_costs
        accepted, offered = accepted + costs if accepted else 0, offered + costs
    return data.model_copy(update={"found": event.found, "accepted": accepted, "offered": offered})


def inspect_and_owe(data: Return, event: told.ReturnInspected, now: datetime) -> Return:
    data = inspect(data, event, now)
    return owe(data, data.offered, event)


def inspect_and_owe_accepted(data: Return, event: told.ReturnInspected, now: datetime) -> Return:
    data = inspect(data, event, now)
    return owe(data, data.accepted, event)


def inspect_and_undo_charge(data: Return, event: told.ReturnInspected, now: datetime) -> Return:
    """What is here after all is not charged for, as far as it is still worth its price. Where the replacement
    turned out never to have arrived, the goods count and the charge."""
    prices = {item.sku: item.price for item in data.items}
    back = sum(
        prices[found.sku] * found.quantity * still_worth(found) // 100
        for found in counted(missing(data), event.found)
    )
    data = inspect(data, event, now)
    data = data.model_copy(update={"came": not missing(data)})
    if data.replacement(ParcelStatus.FAILED):
        return owe(data, data.offered + data.charged, event)
    return owe(data, data.going_back + min(back, data.charge_left), event)


def inspect_and_send_back(data: Return, event: told.ReturnInspected, now: datetime) -> Return:
    return send_back(inspect(data, event, now))


def inspect_and_ask_for_the_rest(data: Return, event: told.ReturnInspected, now: datetime) -> Return:
    """Another parcel is to come, whose scans are counted anew."""
    update = {"rest_asked": True, "came": False, "sequence": 0}
    return inspect(data, event, now).model_copy(update=update)


def inspect_and_charge(data: Return, event: told.ReturnInspected, now: datetime) -> Return:
    return begin_charge(inspect(data, event, now), event, now)


def reopen_for_goods(data: Return, event: Event, now: datetime) -> Return:
    update = {"reopening": Reopening.GOODS_CAME, "reopened": data.reopened + 1}
    return arrived(data, event, now).model_copy(update=update)
