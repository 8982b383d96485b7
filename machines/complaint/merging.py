"""How one of two complaints about the same goes on in the other: the rules, and all that they need.

Staff ask for it. The complaint stays where it is and asks the other one; it ends only when that agrees. The
older one goes on, so that our eight weeks count from when the customer first complained, and so that no ring
of complaints can end in one another.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from machines.complaining import DuplicateFound, MergeAgreed, MergeAsked, MergeDeclined
from machines.complaint import deadlines, effects, guards, letters, sending, states
from machines.complaint.data import Complaint, MergeWish
from machines.complaint.events import ComplaintMerged, CustomerWrote
from machines.kernel.event import Event
from machines.kernel.rule import Rule, Send, ignore, on, refuse
from machines.kernel.verdict import Refusal, Verdict, allow_if

PATIENCE = timedelta(hours=1)  #: the other complaint answers within seconds, unless it is on hold

# -- whether it can be -----------------------------------------------------------------------------


def may_ask(complaint: Complaint, event: ComplaintMerged, _: datetime) -> Verdict:
    if event.into == complaint.complaint:
        return Refusal("a complaint cannot be merged into itself")
    if complaint.appeal is not None:
        return Refusal("a return waits for the answer to this appeal; merge the other complaint into it")
    return allow_if(
        event.into not in complaint.duplicates,
        f"{event.into} was merged into this one before; whoever writes there is heard here",
    )


def takes_on(complaint: Complaint, event: MergeAsked, _: datetime) -> Verdict:
    why = _why_not(complaint, event)
    return allow_if(not why, why)


def _why_not(complaint: Complaint, event: MergeAsked) -> str:
    if event.customer != complaint.customer:
        return "it is another customer's"
    if complaint.into is not None:
        return f"it was merged into {complaint.into}; merge this one into that"
    if (event.received, event.complaint) < (complaint.received, complaint.complaint):
        return "it came later; merge it into this one instead"
    return ""


def was_asked(complaint: Complaint, event: MergeAgreed | MergeDeclined, _: datetime) -> Verdict:
    asked = complaint.merging is not None and complaint.merging.into == event.into
    return allow_if(asked, "that complaint is not asked any more")


def went_there(complaint: Complaint, event: MergeDeclined, _: datetime) -> Verdict:
    return allow_if(complaint.into == event.into, "this one went elsewhere")


def came_round(complaint: Complaint, event: CustomerWrote, now: datetime) -> Verdict:
    if not (verdict := guards.by_its_customer(complaint, event, now)):
        return verdict
    return allow_if(complaint.complaint in event.through, "it has not been here before")


# -- what it changes -------------------------------------------------------------------------------


def wish(complaint: Complaint, event: ComplaintMerged, now: datetime) -> Complaint:
    return complaint.model_copy(update={"merging": MergeWish(into=event.into, due=now + PATIENCE)})


def stay(complaint: Complaint, _: Event, __: datetime) -> Complaint:
    return complaint.model_copy(update={"merging": None})


def merge(complaint: Complaint, event: MergeAgreed, now: datetime) -> Complaint:
    return effects.end(complaint, event, now).model_copy(update={"into": event.into, "merging": None})


def go_on(complaint: Complaint, _: Event, __: datetime) -> Complaint:
    return complaint.model_copy(update={"into": None, "closed": None})


def note_duplicate(complaint: Complaint, event: DuplicateFound, _: datetime) -> Complaint:
    return complaint.model_copy(update={"duplicates": (*complaint.duplicates, event.complaint)})


# -- what the other complaint is told --------------------------------------------------------------


def ask(complaint: Complaint, event: ComplaintMerged) -> Iterable[Send]:
    asked = MergeAsked(
        complaint=complaint.complaint, customer=complaint.customer, received=complaint.received
    )
    yield Send(asked, to=("complaint", event.into), apart=True)


def agree(complaint: Complaint, event: MergeAsked) -> Iterable[Send]:
    yield Send(MergeAgreed(into=complaint.complaint), to=("complaint", event.complaint), apart=True)


def decline(complaint: Complaint, event: MergeAsked | DuplicateFound) -> Iterable[Send]:
    why = _why_not(complaint, event) if isinstance(event, MergeAsked) else ""
    closed = "it is not open any more; the customer can have it opened again"
    declined = MergeDeclined(into=complaint.complaint, why=why or closed)
    yield Send(declined, to=("complaint", event.complaint), apart=True)


def confirm(complaint: Complaint, event: MergeAgreed) -> Iterable[Send]:
    found = DuplicateFound(complaint=complaint.complaint)
    yield Send(found, to=("complaint", event.into), apart=True)
    yield from sending.withdraw_tasks(complaint, event)


def pass_on(complaint: Complaint, event: CustomerWrote | DuplicateFound) -> Iterable[Send]:
    """What belongs to a complaint that was merged belongs to the one that it was merged into."""
    if complaint.into is None:
        return
    if isinstance(event, CustomerWrote):
        event = event.model_copy(update={"through": (*event.through, complaint.complaint)})
    yield Send(event, to=("complaint", complaint.into), apart=True)


# -- rules -----------------------------------------------------------------------------------------

ASKING: tuple[Rule, ...] = (
    on(
        ComplaintMerged,
        at=states.UNHARMED,
        when=may_ask,
        then=wish,
        sends=ask,
        because="the other complaint is asked",
    ),
    refuse(
        ComplaintMerged,
        at=states.SECURING,
        because="somebody may be hurt: see to that first (complaint.secured), then merge it",
    ),
    refuse(
        ComplaintMerged,
        at=states.not_in(states.TALKING),
        because="something has been promised or answered here; this complaint stays by itself",
    ),
    on(MergeAgreed, at=states.UNHARMED, to=states.MERGED, when=was_asked, then=merge, sends=confirm),
    on(
        MergeAgreed,
        at=states.not_in(states.UNHARMED),
        when=was_asked,
        then=stay,
        because="it has gone on meanwhile and stays by itself",
    ),
    on(MergeDeclined, at=states.OPEN, when=was_asked, then=stay, does=(letters.CALL_NOT_MERGED,)),
    on(
        MergeDeclined,
        at=states.MERGED,
        to=states.ASSESSING,
        when=went_there,
        then=go_on,
        does=(letters.CALL_NOT_MERGED,),
        because="the other complaint was answered meanwhile; this one goes on",
    ),
    on(deadlines.MERGE_DUE, at=states.UNHARMED, does=(letters.CALL_ABOUT_MERGE,)),
    ignore(MergeAgreed, at=states.OPENED, because="that complaint is not asked any more"),
    ignore(MergeDeclined, at=states.OPENED, because="that complaint is not asked any more"),
)
ASKED: tuple[Rule, ...] = (
    on(MergeAsked, at=states.OPEN, when=takes_on, sends=agree),
    on(MergeAsked, at=states.OPENED, sends=decline),
    on(
        DuplicateFound,
        at=states.OPEN,
        then=note_duplicate,
        does=(letters.CALL_ABOUT_DUPLICATE, letters.TELL_MERGED),
    ),
    on(DuplicateFound, at=states.MERGED, sends=pass_on, because="it goes on where this one went"),
    on(
        DuplicateFound,
        at=(states.RESOLVED, states.WITH_OMBUDSMAN, *states.UNMERGED),
        sends=decline,
        because="this one was answered meanwhile, and the other goes on by itself",
    ),
)
HEARD_ELSEWHERE: tuple[Rule, ...] = (
    on(
        CustomerWrote,
        at=states.MERGED,
        to=states.ASSESSING,
        when=came_round,
        then=go_on,
        does=(letters.CALL_AGENT,),
        because="each of these complaints was merged into another; this one goes on",
    ),
    on(
        CustomerWrote,
        at=states.MERGED,
        when=guards.by_its_customer,
        sends=pass_on,
        because="the complaint that it was merged into hears of it",
    ),
)
MERGING = (*ASKING, *ASKED, *HEARD_ELSEWHERE)
