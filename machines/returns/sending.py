"""What a return tells its order, its refunds and its parcels."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from machines.between import (
    Means,
    RefundCapped,
    RefundCrossed,
    RefundReport,
    RefundRequested,
    RefundWithheld,
    ShipmentRequested,
    Source,
)
from machines.complaining import (
    AppealBarred,
    AppealDecided,
    Appealed,
    AppealGranted,
    ComplaintOpened,
    Origin,
    Relief,
)
from machines.kernel.event import Event
from machines.kernel.rule import Send
from machines.returning import ReturnCapped, ReturnRefunded, ReturnReopened
from machines.returns.data import CHARGE, Return, appeal_key
from machines.returns.events import ReturnAppealed
from machines.surveying import call_off, survey


def request_refund(data: Return, event: Event) -> Iterable[Send]:
    """A refund case for what is owed because of ``event``, from each payment what is set aside."""
    means = {source.payment: source.means for source in data.sources}
    for payback in data.paybacks:
        if not payback.open or payback.cause != event.type:
            continue
        sources = tuple(
            Source(payment=share.payment, means=means.get(share.payment, Means.CARD), cap=share.amount)
            for share in payback.shares
        )
        request = RefundRequested(
            refund=payback.key,
            order=data.order,
            customer=data.customer,
            buyer=data.buyer,
            locale=data.locale,
            currency=data.currency,
            amount=sum(share.amount for share in payback.shares),
            reason=f"return: {data.reason}",
            sources=sources,
        )
        yield Send(request, to=("refund", payback.key))


def send_newest_parcel(data: Return, _: Event) -> Iterable[Send]:
    parcel = data.parcels[-1]
    request = ShipmentRequested(
        parcel=parcel.key,
        order=data.order,
        customer=data.customer,
        buyer=data.buyer,
        ship_to=data.ship_to,
        locale=data.locale,
        items=parcel.items,
        value=parcel.value,
    )
    yield Send(request, to=("shipment", parcel.key))


def replace_and_refund(data: Return, event: Event) -> Iterable[Send]:
    yield from send_newest_parcel(data, event)
    yield from request_refund(data, event)


def settle_choice(data: Return, event: Event) -> Iterable[Send]:
    """The refund of what is taken, and the parcel with what is not."""
    if data.parcels:
        yield from send_newest_parcel(data, event)
    yield from request_refund(data, event)


def reopen(data: Return, _: Event) -> Iterable[Send]:
    yield Send(ReturnReopened(rma=data.rma))


def reopen_and_call_off(data: Return, event: Event) -> Iterable[Send]:
    """The survey about the previous end comes too early now."""
    yield from reopen(data, event)
    yield call_off(of="return", key=data.rma, time=data.reopened)


ask_opinion: Callable[[Return], Iterable[Send]] = survey(
    of="return", about=lambda data: data.rma, time=lambda data: data.reopened + 1
)


def open_complaint(data: Return, event: ReturnAppealed) -> Iterable[Send]:
    """An appeal is a complaint: somebody who was not involved looks at our answer."""
    opened = ComplaintOpened(
        complaint=appeal_key(data),
        origin=Origin.RETURN,
        channel=data.channel,
        customer=data.customer,
        buyer=data.buyer,
        locale=data.locale,
        currency=data.currency,
        order=data.order,
        why=f"an appeal against our answer to return {data.rma}: {data.answer.explained}",
        words=event.words,
        appeal=Appealed(rma=data.rma, worth=data.covered, inspected=bool(data.found)),
    )
    yield Send(opened, to=("complaint", opened.complaint))


def grant(data: Return, _: Event) -> Iterable[Send]:
    """The return sees to what the appeal has brought from now on."""
    yield from _answer_appeal(data, AppealGranted(redress=data.award.redress if data.award else ""))


def grant_what_is_allowed(data: Return, event: AppealDecided) -> Iterable[Send]:
    yield from _answer_appeal(data, AppealGranted(redress=event.redress))


def bar(data: Return, event: AppealDecided) -> Iterable[Send]:
    """What is asked for cannot be given: there was never so much, or the return has moved on."""
    if event.relief is Relief.NONE:
        return
    reason = "the return has moved on"
    yield from _answer_appeal(data, AppealBarred(redress=event.redress, amount=event.amount, reason=reason))


def bar_uncovered(data: Return, _: Event) -> Iterable[Send]:
    if (award := data.award) is not None:
        reason = "the money has gone back otherwise"
        yield from _answer_appeal(
            data, AppealBarred(redress=award.redress, amount=award.amount, reason=reason)
        )


def cap_refunds(data: Return, event: ReturnCapped) -> Iterable[Send]:
    """Refunds under way share what is left."""
    most = event.most
    for payback in data.paybacks:
        own = sum(share.amount for share in payback.shares if share.payment == event.payment)
        if payback.open and own:
            capped = RefundCapped(refund=payback.key, payment=event.payment, most=min(own, most))
            yield Send(capped, to=("refund", payback.key))
            most -= min(own, most)


def tell_order_of_crossed(_: Return, event: RefundCrossed) -> Iterable[Send]:
    yield Send(RefundCrossed(refund=event.refund, amount=event.amount))


def refund_ended(data: Return, event: RefundReport) -> Iterable[Send]:
    """The order hears what has gone back of its own payments, a charge of ours being none of them; the
    complaint that brought the refund how its promise was kept."""
    award = data.award if data.award and data.award.refund == event.refund else None
    if isinstance(event, RefundWithheld):
        if award is not None:
            reason = event.reason
            yield from _answer_appeal(
                data, AppealBarred(redress=award.redress, amount=event.amount, reason=reason)
            )
        return
    shares = tuple(share for share in event.shares if share.payment != CHARGE)
    if shares:
        yield Send(ReturnRefunded(rma=data.rma, shares=shares))
    if award is not None and not event.amount:
        reason = "the customer's bank has paid it"
        yield from _answer_appeal(
            data, AppealBarred(redress=award.redress, amount=award.amount, reason=reason)
        )
    elif award is not None:
        yield from _answer_appeal(data, AppealGranted(redress=award.redress, amount=event.amount))


def _answer_appeal(data: Return, answer: AppealGranted | AppealBarred) -> Iterable[Send]:
    yield Send(answer, to=("complaint", appeal_key(data)))
