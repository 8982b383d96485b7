"""Complaints for tests: what customers and staff say, and how far a complaint is brought with it."""

from __future__ import annotations

from machines.complaining import ComplaintOpened
from machines.complaint import events
from machines.complaint.data import Nature, Remedy, Severity
from machines.complaint.events import ComplaintReceived
from machines.kernel.event import Event
from machines.redress import RedressAvailable
from tests.machines.play import Play

WITH_ORDER, WITHOUT_ORDER, HAZARD = (
    ComplaintReceived.model_validate(example) for example in ComplaintReceived.examples
)
LOW_SCORE, APPEAL = (ComplaintOpened.model_validate(example) for example in ComplaintOpened.examples)
CASE = "complaint/CP-1001"

TAKEN = events.ComplaintTaken(owner="a.field")
SECURED = events.HazardSecured(by="s.guard", action="sales stopped")
FOUND = events.CauseFound(cause="a seal was missing", upheld=True)
NOT_UPHELD = events.CauseFound(cause="used without water", upheld=False)
ANYWAY = events.CauseFound(cause="a seal was missing", upheld=True, without_answers=True)
HAZARD_FOUND = events.HazardFound(by="a.field", reason="a child was burnt")
WITHDRAWN = events.ComplaintWithdrawn(customer="C-1")
WROTE = events.CustomerWrote(customer="C-1", words="More about it.")
REOPENED = events.ComplaintReopened(customer="C-1", words="Again.")
REFERRED = events.ReferredOutside(body="Ombudsman")
MERGED = events.ComplaintMerged(into="CP-0999")
SPECIALIST = events.SpecialistCalled(by="a.field", reason="tense")
APPROVED = events.OfferApproved(approve=True, reason="fair")
DENIED = events.OfferApproved(approve=False, reason="too much")
PAID_UP = RedressAvailable(amount=1_000_000)


def assessed(severity: str) -> Event:
    return events.ComplaintAssessed(severity=Severity(severity), nature=Nature.PRODUCT)


def offer(remedy: Remedy, amount: int = 0) -> Event:
    return events.ResolutionProposed(remedy=remedy, amount=amount, explanation="fair")


def consult(department: str) -> Event:
    return events.DepartmentConsulted(department=department, question="What happened?")


def answer(*, number: int = 1, amount: int = 0, accept: bool = True, account: str | None = None) -> Event:
    return events.OfferAnswered(customer="C-1", number=number, amount=amount, accept=accept, account=account)


def decided_outside(amount: int) -> Event:
    return events.OutsideDecision(amount=amount, reason="by the ombudsman")


def investigated(opening: Event = WITH_ORDER, *, severity: str = "S2", play: Play | None = None) -> Play:
    """A complaint that somebody looks into; its order has told what could go back."""
    play = play or Play()
    for event in (opening, TAKEN, assessed(severity), PAID_UP):
        play.tell(CASE, event)
    return play


def offered(remedy: Remedy, amount: int = 0, *, severity: str = "S2", play: Play | None = None) -> Play:
    """A complaint whose customer has an offer; whoever must approve it has."""
    opening = WITHOUT_ORDER if remedy is Remedy.GOODWILL else WITH_ORDER
    play = investigated(opening, severity=severity, play=play)
    play.tell(CASE, FOUND)
    play.tell(CASE, offer(remedy, amount))
    if play.state(CASE) in ("awaiting_senior", "awaiting_manager"):
        play.tell(CASE, APPROVED)
    assert play.state(CASE) == "awaiting_answer"
    return play
