"""The virtual clock: cases, children, deadlines and deferred events behave as they do in operation."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from machines import scenario
from machines.kernel.calendar import Calendar
from machines.kernel.command import CommandType
from machines.kernel.definition import Definition
from machines.kernel.duration import days
from machines.kernel.errors import ScenarioError
from machines.kernel.event import Event, Facts, Outcome
from machines.kernel.procedure import Procedure
from machines.kernel.rule import Rule, Send, defer, ignore, on
from machines.kernel.state import Act, Deadline, End, Instant, State, Wait
from machines.simulate import Run, simulate
from machines.timeline import failures, timeline
from tests import toy_clock

ALWAYS = Calendar(opening={})


class Job(Facts):
    pass


class Opened(Event, type="parent.opened", opens=True):
    examples = ({},)


class ChildOpened(Event, type="child.opened", opens=True):
    pass


class Nudged(Event, type="child.nudged"):
    pass


class ChildOver(Event, type="child.over"):
    def postings(self) -> dict[str, int]:
        return {"over": 1}


class Paid(Outcome, type="pay.paid"):
    amount: int = 100

    def postings(self) -> dict[str, int]:
        return {"paid": self.amount}


class Declined(Outcome, type="pay.declined"):
    pass


PAY = CommandType("pay.pay", lambda *_: [Job()], (Paid, Declined), lambda _: (Paid(), Declined()), takes=Job)
PATIENCE = Deadline("patience", "", after=days(30))


def procedure(name: str, *, states: tuple[State, ...], rules: tuple[Rule, ...]) -> Procedure:
    return Procedure(
        name=name,
        title=name,
        version=1,
        purpose="",
        scope="",
        responsible="",
        references=(),
        fulfils=(),
        data=Job,
        events=(Opened, ChildOver) if name == "parent" else (ChildOpened, Nudged),
        states=states,
        rules=rules,
        may_happen=lambda _: (),
        module="machines.kernel",
    )


NEW = Wait("new", "", no_deadline="opens at once")
PAYING = Act("paying", "", does=(PAY,))
WAITING = Wait("waiting", "", no_deadline="the child has one")
OVER, UNPAID = End("over", "", outcome="over"), End("unpaid", "", outcome="unpaid")
PARENT = procedure(
    "parent",
    states=(NEW, PAYING, WAITING, OVER, UNPAID),
    rules=(
        on(Opened, at=NEW, to=PAYING, then=lambda *_: Job()),
        on(
            Paid,
            at=PAYING,
            to=WAITING,
            sends=lambda *_: (Send(Nudged(), ("child", "1")), Send(ChildOpened(), ("child", "1"))),
        ),
        on(Declined, at=PAYING, to=UNPAID),
        on(ChildOver, at=WAITING, to=OVER),
        ignore(ChildOver, at=(OVER, UNPAID), because="over"),
    ),
)
YOUNG = Wait("young", "", deadlines=(PATIENCE,))
OLD = Wait("old", "", deadlines=(PATIENCE,))
GONE = End("gone", "", outcome="gone", reports=lambda _: ChildOver())
CHILD = procedure(
    "child",
    states=(NEW, YOUNG, OLD, GONE),
    rules=(
        on(ChildOpened, at=NEW, to=YOUNG, then=lambda *_: Job()),
        defer(Nudged, at=YOUNG, because="too young"),
        on(PATIENCE, at=YOUNG, to=OLD),
        on(Nudged, at=OLD, to=GONE),
        on(PATIENCE, at=OLD, to=GONE),
    ),
)


def play(**changes: Any) -> Run:
    written = {
        "title": "toy",
        "case": "parent/1",
        "start": "2026-01-01T00:00:00Z",
        "lasts": "90 days",
        "events": [{"type": "parent.opened"}],
        "expect": {"state": "over"},
    }
    definitions = {
        one.name: Definition(one, due=lambda deadline, _, at: ALWAYS.due(at, deadline.after or days(1)))
        for one in (PARENT, CHILD)
    }
    return simulate(
        scenario.Scenario.model_validate({**written, **changes}), definitions=definitions, calendar=ALWAYS
    )


def test_a_message_before_its_case_waits_and_a_deferred_one_is_taken_up_after_the_deadline() -> None:
    run = play()
    events = [(entry.event, entry.disposition.value) for entry in run.entries("child/1")]
    assert events == [
        ("child.opened", "handled"),
        ("child.nudged", "deferred"),
        ("deadline.patience", "handled"),
        ("child.nudged", "handled"),
    ]
    assert {case: one.state for case, one in run.cases.items()} == {"parent/1": "over", "child/1": "gone"}
    assert (run.ended - run.scenario.start).days == 30
    assert run.balances("parent/1") == {"paid": 100, "over": 1}
    assert failures(run) == []


def test_an_instant_that_is_past_when_it_is_named_passes_at_once_and_time_never_runs_backwards() -> None:
    due = Deadline("due", "", until=Instant("long ago", lambda _: datetime(2025, 1, 1, tzinfo=UTC)))
    late = Wait("late", "", deadlines=(due,))
    parent = replace(
        PARENT,
        states=(NEW, late, OVER),
        rules=(on(Opened, at=NEW, to=late, then=lambda *_: Job()), on(due, at=late, to=OVER)),
    )
    definition = Definition(parent, due=lambda *_: datetime.max.replace(tzinfo=UTC))
    written = play().scenario
    run = simulate(written, definitions={"parent": definition}, calendar=ALWAYS)
    assert run.cases["parent/1"].state == "over"
    assert [entry.at for _, entry in run.journal] == [written.start, written.start]


def test_outcomes_follow_the_script() -> None:
    run = play(outcomes=[{"command": "pay.pay", "becomes": "pay.declined", "takes": "2 days"}])
    assert run.cases["parent/1"].state == "unpaid"
    assert (run.ended - run.scenario.start).days == 2


def test_the_fields_of_an_outcome_can_be_replaced() -> None:
    run = play(outcomes=[{"command": "pay.pay", "with": {"amount": 7}}])
    assert run.balances("parent/1")["paid"] == 7


def test_a_run_is_over_when_its_time_is() -> None:
    run = play(lasts="10 days")
    assert run.cases["parent/1"].state == "waiting"


def test_the_same_scenario_gives_the_same_run() -> None:
    assert timeline(play()) == timeline(play())


@pytest.mark.parametrize(
    ("expect", "failure"),
    [
        ({"state": "unpaid"}, "parent/1 is 'over', expected 'unpaid'"),
        ({"state": "over", "cases": {"child/2": "gone"}}, "child/2 is 'not opened', expected 'gone'"),
        ({"state": "over", "at": [{"after": "1 day", "state": "over"}]}, "after 1 day parent/1 is 'waiting'"),
        ({"state": "over", "journal": ["child.over", "pay.paid"]}, "the journal has no 'pay.paid'"),
        ({"state": "over", "journal": ["pay.paid ignored"]}, "the journal has no 'pay.paid ignored'"),
        ({"state": "over", "performed": {"pay.pay": 2}}, "pay.pay was performed 1 times, expected 2"),
        ({"state": "over", "balances": {"paid": 1}}, "account 'paid' is 100, expected 1"),
    ],
)
def test_an_expectation_that_is_not_met_is_told(expect: dict[str, Any], failure: str) -> None:
    (told,) = failures(play(expect=expect))
    assert told.startswith(failure)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"events": [{"type": "parent.unknown"}]}, "knows no event 'parent.unknown'"),
        ({"events": [{"type": "parent.opened", "case": "nobody/1"}]}, "no procedure 'nobody'"),
        ({"outcomes": [{"command": "pay.pay", "becomes": "pay.lost"}]}, "it can in pay.paid, pay.declined"),
    ],
)
def test_a_scenario_that_cannot_be_played_says_why(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ScenarioError, match=message):
        play(**changes)


def test_clocks_run_pause_and_tell_as_in_operation() -> None:
    rules = toy_clock.policy()
    definition = Definition(toy_clock.PROCEDURE, due=rules.due("question"), timing=rules.timing("question"))
    written = {
        "title": "The customer is slow to reply",
        "case": "question/Q-1",
        "start": "2026-11-23T08:00:00Z",
        "lasts": "9 days",
        "events": [
            {"type": "question.asked"},
            {"type": "question.asked_back", "after": "2 hours"},
            {"type": "question.replied", "after": "3 days"},
            {"type": "question.escalation_acknowledged", "after": "77 hours", "with": {"by": "ann"}},
            {"type": "question.answered", "after": "78 hours"},
        ],
        "expect": {
            "state": "done",
            "at": [{"after": "1 day", "state": "awaiting"}],
            "journal": [
                "question.asked_back",
                "question.replied",
                "deadline.resolution.50",
                "deadline.resolution.75",
                "question.escalation_acknowledged handled",
            ],
            "performed": {"alert.send": 1},
        },
    }
    run = simulate(
        scenario.Scenario.model_validate(written),
        definitions={"question": definition},
        calendar=rules.calendar,
    )
    assert failures(run) == []
    (told,) = [entry for _, entry in run.journal if entry.event == "deadline.resolution.50"]
    assert told.at.isoformat() == "2026-11-26T10:00:00+00:00", "two hours of four after the reply"
    assert "deadline 'resolution.75' passed" in timeline(run)
