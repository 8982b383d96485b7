"""Mistakes of ours, in a procedure or in the engine: what they concern is set aside, all else goes on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from adapters.store.base import Store
from adapters.store.records import InboxStatus
from flows.breaker import Caution
from machines.kernel.definition import Firing
from machines.kernel.event import Received
from tests.flows.lending import StartDriver, lend_overdue, letter, state, until
from tests.toy import DEFINITION, Lent, ReminderSent


def fail(monkeypatch: pytest.MonkeyPatch, on: Callable[[Received], bool]) -> None:
    """Let the procedure fail on such events."""
    real = DEFINITION.fire

    def fire(firing: Firing) -> None:
        if on(firing.event):
            raise ZeroDivisionError
        real(firing)

    monkeypatch.setattr(DEFINITION, "fire", fire)


def test_an_event_that_cannot_be_read_is_a_dead_letter_and_holds_nobody_up(
    store: Store, start: StartDriver
) -> None:
    start()
    misspelt = letter("loan.noted", "L-1", body=b'{"boook": 1}')
    store.receive([letter("loan.lent", "L-1"), misspelt, letter("loan.lent", "L-2")])
    until(lambda: state(store, "L-2") == "lent")
    dead = store.inbox(status=(InboxStatus.DEAD,))
    assert [row.letter.key for row in dead] == ["L-1"]
    assert "cannot be read" in dead[0].reason


def test_a_procedure_that_fails_kills_one_letter_and_goes_on(
    store: Store, start: StartDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail(monkeypatch, lambda event: event.payload == Lent(book="Ulysses"))
    start()
    store.receive([letter("loan.lent", "L-1", body=b'{"book": "Ulysses"}'), letter("loan.lent", "L-2")])
    until(lambda: state(store, "L-2") == "lent")
    assert [row.letter.key for row in store.inbox(status=(InboxStatus.DEAD,))] == ["L-1"]
    assert store.find_case(key="L-1") == []


def test_an_outcome_that_the_procedure_fails_on_parks_its_step_and_holds_nobody_up(
    store: Store, start: StartDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail(monkeypatch, lambda event: event.payload == ReminderSent())
    start(ahead=timedelta(hours=-25))
    lend_overdue(store, "L-1")
    until(lambda: state(store, "L-1") == "lent")
    start("w-2")
    until(lambda: store.summary()["steps"].get("parked") == 1)
    events = [entry.event for entry, _ in store.journal("loan/L-1")]
    assert events == ["loan.lent", "deadline.overdue", "procedure.failed", "step.parked"]
    store.receive([letter("loan.lent", "L-2")])
    until(lambda: state(store, "L-2") != "")


def test_a_deadline_on_which_the_procedure_fails_comes_again(
    store: Store, start: StartDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail(monkeypatch, lambda event: event.type == "deadline.overdue")
    start(ahead=timedelta(hours=-25))
    lend_overdue(store, "L-1")
    until(lambda: state(store, "L-1") == "lent")
    start("w-2")
    until(lambda: "deadline.postponed" in [entry.event for entry, _ in store.journal("loan/L-1")])
    timer = store.case_timers("loan/L-1")[0]
    assert not timer.passed
    assert timer.due > datetime.now(UTC) + timedelta(minutes=9)
    monkeypatch.undo()
    start("w-3", ahead=timedelta(minutes=11))
    until(lambda: state(store, "L-1") == "reminding")


def test_a_fault_in_tending_outages_stops_no_case(
    store: Store, start: StartDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise KeyError("a mistake of ours")

    driver = start(caution=Caution())
    monkeypatch.setattr(driver.outages, "tend", broken)
    store.receive([letter("loan.lent", "L-1"), letter("loan.returned", "L-1")])
    until(lambda: state(store, "L-1") == "back")
