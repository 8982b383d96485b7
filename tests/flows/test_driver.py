"""The drive loop, in memory and on SQLite: cases move, commands are performed, workers share them."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest

from adapters.store.base import Store
from tests.flows.lending import Reminders, StartDriver, lend_overdue, letter, state, until


def test_a_deadline_set_and_cleared_in_one_round_is_gone(store: Store, start: StartDriver) -> None:
    store.receive([letter("loan.lent", "L-1"), letter("loan.returned", "L-1")])
    start()
    until(lambda: state(store, "L-1") == "back")
    assert store.case_timers("loan/L-1") == []
    assert store.next_due() is None


def test_events_drive_a_case_to_its_end_and_its_journal_has_no_gap(store: Store, start: StartDriver) -> None:
    start()
    store.receive([letter("loan.lent", "L-1"), letter("loan.renewed", "L-1"), letter("loan.returned", "L-1")])
    until(lambda: state(store, "L-1") == "back")
    assert [entry.seq for entry, _ in store.journal("loan/L-1")] == [1, 2, 3]
    assert store.summary()["inbox"] == {"applied": 3}


def test_a_deadline_fires_when_it_is_due_and_its_command_is_performed_once(
    store: Store, start: StartDriver, reminders: Reminders
) -> None:
    start()
    lend_overdue(store, "L-1")
    until(lambda: state(store, "L-1") == "lent")
    start("w-2", ahead=timedelta(hours=24, seconds=1))
    until(lambda: store.summary()["steps"].get("done") == 1)
    assert reminders.asked == ["loan/L-1/reminder.send/2"]


def test_a_hanging_command_delays_its_own_case_and_no_other(
    store: Store, start: StartDriver, reminders: Reminders
) -> None:
    reminders.slow["L-0"] = 30.0
    start(ahead=timedelta(hours=-25))
    lend_overdue(store, *(f"L-{n}" for n in range(50)))
    until(lambda: store.summary()["cases"].get("loan/lent") == 50)
    start("w-2")
    until(lambda: store.summary()["steps"].get("done") == 49)
    assert store.summary()["steps"] == {"done": 49, "running": 1}


def test_a_crowd_before_one_adapter_waits_in_the_store_and_other_work_goes_on(
    store: Store, start: StartDriver, reminders: Reminders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.deciding.CROWD", 4)
    monkeypatch.setattr("flows.deciding.LATER", timedelta(seconds=0.2))
    keys = [f"L-{n}" for n in range(12)]
    reminders.slow = dict.fromkeys(keys, 1.0)
    start(ahead=timedelta(hours=-25))
    lend_overdue(store, *keys)
    until(lambda: store.summary()["cases"].get("loan/lent") == 12)
    start("w-2")
    until(lambda: store.summary()["steps"].get("running") == 4)
    assert store.summary()["steps"]["pending"] == 8
    store.receive([letter("loan.lent", "OTHER")])
    until(lambda: state(store, "OTHER") != "")
    assert store.summary()["steps"].get("running")
    until(lambda: list(store.summary()["steps"]) == ["done"])
    assert max(Counter(reminders.asked).values()) == 1


def test_a_worker_that_stops_leaves_its_steps_to_another_under_the_same_key(
    store: Store, start: StartDriver, reminders: Reminders
) -> None:
    reminders.slow["L-1"] = 30.0
    start(ahead=timedelta(hours=-25))
    lend_overdue(store, "L-1")
    until(lambda: state(store, "L-1") == "lent")
    second = start("w-2")
    until(lambda: len(reminders.asked) == 1)
    second.stop()
    reminders.slow.clear()
    start("w-3")
    until(lambda: store.summary()["steps"].get("done") == 1)
    assert Counter(reminders.asked) == {"loan/L-1/reminder.send/2": 2}
    assert [entry.seq for entry, _ in store.journal("loan/L-1")] == [1, 2, 3]


def test_two_workers_share_the_work_and_apply_each_event_once(store: Store, start: StartDriver) -> None:
    start("w-1")
    start("w-2")
    keys = [f"L-{n}" for n in range(200)]
    for kind in ("loan.lent", "loan.renewed", "loan.returned"):
        store.receive([letter(kind, key) for key in keys])
    until(lambda: store.summary()["cases"].get("loan/back") == 200)
    for key in keys:
        assert [entry.seq for entry, _ in store.journal(f"loan/{key}")] == [1, 2, 3]


def test_an_opening_event_of_another_version_waits_and_is_named_once(
    store: Store, start: StartDriver, caplog: pytest.LogCaptureFixture
) -> None:
    store.receive(
        [letter("loan.lent", "L-1", body=b'{"book":"Emma","reader":"Ann"}'), letter("loan.lent", "L-2")]
    )
    start()
    until(lambda: state(store, "L-2") == "lent")
    store.receive([letter("loan.renewed", "L-1"), letter("loan.renewed", "L-2")])
    until(lambda: store.summary()["inbox"] == {"new": 2, "applied": 2})
    told = [one.getMessage() for one in caplog.records if one.levelname == "ERROR"]
    assert told == ["loan/L-1 is left alone: loan.lent cannot be read by version 1 of loan"]
