"""What is old goes from a real Prefect server; what stands for a parked step, waits or goes on stays."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import cast
from uuid import uuid4

import pytest

from adapters.archive import Archive
from adapters.store.base import Store
from adapters.store.opening import open_store
from adapters.store.records import Changes, Step, StepStatus
from deployments.registration import register, register_flow
from flows import back_office, prefect_pruning
from flows.housekeeping import Housekeeping, Retention
from flows.keeping_house import housekeeping
from flows.notifying import Notifying
from flows.owner import Owner
from flows.prefect_api import connect, deployment_of
from flows.prefect_pruning import PrefectPruning, Pruned, PruningApi
from flows.wording import Badge
from machines.kernel.case import Case
from tests.adapters.store.scenery import HYDRATE, NOW
from tests.adapters.store.test_pruning import end
from tests.conftest_prefect import Prefect

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

DAY = timedelta(days=1)
RETENTION = Retention(runs=30 * DAY, versions=7 * DAY)
FLOWS = ("assign", "step")
OURS, THEIRS = (Owner(worker="gone", installation=name) for name in ("ours", "theirs"))


@pytest.fixture(scope="module", autouse=True)
def registered(prefect: Prefect) -> None:
    async def prepare() -> None:
        await register()
        async with PruningApi() as api:
            await sweep(api, Steps(), days=31)  # what other tests have left on this server

    asyncio.run(prepare())


@pytest.fixture(autouse=True)
def garbage() -> Iterator[None]:
    """Collect what Prefect leaves behind while the tests that know of it run."""
    yield
    gc.collect()


class Steps:
    """What pruning asks of the store: which steps a run stands for."""

    def __init__(self, **runs: StepStatus) -> None:
        self._runs = runs

    def steps(self, *, run: str, status: Sequence[StepStatus] = (), limit: int) -> list[Step]:
        found = self._runs.get(run)
        if found is None or (status and found not in status):
            return []
        return [Step("k", "loan/L-1", "c", b"{}", found, datetime.now(UTC))]


async def make(
    api: PruningApi, kind: str, *, flow: str = "assign", pages: int = 0, owner: Owner | None = None
) -> str:
    state = Badge(kind=kind, name=kind.capitalize(), message="")
    labels = owner.labels if owner else {}
    run = await api.create_run(
        flow, name=f"old {kind}", tags=[], state=state, once=str(uuid4()), labels=labels
    )
    for version in range(pages):
        await api.attach(run, "markdown", key="loan-l-1", description="page", data=f"{version}")
    return run


async def sweep(
    api: PruningApi, steps: Steps | Store, *, days: float, dry_run: bool = False, ending: Event | None = None
) -> Pruned:
    store = cast("Store", steps)
    pruning = PrefectPruning(api, store, flows=FLOWS, installation="ours", retention=RETENTION)
    return await pruning.sweep(now=datetime.now(UTC) + days * DAY, dry_run=dry_run, ending=ending or Event())


def test_old_runs_and_replaced_artifacts_go_and_what_is_needed_stays(prefect: Prefect) -> None:
    async def live() -> None:
        async with PruningApi() as api:
            first = await make(api, "COMPLETED", pages=2)
            second = await make(api, "CRASHED", pages=1)
            going = [await make(api, kind) for kind in ("RUNNING", "PAUSED", "SCHEDULED")]
            parked, settled, unknown = [await make(api, "FAILED", flow="step") for _ in range(3)]
            steps = Steps(**{parked: StepStatus.PARKED, settled: StepStatus.DONE})

            assert await sweep(api, steps, days=6) == Pruned(0, 0, 0)
            assert await sweep(api, steps, days=8) == Pruned(0, 2, 0), "versions, not runs"
            assert [one["data"] for one in prefect.artifacts(second)] == ["0"]
            assert prefect.artifacts(first) == []
            would = await sweep(api, steps, days=31, dry_run=True)
            assert would.runs == 3
            gone = await sweep(api, steps, days=31)
            assert (gone.runs, gone.artifacts) == (3, 1)
            assert gone.parked == would.parked >= 2
            left = {str(run["id"]) for run in prefect.runs()}
            assert not left.intersection((first, second, settled))
            assert left.issuperset((*going, parked, unknown))
            assert prefect.artifacts(second) == []
            assert (await sweep(api, steps, days=31)).runs == 0, "a repeat is harmless"

    asyncio.run(live())


def test_runs_of_steps_that_have_gone_with_their_case_go_too_unless_they_may_be_of_others(
    prefect: Prefect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prefect_pruning, "_RUNS", 1)
    monkeypatch.setattr(prefect_pruning, "_MOST_RUNS", 1)

    def park(changes: Changes, case: Case) -> None:
        changes.steps = [replace(step, status=StepStatus.PARKED) for step in changes.steps]

    async def live() -> None:
        async with PruningApi() as api:
            theirs = await make(api, "FAILED", flow="step", owner=THEIRS)
            parked, *gone = [await make(api, "FAILED", flow="step", owner=OURS) for _ in range(4)]
            with closing(open_store("memory:", hydrate=HYDRATE)) as store:
                end(store, "open", ended=False, spoil=park)
                end(store, "P-1", "P-2", "P-3")
                for key, run in zip(("open", "P-1", "P-2", "P-3"), (parked, *gone), strict=True):
                    store.set_run([step.key for step in store.steps(case=f"parcel/{key}")], run)
                kept = replace(RETENTION, cases=90 * DAY)
                house = Housekeeping(
                    store, Archive(tmp_path), retention=kept, clock=lambda: NOW + 91 * DAY, pause=0
                )
                assert house.sweep(dry_run=False).cases == 3
                assert [(await sweep(api, store, days=31)).runs for _ in range(4)] == [1, 1, 1, 0]
            left = {str(run["id"]) for run in prefect.runs()}
            assert not left.intersection(gone)
            assert left.issuperset((theirs, parked))

    asyncio.run(live())


def test_the_report_of_a_week_stays_when_that_of_the_next_is_there(prefect: Prefect) -> None:
    async def live() -> None:
        async with PruningApi() as api:
            runs = [await make(api, "COMPLETED") for _ in range(2)]
            for run in runs:
                await api.attach(run, "markdown", key="report", description="Report, a week", data="figures")
            await sweep(api, Steps(), days=8)
            assert [len(prefect.artifacts(run)) for run in runs] == [1, 1]
            await sweep(api, Steps(), days=31)
            assert [prefect.artifacts(run) for run in runs] == [[], []]

    asyncio.run(live())


def test_more_than_one_call_deletes_go_too(prefect: Prefect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prefect_pruning, "_RUNS", 2)

    async def live() -> None:
        async with PruningApi() as api:
            parked = await make(api, "FAILED", flow="step")
            for _ in range(5):
                await make(api, "CANCELLED")
            assert (await sweep(api, Steps(), days=31)).runs == 5
            assert prefect.run(parked)["state_type"] == "FAILED"

    asyncio.run(live())


def test_a_process_that_ends_is_not_waited_for(prefect: Prefect) -> None:
    async def live() -> None:
        async with PruningApi() as api:
            run, ending = await make(api, "COMPLETED", pages=2), Event()
            ending.set()
            assert await sweep(api, Steps(), days=31, ending=ending) == Pruned(0, 0, 0)
            assert len(prefect.artifacts(run)) == 2
            await sweep(api, Steps(), days=31)

    asyncio.run(live())


def test_the_nightly_schedule_is_made_once_and_is_the_staffs_from_then_on(prefect: Prefect) -> None:
    name = deployment_of("housekeeping")

    async def live() -> None:
        async with connect() as client:
            await client.delete_deployment((await client.read_deployment_by_name(name)).id)
            await register_flow(client, name="housekeeping", flow=housekeeping)
            made = await client.read_deployment_by_name(name)
            (schedule,) = made.schedules
            assert (schedule.active, getattr(schedule.schedule, "cron", "")) == (True, "40 2 * * *")
            await client.update_deployment_schedule(made.id, schedule.id, active=False)
            await register_flow(client, name="housekeeping", flow=housekeeping)
            (after,) = (await client.read_deployment_by_name(name)).schedules
            assert (after.schedule, after.active) == (schedule.schedule, False)
            await client.delete_deployment_schedule(made.id, after.id)
            await register_flow(client, name="housekeeping", flow=housekeeping)
            assert (await client.read_deployment_by_name(name)).schedules == []

    asyncio.run(live())


def test_the_flow_says_what_went(prefect: Prefect, tmp_path: Path) -> None:
    async def live() -> None:
        with closing(open_store("memory:", hydrate=HYDRATE)) as store:
            end(store, "P-1")
            retention = replace(RETENTION, cases=90 * DAY)
            house = Housekeeping(
                store, Archive(tmp_path), retention=retention, clock=lambda: NOW + 91 * DAY, pause=0
            )
            office = back_office.BackOffice(cast("Notifying", None), house, FLOWS, "ours")
            with back_office.install(office):
                state = await housekeeping(dry_run=True, return_state=True)
                assert (state.name, str(state.message)[:38]) == (
                    "Dry run",
                    "would go: 1 cases, 0 letters, 0 flow r",
                )
                assert store.find_case(key="P-1")
                state = await housekeeping(return_state=True)
                assert str(state.message).startswith("gone: 1 cases")
                assert not store.find_case(key="P-1")

    asyncio.run(live())
