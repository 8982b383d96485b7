"""The peers' own environment: a virtual one from pinned requirements, and Restate's server where npm is.

Nothing of it reaches ours. A folder that was kept is used again as long as the pins are the same.
"""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

REQUIREMENTS = Path(__file__).with_name("requirements.txt")
RESTATE_SERVER = "@restatedev/restate-server@1.7.12"

_PINNED = "pinned.txt"


@dataclass(frozen=True, slots=True)
class Environment:
    python: Path
    restate_server: Path | None
    """None where npm is missing or has no server for this machine."""


@contextmanager
def environment(kept: Path | None = None) -> Iterator[Environment]:
    """Make it, or use what is in ``kept``; without ``kept`` it is temporary."""
    if kept is not None:
        yield _ready(kept.resolve())
        return
    with tempfile.TemporaryDirectory(prefix="sop-peers-") as folder:
        yield _ready(Path(folder))


def known(folder: Path) -> Environment | None:
    """What is in ``folder``, or None if it was not made from the pins of today."""
    pinned = folder / _PINNED
    if not pinned.exists() or pinned.read_text("utf-8") != _pins():
        return None
    machine = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    package = f"restate-server-{sys.platform}-{machine}"
    server = folder / "node_modules" / "@restatedev" / package / "bin" / "restate-server"
    return Environment(folder / "bin" / "python", server if server.exists() else None)


def _ready(folder: Path) -> Environment:
    found = known(folder)
    if found is None:
        print(f"installing the peers into {folder} (about a minute)", file=sys.stderr)
        _install(folder)
        found = known(folder)
        assert found is not None
    return found


def _install(folder: Path) -> None:
    (folder / _PINNED).unlink(missing_ok=True)
    venv.create(folder, clear=True, with_pip=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
    subprocess.run([*pip, "-r", str(REQUIREMENTS)], check=True, stdout=sys.stderr)
    npm = shutil.which("npm")
    if npm is not None:
        quiet = ["--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(folder)]
        # A machine without the package loses a peer, not the run: the table says which were there.
        subprocess.run([npm, "install", *quiet, RESTATE_SERVER], check=False, stdout=sys.stderr)
    (folder / _PINNED).write_text(_pins(), "utf-8")


def _pins() -> str:
    return f"{REQUIREMENTS.read_text('utf-8')}{RESTATE_SERVER}\n"
