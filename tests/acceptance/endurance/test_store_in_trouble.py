"""A disk without room and a database that somebody keeps locked: the intake says so, the worker waits, no
round is half done, and both go on by themselves."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import orjson
import pytest

from adapters.envelope import STRUCTURED
from benchmarks import load
from tests.acceptance.audit import flaws, repeated
from tests.acceptance.conftest import OpenHouse
from tests.acceptance.house import House, reading
from tests.conftest_prefect import eventually

pytestmark = pytest.mark.crash


class Disk:
    """A small file system of its own, and what fills it up."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._filler = folder / "filler"

    def fill(self) -> None:
        with self._filler.open("ab", buffering=0) as file:
            size = 1 << 20
            while size:
                try:
                    file.write(b"\0" * size)
                except OSError:
                    size //= 2

    def free(self) -> None:
        self._filler.unlink()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small disk takes the right to mount one")
    yield Disk(folder)
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def place(web: httpx.Client, key: str) -> httpx.Response:
    content = orjson.dumps(load.placed(key))
    return web.post("/events", content=content, headers={"content-type": STRUCTURED})


def place_until_refused(web: httpx.Client, *, prefix: str) -> tuple[list[str], str, httpx.Response]:
    """Orders that were taken, the first that was not, and what it was told."""
    taken: list[str] = []
    for key in load.keys(10_000, prefix=prefix):
        answer = place(web, key)
        if answer.status_code != 202:
            return taken, key, answer
        taken.append(key)
    raise AssertionError("every order was taken")


def waiting(house: House) -> int:
    return house.count("SELECT count(*) FROM cases WHERE state = 'awaiting_dispatch' AND sop = 'order'")


def complaints(log: Path) -> list[str]:
    return [line for line in log.read_text().splitlines() if " ERROR " in line or "Traceback" in line]


def test_a_full_disk_stops_nothing_but_time(open_house: OpenHouse, disk: Disk) -> None:
    house = open_house(store_url=f"sqlite:///{disk.folder / 'cases.db'}", world_latency=0.2)
    worker, web = house.worker(), house.web()
    house.send([load.placed(key) for key in load.keys(40, prefix="A")])
    eventually(lambda: house.count("SELECT count(*) FROM steps WHERE status = 'running'") >= 40)
    disk.fill()
    taken, refused, answer = place_until_refused(web, prefix="B")
    assert (answer.status_code, answer.json()["code"]) == (503, "store-unavailable")
    assert answer.headers["retry-after"] == "1"
    sick = eventually(lambda: (found := web.get("/health")).status_code == 503 and found)
    assert "full" in sick.json()["detail"]
    assert sick.headers["content-type"] == "application/problem+json"
    eventually(lambda: complaints(worker.log))
    # For some seconds more, to see that it is said once and not each time that it is tried.
    time.sleep(2)
    assert flaws(house, resting=False) == []
    assert place(web, refused).status_code == 503
    disk.free()
    eventually(lambda: web.get("/health").status_code == 200)
    eventually(lambda: place(web, refused).status_code == 202)
    eventually(lambda: waiting(house) == 40 + len(taken) + 1)
    eventually(lambda: not flaws(house))
    print(f"\n{len(taken)} orders taken on the last pages, {repeated(house)} effects asked for again")
    print("\n".join(complaints(worker.log)))
    assert len(complaints(worker.log)) == 1
    assert "Traceback" not in house.web_log.read_text()


def test_a_database_that_somebody_keeps_locked_is_waited_for(open_house: OpenHouse) -> None:
    house = open_house()
    worker, web = house.worker(), house.web()
    assert place(web, "A-1").status_code == 202
    eventually(lambda: waiting(house) == 1)
    with reading(house.home / "cases.db") as other:
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        answer = place(web, "A-2")
        seconds = time.monotonic() - began
        assert (answer.status_code, answer.json()["code"]) == (503, "store-unavailable")
        assert answer.headers["retry-after"] == "1"
        sick = web.get("/health")
        assert (sick.status_code, sick.json()["code"]) == (503, "store-unavailable")
        eventually(lambda: complaints(worker.log), seconds=60)
        assert flaws(house, resting=False) == []
        other.execute("ROLLBACK")
    eventually(lambda: place(web, "A-2").status_code == 202)
    eventually(lambda: waiting(house) == 2)
    eventually(lambda: not flaws(house))
    print(f"\n503 after {seconds:.1f} s; {complaints(worker.log)}")
    assert seconds < 12, "who sends webhooks gives up before that"
    assert len(complaints(worker.log)) == 1
