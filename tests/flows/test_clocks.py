"""Clocks in the drive loop, in memory and on SQLite: thresholds pass, ledgers outlast the worker, a changed
policy reaches cases that nothing happens to."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adapters.steering import Steering
from adapters.store.base import Store
from adapters.store.opening import open_store
from adapters.store.records import Letter
from deployments.retiming import retime_cases
from flows.driver import Driver, Pace
from machines.kernel.case import Case
from machines.kernel.clock import Mode
from machines.kernel.command import Command
from machines.kernel.definition import Definition
from machines.kernel.event import Event
from machines.policy import Policy
from tests.toy_clock import PROCEDURE, AlertSent, Asked, AskedBack, Question, Replied, Taken, policy

NIGHT_AND_DAY = {
    "opening": {day: ["00:00-24:00"] for day in (*policy().calendar.opening, "saturday", "sunday")},
    "zone": "UTC",
    "country": None,
    "subdivision": None,
}
ALWAYS_OPEN = policy(calendar=NIGHT_AND_DAY)
TIGHTER = policy(calendar=NIGHT_AND_DAY, clocks={"question.resolution": "2 working hours"})


class Alerts:
    limit = 100

    async def perform(self, command: Command) -> Event:
        return AlertSent()


@pytest.fixture(params=("memory", "sqlite"))
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    url = "memory:" if request.param == "memory" else f"sqlite:///{tmp_path / 'cases.db'}"
    store = open_store(url, hydrate={"question": {1: Question}})
    store.migrate()
    yield store
    store.close()


@contextmanager
def driving(store: Store, rules: Policy, *, ahead: timedelta = timedelta(0), worker: str) -> Iterator[None]:
    """A worker under these rules, whose clock is ahead."""
    definition = Definition(PROCEDURE, due=rules.due("question"), timing=rules.timing("question"))
    driver = Driver(
        store,
        {"question": definition},
        {"alert": Alerts()},
        worker=worker,
        clock=lambda: datetime.now(UTC) + ahead,
        pace=Pace(lease=1.0, tick=0.05),
    )
    with ExitStack() as stack:
        driver.start()
        stack.callback(driver.stop)
        yield


def send(store: Store, *events: Event, key: str = "Q-1") -> None:
    for event in events:
        number = len(store.inbox(limit=1000))
        body = event.model_dump_json().encode()
        now = datetime.now(UTC)
        store.receive(
            [Letter("test", str(number), event.type, "question", key, body, now, opens=event.opens)]
        )


def until(condition: Callable[[], bool]) -> None:
    give_up = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < give_up, "it did not come about in time"
        time.sleep(0.01)


def case(store: Store) -> Case | None:
    return next(iter(store.find_case(key="Q-1")), None)


def told(store: Store) -> list[int]:
    found = case(store)
    return [one.percent for one in found.clocks["resolution"].told] if found else []


def mode(store: Store) -> Mode | None:
    found = case(store)
    return found.clocks["resolution"].mode if found else None


def events(store: Store) -> list[str]:
    return [entry.event for entry, _ in store.journal("question/Q-1")]


def test_thresholds_pass_in_order_and_each_alert_is_performed(store: Store) -> None:
    send(store, Asked())
    with driving(store, ALWAYS_OPEN, worker="w-1"):
        until(lambda: case(store) is not None)
    with driving(store, ALWAYS_OPEN, worker="w-2", ahead=timedelta(hours=8, minutes=1)):
        until(lambda: told(store) == [50, 75, 90, 100])
        until(lambda: len(store.steps()) == 2)
        until(lambda: events(store).count("alert.sent") == 2)
        send(store, Taken(by="ann"))
        until(lambda: "question.escalation_acknowledged" in events(store))
    assert [name for name in events(store) if name.startswith("deadline.")] == [
        f"deadline.resolution.{percent}" for percent in (50, 75, 90, 100)
    ]
    assert [timer.name for timer in store.case_timers("question/Q-1")] == ["statutory.100"]


def test_a_ledger_outlasts_the_worker_that_kept_it(store: Store) -> None:
    send(store, Asked(), AskedBack())
    with driving(store, ALWAYS_OPEN, worker="w-1"):
        until(lambda: mode(store) is Mode.PAUSED)
    with driving(store, ALWAYS_OPEN, worker="w-2", ahead=timedelta(days=3)):
        send(store, Replied())
        until(lambda: mode(store) is Mode.RUNNING)
    found = case(store)
    assert found is not None
    ledger = found.clocks["resolution"]
    assert [span.mode for span in ledger.spans] == [Mode.RUNNING, Mode.PAUSED, Mode.RUNNING]
    assert ledger.told == ()
    assert ledger.due is not None
    assert ledger.due - ledger.spans[-1].start > timedelta(hours=7, minutes=59)


def test_what_the_law_sets_is_told_while_the_case_is_on_hold(store: Store) -> None:
    send(store, Asked())
    rules = ALWAYS_OPEN
    definition = Definition(PROCEDURE, due=rules.due("question"), timing=rules.timing("question"))
    desk = Steering(store, {"question": definition}, clock=lambda: datetime.now(UTC))
    with driving(store, rules, worker="w-1"):
        until(lambda: case(store) is not None)
        held = desk.hold("Q-1", who="ann", reason="the carrier strikes")
    found = case(store)
    assert found is not None
    due = found.clocks["statutory"].due
    assert held.runs_on == (f"statutory, due {due:%Y-%m-%d %H:%M} UTC",)
    with driving(store, rules, worker="w-2", ahead=timedelta(days=57)):
        until(lambda: "deadline.statutory.100" in events(store))
    found = case(store)
    assert found is not None
    assert found.hold is not None
    assert [one.percent for one in found.clocks["statutory"].told] == [100]
    assert told(store) == []
    assert store.case_timers("question/Q-1") == []


def test_a_changed_policy_reaches_a_case_that_nothing_happens_to(store: Store) -> None:
    send(store, Asked())
    with driving(store, ALWAYS_OPEN, worker="w-1"):
        until(lambda: case(store) is not None)
    now = datetime.now(UTC)
    fingerprint = TIGHTER.fingerprint
    assert retime_cases(store, policy=fingerprint, clock=lambda: now, batch=1) == 1
    with driving(store, TIGHTER, worker="w-2"):
        until(lambda: "policy.changed" in events(store))
    entry = store.journal("question/Q-1")[-1][0]
    assert (entry.event, entry.source) == ("policy.changed", "policy")
    assert "the budget is 2 working hours, as [clocks] in the policy says" in entry.reason
    found = case(store)
    assert found is not None
    assert found.policy == fingerprint
    ledger = found.clocks["resolution"]
    assert ledger.due == ledger.started + timedelta(hours=2)
    assert found.timers["resolution.50"].due == ledger.started + timedelta(hours=1)
    assert retime_cases(store, policy=fingerprint, clock=lambda: now, batch=1) == 0
