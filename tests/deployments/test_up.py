"""``sop up`` outlasts a store that is away, and clears up after a predecessor that was killed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import cast

import pytest
from fastapi import FastAPI, Request
from rich.console import Console
from rich.live import Live

from adapters.errors import StoreUnavailable
from adapters.store.base import Store
from adapters.store.opening import open_store
from adapters.store.records import Letter
from deployments import up as up_module
from deployments.errors import ProcessFailed
from deployments.feeding import feed
from deployments.processes import Child, runs
from deployments.settings import Settings
from deployments.up import Up
from tests.adapters.store.scenery import HYDRATE
from tests.adapters.test_web import served

_PRETEND = "import time; time.sleep(60)"


class Away:
    """A store that is away at first."""

    def __init__(self) -> None:
        self.looks = 0

    def summary(self) -> Mapping[str, Mapping[str, int]]:
        self.looks += 1
        if self.looks <= 2:
            raise StoreUnavailable("locked")
        return {"cases": {"order/placed": 3}, "steps": {}, "inbox": {}}


def test_a_store_that_is_away_does_not_end_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(up_module, "_LOOK_SECONDS", 0.01)
    store = Away()
    up = Up(Settings(home=tmp_path), day=None, seconds=1, exit_when_idle=True, as_json=True)
    assert up._watch(cast("Store", store), None, time.monotonic()) == store.summary()
    assert store.looks >= 5
    assert "the store is away" in str(up._progress(None, 2.0))


def left_behind(folder: Path, *words: str) -> Child:
    """A child whose parent, not this process, ended at once."""
    script = (
        "import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', sys.argv[1], *sys.argv[2:]],"
        " start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL); print(p.pid)"
    )
    parent = subprocess.run(
        [sys.executable, "-c", script, _PRETEND, *words], capture_output=True, text=True, check=True
    )
    (folder / "web.pid").write_text(f"{parent.stdout.strip()} 999999\n")
    return Child("web", "web", log=folder / "web.log", environment={}, pid_file=folder / "web.pid")


def number_in(folder: Path) -> int:
    return int((folder / "web.pid").read_text().split()[0])


def test_the_child_of_a_killed_predecessor_is_stopped(tmp_path: Path) -> None:
    child = left_behind(tmp_path, "deployments.cli", "web")
    pid = number_in(tmp_path)
    child.stop_leftover()
    assert not runs(pid, mark=b"deployments.cli")
    assert not (tmp_path / "web.pid").exists()


def test_a_stranger_of_the_same_number_is_left_alone(tmp_path: Path) -> None:
    child = left_behind(tmp_path, "deployments.cli", "worker")
    pid = number_in(tmp_path)
    child.stop_leftover()
    try:
        assert Path(f"/proc/{pid}/cmdline").read_bytes()
    finally:
        os.kill(pid, 9)


def test_two_do_not_run_in_one_home(tmp_path: Path) -> None:
    running = subprocess.Popen([sys.executable, "-c", _PRETEND, "deployments.cli", "web"])
    try:
        while not runs(running.pid, mark=b"deployments.cli"):
            assert running.poll() is None  # its command line is not there at once
        (tmp_path / "web.pid").write_text(f"{running.pid} {os.getpid()}\n")
        child = Child("web", "web", log=tmp_path / "web.log", environment={}, pid_file=tmp_path / "web.pid")
        with pytest.raises(ProcessFailed, match="another 'sop up'"):
            child.stop_leftover()
        assert running.poll() is None
    finally:
        running.kill()
        running.wait()


class Intake:
    """Takes every event, and looks ones up as the store does."""

    def __init__(self) -> None:
        self.taken: set[tuple[str, str]] = set()

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.post("/events", status_code=202)
        async def events(request: Request) -> dict[str, str]:
            event = await request.json()
            self.taken.add((event["source"], event["id"]))
            return {}

        return app

    def known(self, source: str, id: str) -> bool:
        return (source, id) in self.taken


def test_the_second_feeding_counts_what_was_known(tmp_path: Path) -> None:
    day, intake = tmp_path / "day.jsonl", Intake()
    day.write_text('{"source": "shop", "id": "1"}\n{"source": "shop", "id": "2"}\n')
    with served(intake.app()) as address:
        (*_, first) = list(feed(day, url=address, seconds=0, known=intake.known))
        (*_, second) = list(feed(day, url=address, seconds=0, known=intake.known))
    assert (first.sent, first.known, first.refused) == (2, 0, 0)
    assert (second.sent, second.known, second.refused) == (2, 2, 0)
    up = Up(Settings(home=tmp_path), day=day, seconds=1, exit_when_idle=True, as_json=False)
    up._fed = second
    shown = Console(width=200, file=StringIO())
    shown.print(up._progress({"cases": {}, "steps": {}, "inbox": {}}, 2.0))
    assert "events sent 2, 2 of them known already, refused 0" in cast("StringIO", shown.file).getvalue()


FAULTS = "stock.reserve: permanent x 2\n"


@pytest.mark.parametrize(
    ("had", "taken", "has"),
    [
        (None, (), FAULTS),
        (None, ("1",), FAULTS),
        ("mine", (), "mine"),
        (FAULTS, ("1",), FAULTS),
        (FAULTS, ("1", "2"), ""),
        ("mine", ("1", "2"), "mine"),
        (None, ("1", "2"), None),
    ],
)
def test_what_goes_wrong_on_the_example_day_does_not_befall_what_is_sent_after_it(
    tmp_path: Path, had: str | None, taken: Sequence[str], has: str | None
) -> None:
    day, home = tmp_path / "day.jsonl", tmp_path / "home"
    home.mkdir()
    day.write_text('{"source": "shop", "id": "1"}\n{"source": "shop", "id": "2"}\n')
    (tmp_path / "faults.txt").write_text(FAULTS)
    if had is not None:
        (home / "faults.txt").write_text(had)
    now = datetime.now(UTC)
    with closing(open_store("memory:", hydrate=HYDRATE)) as store:
        store.receive([Letter("shop", id, "order.placed", "order", "SO-1", b"{}", now) for id in taken])
        up = Up(Settings(home=home), day=day, seconds=1, exit_when_idle=True, as_json=False)
        up._spoil_the_day(store)
    faults = home / "faults.txt"
    assert (faults.read_text() if faults.exists() else None) == has


def test_a_warning_stays_above_the_live_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Console(width=80, height=20, file=StringIO(), force_terminal=True)
    monkeypatch.setattr(up_module, "console", terminal)
    up = Up(Settings(home=tmp_path), day=None, seconds=1, exit_when_idle=True, as_json=False)
    with Live("status", console=terminal, auto_refresh=False) as live:
        up._warn("the worker ended and was started again")
        live.update("status after", refresh=True)
    written = cast("StringIO", terminal.file).getvalue()
    told = written.index("the worker ended and was started again")
    assert written.index("status after") > told
    assert "\x1b[1A" not in written[written.index("status", told) :].split("status after")[0]
