"""A fault put into the real procedures is found by the shortest way, within what is checked by default."""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass, replace
from datetime import datetime
from time import perf_counter
from typing import Any

import pytest

from machines.catalogue import CATALOGUE
from machines.check import Finding, Kind, check, judge, walk
from machines.check.scope import Scope
from machines.kernel.event import Event
from machines.kernel.procedure import Procedure
from machines.kernel.rule import Disposition, Junction, Rule, Send
from machines.kernel.state import State
from machines.ledger import LAWS
from machines.order import ORDER, commands, delivery, guards, letters, paying, states
from machines.order.data import Order, ParcelStatus
from machines.order.sending import request_refunds
from machines.refund import REFUND
from machines.refund.data import PartStatus, Refund
from machines.refund.events import RefundFailed
from machines.scopes import CAPS, CHANGES, OFFERS


def rule(procedure: Procedure, event: str, at: str) -> Rule:
    """The first rule on ``event`` that handles it in the state ``at``."""
    return next(
        one
        for one in procedure.rules
        if one.event == event
        and one.disposition is Disposition.HANDLED
        and at in {state.name for state in one.at}
    )


def changed(procedure: Procedure, old: Rule, **update: Any) -> Procedure:
    rules = tuple(replace(one, **update) if one is old else one for one in procedure.rules)
    return replace(procedure, rules=rules)


def dropped(procedure: Procedure, old: Rule) -> Procedure:
    return replace(procedure, rules=tuple(one for one in procedure.rules if one is not old))


def deaf_after_delivery(procedure: Procedure) -> Procedure:
    """A parcel that failed counts only while it is on its way."""
    on_its_way = guards.parcel_is(ParcelStatus.DISPATCHED)
    rules = tuple(
        replace(one, when=on_its_way) if one.event == "parcel.failed" and one.when else one
        for one in procedure.rules
    )
    return replace(procedure, rules=rules)


def with_state(procedure: Procedure, old: State, **update: Any) -> Procedure:
    """``old`` with ``update``, wherever the procedure names it."""
    new = copy(old)
    vars(new).update(update)

    def renewed(state: State) -> State:
        return new if state is old else state

    def leading(to: State | Junction | None) -> State | Junction | None:
        if isinstance(to, Junction):
            return replace(to, branches=tuple((renewed(state), holds) for state, holds in to.branches))
        return to and renewed(to)

    rules = tuple(replace(one, at=tuple(map(renewed, one.at)), to=leading(one.to)) for one in procedure.rules)
    return replace(procedure, states=tuple(map(renewed, procedure.states)), rules=rules)


def refund_twice(order: Order, event: Event) -> Iterable[Send]:
    for send in request_refunds(order, event):
        yield send
        assert send.to is not None
        yield replace(send, to=("refund", f"{send.to[1]}-again"))


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What is found in ``order``: ``path`` is how the shortest way to it ends, after ``steps`` in all."""

    order: Procedure
    kind: Kind
    text: str
    steps: int = 0
    path: tuple[str, ...] = ()


CANCEL = rule(ORDER, "order.cancel", "authorising")
STOPPED = next(
    one
    for one in ORDER.rules
    if one.event == "parcel.cancelled"
    and one.then is delivery.stopped
    and letters.TELL_PART_GIVEN_UP not in one.does
)
LATE = rule(ORDER, "payment.authorized", "settling")
DISPATCHED = rule(ORDER, "parcel.dispatched", "awaiting_dispatch")
DELIVERED = next(
    one for one in ORDER.rules if one.event == "parcel.delivered" and isinstance(one.to, Junction)
)
MEANS_DUE = rule(ORDER, "deadline.means_due", "awaiting_means")
REFUND_FAILED = next(one for one in ORDER.rules if one.event == "order.remedy" and one.sends)
GIVEN_UP = ("authorising: order.cancel -> settling",)

ONE_ARTICLE = Scope(
    openings=(0,),
    without=CAPS | CHANGES | OFFERS,
    children={"shipment": 1, "refund": 2, "return": 0},
    deviations=2,
)
FAULTS = {
    "a cancel that lets go of no money": Fault(
        order=changed(ORDER, CANCEL, does=(commands.RELEASE,)),
        kind=Kind.STUCK,
        text="no command, deadline or child",
        steps=8,
        path=("handover_refused: order.cancel -> settling", "settling: stock.release ends in stock.released"),
    ),
    "a cancel that puts no goods back": Fault(
        order=changed(ORDER, CANCEL, does=(commands.VOID,)),
        kind=Kind.NO_END,
        text="from here on",
        steps=6,
        path=("awaiting_means: order.cancel -> settling",),
    ),
    "a stopped parcel whose goods are not put back": Fault(
        order=changed(ORDER, STOPPED, does=(commands.VOID,)),
        kind=Kind.NO_END,
        text="from here on",
        steps=7,
        path=("awaiting_dispatch: shipment SO-1001-1 parcel.cancelled -> settling",),
    ),
    "no rule for an authorisation that comes after the cancel": Fault(
        order=dropped(ORDER, LATE),
        kind=Kind.LATE_OUTCOME,
        text="payment.authorized (payment.authorize) has no rule",
        steps=6,
        path=(*GIVEN_UP, "settling: payment.authorize ends in payment.authorized"),
    ),
    "an authorisation after the cancel is kept": Fault(
        order=changed(ORDER, LATE, then=paying.authorised, does=()),
        kind=Kind.LAW,
        text="3500 was authorised, but 0 captured or let go",
        steps=7,
        path=(
            *GIVEN_UP,
            "settling: payment.authorize ends in payment.authorized -> settling",
            "settling: stock.release ends in stock.released -> cancelled",
        ),
    ),
    "a parcel that leaves and is not charged": Fault(
        order=changed(ORDER, DISPATCHED, does=(commands.VOID,)),
        kind=Kind.NO_END,
        text="from here on",
        steps=7,
        path=("awaiting_dispatch: shipment SO-1001-1 parcel.delivered -> settling",),
    ),
    "a delivery that ends nothing": Fault(
        order=changed(deaf_after_delivery(ORDER), DELIVERED, to=states.SHIPPED),
        kind=Kind.NO_END,
        text="from here on",
        steps=9,
        path=("awaiting_dispatch: shipment SO-1001-1 parcel.failed -> shipped",),
    ),
    "two refunds for one parcel": Fault(
        order=changed(ORDER, REFUND_FAILED, sends=refund_twice),
        kind=Kind.LAW,
        text="7000 was refunded or charged back of 3500 captured",
        steps=11,
        path=(
            "awaiting_remedy: order.remedy -> settling",
            "settling: refund SO-1001-1-R refund.settled -> refunded",
            "refunded: refund SO-1001-1-R-again refund.settled -> refunded",
        ),
    ),
    "a deadline without a rule": Fault(
        order=dropped(ORDER, MEANS_DUE),
        kind=Kind.LATE_OUTCOME,
        text="deadline.means_due (deadline) has no rule",
        steps=3,
        path=("awaiting_means: deadline.means_due",),
    ),
}


def shortest(findings: Iterable[Finding], fault: Fault) -> Finding:
    alike = [one for one in findings if one.kind is fault.kind and fault.text in one.text]
    assert alike, f"not among {[str(one) for one in findings]}"
    return min(alike, key=lambda one: len(one.path))


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_in_the_order_is_found_by_the_shortest_way(name: str) -> None:
    fault = FAULTS[name]
    procedures = (fault.order, *(one for one in CATALOGUE if one is not ORDER))
    found = shortest(
        walk("order", ONE_ARTICLE, procedures=procedures, clock=perf_counter, laws=LAWS).findings, fault
    )
    assert len(found.path) == fault.steps
    at = [" ".join(step.split()) for step in found.path]
    places = [next((n for n, step in enumerate(at) if step.startswith(part)), -1) for part in fault.path]
    assert -1 not in places, str(found)
    assert places == sorted(places)


def test_a_question_that_may_stay_open_for_ever_is_found() -> None:
    order = with_state(ORDER, states.AWAITING_MEANS, deadlines=())
    found = [one for one in judge([order], (), release=None).findings if one.kind is Kind.NO_DEADLINE]
    assert [one.at for one in found] == ["awaiting_means"]


def test_a_state_of_the_refund_that_nothing_leads_to_any_more_is_found() -> None:
    refusal = next(one for one in REFUND.rules if one.event == "refund.decided" and not one.when)
    refund = dropped(REFUND, refusal)
    found = [one for one in check([refund], clock=perf_counter).findings if one.kind is Kind.UNREACHABLE]
    assert [one.at for one in found] == ["withheld"]


def test_a_refund_that_is_paid_although_the_provider_said_no_is_found() -> None:
    def believe(refund: Refund, event: RefundFailed, _: datetime) -> Refund:
        settled = {"paid": refund.part(event.payment).amount, "status": PartStatus.PAID}
        parts = (
            part.model_copy(update=settled) if part.payment == event.payment else part
            for part in refund.parts
        )
        return refund.model_copy(update={"parts": tuple(parts)})

    refund = changed(REFUND, rule(REFUND, "payment.refund_failed", "submitted"), then=believe)
    findings = check([refund], clock=perf_counter, laws=LAWS).findings
    found = min((one for one in findings if one.kind is Kind.LAW), key=lambda one: len(one.path))
    assert "was paid of" in found.text
    assert found.path[-1].endswith("payment.refund_failed -> settled")
