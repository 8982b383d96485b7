"""An outage is one Failed run of a real Prefect server as long as it lasts, and an event for each change."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import cast
from uuid import uuid4

import pytest

from adapters.errors import StoreUnavailable
from adapters.store.outage import Outage, Phase
from deployments.registration import register
from flows.affected import Affected
from flows.budget import Budget
from flows.outage_runs import OutageRuns
from flows.prefect_api import PrefectApi
from flows.recording import Recorder
from machines.kernel.money import Money
from tests.conftest_prefect import Json, Prefect, eventually

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)


def look(outage: Outage) -> Affected:
    return Affected(outage, 490, 10, (Money(amount=1_500_000, currency="EUR"),), stays="")


@pytest.fixture
def recorder(prefect: Prefect) -> Iterator[Recorder]:
    asyncio.run(register())
    with Recorder(look=look, runs_per_second=20) as started:
        yield started


def events(prefect: Prefect, about: str) -> set[str]:
    body = {"filter": {"resource": {"id": [about]}}}
    return {
        str(one["event"])
        for one in cast("dict[str, list[Json]]", prefect.post("/events/filter", body))["events"]
    }


def test_it_stands_failed_until_it_is_over(recorder: Recorder, prefect: Prefect) -> None:
    command = f"payment.{uuid4().hex[:8]}"
    out = Outage(command, Phase.OUT, NOW, NOW, NOW + timedelta(minutes=5), error=f"{command}: answered 503")
    recorder.outage(out, over=False)
    (run,) = eventually(lambda: prefect.runs(any_=[f"{command} is out: 500 cases"]))
    eventually(lambda: prefect.run(run["id"])["state"]["name"] == "Out")
    seen = prefect.run(run["id"])
    assert seen["state"]["type"] == "FAILED"
    assert seen["state"]["message"] == (
        "since 2026-11-02 09:00 UTC, 490 cases wait, 10 are parked, 15000.00 EUR at stake, "
        "latest: answered 503; next probe 09:05:00 UTC; what waits resumes by itself, what is parked too"
    )
    assert {f"command:{command}", "code:outage", "attention:outage"} <= set(seen["tags"])
    assert (seen["parameters"]["command"], seen["parameters"]["code"]) == (command, "unavailable")
    recorder.outage(replace(out, phase=Phase.RESUMING, version=2), over=False)
    recorder.outage(replace(out, phase=Phase.RESUMING, version=3), over=True)
    eventually(lambda: prefect.run(run["id"])["state"]["type"] == "COMPLETED")
    assert prefect.run(run["id"])["name"] == f"{command} was out"
    eventually(lambda: {"sop.outage.out", "sop.outage.over"} <= events(prefect, f"sop.command.{command}"))


def test_the_store_is_asked_beside_the_loop_that_records() -> None:
    """It may be slow, with thousands of steps that wait."""
    goes_on = threading.Event()

    def slow(outage: Outage) -> Affected:
        assert goes_on.wait(5), "the loop stands still meanwhile"
        raise StoreUnavailable("nor does it answer in the end")

    async def record() -> None:
        runs = OutageRuns(slow)
        runs.tell(Outage("payment.capture", Phase.OUT, NOW, NOW, NOW), over=False)
        showing = asyncio.create_task(runs.show(PrefectApi(), budget=Budget(1, burst=1)))
        await asyncio.sleep(0.01)
        goes_on.set()
        await showing
        assert not runs.idle, "it is told later"

    asyncio.run(record())
