"""The refund procedure, as its owner reads it: money that is owed goes back to the payments it came from.

A refund that fails stays a debt: it is tried again, then paid another way if the customer agrees, and a
refund that comes back opens the debt anew. No more goes back than came in, and each euro goes back once.
"""

from __future__ import annotations

from collections.abc import Iterable

from machines.between import (
    Means,
    RefundCapped,
    RefundCrossed,
    RefundRequested,
)
from machines.kernel.event import Event
from machines.kernel.procedure import Procedure
from machines.kernel.rule import Send, defer, ignore, note, on, refuse, send_back
from machines.messages import MessageSent, MessageUndeliverable, StaffAlerted
from machines.refund import commands, effects, events, guards, states
from machines.refund.data import OPEN, PartStatus, Refund, RefundTerms


def crossed(refund: Refund, event: RefundCapped) -> Iterable[Send]:
    """Money counts as gone back once that was reported, even where it came back to us since."""
    for part in refund.parts:
        if part.payment == event.payment and part.crossed:
            yield Send(RefundCrossed(refund=refund.refund, amount=part.crossed))


# -- rules -----------------------------------------------------------------------------------------

# No more goes back than came in; above a limit finance decides.
REQUEST = (
    on(
        RefundRequested,
        at=states.REQUESTED,
        to=states.SUBMITTED,
        when=guards.within_limit,
        then=effects.request_and_submit,
    ),
    on(
        RefundRequested,
        at=states.REQUESTED,
        to=states.AWAITING_APPROVAL,
        when=guards.covered,
        then=effects.request,
    ),
    on(RefundRequested, at=states.REQUESTED, to=states.NOT_COVERED, then=effects.request),
    on(
        events.RefundDecided,
        at=states.AWAITING_APPROVAL,
        to=states.SUBMITTED,
        when=guards.approved,
        then=effects.submit,
    ),
    on(events.RefundDecided, at=states.AWAITING_APPROVAL, to=states.WITHHELD, then=effects.withhold),
    on(states.APPROVAL_DUE, at=states.AWAITING_APPROVAL, then=effects.climb, does=(commands.CALL_APPROVER,)),
)

# Each part is paid, pending or failed; the refund goes where its slowest part stands.
PAYMENT = (
    on(
        events.RefundPaid,
        at=states.SUBMITTED,
        to=states.REFUND_STANDS,
        when=guards.answers,
        then=effects.paid,
    ),
    on(
        events.RefundPending,
        at=states.SUBMITTED,
        to=states.REFUND_STANDS,
        when=guards.answers,
        then=effects.pending,
    ),
    on(
        events.RefundFailed,
        at=states.SUBMITTED,
        to=states.REFUND_STANDS,
        when=guards.answers,
        then=effects.failed,
    ),
    on(
        events.RefundConfirmed,
        at=states.PENDING,
        to=states.REFUND_STANDS,
        when=guards.was_pending,
        then=effects.paid,
        does=(commands.CALL_ABOUT_SUM,),
    ),
    on(
        events.RefundBounced,
        at=states.PENDING,
        to=states.REFUND_STANDS,
        when=guards.was_pending,
        then=effects.failed,
    ),
    on(states.SETTLEMENT_DUE, at=states.PENDING, does=(commands.CALL_ABOUT_PENDING,)),
    on(states.RETRY_DUE, at=states.AWAITING_RETRY, to=states.SUBMITTED, then=effects.submit),
    defer(events.RefundConfirmed, at=states.SUBMITTED, because="the provider's first answer comes first"),
    defer(events.RefundBounced, at=states.SUBMITTED, because="the provider's first answer comes first"),
)

# A colleague who knows that the provider is back need not wait a day.
SENT_BACK = (
    send_back(
        at=states.AWAITING_RETRY,
        to=states.SUBMITTED,
        then=effects.submit,
        because="the provider is asked at once, and not in a day",
    ),
)

# What the provider cannot pay back is paid another way, if the customer agrees.
ALTERNATIVE = (
    on(
        events.AlternativeChosen,
        at=states.AWAITING_ALTERNATIVE,
        to=states.PAYING_OUT,
        when=guards.has_account,
        then=effects.consent,
    ),
    on(states.REMINDER, at=states.AWAITING_ALTERNATIVE, does=(commands.REMIND,)),
    on(states.ALTERNATIVE_DUE, at=states.AWAITING_ALTERNATIVE, does=(commands.CALL_ABOUT_SILENCE,)),
    on(events.PaidOut, at=states.PAYING_OUT, to=states.REFUND_STANDS, then=effects.paid_out),
    on(events.PayoutFailed, at=states.PAYING_OUT, to=states.AWAITING_ALTERNATIVE, then=effects.not_paid_out),
)

# Money that comes back is owed again.
REVERSAL = (
    on(
        events.RefundReversed,
        at=(states.SETTLED, states.SETTLED_AGAIN),
        to=states.REFUND_STANDS,
        when=guards.was_paid,
        then=effects.reopen,
    ),
    on(
        events.RefundReversed,
        at=(states.PENDING, states.AWAITING_RETRY),
        to=states.REFUND_STANDS,
        when=guards.was_paid,
        then=effects.reverse,
    ),
    on(events.RefundReversed, at=states.AWAITING_ALTERNATIVE, when=guards.was_paid, then=effects.reverse),
    defer(
        events.RefundReversed,
        at=(states.SUBMITTED, states.PAYING_OUT),
        because="the payment under way comes first",
    ),
)

# What the customer's bank has taken meanwhile is not paid as well; where it crossed, finance hears of it.
CHARGED_BACK = (
    on(
        RefundCapped,
        at=(*states.UNPAID, states.SETTLED, states.SETTLED_AGAIN),
        when=guards.paid_more,
        then=effects.cross,
        sends=crossed,
    ),
    on(
        RefundCapped,
        at=(states.AWAITING_APPROVAL, states.AWAITING_ALTERNATIVE),
        when=guards.leaves(guards.some(PartStatus.NEW, PartStatus.FAILED)),
        then=effects.cap,
        sends=crossed,
    ),
    on(
        RefundCapped,
        at=states.AWAITING_RETRY,
        when=guards.leaves(guards.may_retry),
        then=effects.cap,
        sends=crossed,
    ),
    on(
        RefundCapped,
        at=states.UNPAID,
        to=states.REFUND_STANDS,
        when=guards.cut_down,
        then=effects.cap,
        sends=crossed,
    ),
    defer(
        RefundCapped,
        at=(states.SUBMITTED, states.PENDING, states.PAYING_OUT),
        because="the payment under way comes first",
    ),
    ignore(RefundCapped, at=(*states.UNPAID, *states.ENDED), because="no more than that is still to go back"),
)

# Whatever else arrives changes nothing.
OTHERWISE = (
    ignore(
        RefundRequested, at=states.OPENED, because="this refund is known already; each euro goes back once"
    ),
    note(MessageSent, at=states.OPENED, because="the message is on its way"),
    on(MessageUndeliverable, at=states.OPENED, does=(commands.CALL_ABOUT_ADDRESS,)),
    note(StaffAlerted, at=states.OPENED, because="a colleague has been called"),
    ignore(events.RefundConfirmed, at=states.OPENED, because="this part is not pending"),
    ignore(events.RefundBounced, at=states.OPENED, because="this part is not pending"),
    ignore(events.RefundReversed, at=states.OPENED, because="this part has not been paid"),
    refuse(events.RefundDecided, at=states.OPENED, because="that question is not open"),
    refuse(
        events.AlternativeChosen,
        at=(
            states.AWAITING_APPROVAL,
            states.SUBMITTED,
            states.PENDING,
            states.AWAITING_RETRY,
            states.PAYING_OUT,
            *states.ENDED,
        ),
        because="that question is not open",
    ),
)


def may_happen(refund: Refund) -> Iterable[Event]:
    """What the provider may report and what finance or the customer may decide."""
    yield events.RefundDecided(approve=True, reason="order lost")
    yield events.RefundDecided(approve=False, reason="goods were kept")
    yield events.AlternativeChosen(
        customer=refund.customer, means=Means.STORE_CREDIT, wording="refund-alternative-1"
    )
    if refund.parts and (refund.parts[0].status in OPEN or refund.parts[0].beyond(0)):
        yield RefundCapped(refund=refund.refund, payment=refund.parts[0].payment, most=0)
    for part in refund.parts:
        yield events.RefundBounced(payment=part.payment)
        if part.status is PartStatus.PENDING:
            yield events.RefundConfirmed(payment=part.payment, amount=part.owed)
        if part.paid and (part.status is PartStatus.PAID or not refund.reported):
            yield events.RefundReversed(payment=part.payment, amount=part.paid)


REFUND = Procedure(
    name="refund",
    title="Refund",
    version=1,
    purpose="Pay back what is owed, to the payments it came from, each euro once.",
    scope="Every refund of an order, a return, a complaint or a repair.",
    responsible="Head of finance",
    references=("Directive 2011/83/EU, Article 13", "Order processing"),
    fulfils=("RET-8", "ORD-5", "GOV-1"),
    data=Refund,
    events=(
        RefundRequested,
        RefundCapped,
        events.RefundConfirmed,
        events.RefundBounced,
        events.RefundReversed,
    ),
    states=(states.REQUESTED, *states.OPENED),
    rules=(*REQUEST, *PAYMENT, *SENT_BACK, *ALTERNATIVE, *REVERSAL, *CHARGED_BACK, *OTHERWISE),
    may_happen=may_happen,
    module="machines.refund",
    terms=RefundTerms,
    kpis=("days from request to settled money", "share of refunds that fail at first"),
)
