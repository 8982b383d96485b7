"""A store that is away, loses its answer, takes not everything, or holds what cannot be read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from adapters.errors import StoreUnavailable
from adapters.store.base import Round, Store
from adapters.store.opening import open_store
from adapters.store.records import Changes, InboxStatus, Taken
from machines.kernel.event import Facts
from tests.flows.lending import Reminders, StartDriver, drive, lend_overdue, letter, state, until
from tests.toy import Loan


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
