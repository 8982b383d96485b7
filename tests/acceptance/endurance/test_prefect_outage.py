"""Prefect's server killed under load: orders go on unobserved, and are recorded again when it is back."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import closing
from functools import partial

import pytest

from adapters.store.records import Step, StepStatus
from benchmarks import load
from benchmarks.installation import Installation, installation
from tests.conftest_prefect import Json, Prefect, eventually

pytestmark = pytest.mark.crash

OUTAGE = 30.0
PARKED = 2


class Orders:
    """Come in a handful at a time; all but the ``parked`` ones get ``confirmed``."""

    def __init__(self, running: Installation) -> None:
        self._app = running.app
        self._keys = load.keys(100_000)
        self.placed = 0

    def place(self) -> None:
        self._app.intake.accept([load.placed(next(self._keys)) for _ in range(5)])
        self.placed += 5

    def confirmed(self, *, parked: int = 0) -> bool:
        return self._app.store.summary()["cases"].get("order/awaiting_dispatch", 0) == self.placed - parked


@pytest.fixture
def running() -> Iterator[Installation]:
    with installation() as running:
        yield running
        print(running.worker.log.read_text()[-20_000:])


def recorded(seen: Prefect) -> set[str]:
    return {str(run["id"]) for run in seen.runs(like_="order")}


def kill_server(running: Installation) -> None:
    pid = int((running.app.settings.home / "prefect" / "server.pid").read_text())
    os.kill(pid, signal.SIGKILL)
    assert running.prefect is not None
    running.prefect.stop()


def failed(seen: Prefect, run: str | None) -> Json | None:
    found = seen.run(str(run))
    return found if found["state_type"] == "FAILED" else None


def test_orders_outlive_prefect_and_are_recorded_again(running: Installation) -> None:
    assert running.prefect is not None
    store, orders = running.app.store, Orders(running)
    with closing(Prefect(running.prefect)) as seen:
        orders.place()
        before = eventually(lambda: recorded(seen), seconds=60)
    kill_server(running)
    running.app.settings.faults.write_text(f"stock.reserve: permanent x {PARKED}\n", "utf-8")
    down = time.monotonic()
    while time.monotonic() < down + OUTAGE:
        orders.place()
        time.sleep(0.25)
    eventually(lambda: orders.confirmed(parked=PARKED))
    placed = orders.placed
    running.prefect.start()
    with closing(Prefect(running.prefect)) as seen:
        back = time.monotonic()
        eventually(lambda: recorded(seen) - before, seconds=60)
        resumed = time.monotonic() - back
        steps = eventually(lambda: _standing(running), seconds=60)
        for step in steps:
            run = eventually(partial(failed, seen, step.run))
            assert run["name"] == f"{step.case.partition('/')[2]}: {step.command}"
        known = recorded(seen)
        orders.place()
        eventually(lambda: recorded(seen) - known, seconds=60)
    eventually(lambda: orders.confirmed(parked=PARKED))
    assert store.summary()["steps"].get("parked") == PARKED
    # It is said when recording has gone well for some seconds, not at the first success.
    eventually(lambda: said(running, "recording in Prefect goes on"), seconds=60)
    print(f"\n{placed} orders placed, all confirmed without Prefect; recorded again after {resumed:.1f} s")
    assert len(said(running, "Prefect is not reachable, cases go on")) == 1
    assert len(said(running, "recording in Prefect goes on")) == 1
    assert running.worker.alive


def said(running: Installation, words: str) -> list[str]:
    """The worker's warnings with ``words``."""
    lines = running.worker.log.read_text().splitlines()
    return [line for line in lines if ("WARNING" in line or "ERROR" in line) and words in line]


def _standing(running: Installation) -> list[Step]:
    """The parked steps, once a flow run stands for each."""
    parked = running.app.store.steps(status=(StepStatus.PARKED,))
    return parked if len(parked) == PARKED and all(step.run for step in parked) else []
