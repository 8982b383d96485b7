"""Stores and drive loops for the loans of `tests.toy`. A file that needs other cases has its own `store`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from adapters.store.base import Store
from adapters.store.opening import open_store
from flows.breaker import Caution
from flows.driver import Driver
from tests.flows.lending import Reminders, StartDriver, drive
from tests.toy import Loan


@pytest.fixture(params=("memory", "sqlite"))
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    url = "memory:" if request.param == "memory" else f"sqlite:///{tmp_path / 'cases.db'}"
    store = open_store(url, hydrate={"loan": {1: Loan}})
    store.migrate()
    yield store
    store.close()


@pytest.fixture
def reminders() -> Reminders:
    return Reminders()


@pytest.fixture
def start(store: Store, reminders: Reminders) -> Iterator[StartDriver]:
    """Starts a worker that stops at the end of the test."""
    with ExitStack() as stack:

        def begin(
            worker: str = "w-1", *, ahead: timedelta = timedelta(0), caution: Caution | None = None
        ) -> Driver:
            driver = drive(store, reminders, worker=worker, ahead=ahead, caution=caution)
            stack.callback(driver.stop)
            return driver

        yield begin
