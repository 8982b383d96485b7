"""What an event changes in what a complaint knows."""

from __future__ import annotations

from datetime import datetime

from machines.complaining import AppealBarred, ComplaintOpened, Origin
from machines.complaint import events
from machines.complaint.data import (
    AWAITED,
    Complaint,
    Consulted,
    Offer,
    Remedy,
    Severity,
    TaskStatus,
    Terms,
)
from machines.complaint.guards import deadlocked
from machines.consulting import TaskDone, TaskOverdue
from machines.kernel.event import Event
from machines.redress import RedressAvailable, RedressFailed

# -- reception -------------------------------------------------------------------------------------


def receive(terms: Terms, event: events.ComplaintReceived, now: datetime) -> Complaint:
    return Complaint(
        complaint=event.complaint,
        origin=Origin.CUSTOMER,
        channel=event.channel,
        customer=event.customer,
        buyer=event.buyer,
        locale=event.locale,
        currency=event.currency,
        received=now,
        terms=terms,
        order=event.order,
        ship_to=event.ship_to,
        items=event.items,
        sought=event.sought,
    )


def receive_from_colleagues(terms: Terms, event: ComplaintOpened, now: datetime) -> Complaint:
    return Complaint(
        complaint=event.complaint,
        origin=event.origin,
        channel=event.channel,
        customer=event.customer,
        buyer=event.buyer,
        locale=event.locale,
        currency=event.currency,
        received=now,
        terms=terms,
        order=event.order,
        appeal=event.appeal,
        reason=event.why,
    )


def take(complaint: Complaint, event: events.ComplaintTaken, _: datetime) -> Complaint:
    return complaint.model_copy(update={"owner": event.owner})


def assign(complaint: Complaint, event: events.ComplaintAssigned, _: datetime) -> Complaint:
    return complaint.model_copy(update={"owner": event.owner})


def secure(complaint: Complaint, event: events.HazardSecured, _: datetime) -> Complaint:
    return complaint.model_copy(update={"secured": True, "owner": complaint.owner or event.by})


def assess(complaint: Complaint, event: events.ComplaintAssessed, _: datetime) -> Complaint:
    return complaint.model_copy(update={"severity": event.severity, "nature": event.nature})


def find_hazard(complaint: Complaint, _: events.HazardFound, __: datetime) -> Complaint:
    """It is of the highest severity from now on; a complaint that is not assessed yet will be."""
    severity = Severity.S1 if complaint.severity else None
    return complaint.model_copy(update={"severity": severity, "secured": False})


def third_day_is_over(complaint: Complaint, _: Event, __: datetime) -> Complaint:
    return complaint.model_copy(update={"prompt": False})


def call_specialist(complaint: Complaint, _: Event, __: datetime) -> Complaint:
    return complaint.model_copy(update={"specialist": True})


# -- investigation ---------------------------------------------------------------------------------


def consult(complaint: Complaint, event: events.DepartmentConsulted, _: datetime) -> Complaint:
    key = f"{complaint.complaint}-T{len(complaint.tasks) + 1}"
    asked = Consulted(task=key, department=event.department)
    return complaint.model_copy(update={"tasks": (*complaint.tasks, asked), "question": event.question})


def department_answered(complaint: Complaint, event: TaskDone, _: datetime) -> Complaint:
    return _mark(complaint, event.task, TaskStatus.DONE, answer=event.answer)


def department_late(complaint: Complaint, event: TaskOverdue, _: datetime) -> Complaint:
    return _mark(complaint, event.task, TaskStatus.OVERDUE)


def _mark(complaint: Complaint, task: str, status: TaskStatus, *, answer: str = "") -> Complaint:
    said = {"status": status, "answer": answer}
    tasks = tuple(one.model_copy(update=said) if one.task == task else one for one in complaint.tasks)
    return complaint.model_copy(update={"tasks": tasks})


def _withdraw_questions(complaint: Complaint, event: Event) -> tuple[Consulted, ...]:
    """What departments have not answered need not be answered any more."""
    needless = {"status": TaskStatus.WITHDRAWN, "withdrawn_for": event.type}
    return tuple(
        one.model_copy(update=needless if one.status in AWAITED else {"withdrawn_for": ""})
        for one in complaint.tasks
    )


def ask(complaint: Complaint, event: events.InformationNeeded, _: datetime) -> Complaint:
    return complaint.model_copy(update={"question": event.question})


def find(complaint: Complaint, event: events.CauseFound, _: datetime) -> Complaint:
    tasks = _withdraw_questions(complaint, event)
    return complaint.model_copy(update={"cause": event.cause, "upheld": event.upheld, "tasks": tasks})


def find_against(complaint: Complaint, event: events.CauseFound, now: datetime) -> Complaint:
    return close(find(complaint, event, now), event, now)


# -- resolution ------------------------------------------------------------------------------------


def note_what_is_left(complaint: Complaint, event: RedressAvailable, _: datetime) -> Complaint:
    return complaint.model_copy(update={"left": event.amount})


def propose(complaint: Complaint, event: events.ResolutionProposed, _: datetime) -> Complaint:
    return _offer(complaint, remedy=event.remedy, amount=event.amount, explanation=event.explanation)


def note_refusal(complaint: Complaint, event: events.OfferApproved, _: datetime) -> Complaint:
    """What was not approved was never offered, and does not count."""
    return complaint.model_copy(
        update={"reason": event.reason, "offer": None, "offers": complaint.offers - 1}
    )


def _offer(complaint: Complaint, *, remedy: Remedy, amount: int, explanation: str) -> Complaint:
    """Each has a number of its own, by which the customer answers it and its redress is known to others."""
    offer = Offer(number=complaint.offers + 1, remedy=remedy, amount=amount, explanation=explanation)
    return complaint.model_copy(update={"offer": offer, "offers": offer.number})


def accept(complaint: Complaint, event: events.OfferAnswered, _: datetime) -> Complaint:
    return complaint.model_copy(update={"account": event.account})


def reject(complaint: Complaint, event: events.OfferAnswered, now: datetime) -> Complaint:
    """If this was one too many, it is closed with our final response."""
    complaint = complaint.model_copy(update={"rejections": complaint.rejections + 1})
    return close(complaint, event, now) if deadlocked(complaint) else complaint


def fail(complaint: Complaint, event: Event, _: datetime) -> Complaint:
    remedy = complaint.offer.remedy if complaint.offer else Remedy.APOLOGY
    failed = tuple(sorted({*complaint.failed, remedy}))
    reason = event.reason if isinstance(event, RedressFailed | AppealBarred) else complaint.reason
    return complaint.model_copy(update={"failed": failed, "reason": reason})


def answered_by_return(complaint: Complaint, _: Event, __: datetime) -> Complaint:
    """The return has had its answer; whatever else is owed goes the way of every complaint."""
    return complaint.model_copy(update={"appeal": None})


def barred_by_return(complaint: Complaint, event: AppealBarred, now: datetime) -> Complaint:
    return answered_by_return(fail(complaint, event, now), event, now)


# -- changes of course -----------------------------------------------------------------------------


def close(complaint: Complaint, _: Event, now: datetime) -> Complaint:
    return complaint.model_copy(update={"closed": now})


def end(complaint: Complaint, event: Event, now: datetime) -> Complaint:
    return complaint.model_copy(update={"closed": now, "tasks": _withdraw_questions(complaint, event)})


def refer(complaint: Complaint, event: events.ReferredOutside, _: datetime) -> Complaint:
    tasks = _withdraw_questions(complaint, event)
    return complaint.model_copy(update={"referred": True, "tasks": tasks, "reason": event.body})


def follow_outside_decision(complaint: Complaint, event: events.OutsideDecision, _: datetime) -> Complaint:
    """What the ombudsman decides needs no approval of ours, but the customer's consent. It is never minor."""
    complaint = complaint.model_copy(update={"severity": complaint.severity or Severity.S2})
    remedy = Remedy.GOODWILL if complaint.order is None else Remedy.PARTIAL_REFUND
    return _offer(complaint, remedy=remedy, amount=event.amount, explanation=event.reason)


def confirmed_outside(complaint: Complaint, event: events.OutsideDecision, now: datetime) -> Complaint:
    return close(complaint.model_copy(update={"reason": event.reason}), event, now)


def reopen(complaint: Complaint, event: events.ComplaintReopened, _: datetime) -> Complaint:
    return complaint.model_copy(
        update={
            "reopened": complaint.reopened + 1,
            "closed": None,
            "upheld": True,
            "tasks": _withdraw_questions(complaint, event),
        }
    )
