"""Where a complaint can stand, from reception to closing, and the time limits that run there."""

from __future__ import annotations

from collections.abc import Mapping

from machines.complaining import Ruling
from machines.complaint import commands, deadlines, letters
from machines.complaint.data import REFUNDS, Complaint, Remedy
from machines.complaint.events import (
    CauseFound,
    ComplaintAssessed,
    ComplaintTaken,
    HazardSecured,
    InformationGiven,
    OfferAnswered,
    OfferApproved,
    ResolutionProposed,
)
from machines.complaint.guards import (
    always,
    deadlocked,
    has_severity,
    needs_manager,
    needs_senior,
    overturns,
    remedy_is,
    within_bounds,
)
from machines.complaint.sending import report_ruling
from machines.kernel.event import Event
from machines.kernel.rule import Junction
from machines.kernel.state import Act, Ask, End, State, Wait
from machines.surveying import survey


def offer_in_question(complaint: Complaint) -> Mapping[str, object]:
    """Which offer the customer answers to, which nobody need type in."""
    return {"number": complaint.offer.number, "amount": complaint.offer.amount} if complaint.offer else {}


# -- reception -------------------------------------------------------------------------------------

RECEIVED = Wait("received", "Somebody complains.", no_deadline="its first event moves it on")
ACKNOWLEDGING = Ask(
    "acknowledging",
    "Somebody takes the complaint on, and the customer is told who, with an apology.",
    form=ComplaintTaken,
    role=letters.AGENT,
    ladder=(letters.SENIOR, letters.MANAGER),
    does=(letters.TELL_RECEIVED,),
    deadlines=(deadlines.THIRD_DAY, deadlines.MERGE_DUE),
    fulfils=("CMP-1", "CMP-2", "SAT-2"),
)
CALLING_BACK = Ask(
    "calling_back",
    "A customer is dissatisfied without having complained: a senior agent takes it on and calls.",
    form=ComplaintTaken,
    role=letters.SENIOR,
    ladder=(letters.MANAGER,),
    does=(letters.CALL_RECOVERY,),
    deadlines=(deadlines.THIRD_DAY, deadlines.MERGE_DUE),
    fulfils=("CMP-1", "CMP-8", "SAT-3"),
)
SECURING = Ask(
    "securing",
    "Somebody may be hurt: before all else the safety officer sees to it that nobody is.",
    form=HazardSecured,
    role=letters.SAFETY_OFFICER,
    ladder=(letters.MANAGER,),
    does=(letters.CALL_SAFETY_OFFICER, letters.TELL_SAFETY),
    deadlines=(deadlines.THIRD_DAY, deadlines.PROGRESS_DUE),
    fulfils=("CMP-5", "SAT-2"),
)
ASSESSING = Ask(
    "assessing",
    "How severe it is, what it is about, and whether something must be done at once.",
    form=ComplaintAssessed,
    role=letters.AGENT,
    ladder=(letters.SENIOR, letters.MANAGER),
    deadlines=(deadlines.THIRD_DAY, deadlines.PROGRESS_DUE, deadlines.MERGE_DUE),
    fulfils=("CMP-2", "CMP-6"),
)

# -- investigation ---------------------------------------------------------------------------------

INVESTIGATING = Ask(
    "investigating",
    "What happened and why; departments are asked side by side.",
    form=CauseFound,
    role=letters.AGENT,
    ladder=(letters.SENIOR, letters.MANAGER),
    deadlines=(deadlines.THIRD_DAY, deadlines.PROGRESS_DUE, deadlines.MERGE_DUE),
    fulfils=("CMP-3", "CMP-4"),
)
AWAITING_CUSTOMER = Ask(
    "awaiting_customer",
    "The customer is asked for something that only the customer knows.",
    form=InformationGiven,
    role="customer",
    does=(letters.ASK_INFORMATION,),
    deadlines=(deadlines.THIRD_DAY, deadlines.REMINDER, deadlines.INFORMATION_DUE, deadlines.MERGE_DUE),
    fulfils=("CMP-2",),
)
AWAITING_THIRD_PARTY = Wait(
    "awaiting_third_party",
    "Somebody outside the house is asked; the customer knows.",
    does=(letters.TELL_THIRD_PARTY,),
    deadlines=(deadlines.THIRD_DAY, deadlines.PROGRESS_DUE, deadlines.THIRD_PARTY_DUE, deadlines.MERGE_DUE),
    fulfils=("CMP-3", "CMP-4"),
)

# -- resolution ------------------------------------------------------------------------------------

PROPOSING = Ask(
    "proposing",
    "What the customer is to be offered, within the severity matrix.",
    form=ResolutionProposed,
    tells=within_bounds,
    role=letters.AGENT,
    ladder=(letters.SENIOR, letters.MANAGER),
    deadlines=(deadlines.THIRD_DAY, deadlines.PROGRESS_DUE, deadlines.MERGE_DUE),
    fulfils=("CMP-5", "CMP-6"),
)
RECONSIDERING = Ask(
    "reconsidering",
    "The customer turned the offer down; a senior agent looks at it afresh.",
    form=ResolutionProposed,
    tells=within_bounds,
    role=letters.SENIOR,
    ladder=(letters.MANAGER,),
    does=(letters.CALL_ABOUT_REJECTION, letters.TELL_RECONSIDERED),
    deadlines=(deadlines.THIRD_DAY, deadlines.PROGRESS_DUE, deadlines.MERGE_DUE),
    fulfils=("CMP-6", "CMP-7", "SAT-4"),
)
AWAITING_SENIOR = Ask(
    "awaiting_senior",
    "The offer is above the agent's limit.",
    form=OfferApproved,
    role=letters.SENIOR,
    ladder=(letters.MANAGER,),
    does=(letters.CALL_SENIOR,),
    deadlines=(deadlines.THIRD_DAY, deadlines.PROGRESS_DUE, deadlines.APPROVAL_DUE, deadlines.MERGE_DUE),
    fulfils=("CMP-6",),
)
AWAITING_MANAGER = Ask(
    "awaiting_manager",
    "The offer is above the senior agent's limit.",
    form=OfferApproved,
    role=letters.MANAGER,
    does=(letters.CALL_MANAGER,),
    deadlines=(deadlines.THIRD_DAY, deadlines.PROGRESS_DUE, deadlines.APPROVAL_DUE, deadlines.MERGE_DUE),
    fulfils=("CMP-6",),
)
AWAITING_ANSWER = Ask(
    "awaiting_answer",
    "The customer has our offer and says whether it will do.",
    form=OfferAnswered,
    role="customer",
    settles=offer_in_question,
    does=(letters.TELL_OFFER,),
    deadlines=(deadlines.THIRD_DAY, deadlines.REMINDER, deadlines.OFFER_DUE, deadlines.MERGE_DUE),
    fulfils=("CMP-4", "CMP-6"),
)

# -- redress ---------------------------------------------------------------------------------------

REFUNDING = Wait(
    "refunding",
    "The order pays back, to what it was paid with.",
    deadlines=(deadlines.THIRD_DAY, deadlines.REDRESS_DUE),
    fulfils=("CMP-6",),
)
AWAITING_RETURN = Wait(
    "awaiting_return",
    "The appeal was right: the return gives what was agreed, through the books of its order.",
    deadlines=(deadlines.THIRD_DAY, deadlines.REDRESS_DUE),
    fulfils=("CMP-6",),
)
SETTING_ASIDE = Act(
    "setting_aside",
    "The warehouse looks for the replacement.",
    does=(commands.SET_ASIDE,),
    deadlines=(deadlines.THIRD_DAY,),
    fulfils=("CMP-6",),
)
REPLACING = Wait(
    "replacing",
    "The replacement is on its way; its shipment keeps its own clock.",
    deadlines=(deadlines.THIRD_DAY, deadlines.PROGRESS_DUE),
    fulfils=("CMP-6",),
)
ISSUING = Act(
    "issuing_voucher",
    "The shop issues the voucher.",
    does=(commands.ISSUE_VOUCHER,),
    deadlines=(deadlines.THIRD_DAY,),
    fulfils=("CMP-6",),
)
PAYING = Act(
    "paying_goodwill",
    "The bank pays what was agreed.",
    does=(commands.PAY_GOODWILL,),
    deadlines=(deadlines.THIRD_DAY,),
    fulfils=("CMP-6",),
)
REDRESS_FAILED = Ask(
    "redress_failed",
    "What was promised cannot be given; a senior agent finds something else.",
    form=ResolutionProposed,
    tells=within_bounds,
    role=letters.SENIOR,
    ladder=(letters.MANAGER,),
    does=(letters.CALL_ABOUT_FAILURE, letters.TELL_REDRESS_FAILED),
    deadlines=(deadlines.THIRD_DAY, deadlines.PROGRESS_DUE, deadlines.MERGE_DUE),
    fulfils=("CMP-6", "CMP-7"),
)

# -- after our answer ------------------------------------------------------------------------------

RESOLVED = Wait(
    "resolved",
    "The customer has what was promised, and our summary (by the third business day) or final response.",
    does=(letters.TELL_SUMMARY, letters.TELL_FINAL),
    deadlines=(deadlines.FOLLOW_UP,),
    fulfils=("CMP-5", "CMP-8"),
)
WITH_OMBUDSMAN = Wait(
    "with_ombudsman",
    "The customer has gone to the ombudsman, who decides.",
    does=(letters.CALL_OMBUDSMAN_DESK, letters.TELL_REFERRED),
    deadlines=(deadlines.OUTSIDE_DUE,),
    fulfils=("CMP-7",),
)
CLOSED = End(
    "closed",
    "Settled, and asked a week later whether all is well.",
    outcome="resolved",
    does=(letters.TELL_FOLLOW_UP,),
    sends=survey(
        of="complaint",
        about=lambda complaint: complaint.complaint,
        time=lambda complaint: complaint.reopened + 1,
    ),
    fulfils=("CMP-8", "SAT-3"),
)
SILENT = End(
    "closed_unanswered",
    "The customer did not answer our offer, which is our final response; nobody is surveyed.",
    outcome="expired",
    does=(letters.TELL_SILENT,),
    sends=report_ruling(Ruling.UNDECIDED),
    fulfils=("CMP-5",),
)
NOT_UPHELD = End(
    "not_upheld",
    "We see it otherwise; the customer has our reasons and knows who else can decide.",
    outcome="rejected",
    does=(letters.TELL_NOT_UPHELD,),
    sends=report_ruling(Ruling.NOT_UPHELD),
    fulfils=("CMP-5", "CMP-7"),
)
UNRESOLVED = End(
    "unresolved",
    "No agreement; the customer has our final response and knows who else can decide.",
    outcome="unresolved",
    does=(letters.TELL_UNRESOLVED,),
    sends=report_ruling(Ruling.UNDECIDED),
    fulfils=("CMP-7",),
)
WITHDRAWN = End(
    "withdrawn",
    "The customer does not complain any more.",
    outcome="withdrawn",
    does=(letters.TELL_WITHDRAWN,),
    sends=report_ruling(Ruling.UNDECIDED),
)
MERGED = End(
    "merged",
    "All goes on in another complaint, and what the customer still writes is heard there.",
    outcome="merged",
    fulfils=("CMP-2",),
)

# -- where the way forks ---------------------------------------------------------------------------

SECURED = Junction("secured", ((INVESTIGATING, has_severity), (ASSESSING, always)))
OFFER_STANDS = Junction(
    "offer stands",
    ((AWAITING_MANAGER, needs_manager), (AWAITING_SENIOR, needs_senior), (AWAITING_ANSWER, always)),
)
REDRESS = Junction(
    "redress",
    (
        (AWAITING_RETURN, overturns),
        (REFUNDING, remedy_is(*REFUNDS)),
        (SETTING_ASIDE, remedy_is(Remedy.REPLACEMENT)),
        (ISSUING, remedy_is(Remedy.VOUCHER)),
        (PAYING, remedy_is(Remedy.GOODWILL)),
        (RESOLVED, always),
    ),
)
AFTER_REJECTION = Junction("after rejection", ((UNRESOLVED, deadlocked), (RECONSIDERING, always)))

# -- groups ----------------------------------------------------------------------------------------

RECEPTION = (ACKNOWLEDGING, CALLING_BACK, SECURING, ASSESSING)
FINDING = (INVESTIGATING, AWAITING_CUSTOMER, AWAITING_THIRD_PARTY)
PROPOSALS = (PROPOSING, RECONSIDERING, REDRESS_FAILED)
APPROVALS = (AWAITING_SENIOR, AWAITING_MANAGER)
GIVING = (REFUNDING, AWAITING_RETURN, SETTING_ASIDE, REPLACING, ISSUING, PAYING)
TALKING = (*RECEPTION, *FINDING, *PROPOSALS, *APPROVALS, AWAITING_ANSWER)  #: nothing has been promised
UNHARMED = tuple(state for state in TALKING if state is not SECURING)  #: as far as we know
OPEN = (*TALKING, *GIVING)  #: not answered yet
ENDED = (CLOSED, SILENT, NOT_UPHELD, UNRESOLVED, WITHDRAWN, MERGED)
OPENED = (*OPEN, RESOLVED, WITH_OMBUDSMAN, *ENDED)
EVERYWHERE = (RECEIVED, *OPENED)
UNMERGED = (CLOSED, SILENT, NOT_UPHELD, UNRESOLVED, WITHDRAWN)
IN_DISPUTE = (NOT_UPHELD, UNRESOLVED)
HEARD = tuple(state for state in OPENED if state not in (AWAITING_CUSTOMER, MERGED))
WITH_PROGRESS = tuple(state for state in OPEN if deadlines.PROGRESS_DUE in state.deadlines)


def not_asking(form: type[Event]) -> tuple[State, ...]:
    """Where nobody waits for ``form``."""
    return tuple(state for state in OPENED if not (isinstance(state, Ask) and state.form is form))


def not_in(states: tuple[State, ...]) -> tuple[State, ...]:
    return tuple(state for state in OPENED if state not in states)
