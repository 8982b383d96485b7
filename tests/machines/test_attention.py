"""What about a case needs the eyes of staff."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from machines.attention import attention, priority
from machines.kernel.hold import Hold
from machines.kernel.procedure import Procedure
from machines.order import ORDER
from tests.machines.kernel.desk import MONDAY, Desk
from tests.machines.play import DEFINITIONS
from tests.toy_clock import Asked, Taken


def test_a_fresh_case_needs_none() -> None:
    desk = Desk()
    assert attention(desk.definition, desk.case) == ()


def test_a_clock_that_is_used_up_and_an_alert_that_nobody_has_taken() -> None:
    desk = Desk(asked=Asked(priority="high"))
    late = MONDAY + timedelta(days=1, hours=2)
    desk.pass_until(late)
    assert attention(desk.definition, desk.case) == ("breached", "escalated")
    desk.tell(Taken(by="ann"), late)
    assert attention(desk.definition, desk.case) == ("breached",)
    assert priority(desk.case) == "high"


def test_a_colleague_is_asked_and_a_customer_is_none() -> None:
    desk = Desk()

    def at(state: str) -> tuple[str, ...]:
        return attention(DEFINITIONS["order"], replace(desk.case, sop="order", state=state, clocks={}))

    assert at("in_review") == ("asked",)
    assert {at(name) for name in _asking(ORDER, "customer")} == {()}


def test_a_case_on_hold() -> None:
    desk = Desk()
    held = replace(desk.case, hold=Hold(since=MONDAY, who="ann", reason="strike"))
    assert attention(desk.definition, held) == ("held",)


def _asking(procedure: Procedure, role: str) -> list[str]:
    return [state.name for state in procedure.states if getattr(state, "role", None) == role]
