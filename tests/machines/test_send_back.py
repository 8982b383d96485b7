"""Staff send a case back where its procedure allows it; ``sop check`` finds a way back that costs money."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from time import perf_counter

from machines.catalogue import CATALOGUE
from machines.check import Kind, walk
from machines.check.scope import Scope
from machines.definitions import definitions
from machines.kernel.decide import decide, open_case
from machines.kernel.event import Received, SentBack
from machines.kernel.rule import Disposition, send_back
from machines.ledger import LAWS
from machines.order.outcomes import OrderSuspicious, PaymentDeclined
from machines.policy import load
from machines.refund import REFUND
from machines.refund import states as refund
from machines.task.data import Task
from tests.machines.orders import CASE, PLAIN
from tests.machines.play import Play


def back(to: str) -> SentBack:
    return SentBack(to=to, who="J. Berg", reason="the rule was wrong")


def test_a_case_goes_back_and_begins_that_state_anew() -> None:
    play = Play(answers={"order.verify": [OrderSuspicious(rule="velocity")]})
    play.tell(CASE, PLAIN)
    assert play.state(CASE) == "in_review"
    assert play.tell(CASE, back("verifying")) is Disposition.HANDLED
    assert play.state(CASE) == "awaiting_dispatch"


def test_the_journal_has_the_reason_that_staff_gave() -> None:
    definition, now = definitions(load())["task"], datetime(2026, 11, 2, 9, tzinfo=UTC)
    data = Task(task="T-1", about="CP-1", department="warehouse", question="Was it packed?")
    case = replace(open_case(definition, key="T-1"), state="escalated", data=data)
    decision = decide(definition, case, Received("1", "J. Berg", SentBack.type, back("asked"), now), now)
    assert (decision.case.state, decision.entry.reason) == ("asked", "the rule was wrong")


def test_a_declined_payment_is_asked_for_again() -> None:
    declined = PaymentDeclined(payment="1", reason="insufficient funds")
    play = Play(answers={"payment.authorize": [declined]})
    play.tell(CASE, PLAIN)
    assert play.state(CASE) == "awaiting_means"
    assert play.tell(CASE, back("authorising")) is Disposition.HANDLED
    assert play.state(CASE) == "awaiting_dispatch"


def test_from_elsewhere_and_to_elsewhere_the_kernel_refuses_with_the_reason() -> None:
    play = Play(answers={"order.verify": [OrderSuspicious(rule="velocity")]})
    play.tell(CASE, PLAIN)
    assert play.tell(CASE, back("authorising")) is Disposition.REFUSED
    assert play.last is not None
    assert play.last.entry.reason == (
        "order may not be sent back from in_review to authorising; from there it may go back to verifying"
    )
    play.tell(CASE, back("verifying"))
    assert play.tell(CASE, back("verifying")) is Disposition.REFUSED
    assert play.last.entry.reason == (
        "order may not be sent back from awaiting_dispatch to verifying; from there no way leads back"
    )


def test_the_ways_back_are_those_declared() -> None:
    ways = {(one.name, at.name, to.name) for one in CATALOGUE for at, to in one.ways_back}
    assert ways == {
        ("order", "in_review", "verifying"),
        ("order", "awaiting_address", "verifying"),
        ("order", "awaiting_means", "authorising"),
        ("refund", "awaiting_retry", "submitted"),
        ("task", "escalated", "asked"),
    }
    assert all(SentBack.type in one.event_types for one in CATALOGUE)


def test_a_way_back_that_would_pay_twice_is_found() -> None:
    """The payout under way may still succeed after the customer has chosen anew."""
    again = send_back(at=refund.PAYING_OUT, to=refund.AWAITING_ALTERNATIVE, because="the account was wrong")
    unsafe = replace(REFUND, rules=(again, *REFUND.rules))
    procedures = tuple(unsafe if one is REFUND else one for one in CATALOGUE)
    found = walk("refund", Scope(deviations=3), procedures=procedures, clock=perf_counter, laws=LAWS)
    paths = [one.path for one in found.findings if one.kind in (Kind.LAW, Kind.LATE_OUTCOME)]
    assert any("staff.send_back" in step for path in paths for step in path)
