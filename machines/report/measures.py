"""What each procedure is judged by, as times and shares of the cases that ended; ``Procedure.kpis`` says the
same in words. Service levels with a deadline or a clock are counted for every procedure and not named here.

States and events go by name: one catalogue sees all procedures, and no procedure sees another.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from machines.kernel.procedure import Procedure
from machines.report.course import Course

When = Callable[[Course], datetime | None]
Whether = Callable[[Course], bool]


@dataclass(frozen=True, slots=True)
class Time:
    """From one instant of a case to another, where it has both; ``working`` counts working time only."""

    text: str
    start: When
    stop: When
    working: bool = False


@dataclass(frozen=True, slots=True)
class Portion:
    """Of the cases that are ``among``, the share of the ``hits``. A deadline in braces in ``text`` stands for
    how long it is."""

    text: str
    among: Whether
    hits: Whether


@dataclass(frozen=True, slots=True)
class Payments:
    """Money that goes to customers: the events that say it has, with its ``amount`` in minor units, those
    that say it has come back to us, and the event that says in which ``currency``."""

    paid: tuple[str, ...]
    reversed: tuple[str, ...]
    currency: str

    @property
    def bodies(self) -> tuple[str, ...]:
        return (*self.paid, *self.reversed, self.currency)


@dataclass(frozen=True, slots=True)
class Measures:
    """``reasons`` names events with the field that says why, ``score`` the event and field with stars.

    ``planned`` are the deadlines that are a reminder or a wait by design, and so no limit to anybody. By the
    events ``void`` a case leaves a service level that it has neither kept nor missed: it is waited for no
    more. ``escalates`` are the deadlines, and thresholds of clocks without a rung, at which somebody is
    called who is above those that look after the case; rungs need not be named."""

    times: tuple[Time, ...] = ()
    portions: tuple[Portion, ...] = ()
    reasons: Mapping[str, str] = field(default_factory=dict)
    money: Payments | None = None
    score: tuple[str, str] | None = None
    planned: tuple[str, ...] = ()
    void: tuple[str, ...] = ()
    escalates: tuple[str, ...] = ()
    tells: tuple[str, ...] = ()  #: other events whose content is asked for

    @property
    def bodies(self) -> frozenset[str]:
        """The events whose content is asked for."""
        named = [*self.reasons, *self.tells]
        named += self.money.bodies if self.money else ()
        named += [self.score[0]] if self.score else []
        return frozenset(named)


def _opened(course: Course) -> datetime | None:
    return course.opened


def _first(*events: str) -> When:
    return lambda course: course.first(*events)


def _reached(*states: str) -> When:
    return lambda course: course.reached(*states)


def _any(course: Course) -> bool:
    return True


def _ended_as(*states: str) -> Whether:
    return lambda course: course.ended is not None and course.ended.state in states


def _through(*states: str) -> Whether:
    return lambda course: course.reached(*states) is not None


def _took(*events: str) -> Whether:
    return lambda course: course.first(*events) is not None


def _not(hits: Whether) -> Whether:
    return lambda course: not hits(course)


def _on_the_promised_day(course: Course) -> bool:
    """By the day that the customer was told when ordering."""
    told, delivered = course.body("order.placed").get("deliver_by"), course.reached("delivered")
    return delivered is not None and course.day(delivered) <= date.fromisoformat(str(told))


MEASURES: Mapping[str, Measures] = {
    "order": Measures(
        times=(Time("from order to dispatch", _opened, _first("parcel.dispatched")),),
        portions=(
            Portion("delivered by the promised day", _ended_as("delivered"), _on_the_promised_day),
            Portion("cancelled", _any, _ended_as("cancelled")),
            Portion(
                "of the cancelled, something was sold out",
                _ended_as("cancelled"),
                _through("awaiting_choice", "backordered", "awaiting_consent"),
            ),
            Portion("hold on the money ended too early", _any, _took("deadline.hold_ends")),
        ),
        reasons={"order.cancel": "reason"},
        tells=("order.placed",),
        planned=("reminder",),
        void=("order.cancel", "order.amend"),
        escalates=("review_due", "handover_due", "debt_due", "dispatch_overdue", "stop_due"),
    ),
    "shipment": Measures(
        times=(Time("from dispatch to delivery", _first("shipment.dispatched"), _reached("delivered")),),
        portions=(
            Portion("delivered at the first attempt", _ended_as("delivered"), _not(_through("at_pickup"))),
            Portion("lost, damaged or come back", _took("shipment.dispatched"), _ended_as("failed")),
        ),
        reasons={"shipment.returning": "reason"},
        planned=("not_collected",),
        void=("shipment.cancelled",),
        escalates=("label_due",),
    ),
    "refund": Measures(
        times=(Time("from request to settled money", _opened, _reached("settled", "settled_again")),),
        portions=(Portion("failed at first", _any, _through("awaiting_retry", "awaiting_alternative")),),
        reasons={"refund.requested": "reason"},
        money=Payments(
            paid=("payment.refunded", "refund.confirmed", "payout.paid"),
            reversed=("refund.reversed",),
            currency="refund.requested",
        ),
        planned=("reminder", "retry_due"),
        escalates=("approval_due",),
    ),
    "return": Measures(
        times=(
            Time("from the goods' arrival to settled money", _first("return.arrived"), _reached("refunded")),
        ),
        portions=(
            Portion("declined", _any, _through("declined")),
            Portion("of the declined, appealed", _through("declined"), _through("under_appeal")),
            Portion("of the declined, overridden", _through("declined"), _took("return.override")),
            Portion(
                "inspected later than in {inspection_due}",
                _through("inspecting"),
                _took("deadline.inspection_due"),
            ),
        ),
        reasons={"return.requested": "reason"},
        planned=("reminder", "choice_reminder", "appeal_due"),
        void=("return.cancel",),
        escalates=("inspection_due", "charge_due", "dispatch_due"),
    ),
    "complaint": Measures(
        portions=(
            Portion("settled with the first offer", _ended_as("closed"), _not(_through("reconsidering"))),
            Portion(
                "reopened or taken to the ombudsman",
                _any,
                lambda course: _took("complaint.reopened")(course) or _through("with_ombudsman")(course),
            ),
        ),
        reasons={"complaint.assessed": "nature"},
        planned=("third_day", "progress_due", "reminder", "follow_up"),
        void=("complaint.withdrawn", "complaint.merge_agreed", "complaint.referred"),
        escalates=("redress_due", "eight_weeks.80", "eight_weeks.100"),
    ),
    "task": Measures(
        times=(
            Time("from question to answer, in working time", _opened, _reached("answered"), working=True),
        ),
        portions=(
            Portion(
                "answered within {answer_due}",
                _ended_as("answered"),
                _not(_took("deadline.answer_due")),
            ),
        ),
        planned=("reminder",),
        void=("task.withdrawn",),
        escalates=("answer_due", "head_due"),
    ),
    "survey": Measures(
        portions=(
            Portion(
                "answered",
                _ended_as("answered", "recovering", "expired"),
                _ended_as("answered", "recovering"),
            ),
        ),
        score=("survey.answered", "score"),
        planned=("ask_at", "reminder"),
        void=("survey.called_off",),
    ),
}


def measures_of(procedure: Procedure) -> Measures:
    """Those of a procedure, none for one that is not named here."""
    measures = MEASURES.get(procedure.name, Measures())
    lengths = {one.name: str(one.after) for one in procedure.deadlines.values()}
    told = (replace(one, text=one.text.format_map(lengths)) for one in measures.portions)
    return replace(measures, portions=tuple(told))
