"""The service levels of a complaint: how long, where they rest, and who is called in which order."""

from __future__ import annotations

import pytest

from machines.complaint import clocks, states
from machines.complaint.data import Complaint, Severity
from machines.kernel.clock import Clock
from machines.kernel.decide import decide
from machines.kernel.duration import Duration, working_days, working_hours
from machines.kernel.event import DeadlinePassed, Event, Received
from machines.kernel.state import DEADLINE
from machines.kernel.steering import PutOnHold, steer
from machines.messages import Alert, Message
from tests.machines.complaints import CASE, LOW_SCORE, TAKEN, WITH_ORDER, assessed
from tests.machines.play import DEFINITIONS, START, Play


def data(opening: Event) -> Complaint:
    play = Play()
    play.tell(CASE, opening)
    found = play.cases[CASE].data
    assert isinstance(found, Complaint)
    return found


def names(some: tuple[object, ...]) -> set[str]:
    return {str(getattr(state, "name", "")) for state in some}


@pytest.mark.parametrize(
    ("opening", "budget"), [(WITH_ORDER, working_days(1)), (LOW_SCORE, working_hours(4))]
)
def test_a_dissatisfied_customer_is_called_sooner_than_one_who_complained_is_answered(
    opening: Event, budget: Duration
) -> None:
    assert clocks.to_acknowledge(data(opening)) == budget


@pytest.mark.parametrize(
    ("severity", "budget"),
    [
        (None, working_days(10)),
        (Severity.S1, working_hours(8)),
        (Severity.S2, working_days(5)),
        (Severity.S3, working_days(10)),
        (Severity.S4, working_days(15)),
    ],
)
def test_the_time_to_resolve_follows_from_the_severity(severity: Severity | None, budget: Duration) -> None:
    assert clocks.to_resolve(data(WITH_ORDER).model_copy(update={"severity": severity})) == budget


def test_a_running_clock_follows_the_severity() -> None:
    play = Play()
    play.tell(CASE, WITH_ORDER)
    play.tell(CASE, TAKEN)
    assert play.cases[CASE].clocks["resolution"].budget == working_days(10)
    play.tell(CASE, assessed("S4"))
    assert play.cases[CASE].clocks["resolution"].budget == working_days(15)


def test_the_eight_weeks_run_wherever_we_have_not_answered_and_never_rest() -> None:
    assert names(clocks.EIGHT_WEEKS.runs_in) == names(states.OPEN)
    assert clocks.EIGHT_WEEKS.pauses_in == ()


def test_the_eight_weeks_run_while_a_complaint_is_on_hold_and_customer_and_head_are_told() -> None:
    play = Play()
    play.tell(CASE, WITH_ORDER)
    case, definition = play.cases[CASE], DEFINITIONS["complaint"]
    due = case.clocks["eight_weeks"].due
    hold = PutOnHold(who="ann", reason="the carrier strikes")
    case = steer(definition, case, Received("h", "staff:ann", hold.type, hold, START), START).case
    assert set(case.timers) == {"eight_weeks.80"}
    asked: list[object] = []
    for percent in (80, 100):
        timer = case.timers[f"eight_weeks.{percent}"]
        passed = DeadlinePassed(name=timer.name)
        event = Received(timer.name, "timer", DEADLINE + timer.name, passed, timer.due)
        decision = decide(definition, case, event, timer.due)
        case = decision.case
        asked += [command.arguments for command in decision.commands]
    assert (timer.due, case.state, case.clocks["eight_weeks"].due) == (due, "acknowledging", due)
    assert case.hold is not None
    assert case.timers == {}
    assert [one.role for one in asked if isinstance(one, Alert)] == ["head of complaints"] * 2
    assert [one.template for one in asked if isinstance(one, Message)] == ["complaint.holding"]


def test_the_time_to_resolve_rests_while_others_have_the_ball_and_only_then() -> None:
    waiting = {"awaiting_customer", "awaiting_third_party", "awaiting_answer"}
    assert names(clocks.RESOLUTION.pauses_in) == waiting
    ours = names(states.OPEN) - waiting - {"acknowledging", "calling_back", "securing"}
    assert names(clocks.RESOLUTION.runs_in) == ours


@pytest.mark.parametrize("clock", [clocks.ACKNOWLEDGEMENT, clocks.RESOLUTION, clocks.SAFETY])
def test_each_rung_but_the_first_must_be_acknowledged(clock: Clock) -> None:
    called = [rung.whom for rung in clock.ladder]
    assert len(set(called)) == len(called), "nobody stands on two rungs"
    assert all(rung.acknowledge_within for rung in clock.ladder[1:])
    assert clock.ladder[-1].at >= 100
