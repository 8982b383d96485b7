"""Where a refund can stand, for how long, and what whoever asked for it is told at its ends."""

from __future__ import annotations

from machines.between import RefundSettled, RefundWithheld
from machines.kernel.duration import days, hours, working_days
from machines.kernel.event import Event
from machines.kernel.rule import Junction
from machines.kernel.state import Act, Ask, Deadline, End, Wait
from machines.refund import commands, events, guards
from machines.refund.data import PartStatus, Refund

# -- what the order is told ------------------------------------------------------------------------


def settled(refund: Refund) -> Event:
    return RefundSettled(refund=refund.refund, shares=refund.shares, goodwill=refund.goodwill)


def withheld(refund: Refund) -> Event:
    return RefundWithheld(
        refund=refund.refund, shares=refund.shares, goodwill=refund.goodwill, reason=refund.reason
    )


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
