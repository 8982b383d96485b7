"""``sop up`` starts again whatever of it dies, Prefect's server and its PostgreSQL included."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from benchmarks import load
from tests.acceptance.operations.conftest import House
from tests.conftest_prefect import Json, eventually

pytestmark = pytest.mark.crash


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    prepared = House(tmp_path_factory.mktemp("up") / "home")
    # Where the person's own Prefect is must not matter to ours.
    prepared.environment["PREFECT_API_URL"] = "http://127.0.0.1:9/api"
    with prepared as running:
        yield running


def pid_in(file: Path) -> int:
    try:
        return int(file.read_text().split()[0])
    except (OSError, IndexError):
        return 0


def replaced(file: Path, pid: int) -> bool:
    return pid_in(file) not in (0, pid)


def place(house: House, key: str) -> None:
    data = load.placed(key)["data"]
    assert isinstance(data, dict)
    house.send("order.placed", key, data)


def recorded(house: House, key: str) -> list[Json]:
    try:
        found = house.ask("/flow_runs/filter", {"flow_runs": {"name": {"like_": f"order {key}"}}})
    except httpx.HTTPError:
        return []
    return [run for run in found if run["state_type"] == "COMPLETED"]


@pytest.mark.parametrize(
    ("file", "name", "key"),
    [
        ("prefect/server.pid", "Prefect's server", "UP-1"),
        ("postgres/data/postmaster.pid", "Prefect's PostgreSQL", "UP-2"),
        ("logs/worker.pid", "the worker", "UP-3"),
        ("logs/web.pid", "the web", "UP-4"),
    ],
)
def test_what_is_killed_comes_back_at_the_same_address(house: House, file: str, name: str, key: str) -> None:
    pid = pid_in(house.home / file)
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: replaced(house.home / file, pid), seconds=60)
    eventually(lambda: f"{name} ended and was started again; see" in house.log.read_text().replace("\n", " "))
    eventually(lambda: healthy(house), seconds=60)
    place(house, key)
    assert eventually(lambda: recorded(house, key), seconds=60)


def healthy(house: House) -> bool:
    try:
        return httpx.get(f"{house.web}/health").is_success and httpx.get(f"{house.ui}/api/health").is_success
    except httpx.HTTPError:
        return False
