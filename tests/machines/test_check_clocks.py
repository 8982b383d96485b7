"""What the check says about clocks: nothing about one that is right, and what is wrong with others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from time import perf_counter

import pytest

from machines.check import Finding, Kind, Report, check
from machines.kernel.clock import Clock
from machines.kernel.procedure import Procedure
from machines.kernel.rule import ignore, on
from machines.kernel.state import Wait
from machines.messages import Alert, StaffAlerted, alert
from tests.toy_clock import AWAITING, CLOSED, DONE, NEW, OPEN, PROCEDURE, RESOLUTION, STATUTORY, Taken


def run(procedure: Procedure) -> Report:
    return check([procedure], clock=perf_counter)


def without(*events: str) -> Procedure:
    return replace(PROCEDURE, rules=tuple(rule for rule in PROCEDURE.rules if rule.event not in events))


def with_clock(change: Callable[[Clock], Clock]) -> Procedure:
    return replace(PROCEDURE, clocks=(change(RESOLUTION), STATUTORY))


def findings(procedure: Procedure, kind: Kind) -> list[Finding]:
    return [finding for finding in run(procedure).findings if finding.kind is kind]


def test_clocks_that_are_right_are_explored_and_nothing_is_found() -> None:
    assert run(PROCEDURE).findings == ()


def test_a_threshold_that_no_rule_handles() -> None:
    found = findings(without("deadline.resolution.90"), Kind.UNRULED_DEADLINE)
    assert [(one.at, one.text) for one in found] == [("open", "resolution.90"), ("awaiting", "resolution.90")]


def test_a_clock_that_never_stops() -> None:
    (found,) = findings(with_clock(lambda clock: replace(clock, runs_in=(OPEN, DONE, CLOSED))), Kind.CLOCK)
    assert found.text == "never stops when a case ends in 'closed': it is running there"


def test_a_pause_state_that_does_not_exist() -> None:
    (found,) = findings(with_clock(lambda clock: replace(clock, pauses_in=(Wait("limbo", ""),))), Kind.CLOCK)
    assert found.text == "is paused in 'limbo', which the procedure does not have"


def test_a_ladder_that_nobody_can_silence() -> None:
    rules = tuple(rule for rule in PROCEDURE.rules if rule.event != Taken.type)
    deaf = replace(PROCEDURE, rules=(*rules, ignore(Taken, at=PROCEDURE.states, because="a toy")))
    (found,) = findings(deaf, Kind.CLOCK)
    assert "no rule handles an event that is Acknowledged" in found.text


def test_two_clocks_of_one_name() -> None:
    (found,) = findings(with_clock(lambda clock: replace(clock, name="statutory")), Kind.CLOCK)
    assert found.at == "statutory"


def test_a_statutory_clock_that_does_more_than_tell() -> None:
    rules = [rule for rule in PROCEDURE.rules if rule.event != STATUTORY.at(100).type]
    moving = on(STATUTORY.at(100), at=(OPEN, AWAITING), to=DONE)
    (found,) = findings(replace(PROCEDURE, rules=(*rules, moving)), Kind.CLOCK)
    assert found.at == "statutory"
    assert "deadline.statutory.100 does more than tell somebody" in found.text


@pytest.mark.parametrize("state", [NEW, DONE])
def test_a_rule_on_a_threshold_where_the_clock_stands(state: Wait) -> None:
    rules = (*PROCEDURE.rules, on(RESOLUTION.at(50), at=state))
    found, *_ = findings(replace(PROCEDURE, rules=rules), Kind.DEAD_RULE)
    assert (found.at, found.text) == (state.name, "deadline.resolution.50 does not run there")


def test_what_a_threshold_breaks_is_found_with_the_way_to_it() -> None:
    rules = [rule for rule in PROCEDURE.rules if rule.event != RESOLUTION.at(100).type]
    broken = on(RESOLUTION.at(100), at=(OPEN, AWAITING), then=lambda question, event, at: 1 / 0)
    (found,) = findings(replace(PROCEDURE, rules=(*rules, broken)), Kind.RAISES)
    assert [step.partition(": ")[2] for step in found.path] == [
        "question.asked -> open",
        "deadline.resolution.50 -> open",
        "deadline.resolution.75 -> open",
        "deadline.resolution.90 -> open",
        "deadline.resolution.100",
    ]


def test_clocks_that_only_alert_multiply_nothing() -> None:
    told = tuple(rule for rule in PROCEDURE.rules if not rule.event.startswith("deadline."))
    (with_clocks,) = run(PROCEDURE).explored
    (without_clocks,) = run(replace(PROCEDURE, rules=told, clocks=())).explored
    assert with_clocks.situations == without_clocks.situations


def test_an_alert_that_fails_is_found_although_its_clock_is_not_carried_along() -> None:
    rules = [rule for rule in PROCEDURE.rules if rule.event != RESOLUTION.at(100).type]
    failing = alert(arguments=lambda question, reached: [Alert(role=question.nobody, about="", subject="")])
    broken = on(RESOLUTION.at(100), at=(OPEN, AWAITING), does=(failing,))
    taken = on(StaffAlerted, at=(OPEN, AWAITING, DONE, CLOSED))
    found = findings(replace(PROCEDURE, rules=(*rules, broken, taken)), Kind.RAISES)
    assert "a clock alerting in open: AttributeError" in found[0].text
