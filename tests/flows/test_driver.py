"""The drive loop, in memory and on SQLite, with an adapter that fails, hangs and answers as told."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from adapters.errors import Rejected, StoreUnavailable, Unavailable
from adapters.store.base import Round, Store
from adapters.store.opening import open_store
from adapters.store.outage import OUTAGE
from adapters.store.records import Changes, InboxStatus, Letter, StepStatus, Taken
from flows.breaker import Caution
from flows.driver import Driver, Pace
from machines.kernel.command import Command
from machines.kernel.definition import Firing
from machines.kernel.event import Event, Facts
from tests.toy import DEFINITION, EVENTS, Lent, Loan, ReminderSent

PACE = Pace(lease=1.0, tick=0.05)


class Reminders:
    """Answers, fails or hangs by the key of the case, and counts what it was asked."""

    limit = 100

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.faults: dict[str, list[BaseException]] = {}
        self.slow: dict[str, float] = {}

    async def perform(self, command: Command) -> Event:
        self.asked.append(command.key)
        case = command.key.split("/")[1]
        await asyncio.sleep(self.slow.get(case, 0))
        if self.faults.get(case):
            raise self.faults[case].pop(0)
        return ReminderSent()


@pytest.fixture
def reminders() -> Reminders:
    return Reminders()


StartDriver = Callable[..., Driver]


@pytest.fixture
def start(store: Store, reminders: Reminders) -> Iterator[StartDriver]:
    with ExitStack() as stack:

        def begin(
            worker: str = "w-1", *, ahead: timedelta = timedelta(0), caution: Caution | None = None
        ) -> Driver:
            driver = Driver(
                store,
                {"loan": DEFINITION},
                {"reminder": reminders},
                worker=worker,
                clock=lambda: datetime.now(UTC) + ahead,
                pace=PACE,
                caution=caution,
            )
            driver.start()
            stack.callback(driver.stop)
            return driver

        yield begin


def letter(kind: str, key: str, *, n: int = 1, body: bytes | None = None) -> Letter:
    event = EVENTS[kind]
    content = event.model_dump_json().encode() if body is None else body
    return Letter(
        "test", f"{kind}/{key}/{n}", kind, "loan", key, content, datetime.now(UTC), opens=event.opens
    )


def until(condition: Callable[[], bool], *, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.01)


def state(store: Store, key: str) -> str:
    found = store.find_case(key=key)
    return found[0].state if found else ""


def lend_overdue(store: Store, *keys: str) -> None:
    """Lend each; with a clock a day ahead the drive loop finds them overdue at once."""
    store.receive([letter("loan.lent", key) for key in keys])


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


def test_a_fault_in_tending_outages_stops_no_case(
    store: Store, start: StartDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise KeyError("a mistake of ours")

    driver = start(caution=Caution())
    monkeypatch.setattr(driver.outages, "tend", broken)
    store.receive([letter("loan.lent", "L-1"), letter("loan.returned", "L-1")])
    until(lambda: state(store, "L-1") == "back")


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


def test_an_event_that_cannot_be_read_is_a_dead_letter_and_holds_nobody_up(
    store: Store, start: StartDriver
) -> None:
    start()
    store.receive([letter("loan.lent", "L-1", body=b'{"boook": 1}'), letter("loan.lent", "L-2")])
    until(lambda: state(store, "L-2") == "lent")
    dead = store.inbox(status=(InboxStatus.DEAD,))
    assert [row.letter.key for row in dead] == ["L-1"]
    assert "cannot be read" in dead[0].reason


def test_a_procedure_that_fails_kills_one_letter_and_goes_on(
    store: Store, start: StartDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = DEFINITION.fire

    def fire(firing: Firing) -> None:
        if firing.event.payload == Lent(book="Ulysses"):
            raise ZeroDivisionError
        real(firing)

    monkeypatch.setattr(DEFINITION, "fire", fire)
    start()
    store.receive([letter("loan.lent", "L-1", body=b'{"book": "Ulysses"}'), letter("loan.lent", "L-2")])
    until(lambda: state(store, "L-2") == "lent")
    assert [row.letter.key for row in store.inbox(status=(InboxStatus.DEAD,))] == ["L-1"]
    assert store.find_case(key="L-1") == []


def test_an_outcome_that_the_procedure_fails_on_parks_its_step_and_holds_nobody_up(
    store: Store, start: StartDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = DEFINITION.fire

    def fire(firing: Firing) -> None:
        if firing.event.payload == ReminderSent():
            raise ZeroDivisionError
        real(firing)

    monkeypatch.setattr(DEFINITION, "fire", fire)
    start(ahead=timedelta(hours=-25))
    lend_overdue(store, "L-1")
    until(lambda: state(store, "L-1") == "lent")
    start("w-2")
    until(lambda: store.summary()["steps"].get("parked") == 1)
    events = [entry.event for entry, _ in store.journal("loan/L-1")]
    assert events == ["loan.lent", "deadline.overdue", "procedure.failed", "step.parked"]
    store.receive([letter("loan.lent", "L-2")])
    until(lambda: state(store, "L-2") != "")


def test_two_workers_share_the_work_and_apply_each_event_once(store: Store, start: StartDriver) -> None:
    start("w-1")
    start("w-2")
    keys = [f"L-{n}" for n in range(200)]
    for kind in ("loan.lent", "loan.renewed", "loan.returned"):
        store.receive([letter(kind, key) for key in keys])
    until(lambda: store.summary()["cases"].get("loan/back") == 200)
    for key in keys:
        assert [entry.seq for entry, _ in store.journal(f"loan/{key}")] == [1, 2, 3]


def test_a_step_that_the_procedure_no_longer_knows_is_parked_and_holds_nobody_up(
    store: Store, start: StartDriver, reminders: Reminders, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = park(store, start, reminders)
    monkeypatch.setitem(DEFINITION.procedure.__dict__, "commands", {})
    store.requeue([key], now=datetime.now(UTC), who="ann", reason="again")
    until(lambda: store.steps(keys=(key,))[0].code == "procedure-changed")
    store.receive([letter("loan.lent", "L-2")])
    until(lambda: state(store, "L-2") != "")


def test_a_store_that_is_away_is_mentioned_once_and_once_more_when_it_is_back(
    store: Store, start: StartDriver, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real, asked, away = store.round, [], [True]

    def round_(*, worker: str) -> AbstractContextManager[Round]:
        asked.append(worker)
        if away:
            raise StoreUnavailable("the disk is full")
        return real(worker=worker)

    monkeypatch.setattr(store, "round", round_)
    start()
    store.receive([letter("loan.lent", "L-1")])
    until(lambda: len(asked) >= 3)
    away.clear()
    until(lambda: state(store, "L-1") == "lent")

    def told() -> list[str]:
        return [record.getMessage() for record in caplog.records if record.name == "sop.driver"]

    until(lambda: len(told()) == 2)
    assert told() == [
        "the store is unavailable (the disk is full); nothing is lost, trying again",
        "the store answers again",
    ]


class Pamphlet(Facts):
    """What a loan is made of to a program that is of another opinion."""

    title: str


def test_a_case_that_cannot_be_read_is_mentioned_once_also_when_nothing_else_is_ready(
    tmp_path: Path, reminders: Reminders, caplog: pytest.LogCaptureFixture
) -> None:
    url = f"sqlite:///{tmp_path / 'cases.db'}"
    store = open_store(url, hydrate={"loan": {1: Loan}})
    store.migrate()
    first = drive(store, reminders, ahead=timedelta(hours=-25))
    store.receive([letter("loan.lent", "L-1")])
    until(lambda: state(store, "L-1") == "lent")
    first.stop()
    store.receive([letter("loan.renewed", "L-1")])
    astray = open_store(url, hydrate={"loan": {1: Pamphlet}})
    second = drive(astray, reminders)

    def told() -> list[str]:
        return [record.getMessage() for record in caplog.records if record.name == "sop.driver"]

    try:
        until(lambda: any("loan/L-1 is left alone" in line for line in told()))
        astray.receive([letter("loan.renewed", "L-1", n=2)])
    finally:
        second.stop()
        astray.close()
        store.close()
    assert sum("loan/L-1 is left alone" in line for line in told()) == 1


class LossyStore:
    """Commits, and then says that it did not answer: once, at the given write."""

    def __init__(self, store: Store, *, at: int) -> None:
        self._store = store
        self._at = at
        self.writes = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    @contextmanager
    def round(self, *, worker: str) -> Iterator[Round]:
        with self._store.round(worker=worker) as current:
            yield cast(Round, CountingRound(current, self))
        if self.writes == self._at:
            self.writes += 1
            raise StoreUnavailable("the answer to the commit was lost")


class CountingRound:
    def __init__(self, current: Round, store: LossyStore) -> None:
        self._current = current
        self._store = store

    def take(self, **given: Any) -> Taken:
        return self._current.take(**given)

    def write(self, changes: Changes) -> None:
        self._current.write(changes)
        self._store.writes += 1


def drive(store: Store, reminders: Reminders, *, ahead: timedelta = timedelta(0)) -> Driver:
    driver = Driver(
        store,
        {"loan": DEFINITION},
        {"reminder": reminders},
        worker="w-1",
        clock=lambda: datetime.now(UTC) + ahead,
        pace=PACE,
    )
    driver.start()
    return driver


def test_a_commit_whose_answer_is_lost_leaves_no_step_behind(store: Store, reminders: Reminders) -> None:
    lossy = LossyStore(store, at=2)
    first = drive(store, reminders, ahead=timedelta(hours=-25))
    lend_overdue(store, "L-1")
    until(lambda: state(store, "L-1") == "lent")
    first.stop()
    lossy.writes = 1
    second = drive(cast(Store, lossy), reminders)
    try:
        until(lambda: store.summary()["steps"].get("done") == 1)
    finally:
        second.stop()
    assert set(reminders.asked) == {"loan/L-1/reminder.send/2"}


class PickyStore(LossyStore):
    """Refuses every round that touches one case."""

    @contextmanager
    def round(self, *, worker: str) -> Iterator[Round]:
        with self._store.round(worker=worker) as current:
            yield cast(Round, PickyRound(current, self))


class PickyRound(CountingRound):
    def write(self, changes: Changes) -> None:
        if "loan/L-13" in {*changes.opened, *changes.moved}:
            raise ValueError("a value that no column takes")
        self._current.write(changes)


def test_a_piece_that_cannot_be_written_is_set_aside_and_the_others_go_on(
    store: Store, reminders: Reminders
) -> None:
    driver = drive(cast(Store, PickyStore(store, at=-1)), reminders)
    try:
        lend_overdue(store, *(f"L-{n}" for n in range(20)))
        until(lambda: store.summary()["cases"].get("loan/lent") == 19)
        until(lambda: bool(store.inbox(status=(InboxStatus.DEAD,))))
    finally:
        driver.stop()
    dead = store.inbox(status=(InboxStatus.DEAD,))
    assert [row.letter.key for row in dead] == ["L-13"]
    assert "cannot be written" in dead[0].reason


def test_a_deadline_on_which_the_procedure_fails_comes_again(
    store: Store, start: StartDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = DEFINITION.fire

    def fire(firing: Firing) -> None:
        if firing.event.type == "deadline.overdue":
            raise ZeroDivisionError
        real(firing)

    monkeypatch.setattr(DEFINITION, "fire", fire)
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
