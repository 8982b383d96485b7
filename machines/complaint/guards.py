"""Under which condition a rule of the complaint procedure applies, and how far a complaint has come."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Protocol

from machines.between import ParcelReport
from machines.complaining import AppealBarred, AppealGranted, ComplaintOpened, Origin
from machines.complaint import events
from machines.complaint.data import (
    AWAITED,
    OVERTURNING,
    REFUNDS,
    WORTHLESS,
    Compensation,
    Complaint,
    Limit,
    Remedy,
    Severity,
)
from machines.consulting import TaskDone, TaskOverdue
from machines.kernel.event import Event
from machines.kernel.money import Money
from machines.kernel.verdict import ALLOWED, Refusal, Verdict, allow_if
from machines.redress import RedressFailed, RedressSettled


class FromCustomer(Protocol):
    @property
    def customer(self) -> str: ...


def by_its_customer(complaint: Complaint, event: FromCustomer, _: datetime) -> Verdict:
    return allow_if(event.customer == complaint.customer, "this complaint is another customer's")


# -- what may be offered ---------------------------------------------------------------------------


def may_offer(complaint: Complaint, event: events.ResolutionProposed, _: datetime) -> Verdict:
    """The severity matrix, the limits, and what can be given at all."""
    if complaint.severity is None:
        return Refusal("assess the severity first; what may be offered depends on it")
    if complaint.appeal is not None and event.remedy in OVERTURNING:
        return _may_overturn(complaint, event, worth=complaint.appeal.worth)
    row = complaint.terms.compensation(complaint.severity)
    left = tuple(one.value for one in row.remedies if not _impossible(complaint, one))
    if event.remedy not in row.remedies:
        return Refusal(
            f"a complaint of severity {complaint.severity} is not settled by a {event.remedy}", left
        )
    if why := _impossible(complaint, event.remedy):
        return Refusal(why, left)
    return _fitting(complaint, event, limit=_most(complaint, row, event.remedy))


def within_bounds(complaint: Complaint) -> Mapping[str, str]:
    """What may be offered for at most how much, and who has to approve it: for whoever proposes."""
    if complaint.severity is None:
        return {}
    row, terms = complaint.terms.compensation(complaint.severity), complaint.terms
    most = {one: _money(complaint, _most(complaint, row, one)) for one in row.remedies}
    possible = [
        one.value if one in WORTHLESS else f"{one} of at most {most[one]}"
        for one in row.remedies
        if not _impossible(complaint, one)
    ]
    senior, manager = terms.senior_above.of(complaint.currency), terms.manager_above.of(complaint.currency)
    return _granting(complaint) | {
        "may be offered": "; ".join(possible),
        "approval": f"of a senior agent above {senior} and for replacements, of the head above {manager}",
    }


def _most(complaint: Complaint, row: Compensation, remedy: Remedy) -> int:
    limit = row.most.of(complaint.currency).amount
    if remedy is Remedy.GOODWILL:
        limit = min(limit, complaint.terms.goodwill_most.of(complaint.currency).amount)
    if remedy in REFUNDS:
        limit = min(limit, complaint.left or 0)
    return limit


def _money(complaint: Complaint, amount: int) -> Money:
    return Money(amount=amount, currency=complaint.currency)


def _may_overturn(complaint: Complaint, event: events.ResolutionProposed, *, worth: int) -> Verdict:
    """What the return can give is no compensation: the severity matrix does not bound it."""
    return _can_overturn(complaint, event.remedy) and _fitting(complaint, event, limit=worth)


def _can_overturn(complaint: Complaint, remedy: Remedy) -> Verdict:
    if remedy in complaint.failed:
        return Refusal(f"the {remedy} was promised before and could not be given")
    if remedy is Remedy.RETURN and complaint.appeal and complaint.appeal.inspected:
        return Refusal("the goods have been here and were inspected", (*REFUNDS, Remedy.REPLACEMENT))
    return ALLOWED


def _granting(complaint: Complaint) -> dict[str, str]:
    if (appeal := complaint.appeal) is None:
        return {}
    possible = [one.value for one in OVERTURNING if _can_overturn(complaint, one)]
    return {"grants the appeal": f"{'; '.join(possible)} of at most {_money(complaint, appeal.worth)}"}


def _impossible(complaint: Complaint, remedy: Remedy) -> str:
    if remedy in complaint.failed:
        return f"the {remedy} was promised before and could not be given"
    if remedy is Remedy.RETURN:
        return "no return is appealed about; the customer asks the order for one"
    if remedy in REFUNDS and complaint.order is None:
        return "without an order there is no payment that money could go back to"
    if remedy in REFUNDS and complaint.left is None:
        return f"order {complaint.order} has not said what could go back; make sure that it is the right one"
    if remedy is Remedy.REPLACEMENT and not (complaint.order and complaint.items and complaint.ship_to):
        return "a replacement needs an order, its goods and an address"
    return ""


def _fitting(complaint: Complaint, event: events.ResolutionProposed, *, limit: int) -> Verdict:
    if event.remedy in WORTHLESS:
        return allow_if(
            event.amount == 0, f"leave the amount out; no money is promised with a {event.remedy}"
        )
    offered, most = _money(complaint, event.amount), _money(complaint, limit)
    return allow_if(0 < event.amount <= limit, f"amount {offered}: give a {event.remedy} of at most {most}")


def needs_manager(complaint: Complaint) -> bool:
    return _above(complaint, complaint.terms.manager_above)


def needs_senior(complaint: Complaint) -> bool:
    """A replacement is worth money, too."""
    if complaint.offer and complaint.offer.remedy is Remedy.REPLACEMENT:
        return True
    return _above(complaint, complaint.terms.senior_above)


def _above(complaint: Complaint, limit: Limit) -> bool:
    return complaint.amount > limit.of(complaint.currency).amount


def approved(_: Complaint, event: events.OfferApproved, __: datetime) -> Verdict:
    return allow_if(event.approve, "the offer was not approved")


# -- what the customer says to it ------------------------------------------------------------------


def answers_offer(complaint: Complaint, event: events.OfferAnswered, now: datetime) -> Verdict:
    if not (verdict := by_its_customer(complaint, event, now)):
        return verdict
    offer = complaint.offer
    current = offer is not None and (event.number, event.amount) == (offer.number, offer.amount)
    return allow_if(current, "that offer does not stand any more; look at the latest one")


def accepts(complaint: Complaint, event: events.OfferAnswered, now: datetime) -> Verdict:
    if not (verdict := answers_offer(complaint, event, now)):
        return verdict
    if event.accept and complaint.offer and complaint.offer.remedy is Remedy.GOODWILL:
        return allow_if(event.account is not None, "say to which account the money is to go")
    return allow_if(event.accept, "the customer does not accept")


def rejects(complaint: Complaint, event: events.OfferAnswered, now: datetime) -> Verdict:
    if not (verdict := answers_offer(complaint, event, now)):
        return verdict
    return allow_if(not event.accept, "say to which account the money is to go")


def is_redress(
    complaint: Complaint, event: RedressSettled | RedressFailed | AppealGranted | AppealBarred, _: datetime
) -> Verdict:
    return allow_if(event.redress == complaint.redress, "this is about an earlier promise")


def is_replacement(complaint: Complaint, event: ParcelReport, _: datetime) -> Verdict:
    """The parcel is the redress that stands, and not what was given before the complaint was opened again."""
    return allow_if(event.parcel == complaint.redress, "this is about an earlier replacement")


# -- the investigation -----------------------------------------------------------------------------


def may_conclude(complaint: Complaint, event: events.CauseFound, _: datetime) -> Verdict:
    open_at = ", ".join(one.department for one in complaint.awaited)
    return allow_if(
        not open_at or event.without_answers,
        f"{open_at} has not answered yet",
        alternatives=("conclude without the answers",),
    )


def upheld(complaint: Complaint, event: events.CauseFound, now: datetime) -> Verdict:
    if not (verdict := may_conclude(complaint, event, now)):
        return verdict
    return allow_if(event.upheld, "the complaint is not upheld")


def not_upheld(complaint: Complaint, event: events.CauseFound, now: datetime) -> Verdict:
    if not (verdict := may_conclude(complaint, event, now)):
        return verdict
    return allow_if(not event.upheld, "the complaint is upheld")


def awaited(complaint: Complaint, event: TaskDone | TaskOverdue, _: datetime) -> Verdict:
    known = any(one.task == event.task and one.status in AWAITED for one in complaint.tasks)
    return allow_if(known, "nobody waits for that answer any more")


def of_customer(_: Complaint, event: events.InformationNeeded, __: datetime) -> Verdict:
    return allow_if(event.of_customer, "somebody outside the house is asked")


def severe(complaint: Complaint, event: events.ComplaintAssessed, _: datetime) -> Verdict:
    hazard = event.severity is Severity.S1 and not complaint.secured
    return allow_if(hazard, "nobody is in danger")


def dangerous(_: object, event: events.ComplaintReceived, __: datetime) -> Verdict:
    return allow_if(event.hazard, "nobody is in danger")


def unspoken(_: object, event: ComplaintOpened, __: datetime) -> Verdict:
    return allow_if(event.origin is Origin.SURVEY, "the customer has complained")


# -- changes of course -----------------------------------------------------------------------------


def calm_so_far(complaint: Complaint, _: Event, __: datetime) -> Verdict:
    return allow_if(not complaint.specialist, "a specialist has been called in already")


def may_reopen(complaint: Complaint, event: events.ComplaintReopened, now: datetime) -> Verdict:
    if not (verdict := by_its_customer(complaint, event, now)):
        return verdict
    if complaint.referred:
        return Refusal("the ombudsman has decided; nothing is left for us to decide")
    window = timedelta(days=complaint.terms.reopen_days)
    recent = complaint.closed is None or now - complaint.closed <= window
    return allow_if(
        recent,
        f"it was closed more than {complaint.terms.reopen_days} days ago",
        alternatives=("a new complaint", "the ombudsman"),
    )


def not_referred_before(complaint: Complaint, _: Event, __: datetime) -> Verdict:
    return allow_if(not complaint.referred, "the ombudsman has decided already")


def owes_something(_: Complaint, event: events.OutsideDecision, __: datetime) -> Verdict:
    return allow_if(event.amount > 0, "the ombudsman finds that nothing is owed")


# -- how far a complaint has come ------------------------------------------------------------------


def remedy_is(*remedies: Remedy) -> Callable[[Complaint], bool]:
    def holds(complaint: Complaint) -> bool:
        return complaint.offer is not None and complaint.offer.remedy in remedies

    return holds


def overturns(complaint: Complaint) -> bool:
    return complaint.overturns


def has_severity(complaint: Complaint) -> bool:
    return complaint.severity is not None


def deadlocked(complaint: Complaint) -> bool:
    """The ombudsman has spoken, or as many offers were turned down as we make."""
    return complaint.referred or complaint.rejections >= complaint.terms.most_rejections


def always(_: Complaint) -> bool:
    return True
