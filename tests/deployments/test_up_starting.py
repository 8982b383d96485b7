"""What ``sop up`` starts side by side ends together: when one of it does not come up, and by Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.conftest_prefect import eventually, free_port

_PARTS = ("postgres/data/postmaster.pid", "prefect/server.pid", "logs/web.pid", "logs/worker.pid")


def processes(home: Path) -> list[int]:
    """Those that were started for this home."""
    mark, found = str(home).encode(), []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            told = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
            if mark in told:
                found.append(int(process.name))
    return found


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    home = tmp_path / "home"
    yield home
    for pid in processes(home):
        os.kill(pid, signal.SIGKILL)


@pytest.fixture
def starting(home: Path) -> Iterator[subprocess.Popen[str]]:
    """A ``sop up`` that has started all of its parts, of which Prefect's server does not answer yet."""
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("SOP_", "PREFECT_"))
    }
    ports = {"SOP_WEB_PORT": str(free_port()), "SOP_PREFECT_PORT": str(free_port())}
    with subprocess.Popen(
        [sys.executable, "-m", "deployments.cli", "up"],
        env={**inherited, **ports, "SOP_HOME": str(home)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as up:
        eventually(lambda: all((home / part).exists() for part in _PARTS), seconds=60)
        yield up


def test_a_prefect_that_ends_while_it_starts_is_told_and_nothing_stays(
    home: Path, starting: subprocess.Popen[str]
) -> None:
    os.kill(int((home / "prefect/server.pid").read_text()), signal.SIGKILL)
    output, errors = starting.communicate(timeout=60)
    assert starting.returncode == 2
    assert f"sop: Prefect's server ended at once; see {home}/prefect/server.log" in errors
    assert "Prefect UI" not in output
    assert processes(home) == []


def test_ctrl_c_while_it_starts_leaves_nothing(home: Path, starting: subprocess.Popen[str]) -> None:
    os.killpg(starting.pid, signal.SIGINT)
    output, errors = starting.communicate(timeout=60)
    assert (starting.returncode, errors) == (0, "")
    assert "Prefect UI" not in output
    assert output.endswith("Stopped.\n")
    assert processes(home) == []
