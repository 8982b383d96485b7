"""Real processes, a real Prefect server and a receiver on loopback: parked steps are told once and together,
by the automation; that no worker is left is told by the web process."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from adapters.store.records import StepStatus
from deployments.automations import TELL_MOVED, TELL_PARKED
from deployments.bootstrap import Application, open_application
from deployments.processes import Child, free_port
from deployments.settings import Settings
from examples import orders
from examples.day import Day
from tests.adapters.notices.mailbox import Mailbox, mailbox
from tests.conftest_prefect import Prefect, eventually

pytestmark = pytest.mark.crash

_PATIENCE = 120.0
_MANY = 50


@dataclass
class Installation:
    app: Application
    box: Mailbox
    pid_file: Path


@pytest.fixture
def house(prefect: Prefect, tmp_path: Path) -> Iterator[Installation]:
    home, port = tmp_path / "home", free_port(8600 + os.getpid() % 400)
    with ExitStack() as stack:
        box = stack.enter_context(mailbox())
        settings = Settings(home=home, web_port=port)
        app = stack.enter_context(open_application(settings))
        settings.faults.write_text("payment.authorize: permanent\n", "utf-8")
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("SOP_")},
            "SOP_HOME": str(home),
            "SOP_WEB_PORT": str(port),
            "SOP_LEASE": "1",
            "SOP_NOTIFY": json.dumps({"oncall": [box.url], "quiet": 1}),
            "SOP_PREFECT_API_URL": prefect.server.api_url,
            "PREFECT_API_URL": prefect.server.api_url,
            "PREFECT_HOME": str(tmp_path / "prefect"),
        }
        for name in ("web", "worker"):
            pid_file = tmp_path / f"{name}.pid"
            log = tmp_path / f"{name}.log"
            child = Child(name, name, log=log, environment=environment, pid_file=pid_file)
            child.start()
            stack.callback(child.stop)
        yield Installation(app, box, tmp_path / "worker.pid")


def test_parked_steps_and_the_loss_of_the_last_worker_are_told(house: Installation, prefect: Prefect) -> None:
    eventually(prefect.workers, seconds=_PATIENCE)
    eventually(lambda: {TELL_PARKED, TELL_MOVED} <= automations(prefect), seconds=_PATIENCE)
    day = Day(Random(7))
    for _ in range(_MANY):
        orders.waiting(day, 0.0)
    placed = [json.loads(line) for _, line in day.events]
    house.app.intake.accept([event for event in placed if event["type"] == "order.placed"])

    def told() -> bool:
        parked = house.app.store.steps(status=(StepStatus.PARKED,), limit=1_000)
        return len(parked) == _MANY and not house.app.store.notices.untold_causes()

    eventually(told, seconds=_PATIENCE)
    eventually(lambda: notify_runs(prefect), seconds=_PATIENCE)
    count = len(house.box.letters)
    assert count <= 3, house.box.titles
    assert "order: payment.authorize, SO-" in house.box.letters[0]["body"]
    assert "runbook/rejected" in house.box.letters[0]["body"]
    print(f"\n{_MANY} parked steps of one cause: {house.box.titles}, {len(notify_runs(prefect))} flow runs")
    os.kill(int(house.pid_file.read_text().split()[0]), signal.SIGKILL)
    eventually(lambda: "sop: no worker drives the cases" in house.box.titles, seconds=_PATIENCE)
    assert len(house.box.letters) == count + 1


def automations(prefect: Prefect) -> set[object]:
    found = prefect.post("/automations/filter", {})
    assert isinstance(found, list)
    return {one["name"] for one in found}


def notify_runs(prefect: Prefect) -> list[dict[str, object]]:
    found = prefect.post("/flow_runs/filter", {"flows": {"name": {"any_": ["notify"]}}})
    assert isinstance(found, list)
    return found
