"""A case is in the hands of a worker as long as a command of it is under way, and no longer."""

from __future__ import annotations

from datetime import UTC, datetime

from adapters.errors import Unavailable
from adapters.store.records import Step, StepStatus
from flows.holdings import Holdings
from flows.performing import Errand, Result
from machines.kernel.case import Case
from machines.kernel.command import Command
from machines.kernel.event import Facts

CASE = Case("order", "SO-1", 1, "h", "authorising", None, 1, None, {}, 0)


def errand(number: int) -> Errand:
    key = f"{CASE.id}/payment.authorize/{number}"
    issued = datetime(2026, 1, 1, tzinfo=UTC)
    step = Step(key, CASE.id, "payment.authorize", b"{}", StepStatus.RUNNING, issued)
    return Errand(step, Command(step.command, key, Facts()), timeout=1.0)


def result(errand: Errand) -> Result:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return Result(errand, at, at, outcome=None, failure=Unavailable("no answer"))


def holding(*errands: Errand) -> Holdings:
    holdings = Holdings()
    holdings.update({CASE.id: CASE}, released=(), ended=(), begun=errands)
    return holdings


def test_a_case_is_let_go_with_its_last_command_though_nothing_else_is_done_to_it() -> None:
    """As when a command comes back unsent because its provider is away."""
    only = errand(1)
    holdings = holding(only)
    released = holdings.idle_after((), ended=[only], begun=())
    assert released == {CASE.id}
    holdings.update({}, released=released, ended=[only], begun=())
    assert not holdings.cases
    assert not holdings.waits("order")


def test_a_case_with_another_command_under_way_is_kept() -> None:
    first, second = errand(1), errand(2)
    holdings = holding(first, second)
    assert not holdings.idle_after((), ended=[first], begun=())


def test_a_case_that_sends_out_another_command_is_kept() -> None:
    first, second = errand(1), errand(2)
    assert not holding(first).idle_after([CASE.id], ended=[first], begun=[second])


def test_a_command_ends_once_although_its_provider_reports_as_its_try_fails() -> None:
    first, second = errand(1), errand(2)
    holdings = holding(first, second)
    ended = holdings.ended([result(first)], [first.step, second.step])
    assert ended == [first, second]
    holdings.update({}, released=holdings.idle_after((), ended=ended, begun=()), ended=ended, begun=())
    assert not holdings.cases
