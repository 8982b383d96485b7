"""What a complaint writes to the customer, and when it calls a colleague.

Every letter says how the matter stands, what happens next, and where the complaint can be taken if we cannot
settle it; the words, and the empathy, are in the templates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta

from machines.complaining import MergeDeclined
from machines.complaint.data import Complaint, Severity
from machines.kernel.clock import ClockReached
from machines.kernel.command import CommandType
from machines.kernel.event import Event
from machines.kernel.money import Money
from machines.messages import Alert, Message, MessageType, alert, message

AGENT, SENIOR, MANAGER = "complaints agent", "senior complaints agent", "head of complaints"
OMBUDSMAN_DESK = "ombudsman desk"  #: prepares what the external body will ask for
SAFETY_OFFICER = "safety officer"
MEDIATOR = "conflict-resolution specialist"
EIGHT_WEEKS = timedelta(weeks=8)  #: from receipt; FCA DISP 1.6.2

Told = Callable[[Complaint], dict[str, str]]
Holds = Callable[[Complaint], bool]


def _nothing(_: Complaint) -> dict[str, str]:
    return {}


def _always(_: Complaint) -> bool:
    return True


def _tell(
    template: str, told: Told = _nothing, *, when: Holds = _always, fulfils: tuple[str, ...] = ()
) -> MessageType:
    def arguments(complaint: Complaint, _: Event) -> Iterable[Message]:
        if when(complaint):
            yield Message(
                template=template,
                customer=complaint.customer,
                to=complaint.buyer,
                locale=complaint.locale,
                about=complaint.complaint,
                facts={**_standing(complaint), **told(complaint)},
            )

    return message(template, arguments=arguments, fulfils=fulfils)


def _standing(complaint: Complaint) -> dict[str, str]:
    """Who looks after it, by when the law has us answer, and for how long it can be opened again."""
    return {
        "owner": complaint.owner or "",
        "order": complaint.order or "",
        "answer_by": (complaint.received + EIGHT_WEEKS).date().isoformat(),
        "reopen_days": str(complaint.terms.reopen_days),
    }


def _offer(complaint: Complaint) -> dict[str, str]:
    if (offer := complaint.offer) is None:
        return {}
    amount = str(Money(amount=offer.amount, currency=complaint.currency)) if offer.amount else ""
    return {
        "offer": str(offer.number),
        "remedy": offer.remedy,
        "amount": amount,
        "explanation": offer.explanation,
    }


def _finding(complaint: Complaint) -> dict[str, str]:
    return {"cause": complaint.cause, **_offer(complaint)}


def _question(complaint: Complaint) -> dict[str, str]:
    return {"question": complaint.question}


def _reason(complaint: Complaint) -> dict[str, str]:
    return {"reason": complaint.reason, **_offer(complaint)}


def _merged(complaint: Complaint) -> dict[str, str]:
    return {"merged": complaint.duplicates[-1]}


def _progress(complaint: Complaint) -> dict[str, str]:
    return {"consulted": ", ".join(one.department for one in complaint.awaited)}


def _prompt(complaint: Complaint) -> bool:
    return complaint.prompt and not complaint.reopened


def _not_prompt(complaint: Complaint) -> bool:
    return not _prompt(complaint)


def _ours(complaint: Complaint) -> bool:
    """Whoever has gone to the ombudsman knows the way there."""
    return not complaint.referred


def _call(role: str, subject: str, *, when: Holds = _always, fulfils: tuple[str, ...] = ()) -> CommandType:
    def arguments(complaint: Complaint, _: Event) -> Iterable[Alert]:
        if when(complaint):
            yield Alert(role=role, about=complaint.complaint, subject=subject)

    return alert(arguments=arguments, fulfils=fulfils)


def _called_by_clock(complaint: Complaint, event: ClockReached) -> Iterable[Alert]:
    if event.whom is not None:
        subject = event.text or "a complaint is late"
        yield Alert(role=event.whom, about=complaint.complaint, subject=subject)


def _not_merged(complaint: Complaint, event: MergeDeclined) -> Iterable[Alert]:
    subject = f"it is not merged into {event.into}: {event.why}"
    yield Alert(role=AGENT, about=complaint.complaint, subject=subject)


def _all_answered(complaint: Complaint) -> bool:
    return not complaint.awaited


def _severest(complaint: Complaint) -> bool:
    return complaint.severity is Severity.S1


# -- to the customer -------------------------------------------------------------------------------

TELL_RECEIVED = _tell("complaint.received", fulfils=("CMP-1", "CMP-4"))
TELL_SAFETY = _tell("complaint.safety", _offer, fulfils=("CMP-1", "CMP-4", "SAT-2"))
TELL_ACKNOWLEDGED = _tell("complaint.acknowledged", fulfils=("CMP-1", "CMP-4", "SAT-1", "SAT-2"))
TELL_OWNER = _tell("complaint.new_owner", fulfils=("CMP-4",))
TELL_PROGRESS = _tell("complaint.progress", _progress, fulfils=("CMP-4", "SAT-3"))
ASK_INFORMATION = _tell("complaint.information_needed", _question, fulfils=("CMP-2", "CMP-4"))
TELL_THIRD_PARTY = _tell("complaint.third_party_asked", _question, fulfils=("CMP-4",))
REMIND = _tell("complaint.reminder", _offer, fulfils=("CMP-4",))
TELL_OFFER = _tell("complaint.offer", _finding, fulfils=("CMP-4", "CMP-6"))
TELL_RECONSIDERED = _tell("complaint.reconsidered", fulfils=("CMP-7", "SAT-4"))
TELL_REDRESS_FAILED = _tell("complaint.redress_failed", _reason, fulfils=("CMP-4", "SAT-2"))
TELL_SUMMARY = _tell("complaint.summary", _finding, when=_prompt, fulfils=("CMP-5",))
TELL_FINAL = _tell("complaint.final_response", _finding, when=_not_prompt, fulfils=("CMP-5",))
TELL_NOT_UPHELD = _tell("complaint.not_upheld", _finding, fulfils=("CMP-5", "CMP-7"))
TELL_UNRESOLVED = _tell("complaint.unresolved", _reason, fulfils=("CMP-7",))
TELL_SILENT = _tell("complaint.closed_unanswered", _finding, fulfils=("CMP-5",))
TELL_HOLDING = _tell("complaint.holding", when=_ours, fulfils=("CMP-4", "CMP-7"))
TELL_RIGHTS = _tell("complaint.referral_rights", fulfils=("CMP-7",))
TELL_FOLLOW_UP = _tell("complaint.follow_up", fulfils=("CMP-8", "SAT-3"))
TELL_WITHDRAWN = _tell("complaint.withdrawn", fulfils=("CMP-4",))
TELL_MERGED = _tell("complaint.merged", _merged, fulfils=("CMP-4",))
TELL_REOPENED = _tell("complaint.reopened", fulfils=("CMP-1", "CMP-4", "SAT-3"))
TELL_SPECIALIST = _tell("complaint.specialist", fulfils=("SAT-4",))
TELL_REFERRED = _tell("complaint.referred", _reason, fulfils=("CMP-7",))
TELL_OUTSIDE_DECISION = _tell("complaint.outside_decision", _reason, fulfils=("CMP-4",))

# -- to colleagues ---------------------------------------------------------------------------------

CALL_BY_CLOCK = alert(arguments=_called_by_clock, fulfils=("CMP-7",))
CALL_SAFETY_OFFICER = _call(SAFETY_OFFICER, "somebody may be hurt", fulfils=("CMP-5",))
CALL_ABOUT_HAZARD = _call(
    SAFETY_OFFICER, "a complaint of the highest severity is being investigated", when=_severest
)
CALL_RECOVERY = _call(SENIOR, "a dissatisfied customer is to be called", fulfils=("CMP-8", "SAT-3"))
CALL_AGENT = _call(AGENT, "the customer wrote about a complaint", fulfils=("SAT-2",))
CALL_ALL_ANSWERED = _call(
    AGENT, "every department has answered; conclude the investigation", when=_all_answered, fulfils=("CMP-3",)
)
CALL_DEPARTMENT_LATE = _call(AGENT, "a department is late; its head has been asked", fulfils=("CMP-3",))
CALL_ABOUT_SILENCE = _call(AGENT, "nobody answered our question; go on without", fulfils=("CMP-5",))
CALL_SENIOR = _call(SENIOR, "an offer waits for approval", fulfils=("CMP-6",))
CALL_MANAGER = _call(MANAGER, "an offer waits for approval", fulfils=("CMP-6",))
CALL_ABOUT_REJECTION = _call(SENIOR, "a customer turned an offer down", fulfils=("CMP-7",))
CALL_ABOUT_FAILURE = _call(SENIOR, "what was promised to a customer cannot be given", fulfils=("CMP-7",))
CALL_ABOUT_REDRESS = _call(MANAGER, "what was promised to a customer is still not given", fulfils=("CMP-7",))
CALL_ABOUT_REOPENING = _call(
    SENIOR, "a customer is not content with how a complaint was closed", fulfils=("CMP-7",)
)
CALL_ABOUT_PARCEL = _call(
    AGENT, "a replacement did not reach the customer after all; look at whether anything is still owed"
)
CALL_MEDIATOR = _call(MEDIATOR, "a conversation is tense", fulfils=("SAT-4",))
CALL_ABOUT_EIGHT_WEEKS = _call(MANAGER, "a complaint is eight weeks old", fulfils=("CMP-7",))
CALL_OMBUDSMAN_DESK = _call(OMBUDSMAN_DESK, "a customer has gone to the ombudsman", fulfils=("CMP-7",))
CALL_ABOUT_ADDRESS = _call(AGENT, "a customer cannot be reached by message", fulfils=("CMP-1",))
CALL_ABOUT_MERGE = _call(
    AGENT, "the complaint that this one is to be merged into does not answer; look at its number"
)
CALL_NOT_MERGED = alert(arguments=_not_merged, fulfils=("CMP-2",))
CALL_ABOUT_DUPLICATE = _call(AGENT, "another complaint was merged into this one", fulfils=("CMP-2",))
