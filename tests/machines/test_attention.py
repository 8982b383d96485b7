"""What about a case needs the eyes of staff."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from machines.attention import attention, priority
from machines.kernel.hold import Hold
from machines.kernel.procedure import Procedure
from machines.order import ORDER
from tests.machines.kernel.desk import MONDAY, Desk, at
from tests.machines.play import DEFINITIONS
from tests.toy_clock import Answered, Asked, Ranked, Taken, policy

HIGH = policy(
    exceptions=[{"clock": "question.resolution", "duration": "4 working hours", "priority": "high"}]
)


def test_a_fresh_case_needs_none() -> None:
    desk = Desk()
    assert attention(desk.definition, desk.case, now=MONDAY) == ()


def test_a_clock_that_is_used_up_and_an_alert_that_nobody_has_taken() -> None:
    desk = Desk(asked=Asked(priority="high"))
    late = MONDAY + timedelta(days=1, hours=2)
    desk.pass_until(late)
    assert attention(desk.definition, desk.case, now=late) == ("breached", "escalated")
    desk.tell(Taken(by="ann"), late)
    assert attention(desk.definition, desk.case, now=late) == ("breached",)
    assert priority(desk.case) == "high"


def test_a_target_that_was_missed_and_is_widened_is_missed_no_longer_until_it_is() -> None:
    desk = Desk(asked=Asked(priority="high"), policy=HIGH)
    desk.pass_until(at("2026-11-23T14:00"))
    assert attention(desk.definition, desk.case, now=at("2026-11-23T14:00")) == ("breached", "escalated")
    desk.tell(Ranked(priority="normal"), at("2026-11-23T14:10"))
    assert attention(desk.definition, desk.case, now=at("2026-11-23T14:10")) == ()
    desk.pass_until(at("2026-11-23T17:30"))
    assert attention(desk.definition, desk.case, now=at("2026-11-23T17:30")) == ("breached", "escalated")


def test_what_was_answered_in_time_is_not_late_afterwards() -> None:
    desk = Desk()
    desk.tell(Answered(), at("2026-11-23T17:00"))
    assert "breached" not in attention(desk.definition, desk.case, now=at("2026-12-23T17:30"))


def test_a_colleague_is_asked_and_a_customer_is_none() -> None:
    desk = Desk()

    def seen(state: str) -> tuple[str, ...]:
        case = replace(desk.case, sop="order", state=state, clocks={})
        return attention(DEFINITIONS["order"], case, now=MONDAY)

    assert seen("in_review") == ("asked",)
    assert {seen(name) for name in _asking(ORDER, "customer")} == {()}


def test_a_case_on_hold() -> None:
    desk = Desk()
    held = replace(desk.case, hold=Hold(since=MONDAY, who="ann", reason="strike"))
    assert attention(desk.definition, held, now=MONDAY) == ("held",)


def _asking(procedure: Procedure, role: str) -> list[str]:
    return [state.name for state in procedure.states if getattr(state, "role", None) == role]
