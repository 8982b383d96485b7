"""What people are told about when a case is due: every span, every day without work, every change."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from machines.explain import Explanation, explain
from machines.kernel.case import Case, Timer
from machines.kernel.definition import Definition
from machines.kernel.duration import days, working_hours
from machines.kernel.event import Facts
from machines.kernel.state import Deadline, Instant, Wait
from machines.policy import Policy
from tests import toy_clock
from tests.machines.kernel.desk import Desk, at
from tests.toy_clock import Answered, AskedBack, HandedOver, Question, Ranked, Replied, Taken, policy

HIGH = policy(
    exceptions=[{"clock": "question.resolution", "duration": "4 working hours", "priority": "high"}]
)


def resolution(desk: Desk, now: datetime) -> Explanation:
    desk.pass_until(now)
    told = explain(desk.case, definition=desk.definition, policy=desk.policy, now=now)
    return next(one for one in told if one.name == "resolution")


def test_a_running_clock_is_explained_day_by_day() -> None:
    desk = Desk(at("2026-12-23T16:30"))
    desk.tell(AskedBack(), at("2026-12-24T10:00"))
    desk.tell(Replied(), at("2026-12-24T11:30"))
    told = resolution(desk, at("2026-12-24T15:00"))
    assert told.due == at("2026-12-28T09:30")
    assert told.because == (
        "due Mon 2026-12-28 09:30 Europe/Berlin: 8 working hours from Wed 2026-12-23 16:30, as the procedure "
        "states",
        "ran 1 h 0 min on Wed 2026-12-23",
        "ran 1 h 0 min on Thu 2026-12-24",
        "paused from Thu 2026-12-24 10:00 to Thu 2026-12-24 11:30 because Awaiting customer",
        "runs 5 h 30 min on Thu 2026-12-24",
        "nobody works on Fri 2026-12-25: Christmas Day",
        "nobody works on Sat 2026-12-26: Second Day of Christmas",
        "nobody works on Sun 2026-12-27",
        "runs 0 h 30 min on Mon 2026-12-28",
        "50 % told Thu 2026-12-24 14:00",
        "75 % on Thu 2026-12-24 16:00",
        "90 % on Thu 2026-12-24 17:12",
        "100 % on Mon 2026-12-28 09:30",
    )


def test_a_paused_clock_says_what_it_has_used() -> None:
    desk = Desk()
    desk.tell(AskedBack(), at("2026-11-23T11:00"))
    told = resolution(desk, at("2026-11-24T11:00"))
    assert told.due is None
    assert told.because == (
        "not due while paused: 2 h 0 min of 8 h 0 min used (25 %); 8 working hours from Mon 2026-11-23 "
        "09:00, as the procedure states",
        "ran 2 h 0 min on Mon 2026-11-23",
        "paused from Mon 2026-11-23 11:00 because Awaiting customer",
    )


def test_a_stopped_clock_says_how_it_ended() -> None:
    desk = Desk()
    desk.tell(Answered(), at("2026-11-23T14:00"))
    told = resolution(desk, at("2026-11-30T14:00"))
    assert (told.due, told.passed) == (None, False)
    assert told.because[0].startswith("not due while stopped: 4 h 30 min of 8 h 0 min used (56 %)")
    assert "stopped from Mon 2026-11-23 14:00 because Done" in told.because


def test_a_budget_that_was_missed_stays_missed() -> None:
    desk = Desk()
    desk.tell(AskedBack(), at("2026-11-24T11:00"))
    told = resolution(desk, at("2026-11-25T11:00"))
    assert (told.due, told.passed) == (at("2026-11-23T17:30"), True)


def test_a_moved_end_says_from_where_to_where_and_why() -> None:
    desk = Desk(policy=HIGH)
    desk.tell(Ranked(priority="high"), at("2026-11-23T10:00"))
    assert (
        "moved Mon 2026-11-23 10:00 from Mon 2026-11-23 17:30 to Mon 2026-11-23 13:30: the budget is 4 "
        "working hours, as the policy says for priority high, and no longer 8 working hours; of 8 h 0 min, "
        "1 h 0 min were used; of 4 h 0 min, 3 h 0 min are left"
    ) in resolution(desk, at("2026-11-23T10:00")).because


def test_the_ladder_says_who_was_alerted_and_who_answered() -> None:
    desk = Desk()
    lines = resolution(desk, at("2026-11-23T16:30")).because
    assert "lead alerted Mon 2026-11-23 16:30, for the 2. time: not acknowledged yet" in lines
    desk.tell(HandedOver(owner="ann"), at("2026-11-23T16:35"))
    desk.tell(Taken(by="ann"), at("2026-11-23T16:40"))
    lines = resolution(desk, at("2026-11-23T16:45")).because
    assert "agent alerted Mon 2026-11-23 16:35: acknowledged by ann" in lines


def test_an_elapsed_budget_is_one_span_by_the_wall() -> None:
    desk = Desk()
    told = explain(desk.case, definition=desk.definition, policy=desk.policy, now=at("2026-11-23T10:00"))
    assert [one.name for one in told] == ["resolution", "statutory"]
    assert told[1].because[:2] == (
        "due Mon 2027-01-18 09:00 Europe/Berlin: 56 days from Mon 2026-11-23 09:00, as the procedure states",
        "runs 56 d 0 h 0 min from Mon 2026-11-23 09:00 to Mon 2027-01-18 09:00",
    )


# plain deadlines

REPLY = Deadline("reply", "The desk replies.", after=working_hours(4))
RETENTION = Deadline("retention", "It is deleted.", after=days(10))
PROMISED = Deadline(
    "promised",
    "The promise is broken.",
    until=Instant("on the promised day", lambda _: at("2026-12-01T12:00")),
)
BUSY = Wait("busy", "", deadlines=(REPLY, RETENTION, PROMISED))


def deadline(name: str, due: datetime, rules: Policy, *, data: Facts | None = None) -> Explanation:
    procedure = replace(toy_clock.PROCEDURE, states=(*toy_clock.PROCEDURE.states, BUSY), clocks=(), rules=())
    definition = Definition(procedure, due=rules.due("question"))
    timer = Timer(name, due, set_at=at("2026-11-20T14:00"))
    case = Case("question", "Q-1", 1, "", "busy", data or Question(), 1, timers={name: timer})
    (told,) = explain(case, definition=definition, policy=rules, now=at("2026-11-20T15:00"))
    return told


def test_a_deadline_in_working_time_names_the_days_that_do_not_count() -> None:
    told = deadline("reply", at("2026-11-23T09:30"), policy())
    assert told.text == "The desk replies."
    assert told.because == (
        "due Mon 2026-11-23 09:30 Europe/Berlin: 4 working hours from Fri 2026-11-20 14:00, as the procedure "
        "states",
        "runs 3 h 30 min on Fri 2026-11-20",
        "nobody works on Sat 2026-11-21",
        "nobody works on Sun 2026-11-22",
        "runs 0 h 30 min on Mon 2026-11-23",
    )


def test_a_deadline_in_calendar_days_counts_them_all() -> None:
    told = deadline("retention", at("2026-11-30T14:00"), policy())
    assert told.because == (
        "due Mon 2026-11-30 14:00 Europe/Berlin: 10 days from Fri 2026-11-20 14:00, as the procedure states",
    )


def test_a_deadline_says_which_rule_of_the_policy_set_it() -> None:
    exception = {"deadline": "question.reply", "duration": "30 minutes", "priority": "high"}
    rules = policy(deadlines={"question.reply": "2 hours"}, exceptions=[exception])
    general = deadline("reply", at("2026-11-20T16:00"), rules)
    assert general.because[0].endswith("2 hours from Fri 2026-11-20 14:00, as [deadlines] in the policy says")
    special = deadline("reply", at("2026-11-20T14:30"), rules, data=Question(priority="high"))
    assert special.because[0].endswith(
        "30 minutes from Fri 2026-11-20 14:00, as the policy says for priority high"
    )


def test_a_deadline_set_under_another_policy_says_that_it_keeps_its_end() -> None:
    told = deadline("reply", at("2026-11-20T18:00"), policy())
    assert told.because == (
        "due Fri 2026-11-20 18:00 Europe/Berlin: so it was set Fri 2026-11-20 14:00, and it keeps that end",
        "what is in force now, 4 working hours as the procedure states, would end Mon 2026-11-23 09:30",
    )


def test_a_deadline_that_the_case_names_says_so() -> None:
    told = deadline("promised", at("2026-12-01T12:00"), policy())
    assert told.because == ("due Tue 2026-12-01 12:00 Europe/Berlin: on the promised day",)


def test_a_target_changed_during_a_pause_is_told_with_what_was_used_and_what_is_left() -> None:
    desk = Desk(policy=HIGH)
    desk.tell(AskedBack(), at("2026-11-23T11:00"))
    desk.tell(Ranked(priority="high"), at("2026-11-23T12:00"))
    desk.tell(Replied(), at("2026-11-24T09:00"))
    assert (
        "changed Mon 2026-11-23 12:00: the budget is 4 working hours, as the policy says for priority high, "
        "and no longer 8 working hours; of 8 h 0 min, 2 h 0 min were used; of 4 h 0 min, 2 h 0 min are left"
    ) in resolution(desk, at("2026-11-24T09:30")).because


def test_working_hours_changed_during_a_pause_are_told() -> None:
    desk = Desk()
    desk.tell(AskedBack(), at("2026-11-23T11:00"))
    desk.under(policy(calendar={"closed": ["2026-11-23"]}))
    assert desk.retime(at("2026-11-23T12:00")).entry.reason == "resolution: the working hours changed"
    told = resolution(desk, at("2026-11-23T12:30")).because
    assert "changed Mon 2026-11-23 12:00: the working hours changed" in told


def test_a_policy_that_changes_nothing_for_a_clock_is_not_told() -> None:
    desk = Desk()
    desk.tell(AskedBack(), at("2026-11-23T11:00"))
    desk.under(policy(calendar={"closed": ["2026-12-01"]}))
    assert desk.retime(at("2026-11-23T12:00")).entry.reason == "every clock is due when it was"
    assert desk.resolution.moved == ()
