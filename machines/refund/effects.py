"""What an event changes in what a refund knows."""

from __future__ import annotations

from datetime import datetime

from machines.between import RefundCapped, RefundRequested, spread
from machines.kernel.event import DeadlinePassed, Event
from machines.refund import events
from machines.refund.data import Consent, Part, PartStatus, Refund, RefundTerms

MOST_TRIES = 3
LAST_RUNG = 2


def request(_: RefundTerms, event: RefundRequested, __: datetime) -> Refund:
    """The sum is taken from the newest payment first, from none more than its cap."""
    means = {source.payment: source.means for source in event.sources}
    parts = tuple(
        Part(payment=share.payment, means=means[share.payment], amount=share.amount)
        for share in spread(event.amount, sources=event.sources)
    )
    return Refund(
        refund=event.refund,
        order=event.order,
        customer=event.customer,
        buyer=event.buyer,
        locale=event.locale,
        currency=event.currency,
        amount=event.amount,
        reason=event.reason,
        sources=event.sources,
        goodwill=event.goodwill,
        parts=parts,
    )


def request_and_submit(_: RefundTerms, event: RefundRequested, now: datetime) -> Refund:
    return submit(request(_, event, now), event, now)


def submit(refund: Refund, _: Event, __: datetime) -> Refund:
    """Ask for every part that is new or may be tried again."""
    again = (PartStatus.NEW, PartStatus.FAILED)
    parts = tuple(
        part.model_copy(update={"status": PartStatus.ASKED, "tries": part.tries + 1})
        if part.status in again and part.tries < MOST_TRIES
        else part
        for part in refund.parts
    )
    return refund.model_copy(update={"parts": parts})


def cap(refund: Refund, event: RefundCapped, _: datetime) -> Refund:
    """What has not gone back yet is cut down to what there still is; the bank has paid the rest."""

    def less(part: Part) -> Part:
        if part.payment != event.payment or part.status not in (PartStatus.NEW, PartStatus.FAILED):
            return part
        left = min(part.amount, event.most)
        crossed = part.crossed + (part.amount - left if refund.reported else 0)
        status = part.status if left else PartStatus.CALLED_OFF
        return part.model_copy(update={"amount": left, "crossed": crossed, "status": status})

    parts = tuple(less(part) for part in refund.parts)
    return refund.model_copy(update={"parts": parts, "amount": sum(part.amount for part in parts)})


def cross(refund: Refund, event: RefundCapped, _: datetime) -> Refund:
    """It was paid before we heard that the customer's bank had taken it."""
    parts = tuple(
        part.model_copy(update={"crossed": part.crossed + part.beyond(event.most)})
        if part.payment == event.payment
        else part
        for part in refund.parts
    )
    return refund.model_copy(update={"parts": parts})


def climb(refund: Refund, _: DeadlinePassed, __: datetime) -> Refund:
    return refund.model_copy(update={"rung": min(refund.rung + 1, LAST_RUNG)})


def withhold(refund: Refund, event: events.RefundDecided, _: datetime) -> Refund:
    return refund.model_copy(update={"reason": event.reason})


def _with(refund: Refund, payment: str, status: PartStatus) -> Refund:
    parts = tuple(
        part.model_copy(update={"status": status}) if part.payment == payment else part
        for part in refund.parts
    )
    return refund.model_copy(update={"parts": parts})


def paid(refund: Refund, event: events.RefundPaid | events.RefundConfirmed, _: datetime) -> Refund:
    return _with(refund, event.payment, PartStatus.PAID)


def pending(refund: Refund, event: events.RefundPending, _: datetime) -> Refund:
    return _with(refund, event.payment, PartStatus.PENDING)


def failed(refund: Refund, event: events.RefundFailed | events.RefundBounced, _: datetime) -> Refund:
    return _with(refund, event.payment, PartStatus.FAILED)


def reverse(refund: Refund, event: events.RefundReversed, _: datetime) -> Refund:
    """The debt is open again; the provider is not asked a second time, since it did what it could."""
    part = refund.part(event.payment)
    parts = tuple(
        other.model_copy(update={"status": PartStatus.FAILED, "tries": MOST_TRIES})
        if other is part
        else other
        for other in refund.parts
    )
    return refund.model_copy(update={"parts": parts, "consent": None})


def reopen(refund: Refund, event: events.RefundReversed, now: datetime) -> Refund:
    return reverse(refund, event, now).model_copy(update={"reported": True})


def consent(refund: Refund, event: events.AlternativeChosen, _: datetime) -> Refund:
    agreed = Consent(means=event.means, wording=event.wording, account=event.account)
    return refund.model_copy(update={"consent": agreed, "rung": 0})


def paid_out(refund: Refund, _: events.PaidOut, __: datetime) -> Refund:
    parts = tuple(
        part.model_copy(update={"status": PartStatus.PAID_OTHERWISE})
        if part.status is PartStatus.FAILED
        else part
        for part in refund.parts
    )
    return refund.model_copy(update={"parts": parts})


def not_paid_out(refund: Refund, _: events.PayoutFailed, __: datetime) -> Refund:
    return refund.model_copy(update={"consent": None})
