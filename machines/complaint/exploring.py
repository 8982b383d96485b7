"""What may happen to a complaint from outside, with payloads, for the exhaustive check and for examples.

Departments and redress through an order, changes of course, and questions to others are each tried on
complaints of their own, since together they would multiply.
"""

from __future__ import annotations

from collections.abc import Iterable

from machines.complaining import (
    AppealBarred,
    AppealGranted,
    DuplicateFound,
    MergeAgreed,
    MergeAsked,
    MergeDeclined,
    Origin,
)
from machines.complaint import events as told
from machines.complaint.data import REFUNDS, WORTHLESS, Complaint, Nature, Remedy, Severity
from machines.kernel.event import Event
from machines.redress import RedressAvailable, RedressFailed, RedressSettled

PAID = 2_000_000
BY_ORDER = (Remedy.PARTIAL_REFUND, Remedy.VOUCHER, Remedy.REPLACEMENT, Remedy.APOLOGY)
WITHOUT_ORDER = (Remedy.GOODWILL, Remedy.VOUCHER, Remedy.APOLOGY)


def may_happen(complaint: Complaint) -> Iterable[Event]:
    """Every event and form worth trying on a complaint that knows this; most states turn most down."""
    yield told.ComplaintTaken(owner="a.field")
    yield told.HazardSecured(by="a.field", action="sales stopped")
    yield told.ComplaintAssigned(owner="a.field")
    yield told.EscalationTaken(by="a.field")
    yield told.CustomerWrote(customer=complaint.customer, words="More about it.")
    yield told.CauseFound(cause="a seal was missing", upheld=True, without_answers=True)
    yield told.OfferApproved(approve=True, reason="fair")
    if complaint.severity is None:
        hazard = complaint.order is not None and not complaint.items
        severity = Severity.S1 if hazard else Severity.S2
        yield told.ComplaintAssessed(severity=severity, nature=Nature.PRODUCT)
    yield from _answers(complaint)
    if complaint.items:
        yield from _with_departments(complaint)
    elif complaint.order is None:
        yield from _changing_course(complaint)
    elif complaint.origin is Origin.CUSTOMER:
        yield from _asking_others(complaint)
    else:
        yield _offer(Remedy.APOLOGY)
        yield from _on_appeal(complaint)


def _offer(remedy: Remedy, amount: int = 4000) -> Event:
    amount = 0 if remedy in WORTHLESS else amount
    return told.ResolutionProposed(remedy=remedy, amount=amount, explanation="fair")


def _answers(complaint: Complaint) -> Iterable[Event]:
    if complaint.offer is None:
        return
    for accept in (True, False):
        yield told.OfferAnswered(
            customer=complaint.customer,
            number=complaint.offer.number,
            amount=complaint.offer.amount,
            accept=accept,
            account="DE00 0000" if accept and complaint.order is None else None,
        )
    if complaint.offer.remedy in REFUNDS:
        yield RedressSettled(redress=complaint.redress, amount=complaint.amount)
        yield RedressFailed(redress=complaint.redress, amount=complaint.amount, reason="fair")


def _with_departments(complaint: Complaint) -> Iterable[Event]:
    """What is offered after a promise that failed costs no money that could fail again."""
    yield told.CauseFound(cause="a seal was missing", upheld=False)
    yield told.OfferApproved(approve=False, reason="fair")
    if len(complaint.tasks) < 2:
        yield told.DepartmentConsulted(department="warehouse", question="How was it packed?")
    if complaint.left is None:
        yield RedressAvailable(amount=PAID)
    if complaint.failed or complaint.rejections:
        yield _offer(Remedy.APOLOGY)
        return
    for remedy in BY_ORDER:
        yield _offer(remedy)
    for amount in (10_000, 30_000):
        yield _offer(Remedy.FULL_REFUND, amount)


def _changing_course(complaint: Complaint) -> Iterable[Event]:
    yield told.SpecialistCalled(by="a.field", reason="tense")
    yield told.ComplaintWithdrawn(customer=complaint.customer)
    yield from _merging(complaint)
    if not complaint.reopened:
        yield told.ComplaintReopened(customer=complaint.customer, words="Again.")
    for remedy in WITHOUT_ORDER:
        if not complaint.failed or remedy is Remedy.APOLOGY:
            yield _offer(remedy)


def _merging(complaint: Complaint) -> Iterable[Event]:
    """CP-0999 came before this complaint and CP-1003 after it."""
    for other in ("CP-0999", "CP-1003"):
        yield MergeAsked(complaint=other, customer=complaint.customer, received=complaint.received)
    if complaint.merging is not None:
        yield MergeAgreed(into=complaint.merging.into)
        yield MergeDeclined(into=complaint.merging.into, why="fair")
    elif complaint.into is not None:
        yield MergeDeclined(into=complaint.into, why="fair")
        yield DuplicateFound(complaint="CP-1003")
        yield told.CustomerWrote(customer=complaint.customer, words=".", through=(complaint.complaint,))
    elif not complaint.duplicates:
        yield told.ComplaintMerged(into="CP-0999")
        yield DuplicateFound(complaint="CP-1003")


def _on_appeal(complaint: Complaint) -> Iterable[Event]:
    if complaint.origin is not Origin.RETURN:
        return
    yield told.CauseFound(cause="a seal was missing", upheld=False)
    yield told.ComplaintWithdrawn(customer=complaint.customer)
    if not complaint.failed and not complaint.reopened:
        yield _offer(Remedy.RETURN)
        yield _offer(Remedy.REPLACEMENT)
        yield _offer(Remedy.PARTIAL_REFUND, 1000)
        yield _offer(Remedy.FULL_REFUND, complaint.appeal.worth if complaint.appeal else 0)
    if not complaint.reopened:
        yield told.ComplaintReopened(customer=complaint.customer, words="Again.")
    if complaint.overturns:
        yield AppealGranted(redress=complaint.redress, amount=complaint.amount)
        yield AppealBarred(redress=complaint.redress, amount=complaint.amount, reason="fair")


def _asking_others(complaint: Complaint) -> Iterable[Event]:
    if complaint.offer is None or complaint.offer.number == 1:
        yield told.HazardFound(by="a.field", reason="a child was burnt")
    yield told.InformationNeeded(question="What happened?")
    yield told.InformationNeeded(question="What happened?", of_customer=False)
    yield told.InformationGiven(customer=complaint.customer, words="K-77")
    yield told.ThirdPartyAnswered(answer="A faulty batch.")
    yield told.ReferredOutside(body="fair")
    yield told.OutsideDecision(amount=0, reason="fair")
    yield told.OutsideDecision(amount=1500, reason="fair")
    yield _offer(Remedy.APOLOGY)
