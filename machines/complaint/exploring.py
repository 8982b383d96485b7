"""What may happen to a complaint from outside, with payloads, for the exhaustive check and for examples.

Tasks, merging, reopening and the ombudsman are each tried on complaints of their own, since together they
would multiply.
"""

from __future__ import annotations

from collections.abc import Iterable

from machines.between import DuplicateFound
from machines.complaint import events as told
from machines.complaint.data import REFUNDS, Complaint, Nature, Remedy, Severity
from machines.kernel.event import Event
from machines.redress import RedressFailed, RedressSettled

QUESTION = "What happened?"


def may_happen(complaint: Complaint) -> Iterable[Event]:
    """Every event and form worth trying on a complaint that knows this; most states turn most down."""
    customer = complaint.customer
    yield told.ComplaintTaken(owner="a.field")
    yield told.HazardSecured(by="s.guard", action="sales stopped")
    yield told.ComplaintAssigned(owner="a.field")
    yield told.EscalationTaken(by="m.hill")
    yield told.CustomerWrote(customer=customer, words="More about it.")
    yield told.ComplaintWithdrawn(customer=customer)
    yield told.SpecialistCalled(by="a.field", reason="tense")
    yield from _assessments(complaint)
    yield from _findings(complaint)
    yield from _resolutions(complaint)
    yield from _courses(complaint)


def _assessments(complaint: Complaint) -> Iterable[Event]:
    if complaint.severity is None:
        severities = (Severity.S2,) if complaint.items else (Severity.S1, Severity.S3)
        for severity in severities:
            yield told.ComplaintAssessed(severity=severity, nature=Nature.PRODUCT)


def _findings(complaint: Complaint) -> Iterable[Event]:
    yield told.CauseFound(cause="a seal was missing", upheld=True, without_answers=True)
    yield told.CauseFound(cause="used without water", upheld=False)
    yield told.InformationNeeded(question=QUESTION)
    yield told.InformationNeeded(question=QUESTION, of_customer=False)
    yield told.InformationGiven(customer=complaint.customer, words="K-77")
    yield told.ThirdPartyAnswered(answer="A faulty batch.")
    if len(complaint.tasks) < 2 and complaint.severity is Severity.S2 and not complaint.reopened:
        yield told.DepartmentConsulted(department="warehouse", question=QUESTION)


def _resolutions(complaint: Complaint) -> Iterable[Event]:
    first = not complaint.failed and not complaint.rejections and not complaint.reopened
    remedies = tuple(Remedy) if first else (Remedy.APOLOGY, Remedy.VOUCHER)
    for remedy in remedies:
        amount = 0 if remedy in (Remedy.APOLOGY, Remedy.REPLACEMENT) else 4000
        yield told.ResolutionProposed(remedy=remedy, amount=amount, explanation="fair")
    if first and complaint.items:
        for amount in (10000, 30000):
            yield told.ResolutionProposed(remedy=Remedy.FULL_REFUND, amount=amount, explanation="fair")
    yield told.OfferApproved(approve=True, reason="fair")
    yield told.OfferApproved(approve=False, reason="too much")
    if complaint.offer is not None:
        for accept in (True, False):
            yield told.OfferAnswered(
                customer=complaint.customer,
                number=complaint.offer.number,
                amount=complaint.offer.amount,
                accept=accept,
                account="DE00 0000" if accept else None,
            )
        if complaint.offer.remedy in REFUNDS:
            yield RedressSettled(redress=complaint.redress, amount=complaint.amount)
            yield RedressFailed(redress=complaint.redress, amount=complaint.amount, reason="not covered")


def _courses(complaint: Complaint) -> Iterable[Event]:
    if complaint.tasks or complaint.failed:
        return
    if complaint.into is None and not complaint.duplicates:
        yield told.ComplaintMerged(into="CP-0999")
        yield DuplicateFound(complaint="CP-0998")
    if complaint.into is not None:
        yield DuplicateFound(complaint=complaint.into)
    if not complaint.reopened:
        yield told.ComplaintReopened(customer=complaint.customer, words="It leaks again.")
    yield told.ReferredOutside(body="Ombudsman")
    yield told.OutsideDecision(amount=0, reason="the offer was fair")
    yield told.OutsideDecision(amount=1500, reason="the delay was ours")
