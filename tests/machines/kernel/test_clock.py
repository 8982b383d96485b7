"""A clock of a case: it runs, pauses, stops and comes back; it tells each threshold once; the ladder speaks
until somebody answers; and a change of calendar or target moves what is left."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from machines.kernel.clock import Clock, Mode, Rung
from machines.kernel.clock import Reopened as Restarting
from machines.kernel.duration import hours, working_hours
from machines.kernel.errors import DefinitionError
from machines.kernel.rule import Disposition
from tests.machines.kernel.desk import Desk, at
from tests.toy_clock import (
    AWAITING,
    OPEN,
    RESOLUTION,
    Answered,
    Asked,
    AskedBack,
    HandedOver,
    Ranked,
    Reopened,
    Replied,
    Taken,
    policy,
)

HIGH = policy(
    exceptions=[{"clock": "question.resolution", "duration": "4 working hours", "priority": "high"}]
)


def test_a_budget_in_working_time_is_used_up_in_working_time() -> None:
    desk = Desk(at("2026-11-23T16:30"))
    assert desk.due() == at("2026-11-24T16:30")
    assert desk.due("statutory") == at("2027-01-18T16:30")


def test_thresholds_are_told_in_order_when_they_are_reached() -> None:
    desk = Desk()
    desk.pass_until(at("2026-11-25T09:00"))
    told = [(now, reached.percent) for now, reached in desk.told if reached.times < 2]
    assert told == [
        (at("2026-11-23T13:30"), 50),
        (at("2026-11-23T15:30"), 75),
        (at("2026-11-23T16:42"), 90),
        (at("2026-11-23T17:30"), 100),
    ]


def test_what_rests_with_the_customer_is_not_counted() -> None:
    desk = Desk()
    desk.tell(AskedBack(), at("2026-11-23T11:00"))
    assert "resolution.50" not in desk.case.timers
    assert desk.due() is None
    desk.tell(Replied(), at("2026-11-25T09:00"))
    assert desk.case.timers["resolution.50"].due == at("2026-11-25T11:00")
    assert desk.due() == at("2026-11-25T15:30")
    assert desk.due("statutory") == at("2027-01-18T09:00"), "the law does not wait for customers"


def test_a_threshold_reached_before_a_pause_is_told_although_its_timer_came_too_late() -> None:
    desk = Desk()
    desk.decide(AskedBack(), at("2026-11-23T14:00"))  # nobody fired at 13:30
    assert desk.case.timers["resolution.50"].due == at("2026-11-23T13:30")
    desk.pass_until(at("2026-11-24T09:00"))
    assert desk.percents() == [50]
    desk.tell(Replied(), at("2026-11-24T09:00"))
    assert desk.case.timers["resolution.75"].due == at("2026-11-24T10:30")


def test_an_answer_stops_the_clock_and_reopening_resumes_it() -> None:
    desk = Desk()
    desk.tell(Answered(), at("2026-11-23T14:00"))
    assert desk.resolution.mode is Mode.STOPPED
    assert desk.case.timers == {}
    desk.tell(Reopened(), at("2026-11-26T09:00"))
    assert desk.due() == at("2026-11-26T12:30"), "four and a half of eight hours were used"
    assert desk.case.timers["resolution.75"].due == at("2026-11-26T10:30")
    assert desk.percents() == [50]


def test_reopening_restarts_a_clock_that_is_declared_so() -> None:
    desk = Desk(resolution=replace(RESOLUTION, reopened=Restarting.RESTARTS))
    desk.tell(Answered(), at("2026-11-23T14:00"))
    desk.tell(Reopened(), at("2026-11-26T09:00"))
    assert desk.due() == at("2026-11-26T17:30")
    assert desk.percents() == []
    desk.pass_until(at("2026-11-26T17:30"))
    assert desk.percents() == [50, 75, 90, 100]


def test_a_budget_may_depend_on_the_case() -> None:
    by_priority = {"normal": working_hours(8), "high": working_hours(2)}
    desk = Desk(resolution=replace(RESOLUTION, budget=lambda question: by_priority[question.priority]))
    desk.tell(Ranked(priority="high"), at("2026-11-23T09:30"))
    assert desk.due() == at("2026-11-23T11:00")
    assert desk.resolution.moved[-1].why == (
        "the budget is 2 working hours, as the procedure states, and no longer 8 working hours"
    )


def test_other_events_leave_a_clock_alone() -> None:
    desk = Desk()
    before, timers = desk.case.clocks, desk.case.timers
    decision = desk.tell(Replied(), at("2026-11-23T10:00"))
    assert decision.disposition is Disposition.IGNORED
    assert desk.case.clocks is before
    assert (decision.timers_set, decision.timers_cleared) == ((), ())
    assert desk.case.timers == timers


def test_a_threshold_tells_who_is_to_be_alerted_and_until_when() -> None:
    desk = Desk()
    desk.pass_until(at("2026-11-23T15:30"))
    reached = desk.told[-1][1]
    assert (reached.percent, reached.whom, reached.text) == (75, "agent", "Answer it soon.")
    assert reached.due == at("2026-11-23T17:30")
    assert [(alert.whom, alert.times) for _, alert in desk.alerts] == [("agent", 1)]


def test_an_alert_that_nobody_acknowledges_climbs_and_is_repeated_in_working_time() -> None:
    desk = Desk()
    desk.pass_until(at("2026-11-24T12:00"))
    assert [(now, alert.whom, alert.times) for now, alert in desk.alerts] == [
        (at("2026-11-23T15:30"), "agent", 1),
        (at("2026-11-23T16:30"), "lead", 2),
        (at("2026-11-23T17:30"), "lead", 1),  # all of the budget is used
        (at("2026-11-24T11:00"), "lead", 2),  # two hours of work later, on the next morning
    ]


def test_an_acknowledgement_silences_the_ladder_until_the_next_threshold() -> None:
    desk = Desk()
    desk.tell(Taken(by="ann"), at("2026-11-23T15:45"))
    assert "resolution.unacknowledged" not in desk.case.timers
    desk.pass_until(at("2026-11-23T17:00"))
    assert len(desk.alerts) == 1
    desk.pass_until(at("2026-11-23T17:30"))
    assert desk.alerts[-1][1].whom == "lead"
    spoken = desk.resolution.escalation
    assert spoken is not None
    assert spoken.by is None


def test_an_acknowledgement_of_another_clock_does_not_count() -> None:
    desk = Desk()
    desk.tell(Taken(by="ann", clock="statutory"), at("2026-11-23T15:45"))
    assert "resolution.unacknowledged" in desk.case.timers
    desk.tell(Taken(by="ann", clock="resolution"), at("2026-11-23T15:46"))
    assert "resolution.unacknowledged" not in desk.case.timers


def test_a_new_owner_is_told_again_whatever_the_former_one_acknowledged() -> None:
    desk = Desk()
    desk.tell(Taken(by="ann"), at("2026-11-23T15:45"))
    desk.tell(HandedOver(owner="bob"), at("2026-11-23T16:00"))
    desk.pass_until(at("2026-11-23T16:00"))
    assert [(now, alert.whom, alert.times) for now, alert in desk.alerts[1:]] == [
        (at("2026-11-23T16:00"), "agent", 1)
    ]
    assert desk.case.timers["resolution.unacknowledged"].due == at("2026-11-23T17:00")


def test_a_new_owner_hears_of_it_in_the_morning_if_the_case_is_handed_over_at_night() -> None:
    desk = Desk()
    desk.tell(Taken(by="ann"), at("2026-11-23T15:45"))
    desk.tell(Taken(by="ann"), at("2026-11-23T17:30"))
    desk.tell(HandedOver(owner="bob"), at("2026-11-23T23:00"))
    assert desk.case.timers["resolution.unacknowledged"].due == at("2026-11-24T09:00")


def test_the_ladder_is_silent_while_the_customer_is_awaited() -> None:
    desk = Desk()
    desk.pass_until(at("2026-11-23T15:30"))
    desk.tell(AskedBack(), at("2026-11-23T15:45"))
    desk.pass_until(at("2026-11-24T12:00"))
    assert len(desk.alerts) == 1
    desk.tell(Replied(), at("2026-11-24T12:00"))
    assert desk.case.timers["resolution.unacknowledged"].due == at("2026-11-24T13:15"), "45 minutes are left"


def test_short_pauses_do_not_put_off_for_ever_that_somebody_else_is_alerted() -> None:
    desk = Desk()
    desk.pass_until(at("2026-11-23T15:30"))
    now = at("2026-11-23T15:50")
    for _ in range(12):
        desk.tell(AskedBack(), now)
        desk.tell(Replied(), now + timedelta(minutes=1))
        now += timedelta(minutes=6)
    # An hour of the clock, but for the minutes in which it rested.
    assert [(when, alert.whom) for when, alert in desk.alerts[1:]] == [(at("2026-11-23T16:38"), "lead")]


def test_what_comes_late_at_night_is_told_when_somebody_is_at_work() -> None:
    desk = Desk()
    late = desk.come_late("resolution.50", at("2026-11-24T02:00"))
    assert late.disposition is Disposition.IGNORED
    assert "nobody is at work" in late.entry.reason
    assert [(timer.name, timer.due) for timer in late.timers_set] == [
        ("resolution.50", at("2026-11-24T09:00"))
    ]
    assert desk.percents() == []
    desk.pass_until(at("2026-11-24T09:00"))
    assert desk.percents() == [50, 75, 90, 100]


def test_what_is_due_at_closing_time_is_not_put_off() -> None:
    desk = Desk()
    desk.pass_until(at("2026-11-23T17:00"))
    on_time = desk.come_late("resolution.100", at("2026-11-23T17:30") + timedelta(seconds=1))
    assert on_time.disposition is Disposition.HANDLED


def test_another_priority_moves_what_is_left() -> None:
    desk = Desk(policy=HIGH)
    assert desk.due() == at("2026-11-23T17:30")
    desk.tell(Ranked(priority="high"), at("2026-11-23T10:00"))
    assert desk.due() == at("2026-11-23T13:30")
    moved = desk.resolution.moved[-1]
    assert (moved.before, moved.after) == (at("2026-11-23T17:30"), at("2026-11-23T13:30"))
    assert moved.why == (
        "the budget is 4 working hours, as the policy says for priority high, and no longer 8 working hours"
    )


def test_a_tighter_target_tells_at_once_what_it_has_passed_already() -> None:
    desk = Desk(policy=HIGH)
    desk.tell(Ranked(priority="high"), at("2026-11-23T12:00"))
    assert desk.case.timers["resolution.50"].due == at("2026-11-23T11:00")
    desk.pass_until(at("2026-11-23T12:00"))
    assert desk.percents() == [50, 75]
    assert desk.case.timers["resolution.90"].due == at("2026-11-23T13:06")


def test_a_target_changed_during_a_pause_counts_from_its_end() -> None:
    desk = Desk(policy=HIGH)
    desk.tell(AskedBack(), at("2026-11-23T11:00"))
    desk.tell(Ranked(priority="high"), at("2026-11-23T12:00"))
    desk.pass_until(at("2026-11-23T12:00"))
    assert desk.percents() == [50], "two of four hours are used"
    desk.tell(Replied(), at("2026-11-24T09:00"))
    assert desk.due() == at("2026-11-24T11:00")


def test_a_wider_target_does_not_tell_again_what_was_told() -> None:
    desk = Desk(asked=Asked(priority="high"), policy=HIGH)
    desk.pass_until(at("2026-11-23T11:30"))
    assert desk.percents() == [50]
    desk.tell(Ranked(priority="normal"), at("2026-11-23T11:30"))
    desk.pass_until(at("2026-11-23T15:00"))
    assert desk.percents() == [50]
    desk.pass_until(at("2026-11-23T15:30"))
    assert desk.percents() == [50, 75]


def test_a_wider_target_tells_anew_what_lies_ahead_again() -> None:
    desk = Desk(asked=Asked(priority="high"), policy=HIGH)
    desk.pass_until(at("2026-11-23T14:00"))
    assert desk.percents() == [50, 75, 90, 100]
    desk.tell(Ranked(priority="normal"), at("2026-11-23T14:10"))
    assert desk.percents() == [50]
    assert [one.percent for one in desk.resolution.told] == [50, 75, 90, 100], "the ledger forgets nothing"
    assert set(desk.case.timers) == {"resolution.75", "statutory.100"}, "nobody need acknowledge that breach"
    desk.pass_until(at("2026-11-23T17:30"))
    assert desk.percents() == [50, 75, 90, 100]
    assert [(now, alert.whom, alert.percent) for now, alert in desk.alerts if alert.times == 1] == [
        (at("2026-11-23T12:00"), "agent", 75),
        (at("2026-11-23T13:30"), "lead", 100),
        (at("2026-11-23T15:30"), "agent", 75),
        (at("2026-11-23T17:30"), "lead", 100),
    ]


def test_an_alert_that_still_holds_has_to_be_acknowledged_still() -> None:
    desk = Desk(asked=Asked(priority="high"), policy=HIGH)
    desk.pass_until(at("2026-11-23T13:20"))
    asked = desk.resolution.escalation
    desk.under(policy(clocks={"question.resolution": "5 working hours"}))
    desk.tell(Ranked(priority="normal"), at("2026-11-23T13:20"))
    assert desk.percents() == [50, 75], "90 % of five hours are used at two"
    assert desk.resolution.escalation == asked


def test_hours_given_back_afterwards_make_a_breach_lie_ahead_again() -> None:
    desk = Desk()
    desk.pass_until(at("2026-11-23T17:30"))
    assert desk.percents() == [50, 75, 90, 100]
    desk.under(policy(calendar={"closed": ["2026-11-23"]}))
    desk.retime(at("2026-11-23T18:00"))
    assert desk.percents() == []
    desk.pass_until(at("2026-11-24T17:30"))
    assert desk.percents() == [50, 75, 90, 100]


def test_a_new_calendar_counts_from_the_next_event_on() -> None:
    desk = Desk()
    desk.tell(AskedBack(), at("2026-11-23T11:00"))
    desk.tell(Replied(), at("2026-11-23T17:30"))
    assert desk.due() == at("2026-11-24T15:30")
    desk.under(policy(calendar={"closed": ["2026-11-24"]}))
    desk.tell(Ranked(priority="normal"), at("2026-11-23T18:00"))
    assert desk.due() == at("2026-11-25T15:30")
    assert desk.resolution.moved[-1].why == "the working hours changed"


def test_a_changed_policy_moves_a_case_that_nothing_happens_to() -> None:
    desk = Desk()
    desk.under(policy(clocks={"question.resolution": "2 working hours"}))
    decision = desk.retime(at("2026-11-23T09:30"))
    assert decision.disposition is Disposition.HANDLED
    assert decision.entry.reason == (
        "resolution is due 2026-11-23T10:00:00+00:00 and no longer 2026-11-23T16:30:00+00:00: the budget is "
        "2 working hours, as [clocks] in the policy says, and no longer 8 working hours"
    )
    assert desk.due() == at("2026-11-23T11:00")
    assert desk.case.policy == desk.policy.fingerprint
    again = desk.retime(at("2026-11-23T09:30"))
    assert again.entry.reason == "every clock is due when it was"
    assert (again.timers_set, again.timers_cleared) == ((), ())


@pytest.mark.parametrize(
    ("starts", "due"),
    [
        ("2026-03-28T12:00", "2026-03-29T13:00"),  # the night lacks an hour
        ("2026-10-24T12:00", "2026-10-25T11:00"),  # the night has one more
    ],
)
def test_elapsed_hours_are_hours_when_clocks_are_changed(starts: str, due: str) -> None:
    desk = Desk(at(starts), policy=policy(clocks={"question.resolution": "24 hours"}))
    assert desk.due() == at(due)


@pytest.mark.parametrize(
    ("start", "due"), [("2026-03-02T10:00", "2026-04-27T10:00"), ("2026-09-07T10:00", "2026-11-02T10:00")]
)
def test_calendar_days_end_at_the_same_wall_time_when_clocks_are_changed(start: str, due: str) -> None:
    assert Desk(at(start)).due("statutory") == at(due)


def test_a_clock_that_goes_backwards_invents_no_time() -> None:
    desk = Desk()
    desk.tell(AskedBack(), at("2026-11-23T11:00"))
    desk.tell(Replied(), at("2026-11-23T10:59"))
    assert desk.used(at("2026-11-23T11:00")) == timedelta(hours=2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "a.b"}, "full stop"),
        ({"runs_in": ()}, "runs nowhere"),
        ({"pauses_in": (OPEN, AWAITING)}, "both runs and pauses in open"),
        ({"thresholds": (0, 50)}, "not all above 0"),
        ({"rungs": (Rung(50, whom="a", text=""), Rung(50, whom="b", text=""))}, "two rungs"),
    ],
)
def test_a_clock_that_contradicts_itself_is_refused(change: dict[str, Any], message: str) -> None:
    right: dict[str, Any] = {"name": "x", "text": "", "budget": hours(1), "runs_in": (OPEN,)}
    with pytest.raises(DefinitionError, match=message):
        Clock(**(right | change))


def test_a_threshold_that_is_not_there_cannot_be_handled() -> None:
    with pytest.raises(DefinitionError, match="no threshold 60"):
        Clock("x", "", budget=working_hours(1), runs_in=(OPEN,)).at(60)
