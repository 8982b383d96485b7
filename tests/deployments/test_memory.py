"""Memory that was needed for a moment only is not kept for good."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from deployments.memory import giving_back

_MANY = 10_000
_BYTES = 8_000
_NOT_FOR_WORKERS = ("alembic", "apprise", "fastapi", "psycopg", "stripe", "rich.markdown", "uvicorn")

glibc = pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="glibc's malloc only")


@glibc
def test_what_was_freed_goes_back_although_something_above_it_is_kept() -> None:
    parts: list[bytes | None] = [bytes(_BYTES) for _ in range(_MANY)]
    for number in range(_MANY):
        if number % 50:
            parts[number] = None
    before = _resident_bytes()
    with giving_back(every=0.01):
        until = time.monotonic() + 10
        while before - _resident_bytes() < _MANY * _BYTES / 2:
            assert time.monotonic() < until, "nothing was given back"
            time.sleep(0.02)


def _resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


def test_a_worker_does_not_load_what_only_others_need(tmp_path: Path) -> None:
    environment = {"SOP_HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    make = "from deployments.bootstrap import open_application; from deployments.settings import Settings\n"
    make += "with open_application(Settings()): pass\n"
    look = "import sys, deployments.cli, deployments.driving, deployments.worker\n"
    look += f"print([name for name in {_NOT_FOR_WORKERS!r} if name in sys.modules])"
    subprocess.run([sys.executable, "-c", make], env=environment, check=True)
    seen = subprocess.run(
        [sys.executable, "-c", make + look], env=environment, check=True, stdout=subprocess.PIPE
    )
    assert seen.stdout.decode().strip() == "[]"
