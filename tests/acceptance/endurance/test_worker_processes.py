"""Worker processes as Prefect's server sees them: one that is killed leaves no run that says Running for
good, and Prefect's own command starts one too."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import pytest

from benchmarks import load
from deployments.processes import Child
from tests.acceptance.conftest import OpenHouse
from tests.acceptance.house import House
from tests.conftest_prefect import Json, Prefect, eventually

pytestmark = pytest.mark.crash

LEASE = 3.0


@pytest.fixture
def house(open_house: OpenHouse, prefect: Prefect) -> House:
    return open_house(prefect_api_url=prefect.server.api_url, lease=LEASE, world_book=False)


@pytest.fixture
def children() -> Iterator[list[Child]]:
    """Stopped at the end, whatever became of them."""
    started: list[Child] = []
    yield started
    for child in started:
        child.stop()


def worker(house: House, children: list[Child], name: str) -> Child:
    child = Child(name, "worker", log=house.home / "logs" / f"{name}.log", environment=house.environment)
    child.start()
    children.append(child)
    return child


def stand(house: House, key: str) -> str:
    found = house.app.store.find_case(key=key, sop="order")
    return found[0].state if found else ""


def named(prefect: Prefect, host_and_pid: str) -> list[object]:
    return [one["name"] for one in prefect.workers() if f"-{host_and_pid}-" in str(one["name"])]


def open_run(prefect: Prefect, like: str) -> Json:
    running = [run for run in prefect.runs(like_=like) if run["state_type"] == "RUNNING"]
    return running[0] if running else {}


def ended(prefect: Prefect, run: object) -> Json | None:
    found = prefect.run(str(run))
    return found if found["end_time"] else None


def test_the_run_of_a_killed_worker_ends_crashed_and_its_case_goes_on(
    house: House, prefect: Prefect, children: list[Child]
) -> None:
    house.spoil("payment.authorize: slow 60s x 1")
    doomed = worker(house, children, "doomed")
    eventually(lambda: named(prefect, str(doomed.pid)), seconds=60)
    house.send([load.placed("CR-1")])
    run = eventually(lambda: open_run(prefect, "CR-1"))
    os.kill(doomed.pid, signal.SIGKILL)
    killed = time.monotonic()
    house.spoil("")
    worker(house, children, "successor")
    crashed = eventually(lambda: ended(prefect, run["id"]), seconds=60)
    assert crashed["state_type"] == "CRASHED"
    seconds = time.monotonic() - killed
    print(
        f"\nCrashed {seconds:.1f} s after the kill, with a lease of {LEASE} s and a worker that had to start"
    )
    message = str(crashed["state"]["message"])
    assert f"-{doomed.pid}-" in message
    assert "was gone before" in message
    eventually(lambda: stand(house, "CR-1") == "awaiting_dispatch")
    eventually(lambda: not named(prefect, str(doomed.pid)))


def test_a_run_that_staff_started_does_not_outlive_its_worker_either(
    house: House, prefect: Prefect, children: list[Child]
) -> None:
    house.spoil("payment.authorize: slow 60s x 1")
    doomed = worker(house, children, "doomed")
    eventually(lambda: named(prefect, str(doomed.pid)), seconds=60)
    house.send([load.placed("CR-4")])
    eventually(lambda: house.count("SELECT count(*) FROM steps WHERE status = 'running'"))
    run = prefect.start("order/order", {})
    eventually(lambda: prefect.run(run)["state_type"] == "RUNNING", seconds=60)
    os.kill(doomed.pid, signal.SIGKILL)
    house.spoil("")
    worker(house, children, "successor")
    assert eventually(lambda: ended(prefect, run), seconds=60)["state_type"] == "CRASHED"


def test_the_run_of_a_worker_that_lives_is_left_alone(
    house: House, prefect: Prefect, children: list[Child]
) -> None:
    busy = worker(house, children, "busy")
    eventually(lambda: named(prefect, str(busy.pid)), seconds=60)
    # It outlasts the lease, and the wake-up that began it would too.
    house.spoil(f"payment.authorize: slow {LEASE + 1:.0f}s x 1")
    house.send([load.placed("CR-2")])
    run = eventually(lambda: open_run(prefect, "CR-2"))
    other = worker(house, children, "other")
    eventually(lambda: named(prefect, str(other.pid)), seconds=60)
    done = eventually(lambda: ended(prefect, run["id"]), seconds=60)
    assert done["state_type"] == "COMPLETED"
    other.stop()
    eventually(lambda: not named(prefect, str(other.pid)))
    assert "is gone" not in busy.log.read_text()


class Started:
    """`prefect worker start`, with the environment that the how-to names."""

    def __init__(self, house: House, prefect: Prefect, folder: Path) -> None:
        self.log = folder / "prefect-worker.log"
        environment: Mapping[str, str] = {
            **{name: value for name, value in house.environment.items() if not name.startswith("PREFECT_")},
            "PREFECT_API_URL": prefect.server.api_url,
            "PREFECT_HOME": str(folder / "prefect-home"),
            "DO_NOT_TRACK": "1",
            "PYTHONFAULTHANDLER": "1",  # so that a worker that does not end can say where it is
        }
        program = Path(sys.executable).with_name("prefect")
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                # In the background, as after `nohup ... &`: SIGINT is ignored.
                ["sh", "-c", f"trap '' INT; exec {program} worker start --type sop --pool sop"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                cwd=folder,
                start_new_session=True,
            )

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            return self.process.wait(30)
        self.process.send_signal(signal.SIGABRT)
        return self.process.wait(10)


def test_prefects_own_command_starts_a_worker(house: House, prefect: Prefect, tmp_path: Path) -> None:
    started = Started(house, prefect, tmp_path)
    try:
        eventually(lambda: named(prefect, str(started.process.pid)), seconds=60)
        order = dict(load.placed("CR-3"))
        form = {"type": order["type"], "subject": "CR-3", "data": order["data"], "id": "CR-3/placed"}
        run = prefect.start("event/event", form)
        done = eventually(lambda: ended(prefect, run), seconds=60)
        assert (done["state_type"], done["name"]) == ("COMPLETED", "CR-3: order.placed"), (
            started.log.read_text()
        )
        eventually(lambda: stand(house, "CR-3") == "awaiting_dispatch")
        eventually(lambda: [one for one in prefect.runs(like_="order CR-3") if one["end_time"]])
        assert started.stop() == 0, started.log.read_text()
    finally:
        if started.process.poll() is None:
            started.process.kill()
            started.process.wait()
    assert not house.count("SELECT count(*) FROM workers"), "it left in good order"
    assert not named(prefect, str(started.process.pid))
    assert "Traceback" not in started.log.read_text()
