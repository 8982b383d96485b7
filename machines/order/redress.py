"""Money of an order that goes back to settle a complaint: the order keeps the books, and so no more goes back
than came in, whoever asks for it. It stays where it stands; even an order that has ended can be asked."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from machines.between import (
    RefundReport,
    RefundRequested,
    RefundSettled,
    RefundWithheld,
    Source,
    spread,
)
from machines.kernel.rule import Rule, Send, on
from machines.kernel.verdict import Verdict, allow_if
from machines.order import money, states
from machines.order.data import Goodwill, Order
from machines.order.delivery import quiet
from machines.order.junctions import ORDER_STANDS
from machines.order.money import refund_what_is_owed, sources
from machines.order.sending import request_refunds
from machines.redress import (
    RedressAvailable,
    RedressEnquired,
    RedressFailed,
    RedressRequested,
    RedressSettled,
)

# -- whether it can be given -----------------------------------------------------------------------


def known(order: Order, event: RedressRequested, _: datetime) -> Verdict:
    return allow_if(
        any(one.key == event.redress for one in order.goodwill), "this is the first we hear of it"
    )


def covered(order: Order, event: RedressRequested, _: datetime) -> Verdict:
    return allow_if(not _why_not(order, event), _why_not(order, event))


def _why_not(order: Order, event: RedressRequested) -> str:
    if event.customer != order.customer:
        return "the order is another customer's"
    left = sum(source.cap for source in sources(order))
    return (
        "" if 0 < event.amount <= left else f"{event.amount} is more than the {left} that can still go back"
    )


def under_way(order: Order, event: RefundReport, _: datetime) -> Verdict:
    found = _of(order, event)
    waiting = found is not None and found.under_way
    return allow_if(waiting, "no complaint waits for this refund")


def given(order: Order, event: RefundSettled, now: datetime) -> Verdict:
    verdict = under_way(order, event, now)
    return verdict and allow_if(event.amount > 0, "the customer's bank had taken that money")


def _of(order: Order, event: RefundReport) -> Goodwill | None:
    return next((one for one in order.goodwill if refund_key(one.key) == event.refund), None)


def refund_key(redress: str) -> str:
    return f"{redress}-R"


# -- what it changes -------------------------------------------------------------------------------


def set_aside(order: Order, event: RedressRequested, _: datetime) -> Order:
    shares = spread(event.amount, sources=sources(order))
    promised = Goodwill(key=event.redress, complaint=event.complaint, shares=shares)
    return money.set_aside(order, shares).model_copy(update={"goodwill": (*order.goodwill, promised)})


def conclude(order: Order, event: RefundReport, _: datetime) -> Order:
    """The refund case has ended: the money is with the customer, or stays with us, unless the order itself
    owes it for goods that never arrived."""
    paid = isinstance(event, RefundSettled)
    found = _of(order, event)
    if found is not None and not found.called_off:
        order = money.free(order, found.shares)
    if paid:
        order = money.went_out(order, event.shares)
    done = tuple(
        one.model_copy(update={"under_way": False}) if one is found else one for one in order.goodwill
    )
    order = order.model_copy(update={"goodwill": done})
    return order if paid and event.shares else refund_what_is_owed(quiet(order), event)


# -- what others are told --------------------------------------------------------------------------


def state_what_is_left(order: Order, event: RedressEnquired) -> Iterable[Send]:
    left = sum(source.cap for source in sources(order)) if event.customer == order.customer else 0
    yield Send(RedressAvailable(amount=left), to=("complaint", event.complaint), apart=True)


def open_refund(order: Order, event: RedressRequested) -> Iterable[Send]:
    (promised,) = (one for one in order.goodwill if one.key == event.redress)
    request = RefundRequested(
        refund=refund_key(event.redress),
        order=order.order,
        customer=order.customer,
        buyer=order.buyer,
        locale=order.locale,
        currency=order.currency,
        amount=event.amount,
        reason=event.reason,
        sources=tuple(
            Source(payment=share.payment, means=order.payment(share.payment).means, cap=share.amount)
            for share in promised.shares
        ),
        goodwill=True,
    )
    yield Send(request, to=("refund", request.refund))


def turn_down(order: Order, event: RedressRequested) -> Iterable[Send]:
    failed = RedressFailed(redress=event.redress, amount=event.amount, reason=_why_not(order, event))
    yield Send(failed, to=("complaint", event.complaint), apart=True)


def report(order: Order, event: RefundReport) -> Iterable[Send]:
    if (found := _of(order, event)) is None:
        return
    if isinstance(event, RefundWithheld):
        failed = RedressFailed(redress=found.key, amount=event.amount, reason=event.reason)
        yield Send(failed, to=("complaint", found.complaint), apart=True)
        yield from request_refunds(order, event)
    elif not event.amount:
        promised = sum(share.amount for share in found.shares)
        failed = RedressFailed(redress=found.key, amount=promised, reason="the customer's bank has paid it")
        yield Send(failed, to=("complaint", found.complaint), apart=True)
        yield from request_refunds(order, event)
    else:
        settled = RedressSettled(redress=found.key, amount=event.amount)
        yield Send(settled, to=("complaint", found.complaint), apart=True)


# -- rules -----------------------------------------------------------------------------------------

UNDER_WAY = tuple(state for state in states.OPENED if state not in states.AT_REST)

REDRESS: tuple[Rule, ...] = (
    on(RedressEnquired, at=states.OPENED, sends=state_what_is_left),
    on(RedressRequested, at=states.OPENED, when=known, because="it is being seen to already"),
    on(RedressRequested, at=states.OPENED, when=covered, then=set_aside, sends=open_refund),
    on(RedressRequested, at=states.OPENED, sends=turn_down, because="more cannot go back"),
    on(RefundSettled, at=states.OPENED, when=given, then=conclude, sends=report),
    *(
        on(event, at=place, to=to, when=under_way, then=conclude, sends=report)
        for event in (RefundSettled, RefundWithheld)
        for place, to in ((states.AT_REST, ORDER_STANDS), (UNDER_WAY, None))
    ),
)
