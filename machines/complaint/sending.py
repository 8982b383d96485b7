"""What a complaint tells departments, orders, the warehouse's shipments."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from machines.between import ShipmentRequested
from machines.complaining import AppealDecided, Relief, Ruling
from machines.complaint.data import REFUNDS, Complaint, Remedy, TaskStatus
from machines.complaint.events import (
    ComplaintReopened,
    DepartmentConsulted,
    OfferAnswered,
)
from machines.complaint.outcomes import ReplacementSetAside
from machines.consulting import TaskOpened, TaskWithdrawn
from machines.kernel.event import Event
from machines.kernel.rule import Send
from machines.redress import RedressEnquired, RedressRequested
from machines.surveying import call_off

RELIEFS = {
    Remedy.RETURN: Relief.RETURN,
    Remedy.PARTIAL_REFUND: Relief.REFUND,
    Remedy.FULL_REFUND: Relief.REFUND,
    Remedy.REPLACEMENT: Relief.REPLACEMENT,
}


def open_task(complaint: Complaint, event: DepartmentConsulted) -> Iterable[Send]:
    opened = TaskOpened(
        task=complaint.tasks[-1].task,
        about=complaint.complaint,
        department=event.department,
        question=event.question,
    )
    yield Send(opened, to=("task", opened.task))


def withdraw_tasks(complaint: Complaint, event: Event) -> Iterable[Send]:
    """The questions that ``event`` has made needless."""
    for one in complaint.tasks:
        if one.status is TaskStatus.WITHDRAWN and one.withdrawn_for == event.type:
            yield Send(TaskWithdrawn(task=one.task), to=("task", one.task))


def enquire(complaint: Complaint, _: Event) -> Iterable[Send]:
    """Nothing is promised that the order could not give; a complaint that is closed promises nothing."""
    if complaint.order is not None and complaint.closed is None:
        enquired = RedressEnquired(complaint=complaint.complaint, customer=complaint.customer)
        yield Send(enquired, to=("order", complaint.order), apart=True)


def settle(complaint: Complaint, event: OfferAnswered) -> Iterable[Send]:
    """Who gives what the customer has accepted is asked for it; a return that was appealed about hears of it
    whoever gives it."""
    if complaint.appeal is not None:
        yield Send(_decided(complaint))
    if not complaint.overturns:
        yield from _request_redress(complaint)


def _decided(complaint: Complaint) -> AppealDecided:
    offer = complaint.offer
    if offer is None or not complaint.overturns:
        return AppealDecided(complaint=complaint.complaint, ruling=Ruling.IN_PART)
    return AppealDecided(
        complaint=complaint.complaint,
        ruling=Ruling.IN_PART if offer.remedy is Remedy.PARTIAL_REFUND else Ruling.UPHELD,
        relief=RELIEFS[offer.remedy],
        redress=complaint.redress,
        amount=offer.amount,
    )


def report_ruling(ruling: Ruling) -> Callable[[Complaint], Iterable[Send]]:
    """What an end tells the return that was appealed about: nothing is to be given."""

    def sends(complaint: Complaint) -> Iterable[Send]:
        if complaint.appeal is not None:
            yield Send(AppealDecided(complaint=complaint.complaint, ruling=ruling))

    return sends


def _request_redress(complaint: Complaint) -> Iterable[Send]:
    """Money goes back through the order, which knows what was paid."""
    offer = complaint.offer
    if offer is not None and offer.remedy in REFUNDS and complaint.order is not None:
        request = RedressRequested(
            redress=complaint.redress,
            complaint=complaint.complaint,
            customer=complaint.customer,
            amount=offer.amount,
            reason=offer.explanation,
        )
        yield Send(request, to=("order", complaint.order), apart=True)


def ship_replacement(complaint: Complaint, _: ReplacementSetAside) -> Iterable[Send]:
    """Free of charge, so its value is none."""
    if complaint.ship_to is not None and complaint.order is not None:
        request = ShipmentRequested(
            parcel=complaint.redress,
            order=complaint.order,
            customer=complaint.customer,
            buyer=complaint.buyer,
            ship_to=complaint.ship_to,
            locale=complaint.locale,
            items=complaint.items,
            value=0,
        )
        yield Send(request, to=("shipment", complaint.redress))


def reopen(complaint: Complaint, event: ComplaintReopened) -> Iterable[Send]:
    """The survey about the previous closing comes too early now, and the order has less left than before."""
    yield call_off(of="complaint", key=complaint.complaint, time=complaint.reopened)
    yield from enquire(complaint, event)
