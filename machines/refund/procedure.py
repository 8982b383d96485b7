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
    RefundSettled,
    RefundWithheld,
)
from machines.kernel.duration import days, hours, working_days
from machines.kernel.event import Event
from machines.kernel.procedure import Procedure
from machines.kernel.rule import Junction, Send, defer, ignore, note, on, refuse, send_back
from machines.kernel.state import Act, Ask, Deadline, End, Wait
from machines.messages import MessageSent, MessageUndeliverable, StaffAlerted
from machines.refund import commands, effects, events, guards
from machines.refund.data import OPEN, PartStatus, Refund, RefundTerms


def settled(refund: Refund) -> Event:
    return RefundSettled(refund=refund.refund, shares=refund.shares, goodwill=refund.goodwill)


def withheld(refund: Refund) -> Event:
    return RefundWithheld(
        refund=refund.refund, shares=refund.shares, goodwill=refund.goodwill, reason=refund.reason
    )


def crossed(refund: Refund, event: RefundCapped) -> Iterable[Send]:
    """Money counts as gone back once that was reported, even where it came back to us since."""
    for part in refund.parts:
        if part.payment == event.payment and part.crossed:
            yield Send(RefundCrossed(refund=refund.refund, amount=part.crossed))


# -- time limits -----------------------------------------------------------------------------------

APPROVAL_DUE = Deadline(
    "approval_due", "Nobody has decided; the next in line is called.", after=working_days(1), repeats=True
)
RETRY_DUE = Deadline("retry_due", "The provider is asked once more.", after=hours(24))
SETTLEMENT_DUE = Deadline(
    "settlement_due", "The provider has not paid; finance is called.", after=working_days(5), repeats=True
)
REMINDER = Deadline("reminder", "The customer is reminded.", after=days(3), repeats=True)
ALTERNATIVE_DUE = Deadline(
    "alternative_due",
    "The customer has not answered; finance is called, the debt stays.",
    after=days(14),
    repeats=True,
)

# -- states ----------------------------------------------------------------------------------------

REQUESTED = Wait("requested", "Money is owed.", no_deadline="its first event moves it on")
AWAITING_APPROVAL = Ask(
    "awaiting_approval",
    "The sum is above the limit; finance decides.",
    form=events.RefundDecided,
    role="finance",
    ladder=commands.LADDER[1:],
    does=(commands.CALL_APPROVER,),
    deadlines=(APPROVAL_DUE,),
    fulfils=("RET-8",),
)
SUBMITTED = Act(
    "submitted",
    "Each payment is asked to pay back its part, the newest first.",
    does=(commands.PAY_BACK,),
    fulfils=("RET-8", "ORD-5"),
)
PENDING = Wait(
    "pending",
    "The provider works on it; the customer is told.",
    does=(commands.TELL_PENDING,),
    deadlines=(SETTLEMENT_DUE,),
    fulfils=("RET-8",),
)
AWAITING_RETRY = Wait(
    "awaiting_retry", "A part failed and is tried again.", deadlines=(RETRY_DUE,), fulfils=("RET-8",)
)
AWAITING_ALTERNATIVE = Ask(
    "awaiting_alternative",
    "The means that paid cannot take the money back; the customer says how to be paid instead.",
    form=events.AlternativeChosen,
    role="customer",
    does=(commands.ASK_ALTERNATIVE,),
    deadlines=(REMINDER, ALTERNATIVE_DUE),
    fulfils=("RET-8",),
)
PAYING_OUT = Act(
    "paying_out", "The customer is paid by the means agreed to.", does=(commands.PAY_OUT,), fulfils=("RET-8",)
)
SETTLED = End(
    "settled",
    "The customer has the money.",
    outcome="settled",
    does=(commands.TELL_SETTLED,),
    reports=settled,
    fulfils=("RET-8", "ORD-5"),
)
SETTLED_AGAIN = End(
    "settled_again",
    "The money had come back to us; now the customer has it for good.",
    outcome="settled",
    silent="that it is settled was reported before the money came back",
    does=(commands.TELL_SETTLED,),
    fulfils=("RET-8",),
)
WITHHELD = End(
    "withheld",
    "Finance has decided that nothing is paid back.",
    outcome="rejected",
    does=(commands.TELL_WITHHELD,),
    reports=withheld,
)
CALLED_OFF = End(
    "called_off",
    "The customer's bank has taken the money back before we could pay it; it is not paid twice.",
    outcome="settled",
    does=(commands.TELL_CALLED_OFF,),
    reports=settled,
)
NOT_COVERED = End(
    "not_covered",
    "More was asked for than had been paid; nothing is paid back.",
    outcome="rejected",
    reports=withheld,
)

REFUND_STANDS = Junction(
    "refund stands",
    (
        (SUBMITTED, guards.some(PartStatus.ASKED)),
        (PENDING, guards.some(PartStatus.PENDING)),
        (AWAITING_RETRY, guards.may_retry),
        (AWAITING_ALTERNATIVE, guards.some(PartStatus.FAILED)),
        (CALLED_OFF, guards.called_off),
        (SETTLED_AGAIN, guards.settled_again),
        (SETTLED, guards.nothing_open),
    ),
)
PAYING = (SUBMITTED, PENDING, AWAITING_RETRY, AWAITING_ALTERNATIVE, PAYING_OUT)
UNPAID = (AWAITING_APPROVAL, AWAITING_RETRY, AWAITING_ALTERNATIVE)
ENDED = (SETTLED, SETTLED_AGAIN, WITHHELD, CALLED_OFF, NOT_COVERED)
OPENED = (AWAITING_APPROVAL, *PAYING, *ENDED)

# -- rules -----------------------------------------------------------------------------------------

# No more goes back than came in; above a limit finance decides.
REQUEST = (
    on(
        RefundRequested,
        at=REQUESTED,
        to=SUBMITTED,
        when=guards.within_limit,
        then=effects.request_and_submit,
    ),
    on(RefundRequested, at=REQUESTED, to=AWAITING_APPROVAL, when=guards.covered, then=effects.request),
    on(RefundRequested, at=REQUESTED, to=NOT_COVERED, then=effects.request),
    on(
        events.RefundDecided,
        at=AWAITING_APPROVAL,
        to=SUBMITTED,
        when=guards.approved,
        then=effects.submit,
    ),
    on(events.RefundDecided, at=AWAITING_APPROVAL, to=WITHHELD, then=effects.withhold),
    on(APPROVAL_DUE, at=AWAITING_APPROVAL, then=effects.climb, does=(commands.CALL_APPROVER,)),
)

# Each part is paid, pending or failed; the refund goes where its slowest part stands.
PAYMENT = (
    on(events.RefundPaid, at=SUBMITTED, to=REFUND_STANDS, when=guards.answers, then=effects.paid),
    on(events.RefundPending, at=SUBMITTED, to=REFUND_STANDS, when=guards.answers, then=effects.pending),
    on(events.RefundFailed, at=SUBMITTED, to=REFUND_STANDS, when=guards.answers, then=effects.failed),
    on(
        events.RefundConfirmed,
        at=PENDING,
        to=REFUND_STANDS,
        when=guards.was_pending,
        then=effects.paid,
        does=(commands.CALL_ABOUT_SUM,),
    ),
    on(events.RefundBounced, at=PENDING, to=REFUND_STANDS, when=guards.was_pending, then=effects.failed),
    on(SETTLEMENT_DUE, at=PENDING, does=(commands.CALL_ABOUT_PENDING,)),
    on(RETRY_DUE, at=AWAITING_RETRY, to=SUBMITTED, then=effects.submit),
    defer(events.RefundConfirmed, at=SUBMITTED, because="the provider's first answer comes first"),
    defer(events.RefundBounced, at=SUBMITTED, because="the provider's first answer comes first"),
)

# A colleague who knows that the provider is back need not wait a day.
SENT_BACK = (
    send_back(
        at=AWAITING_RETRY,
        to=SUBMITTED,
        then=effects.submit,
        because="the provider is asked at once, and not in a day",
    ),
)

# What the provider cannot pay back is paid another way, if the customer agrees.
ALTERNATIVE = (
    on(
        events.AlternativeChosen,
        at=AWAITING_ALTERNATIVE,
        to=PAYING_OUT,
        when=guards.has_account,
        then=effects.consent,
    ),
    on(REMINDER, at=AWAITING_ALTERNATIVE, does=(commands.REMIND,)),
    on(ALTERNATIVE_DUE, at=AWAITING_ALTERNATIVE, does=(commands.CALL_ABOUT_SILENCE,)),
    on(events.PaidOut, at=PAYING_OUT, to=REFUND_STANDS, then=effects.paid_out),
    on(events.PayoutFailed, at=PAYING_OUT, to=AWAITING_ALTERNATIVE, then=effects.not_paid_out),
)

# Money that comes back is owed again.
REVERSAL = (
    on(
        events.RefundReversed,
        at=(SETTLED, SETTLED_AGAIN),
        to=REFUND_STANDS,
        when=guards.was_paid,
        then=effects.reopen,
    ),
    on(
        events.RefundReversed,
        at=(PENDING, AWAITING_RETRY),
        to=REFUND_STANDS,
        when=guards.was_paid,
        then=effects.reverse,
    ),
    on(events.RefundReversed, at=AWAITING_ALTERNATIVE, when=guards.was_paid, then=effects.reverse),
    defer(events.RefundReversed, at=(SUBMITTED, PAYING_OUT), because="the payment under way comes first"),
)

# What the customer's bank has taken meanwhile is not paid as well; where it crossed, finance hears of it.
CHARGED_BACK = (
    on(
        RefundCapped,
        at=(*UNPAID, SETTLED, SETTLED_AGAIN),
        when=guards.paid_more,
        then=effects.cross,
        sends=crossed,
    ),
    on(
        RefundCapped,
        at=(AWAITING_APPROVAL, AWAITING_ALTERNATIVE),
        when=guards.leaves(guards.some(PartStatus.NEW, PartStatus.FAILED)),
        then=effects.cap,
        sends=crossed,
    ),
    on(
        RefundCapped,
        at=AWAITING_RETRY,
        when=guards.leaves(guards.may_retry),
        then=effects.cap,
        sends=crossed,
    ),
    on(
        RefundCapped,
        at=UNPAID,
        to=REFUND_STANDS,
        when=guards.cut_down,
        then=effects.cap,
        sends=crossed,
    ),
    defer(RefundCapped, at=(SUBMITTED, PENDING, PAYING_OUT), because="the payment under way comes first"),
    ignore(RefundCapped, at=(*UNPAID, *ENDED), because="no more than that is still to go back"),
)

# Whatever else arrives changes nothing.
OTHERWISE = (
    ignore(RefundRequested, at=OPENED, because="this refund is known already; each euro goes back once"),
    note(MessageSent, at=OPENED, because="the message is on its way"),
    on(MessageUndeliverable, at=OPENED, does=(commands.CALL_ABOUT_ADDRESS,)),
    note(StaffAlerted, at=OPENED, because="a colleague has been called"),
    ignore(events.RefundConfirmed, at=OPENED, because="this part is not pending"),
    ignore(events.RefundBounced, at=OPENED, because="this part is not pending"),
    ignore(events.RefundReversed, at=OPENED, because="this part has not been paid"),
    refuse(events.RefundDecided, at=OPENED, because="that question is not open"),
    refuse(
        events.AlternativeChosen,
        at=(AWAITING_APPROVAL, SUBMITTED, PENDING, AWAITING_RETRY, PAYING_OUT, *ENDED),
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
    states=(REQUESTED, *OPENED),
    rules=(*REQUEST, *PAYMENT, *SENT_BACK, *ALTERNATIVE, *REVERSAL, *CHARGED_BACK, *OTHERWISE),
    may_happen=may_happen,
    module="machines.refund",
    terms=RefundTerms,
    kpis=("days from request to settled money", "share of refunds that fail at first"),
)
