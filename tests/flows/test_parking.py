"""Parked steps become one run each, or one incident when many share a cause."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from adapters.store.records import Step, StepStatus
from flows.broken import broken
from flows.parking import Incident, ParkedStep, incidents
from machines.kernel.money import Money


def parked(number: int, *, error: str = "provider down", command: str = "payment.capture") -> ParkedStep:
    return ParkedStep(
        step=f"step-{number}", sop="order", key=f"SO-{number}", command=command, error=error, attempts=5
    )


def test_a_single_step_is_named_by_case_and_command() -> None:
    incident = Incident(steps=(parked(1001),))
    assert incident.name == "SO-1001: payment.capture"
    assert incident.tags == ["sop:order", "case:SO-1001", "command:payment.capture", "attention:parked"]
    assert (incident.badge.kind, incident.badge.message) == ("FAILED", "provider down; 5 attempts")


def test_the_run_tells_what_the_list_of_broken_steps_tells() -> None:
    money = Money(amount=3000, currency="EUR")
    step = replace(parked(1001), code="unavailable", stake=money)
    incident = Incident(steps=(step,))
    assert incident.badge.message == "provider down; 5 attempts; 30.00 EUR at stake"
    assert "code:unavailable" in incident.tags
    listed = broken(
        Step(
            *("step-1001", "order/SO-1001", "payment.capture"),
            b'{"charge": {"amount": 3000}, "currency": "EUR"}',
            StepStatus.PARKED,
            datetime(2026, 11, 2, tzinfo=UTC),
            attempts=5,
            error="payment.capture: provider down",
            code="unavailable",
        )
    ).row
    (row,) = incident.rows
    told = ("command", "error", "code", "at_stake", "on_replay", "runbook")
    assert {name: row[name] for name in told} == {name: listed[name] for name in told}
    assert incident.log[-1].text == "Runbook: docs/runbook/unavailable.md"
    many = Incident(steps=(step, replace(step, step="step-2", key="SO-2")))
    assert many.badge.message == "provider down; 60.00 EUR at stake"


@pytest.mark.parametrize(
    ("steps", "runs"),
    [
        ([parked(n) for n in range(20)], 20),
        ([parked(n) for n in range(21)], 1),
        ([*(parked(n) for n in range(30)), parked(99, error="card declined")], 2),
        # Errors that differ in each step are still one incident when there are very many.
        ([parked(n, error=f"request {n} failed") for n in range(101)], 1),
    ],
)
def test_many_steps_of_one_cause_are_one_incident(steps: list[ParkedStep], runs: int) -> None:
    sorted_into = incidents(steps)
    assert len(sorted_into) == runs
    assert sorted(step for run in sorted_into for step in run.step_ids) == sorted(s.step for s in steps)


def test_an_incident_names_its_size_and_lists_its_steps() -> None:
    incident = Incident(steps=tuple(parked(n) for n in range(412)))
    assert incident.name == "order: payment.capture x 412"
    assert incident.tags == ["sop:order", "command:payment.capture", "attention:parked"]
    row = incident.rows[0]
    assert (row["case"], row["command"], row["attempts"], row["error"]) == (
        "SO-0",
        "payment.capture",
        "5",
        "provider down",
    )


@pytest.mark.parametrize(("attempts", "tries"), [(1, "one attempt"), (6, "6 attempts")])
def test_the_log_says_what_failed_and_what_to_do(attempts: int, tries: str) -> None:
    step = replace(parked(1001, error="payment.capture: answered 503"), attempts=attempts)
    failed, advice = Incident(steps=(step,)).log
    assert failed.text == f"payment.capture of SO-1001 failed after {tries}: answered 503"
    assert "press Retry" in advice.text
    assert "same idempotency key" in advice.text


def test_the_same_parking_told_twice_is_the_same_run() -> None:
    steps = [parked(n) for n in range(3)]
    assert Incident(steps=tuple(steps)).once == Incident(steps=tuple(reversed(steps))).once
