"""The worker drives cases before Prefect is there, outlasts its outages, and ends when it is told to.

Apart from the tests that keep a worker (`test_worker_runs.py`): it would take these runs first."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from contextlib import ExitStack, closing
from pathlib import Path
from threading import Event
from typing import cast

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from adapters.archive import Archive
from adapters.store.opening import open_store
from deployments import worker
from deployments.registration import register
from deployments.worker import SopWorker
from flows import back_office, runtime
from flows.back_office import BackOffice
from flows.housekeeping import Housekeeping, Retention
from flows.notifying import Notifying
from tests.adapters.store.scenery import DAY, HYDRATE, NOW
from tests.adapters.store.test_pruning import end
from tests.conftest_prefect import Prefect, Relay, eventually, free_port
from tests.deployments.loops import Loop, finished, garbage, park, working

__all__ = ["garbage"]

# Prefect's own clients, of its worker and flow engine, leave sockets to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


def test_the_drive_loop_runs_before_prefect_does(prefect: Prefect) -> None:
    early, port = Loop(), free_port()
    with (
        temporary_settings(updates={PREFECT_API_URL: f"http://127.0.0.1:{port}/api"}),
        working(early),
    ):
        eventually(lambda: early.open)
        assert runtime.is_installed()
        before = prefect.workers()
        with Relay(port, to=prefect.server.port):
            eventually(lambda: len(prefect.workers()) > len(before), seconds=20)
    assert not early.open


def test_the_worker_outlasts_an_outage_of_prefect(prefect: Prefect) -> None:
    patient, port = Loop(), free_port()
    with (
        temporary_settings(updates={PREFECT_API_URL: f"http://127.0.0.1:{port}/api"}),
        working(patient),
    ):
        known = len(prefect.workers())
        with Relay(port, to=prefect.server.port):
            eventually(lambda: len(prefect.workers()) > known, seconds=20)
        with temporary_settings(updates={PREFECT_API_URL: prefect.server.api_url}):
            (step,), run = park()
        prefect.retry(run)
        time.sleep(5)
        assert not patient.replayed
        with Relay(port, to=prefect.server.port):
            finished(prefect, run, "COMPLETED")
            assert patient.replayed[0][0] == (step,)


def test_a_worker_whose_prefect_left_while_it_came_takes_runs_as_soon_as_it_is_back(prefect: Prefect) -> None:
    late, port = Loop(), free_port()
    registered = Event()
    with ExitStack() as up:

        async def register_and_lose_prefect() -> None:
            await register()
            up.close()
            registered.set()

        with temporary_settings(updates={PREFECT_API_URL: f"http://127.0.0.1:{port}/api"}):
            up.enter_context(Relay(port, to=prefect.server.port))
            with working(late, register=register_and_lose_prefect):
                assert registered.wait(60)
                with temporary_settings(updates={PREFECT_API_URL: prefect.server.api_url}):
                    (step,), run = park()
                prefect.retry(run)
                time.sleep(10)
                assert not late.replayed
                with Relay(port, to=prefect.server.port):
                    finished(prefect, run, "COMPLETED")
                    assert late.replayed[0][0] == (step,)


def test_housekeeping_that_would_take_hours_does_not_keep_a_worker_from_ending(
    prefect: Prefect, tmp_path: Path
) -> None:
    loop, begun = Loop(), Event()

    class Slow(Archive):
        def tidy(self) -> None:
            begun.set()

    with closing(open_store("memory:", hydrate=HYDRATE)) as store:
        end(store, *(f"P-{number:03}" for number in range(100)))
        end(store, *(f"P-{number:03}" for number in range(100, 200)))
        retention = Retention(runs=DAY, versions=DAY, cases=90 * DAY)
        house = Housekeeping(
            store, Slow(tmp_path), retention=retention, clock=lambda: NOW + 91 * DAY, pause=3_600
        )
        with back_office.install(BackOffice(cast("Notifying", None), house, (), "tests")):
            with working(loop):
                eventually(prefect.workers)
                run = prefect.start("housekeeping/housekeeping", {})
                assert begun.wait(30)
                eventually(lambda: list(tmp_path.glob("*.gz")))
                stopped = time.monotonic()
            assert time.monotonic() - stopped < 8
        assert len(store.cases(limit=1_000)) == 100
    ended = prefect.run(run)
    assert (ended["state_type"], ended["state_name"]) == ("COMPLETED", "Stopped")
    assert str(ended["state"]["message"]).startswith("gone: 100 cases")


def test_a_worker_started_by_prefect_opens_the_drive_loop_itself(
    prefect: Prefect, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = Loop()
    monkeypatch.setattr(worker, "open_runtime", own.opened)
    asyncio.run(register())
    (step,), run = park()
    prefect.retry(run)

    async def once() -> None:
        started = SopWorker(work_pool_name="sop", name="by hand", limit=5)
        await started.start(run_once=True, printer=lambda *_: None)

    asyncio.run(once())
    assert prefect.run(run)["state_type"] == "COMPLETED"
    assert own.replayed[-1][0] == (step,)
    assert not own.open


def test_an_unforeseen_failure_does_not_end_attachment(
    prefect: Prefect, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "_AGAIN_SECONDS", 0.01)
    tries: list[int] = []

    async def fail() -> None:
        tries.append(1)
        raise KeyError("unforeseen")

    attachment = worker.Attachment(name=None, pool="sop", register=fail)
    attachment.start()
    eventually(lambda: len(tries) > 3)
    attachment.stop()
    assert [record.message for record in caplog.records if record.name == worker.__name__] == [
        "not attached to Prefect, trying on"
    ]


def test_what_prefects_server_loads_to_list_worker_types_is_not_the_whole_application() -> None:
    script = "import sys, deployments.worker; print('\\n'.join(sys.modules))"
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "deployments.worker" in told.stdout.splitlines()
    assert {"machines.catalogue", "flows.procedures"}.isdisjoint(told.stdout.splitlines())
