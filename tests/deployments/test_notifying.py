"""The automations that have staff told, on a real Prefect server; and the look at the store beside them."""

from __future__ import annotations

import asyncio
import gc
import logging
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from adapters.errors import StoreUnavailable
from adapters.notices.posting import NotDelivered
from deployments.automations import TELL_MOVED, TELL_PARKED, ensure, staff_automations
from deployments.notifying import looking
from deployments.registration import register
from deployments.settings import Settings
from flows import announcing
from flows.announcing import Announcing
from flows.prefect_api import PrefectApi, connect, deployment_of
from flows.session import Session
from tests.conftest_prefect import Prefect, eventually

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(autouse=True)
def garbage() -> Iterator[None]:
    """Collect what Prefect leaves behind while the tests that know of it run."""
    yield
    gc.collect()


@pytest.fixture
def automations(prefect: Prefect) -> Iterator[None]:
    """Those that a worker whose settings name somebody makes."""

    async def make() -> None:
        await register()
        async with connect() as client:
            notify = (await client.read_deployment_by_name(deployment_of("notify"))).id
            for wanted in 2 * staff_automations(notify):
                await ensure(client, wanted)

    async def unmake() -> None:
        async with connect() as client:
            for name in (TELL_PARKED, TELL_MOVED):
                (found,) = await client.read_automations_by_name(name)
                await client.delete_automation(found.id)

    asyncio.run(make())
    yield
    asyncio.run(unmake())


@pytest.mark.usefixtures("automations")
def test_a_breached_clock_runs_notify_with_what_the_event_says(
    prefect: Prefect, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = f"CP-{uuid4().hex[:6]}"

    monkeypatch.setattr(announcing, "_GATHER_SECONDS", 0.0)

    async def announce(board: Announcing) -> None:
        async with PrefectApi() as api:
            await board.show(api)

    def runs() -> list[Any]:
        found = prefect.post("/flow_runs/filter", {"flows": {"name": {"any_": ["notify"]}}})
        assert isinstance(found, list)
        return [run for run in found if key in str(run["parameters"].get("cases"))]

    def told() -> list[Any]:
        session = Session(sop="complaint", opened=datetime.now(UTC))
        session.rested(key=key, title="Open", message="", final=False, attention=("breached",))
        board = Announcing()
        board.ended(session.snapshot())
        asyncio.run(announce(board))
        deadline = time.monotonic() + 15
        while not (found := runs()) and time.monotonic() < deadline:
            time.sleep(0.2)
        return found

    # Prefect may lose an event, and a new automation takes a moment to be known.
    run = eventually(told, seconds=90)[0]
    event = run["parameters"].pop("event")
    assert len(str(event)) == 36
    assert run["parameters"] == {"what": "breached", "sop": "complaint", "cases": [key], "count": 1}


class Watch:
    """Notifies as told."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.looks = 0
        self.tried_again = 0

    def no_worker(self) -> int:
        return 0

    def parked(self, *, patience: object) -> int:
        self.looks += 1
        if self.errors:
            raise self.errors.pop(0)
        return 0

    def again(self) -> None:
        self.tried_again += 1


def test_the_look_at_the_store_goes_on_whatever_happens(caplog: pytest.LogCaptureFixture) -> None:
    watch = Watch(StoreUnavailable("away"), NotDelivered("nobody"), KeyError("a mistake of ours"))
    settings = Settings.model_validate({"notify": {"oncall": ["json://127.0.0.1:9/"]}})
    with caplog.at_level(logging.ERROR), looking(settings, watch, every=0.01):
        eventually(lambda: watch.looks > 3 and watch.tried_again > 3)
    said = [record.getMessage() for record in caplog.records if record.name == "deployments.notifying"]
    assert said == [
        "staff were not told: nobody [not-delivered]",
        "what staff should be told of could not be looked up",
    ]


def test_nobody_looks_where_nobody_is_to_be_told() -> None:
    watch = Watch()
    with looking(Settings(), watch, every=0.01):
        time.sleep(0.05)
    assert watch.looks == 0
