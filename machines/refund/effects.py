"""What an event changes in what a refund knows."""

from __future__ import annotations

from collections.abc import Callable
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
        left = max(part.paid, min(part.amount, event.most))
        crossed = part.crossed + (part.amount - left if refund.reported else 0)
        status = part.status if left > part.paid else PartStatus.PAID if left else PartStatus.CALLED_OFF
        return part.model_copy(update={"amount": left, "crossed": crossed, "status": status})

    refund = _each(refund, less)
    return refund.model_copy(update={"amount": sum(part.amount for part in refund.parts)})


def cross(refund: Refund, event: RefundCapped, _: datetime) -> Refund:
    """It was paid before we heard that the customer's bank had taken it."""

    def note(part: Part) -> Part:
        return part.model_copy(update={"crossed": part.crossed + part.beyond(event.most)})

    return _each(refund, lambda part: note(part) if part.payment == event.payment else part)


def climb(refund: Refund, _: DeadlinePassed, __: datetime) -> Refund:
    return refund.model_copy(update={"rung": min(refund.rung + 1, LAST_RUNG)})


def withhold(refund: Refund, event: events.RefundDecided, _: datetime) -> Refund:
    return refund.model_copy(update={"reason": event.reason})


def _each(refund: Refund, change: Callable[[Part], Part]) -> Refund:
    return refund.model_copy(update={"parts": tuple(change(part) for part in refund.parts)})


def _with(refund: Refund, payment: str, status: PartStatus) -> Refund:
    return _each(
        refund,
        lambda part: part.model_copy(update={"status": status}) if part.payment == payment else part,
    )


def paid(refund: Refund, event: events.RefundPaid | events.RefundConfirmed, _: datetime) -> Refund:
    """Of what is paid in part the rest is still to come."""

    def more(part: Part) -> Part:
        paid = part.paid + event.amount
        status = PartStatus.PAID if paid >= part.amount else PartStatus.PENDING
        return part.model_copy(update={"paid": paid, "status": status})

    return _each(refund, lambda part: more(part) if part.payment == event.payment else part)


def pending(refund: Refund, event: events.RefundPending, _: datetime) -> Refund:
    return _with(refund, event.payment, PartStatus.PENDING)


def failed(refund: Refund, event: events.RefundFailed | events.RefundBounced, _: datetime) -> Refund:
    return _with(refund, event.payment, PartStatus.FAILED)


def reverse(refund: Refund, event: events.RefundReversed, _: datetime) -> Refund:
    """So much of the debt is open again; the provider is not asked a second time, since it did what it could,
    unless it works on that part still."""

    def less(part: Part) -> Part:
        left = max(0, part.paid - event.amount)
        if part.status is PartStatus.PENDING:
            return part.model_copy(update={"paid": left})
        return part.model_copy(update={"paid": left, "status": PartStatus.FAILED, "tries": MOST_TRIES})

    refund = _each(refund, lambda part: less(part) if part.payment == event.payment else part)
    return refund.model_copy(update={"consent": None})


def reopen(refund: Refund, event: events.RefundReversed, now: datetime) -> Refund:
    return reverse(refund, event, now).model_copy(update={"reported": True})


def consent(refund: Refund, event: events.AlternativeChosen, _: datetime) -> Refund:
    agreed = Consent(means=event.means, wording=event.wording, account=event.account)
    return refund.model_copy(update={"consent": agreed, "rung": 0})


def paid_out(refund: Refund, event: events.PaidOut, _: datetime) -> Refund:
    """What was paid out settles one part after the other, as far as it goes."""
    left = event.amount

    def settle(part: Part) -> Part:
        nonlocal left
        if part.status is not PartStatus.FAILED:
            return part
        paid = min(part.owed, left)
        left -= paid
        status = PartStatus.FAILED if paid < part.owed else PartStatus.PAID_OTHERWISE
        return part.model_copy(update={"paid": part.paid + paid, "status": status})

    return _each(refund, settle)


def not_paid_out(refund: Refund, _: events.PayoutFailed, __: datetime) -> Refund:
    return refund.model_copy(update={"consent": None})
