"""Figures against histories that are small enough to be added up by hand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from machines.catalogue import CATALOGUE
from machines.kernel.calendar import Calendar
from machines.kernel.state import DEADLINE
from machines.policy import DEFAULT, load
from machines.report.course import Course, Line, Period
from machines.report.figures import Figures, Tally
from machines.report.limits import Limit, limits_of
from machines.report.measures import MEASURES, measures_of
from machines.report.spread import Share, Spread, rounded
from machines.returns.deadlines import INSPECTION_DUE
from machines.task.procedure import ANSWER_DUE

MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
WEEK = Period(MONDAY, MONDAY + timedelta(days=7))
CALENDAR: Calendar = load(DEFAULT).calendar


def at(hours: float) -> datetime:
    """So many hours after the beginning of the week."""
    return MONDAY + timedelta(hours=hours)


def course(*moves: tuple[float, str, str], start: str, **bodies: dict[str, object]) -> list[Line]:
    """A journal: (hours, event, state after it); the content of events by their name with underscores."""
    lines, before = [], start
    for hours, event, after in moves:
        body = bodies.get(event.replace(".", "_"), {})
        lines.append(Line(at(hours), event, True, before, after, body))
        before = after
    return lines


def figures(sop: str, *journals: Sequence[Line]) -> Figures:
    tally = Tally(CATALOGUE.procedure(sop), WEEK, calendar=CALENDAR)
    for journal in journals:
        tally.add(journal)
    return tally.figures


def order(placed: float, dispatched: float, delivered: float, *, by: str, late: bool = False) -> list[Line]:
    chased = [(placed + 49, "deadline.dispatch_due", "awaiting_dispatch")] if late else []
    return course(
        (placed, "order.placed", "authorising"),
        (placed + 1, "payment.authorized", "awaiting_dispatch"),
        *chased,
        (dispatched, "parcel.dispatched", "shipped"),
        (delivered, "parcel.delivered", "delivered"),
        start="placed",
        order_placed={"deliver_by": by},
    )


@pytest.mark.parametrize(
    ("hours", "p50", "p95"),
    [
        ([5], 5, 5),
        ([3, 1, 2], 2, 3),
        ([4, 3, 2, 1], 2, 4),
        (range(1, 101), 50, 95),
        (range(1, 21), 10, 19),
    ],
)
def test_a_percentile_is_the_least_value_that_so_many_do_not_exceed(
    hours: Sequence[int], p50: int, p95: int
) -> None:
    spread = Spread()
    for each in hours:
        spread.add(timedelta(hours=each))
    assert spread.percentile(50) == timedelta(hours=p50)
    assert spread.percentile(95) == timedelta(hours=p95)
    assert spread.count == len(hours)


def test_of_nothing_there_is_neither_percentile_nor_share() -> None:
    assert Spread().percentile(50) is None
    assert Share().percent is None


@pytest.mark.parametrize(
    ("seconds", "kept"), [(0, 0), (0.12345, 0.1235), (86_399, 86_400), (172_800, 172_800)]
)
def test_times_are_kept_to_four_figures(seconds: float, kept: float) -> None:
    assert rounded(seconds) == pytest.approx(kept)


def test_orders_are_added_up() -> None:
    seen = figures(
        "order",
        order(0, 11, 35, by="2026-11-25"),  # dispatched after 11 h, delivered on the 24th
        order(2, 52, 76, by="2026-11-25", late=True),  # after 50 h, delivered on the 26th
        order(100, 121, 145, by="2026-12-01"),  # after 21 h
        course(
            (10, "order.placed", "reserving"),
            (10, "stock.short", "awaiting_choice"),
            (34, "order.cancel", "cancelled"),
            start="placed",
            order_cancel={"reason": "changed mind"},
        ),
    )
    assert seen.opened == 4
    assert seen.ended == {"delivered": 3, "cancelled": 1}
    assert seen.times["from order to dispatch"].percentile(50) == timedelta(hours=21)
    assert seen.times["from order to dispatch"].percentile(95) == timedelta(hours=50)
    assert seen.stays["awaiting_dispatch"].percentile(50) == timedelta(hours=20)
    assert seen.stays["awaiting_choice"].percentile(50) == timedelta(hours=24)
    assert seen.whole.count == 4
    promised = seen.portions["delivered by the promised day"]
    assert (promised.hits, promised.count, promised.percent) == (2, 3, 66.7)
    assert seen.portions["cancelled"].percent == 25.0
    assert seen.portions["of the cancelled, something was sold out"].percent == 100.0
    dispatch = seen.limits["dispatch_due"]
    assert (dispatch.hits, dispatch.count) == (2, 3)
    assert seen.reasons == {"changed mind": 1}


def test_the_promised_day_is_a_day_of_the_house() -> None:
    """In Berlin it is 00:30 on the 25th when it is 23:30 on the 24th in UTC."""
    late = figures("order", order(0, 11, 47.5, by="2026-11-24")).portions["delivered by the promised day"]
    assert (late.hits, late.count) == (0, 1)
    kept = figures("order", order(0, 11, 46.5, by="2026-11-24")).portions["delivered by the promised day"]
    assert (kept.hits, kept.count) == (1, 1)


def test_what_lies_outside_the_period_does_not_count_and_never_changes_it() -> None:
    before = order(-40, -30, 1, by="2026-11-30")  # ends in the week
    after = order(150, 160, 200, by="2026-12-30")  # opens in it, and ends after it
    never = order(-90, -80, -70, by="2026-11-30")
    seen = figures("order", before, after, never)
    assert seen.opened == 1
    assert seen.ended == {"delivered": 1}
    assert seen.stays["awaiting_dispatch"].count == 1
    assert seen.stays["shipped"].percentile(50) == timedelta(hours=31)


def test_a_case_that_is_opened_again_has_not_ended() -> None:
    again = [*order(0, 10, 20, by="2026-11-30"), Line(at(30), "order.return", True, "delivered", "in_return")]
    assert figures("order", again).ended == {}


def refund(*moves: tuple[float, str, str], amount: int, currency: str = "EUR") -> list[Line]:
    asked: dict[str, object] = {"amount": amount, "currency": currency, "reason": "parcel not received"}
    told = {"amount": amount, "payment": "1"}
    return course(
        (1, "refund.requested", "submitted"),
        *moves,
        start="requested",
        refund_requested=asked,
        payment_refunded=told,
        refund_confirmed=told,
        refund_reversed=told,
        payout_paid=told,
    )


def test_money_that_went_back_is_added_up_by_currency() -> None:
    pending = ((2, "payment.refund_pending", "pending"), (26, "refund.confirmed", "settled"))
    bounced = (
        (2, "payment.refund_failed", "awaiting_retry"),
        (3, "deadline.retry_due", "submitted"),
        (26, "payment.refunded", "settled"),
    )
    seen = figures(
        "refund",
        refund(*pending, amount=1999),
        refund(*bounced, amount=1),
        refund((26, "payout.paid", "settled"), amount=500, currency="JPY"),
        refund((26, "refund.decided", "withheld"), amount=9999),
    )
    assert seen.paid == {"EUR": 2000, "JPY": 500}
    assert seen.payments == {"EUR": 2, "JPY": 1}
    assert seen.portions["failed at first"].percent == 25.0
    assert seen.times["from request to settled money"].percentile(95) == timedelta(hours=25)
    assert seen.reasons == {"parcel not received": 4}


def test_money_counts_when_it_is_paid_less_what_comes_back_so_that_weeks_add_up() -> None:
    week = 7 * 24
    journal = refund(
        (2, "payment.refunded", "settled"),
        (week + 2, "refund.reversed", "awaiting_alternative"),
        (2 * week + 2, "payout.paid", "settled_again"),
        amount=3000,
    )
    sums = []
    for number in range(3):
        start = MONDAY + timedelta(weeks=number)
        tally = Tally(
            CATALOGUE.procedure("refund"), Period(start, start + timedelta(days=7)), calendar=CALENDAR
        )
        tally.add(journal)
        sums.append(
            (tally.figures.paid["EUR"], tally.figures.payments["EUR"], tally.figures.reversals["EUR"])
        )
    assert sums == [(3000, 1, 0), (-3000, 0, 1), (3000, 1, 0)]


def test_a_part_that_was_paid_counts_before_the_whole_is_settled() -> None:
    waiting = (
        (2, "payment.refunded", "submitted"),
        (3, "payment.refund_pending", "pending"),
    )
    assert figures("refund", refund(*waiting, amount=700)).paid == {"EUR": 700}


def test_service_levels_and_escalations_of_complaints_are_counted() -> None:
    kept = course(
        (9, "complaint.received", "acknowledging"),
        (11, "complaint.taken", "assessing"),
        (30, "complaint.assessed", "investigating"),
        (40, "complaint.proposed", "awaiting_answer"),
        (50, "complaint.answered", "resolved"),
        (150, "deadline.follow_up", "closed"),
        start="received",
        complaint_assessed={"nature": "delivery"},
    )
    missed = course(
        (9, "complaint.received", "acknowledging"),
        (15, "deadline.acknowledgement.75", "acknowledging"),
        (17, "deadline.acknowledgement.100", "acknowledging"),
        (33, "deadline.acknowledgement.unacknowledged", "acknowledging"),
        (34, "complaint.taken", "assessing"),
        start="received",
    )
    seen = figures("complaint", kept, missed)
    levels = seen.limits["acknowledgement"]
    assert (levels.hits, levels.count, levels.percent) == (1, 2, 50.0)
    resolved = seen.limits["resolution"]
    assert (resolved.hits, resolved.count) == (1, 1)
    assert seen.escalations == {
        "acknowledgement.75": 1,
        "acknowledgement.100": 1,
        "acknowledgement.unacknowledged": 1,
    }
    assert seen.portions["settled with the first offer"].percent == 100.0
    assert seen.reasons == {"delivery": 1}


def test_a_calm_complaint_is_not_escalated() -> None:
    calm = course(
        (0, "complaint.received", "acknowledging"),
        (1, "complaint.taken", "assessing"),
        (72, "deadline.third_day", "assessing"),
        (120, "deadline.progress_due", "assessing"),
        (130, "complaint.answered", "resolved"),
        start="received",
    )
    assert figures("complaint", calm).escalations == {}


def test_only_those_deadlines_escalate_that_call_somebody_higher() -> None:
    asked = course(
        (0, "task.opened", "asked"),
        (24, "deadline.reminder", "asked"),
        (72, "deadline.answer_due", "escalated"),
        (96, "deadline.head_due", "escalated"),
        start="opened",
    )
    assert figures("task", asked).escalations == {"answer_due": 1, "head_due": 1}
    ordered = course(
        (0, "order.placed", "in_review"),
        (4, "deadline.review_due", "in_review"),
        (5, "order.reviewed", "handover_refused"),
        (9, "deadline.handover_due", "handover_refused"),
        (10, "deadline.hold_ends", "expired"),
        start="placed",
    )
    assert figures("order", ordered).escalations == {"review_due": 1, "handover_due": 1}
    late = course(
        (0, "complaint.received", "acknowledging"),
        (1, "deadline.eight_weeks.80", "acknowledging"),
        (2, "deadline.eight_weeks.100", "acknowledging"),
        start="received",
    )
    assert figures("complaint", late).escalations == {"eight_weeks.80": 1, "eight_weeks.100": 1}


@pytest.mark.parametrize("sop", sorted(procedure.name for procedure in CATALOGUE))
def test_whatever_escalates_calls_a_colleague(sop: str) -> None:
    procedure = CATALOGUE.procedure(sop)
    for name in MEASURES[sop].escalates:
        rules = [rule for rule in procedure.rules if rule.event == DEADLINE + name]
        assert rules, name
        for rule in rules:
            does = [*rule.does, *(command for state in rule.targets for command in state.does)]
            assert "staff.alert" in {command.name for command in does}, name


def test_scores_have_a_mean_and_answers_a_share() -> None:
    def survey(score: int | None) -> list[Line]:
        last = (
            (30, "deadline.answer_due", "expired") if score is None else (30, "survey.answered", "answered")
        )
        return course(
            (1, "survey.requested", "due"),
            (25, "deadline.ask_at", "sent"),
            last,
            start="requested",
            survey_answered={"score": score},
        )

    seen = figures("survey", survey(5), survey(2), survey(4), survey(None))
    assert seen.mean_score == 3.67
    assert seen.portions["answered"].percent == 75.0


def test_questions_to_departments_count_working_time() -> None:
    # Asked on Friday at 15:00 in Berlin, answered on Monday at 10:00.
    friday, monday = datetime(2026, 11, 20, 14, tzinfo=UTC), datetime(2026, 11, 23, 9, tzinfo=UTC)
    lines = [
        Line(friday, "task.opened", True, "opened", "asked"),
        Line(monday, "task.answered", True, "asked", "answered"),
    ]
    worked = CALENDAR.working_time(friday, monday)
    assert worked < timedelta(hours=6)
    seen = figures("task", lines)
    assert seen.times["from question to answer, in working time"].percentile(50) == worked


def test_a_limit_is_missed_once_however_often_it_is_told() -> None:
    lines = course(
        (0, "x.opened", "waiting"),
        (1, "deadline.late", "waiting"),
        (2, "deadline.late", "waiting"),
        (3, "x.moved", "elsewhere"),
        (4, "x.moved", "waiting"),
        (5, "x.moved", "elsewhere"),
        start="new",
    )
    limit = Limit("late", "", frozenset({"waiting"}), "deadline.late", frozenset())
    assert list(limit.verdicts(Course(lines, ends=(), zone=UTC))) == [(at(1), False), (at(5), True)]


def complaint(*moves: tuple[float, str, str]) -> list[Line]:
    return course((0, "complaint.received", "acknowledging"), *moves, start="received")


ANSWERED = ((1, "complaint.taken", "assessing"), (40, "complaint.answered", "resolved"))
AGAIN = (50, "complaint.reopened", "investigating")
EIGHT_WEEKS_OVER = "deadline.eight_weeks.100"


@pytest.mark.parametrize(
    ("moves", "verdict"),
    [
        ((*ANSWERED,), (1, 1)),
        ((*ANSWERED, AGAIN), (1, 1)),
        ((*ANSWERED, AGAIN, (60, "complaint.answered", "resolved")), (1, 1)),
        ((*ANSWERED, AGAIN, (60, EIGHT_WEEKS_OVER, "investigating")), (0, 1)),
        (
            (
                (1, "complaint.taken", "assessing"),
                (30, EIGHT_WEEKS_OVER, "assessing"),
                (40, "complaint.answered", "resolved"),
                AGAIN,
                (60, "complaint.withdrawn", "withdrawn"),
            ),
            (0, 1),
        ),
        (((5, "complaint.withdrawn", "withdrawn"),), (0, 0)),
        (((5, "complaint.merge_agreed", "merged"),), (0, 0)),
        (((5, "complaint.referred", "with_ombudsman"),), (0, 0)),
        ((*ANSWERED, AGAIN, (60, "complaint.referred", "with_ombudsman")), (1, 1)),
    ],
)
def test_a_clock_that_resumes_has_one_verdict(
    moves: Sequence[tuple[float, str, str]], verdict: tuple[int, int]
) -> None:
    seen = figures("complaint", complaint(*moves)).limits["eight_weeks"]
    assert (seen.hits, seen.count) == verdict


def test_a_clock_that_restarts_has_a_verdict_for_each_stay_that_led_to_an_answer() -> None:
    seen = figures(
        "complaint",
        complaint(*ANSWERED, AGAIN, (60, "deadline.resolution.100", "investigating")),
        complaint(*ANSWERED, AGAIN, (60, "complaint.withdrawn", "withdrawn")),
    )
    assert (seen.limits["resolution"].hits, seen.limits["resolution"].count) == (2, 3)


def test_an_order_that_is_cancelled_or_sent_back_was_not_dispatched_in_time() -> None:
    placed = ((0, "order.placed", "authorising"), (1, "payment.authorized", "awaiting_dispatch"))
    seen = figures("order", course(*placed, (9, "order.cancel", "stop_requested"), start="placed"))
    assert seen.limits["dispatch_due"].count == 0
    reviewed = course((0, "order.placed", "in_review"), (1, "staff.send_back", "verifying"), start="placed")
    assert figures("order", reviewed).limits["review_due"].count == 0


def test_reminders_and_planned_waits_are_no_service_levels() -> None:
    levels = {procedure.name: {one.name for one in limits_of(procedure)} for procedure in CATALOGUE}
    assert levels["survey"] == {"answer_due"}
    assert levels["task"] == {"answer_due", "head_due"}
    assert levels["refund"] == {"approval_due", "settlement_due", "alternative_due"}
    assert levels["complaint"] == {
        "acknowledgement",
        "safety",
        "resolution",
        "eight_weeks",
        "information_due",
        "third_party_due",
        "approval_due",
        "offer_due",
        "redress_due",
        "outside_due",
    }
    assert not any("reminder" in name for names in levels.values() for name in names)


def test_labels_take_numbers_from_the_procedure() -> None:
    (answered,) = measures_of(CATALOGUE.procedure("task")).portions
    assert answered.text == f"answered within {ANSWER_DUE.after}" == "answered within 3 working days"
    texts = [one.text for one in measures_of(CATALOGUE.procedure("return")).portions]
    assert f"inspected later than in {INSPECTION_DUE.after}" in texts


@pytest.mark.parametrize("sop", sorted(procedure.name for procedure in CATALOGUE))
def test_measures_name_what_there_is(sop: str) -> None:
    """Ask each measure about a course that knows nothing but whether the names it is asked for exist."""
    procedure = CATALOGUE.procedure(sop)
    states = {state.name for state in procedure.states}
    events = {*procedure.event_types, *(DEADLINE + name for name in procedure.timers)}

    class Asked(Course):
        def first(self, *names: str) -> datetime | None:
            assert events.issuperset(names), names
            return None

        def reached(self, *names: str) -> datetime | None:
            assert states.issuperset(names), names
            return None

    measures = MEASURES[sop]
    blank = Asked(
        [Line(at(0), "", True, procedure.initial.name, procedure.initial.name)], ends=states, zone=UTC
    )
    for time in measures.times:
        time.start(blank), time.stop(blank)
    for portion in measures.portions:
        portion.among(blank), portion.hits(blank)
    assert events.issuperset({*measures.bodies, *measures.void})
    assert set(procedure.deadlines).issuperset(measures.planned)
    for event, field in measures.reasons.items():
        assert field in procedure.event_types[event].model_fields
    if measures.money:
        for event in (*measures.money.paid, *measures.money.reversed):
            assert "amount" in procedure.event_types[event].model_fields
        assert "currency" in procedure.event_types[measures.money.currency].model_fields
