"""Prefect's server starts on PostgreSQL and keeps to its folder; a leftover of a killed parent is stopped."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from deployments.errors import PrefectServerUnavailable
from deployments.prefect_server import PrefectServer
from tests.conftest_prefect import Prefect, free_port


def test_the_server_is_healthy_and_on_loopback_only(prefect: Prefect, prefect_folder: Path) -> None:
    assert prefect.server.healthy()
    assert prefect.server.url.startswith("http://127.0.0.1:")
    assert (prefect_folder / "server.pid").exists()
    assert not list(prefect_folder.glob("prefect.db*"))


def test_a_server_that_cannot_start_is_reported_with_its_log(tmp_path: Path) -> None:
    server = PrefectServer(tmp_path, port=free_port(), database="postgresql://nobody:x@127.0.0.1:1/none")
    with pytest.raises(PrefectServerUnavailable, match=r"server\.log"):
        server.start()
    assert not (tmp_path / "server.pid").exists()


def test_a_leftover_server_is_stopped_and_a_stranger_is_not(tmp_path: Path) -> None:
    sleep = "import time; time.sleep(60)"
    leftover = subprocess.Popen([sys.executable, "-c", sleep, "prefect.server.api.server"])
    stranger = subprocess.Popen([sys.executable, "-c", sleep])
    try:
        for process in (leftover, stranger):
            (tmp_path / "server.pid").write_text(f"{process.pid}\n")
            PrefectServer(tmp_path, port=free_port()).stop_leftover()
        assert leftover.wait(5) != 0
        assert stranger.poll() is None
    finally:
        for process in (leftover, stranger):
            process.kill()
            process.wait()
