"""Steps that fail: they are tried again, held back or parked, and come again when staff say so."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from adapters.errors import Rejected, Unavailable
from adapters.store.base import Store
from adapters.store.outage import OUTAGE
from adapters.store.records import StepStatus
from flows.breaker import Caution
from tests.flows.lending import Reminders, StartDriver, lend_overdue, letter, state, until
from tests.toy import DEFINITION


def test_a_failure_is_tried_again_under_the_same_key_and_journalled(
    store: Store, start: StartDriver, reminders: Reminders
) -> None:
    reminders.faults["L-1"] = [
        Unavailable("503 from the post office"),
        Unavailable("503 from the post office"),
    ]
    start(ahead=timedelta(hours=-25))
    lend_overdue(store, "L-1")
    until(lambda: state(store, "L-1") == "lent")
    start("w-2")
    until(lambda: store.summary()["steps"].get("done") == 1)
    assert Counter(reminders.asked) == {"loan/L-1/reminder.send/2": 3}
    events = [entry.event for entry, _ in store.journal("loan/L-1")]
    assert events == ["loan.lent", "deadline.overdue", "step.failed", "step.failed", "reminder.sent"]


def test_a_command_whose_adapter_was_cancelled_inside_is_tried_again(
    store: Store, start: StartDriver, reminders: Reminders
) -> None:
    reminders.faults["L-1"] = [asyncio.CancelledError()]
    lend_overdue(store, "L-1")
    start(ahead=timedelta(hours=-25))
    until(lambda: state(store, "L-1") == "lent")
    start("w-2")
    until(lambda: store.summary()["steps"].get("done") == 1)
    assert reminders.asked == ["loan/L-1/reminder.send/2"] * 2


def test_what_stands_before_the_limit_of_its_adapter_is_held_back_when_that_goes_away(
    store: Store, start: StartDriver, reminders: Reminders
) -> None:
    keys = [f"L-{number}" for number in range(12)]
    reminders.limit = 1
    reminders.faults = {key: [Unavailable("503 from the post office")] * 9 for key in keys}
    start(ahead=timedelta(hours=-25))
    lend_overdue(store, *keys)
    until(lambda: all(state(store, key) == "lent" for key in keys))
    driver = start("w-2", caution=Caution(failures=5, first=3_000))
    until(lambda: len(store.steps(status=(StepStatus.RETRYING,))) == 12 and bool(driver.outages.known))
    until(lambda: {step.code for step in store.steps()} == {OUTAGE})
    assert len(reminders.asked) == 5
    assert sum(step.attempts for step in store.steps()) == 5
    assert driver.performed == {("reminder.send", "unavailable"): 5}


def park(store: Store, start: StartDriver, reminders: Reminders) -> str:
    reminders.faults["L-1"] = [Rejected("unknown reader")]
    start(ahead=timedelta(hours=-25))
    lend_overdue(store, "L-1")
    until(lambda: state(store, "L-1") == "lent")
    start("w-2")
    until(lambda: store.summary()["steps"].get("parked") == 1)
    return store.steps(status=(StepStatus.PARKED,))[0].key


def test_what_no_try_can_help_is_parked_at_once_with_its_reason(
    store: Store, start: StartDriver, reminders: Reminders
) -> None:
    key = park(store, start, reminders)
    step = store.steps(keys=(key,))[0]
    assert (step.attempts, step.error, step.code) == (1, "unknown reader", "rejected")


def test_a_replayed_step_succeeds_under_its_old_key_and_says_who_and_why(
    store: Store, start: StartDriver, reminders: Reminders
) -> None:
    key = park(store, start, reminders)
    assert store.requeue([key], now=datetime.now(UTC), who="ann", reason="reader is known now") == [key]
    until(lambda: store.steps(keys=(key,))[0].status is StepStatus.DONE)
    assert reminders.asked == [key, key]
    told = [(entry.source, entry.reason) for entry, _ in store.journal("loan/L-1")]
    assert any("ann" in source and "reader is known now" in reason for source, reason in told)


def test_a_replay_that_fails_parks_the_step_again_after_one_try(
    store: Store, start: StartDriver, reminders: Reminders
) -> None:
    key = park(store, start, reminders)
    reminders.faults["L-1"] = [Unavailable("503")] * 9
    before = len(reminders.asked)
    for _ in range(3):
        store.requeue([key], now=datetime.now(UTC), who="ann", reason="again")
        until(lambda: store.steps(keys=(key,))[0].status is not StepStatus.PENDING)
        until(lambda: store.steps(keys=(key,))[0].status is StepStatus.PARKED)
    assert len(reminders.asked) <= before + 5


def test_a_step_that_the_procedure_no_longer_knows_is_parked_and_holds_nobody_up(
    store: Store, start: StartDriver, reminders: Reminders, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = park(store, start, reminders)
    monkeypatch.setitem(DEFINITION.procedure.__dict__, "commands", {})
    store.requeue([key], now=datetime.now(UTC), who="ann", reason="again")
    until(lambda: store.steps(keys=(key,))[0].code == "procedure-changed")
    store.receive([letter("loan.lent", "L-2")])
    until(lambda: state(store, "L-2") != "")
