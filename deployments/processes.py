"""Child processes of ``sop up``: started with their log in a file, restarted when they die, stopped by us."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from http.client import HTTPException
from pathlib import Path

from deployments.errors import ProcessFailed

_STOP_SECONDS = 15.0
_PROGRAM = "deployments.cli"


class Child:
    """One of our own processes, ``sop <arguments>``, with its output in ``log``.

    With a ``pid_file`` it is found again when its parent was killed: see ``stop_leftover``.
    """

    def __init__(
        self,
        name: str,
        *arguments: str,
        log: Path,
        environment: dict[str, str],
        pid_file: Path | None = None,
    ) -> None:
        self.name = name
        self.log = log
        self._pid_file = pid_file
        self.restarts = 0
        self._arguments = arguments
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", _PROGRAM, *self._arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **self._environment},
                # Ctrl-C at the terminal reaches only the parent, which ends its children in order.
                start_new_session=True,
            )
        if self._pid_file is not None:
            self._pid_file.parent.mkdir(parents=True, exist_ok=True)
            self._pid_file.write_text(f"{self._process.pid} {os.getpid()}\n")

    def stop_leftover(self) -> None:
        """Stop the process that a killed parent left behind; raises ``ProcessFailed`` if the parent lives."""
        if self._pid_file is None:
            return
        mark = "\0".join((_PROGRAM, *self._arguments)).encode()
        pid, parent = _numbers(self._pid_file)
        if pid and runs(pid, mark=mark) and _parent_of(pid) == parent:
            raise ProcessFailed(
                f"another 'sop up' (process {parent}) runs in this home; stop it, or set SOP_HOME to another"
            )
        stop_leftover(self._pid_file, mark=mark)

    def revive(self) -> bool:
        """Start it again if it died; True if it had."""
        if self.alive:
            return False
        self.restarts += 1
        self.start()
        return True

    def stop(self) -> None:
        self._end()
        if self._pid_file is not None:
            self._pid_file.unlink(missing_ok=True)

    def _end(self) -> None:
        if self._process is None or not self.alive:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def stop_leftover(pid_file: Path, *, mark: bytes) -> None:
    """Stop the process that ``pid_file`` names, if ``mark`` stands in its command line: by now its number may
    belong to another program."""
    pid, _ = _numbers(pid_file)
    deadline = time.monotonic() + _STOP_SECONDS
    if pid and runs(pid, mark=mark):
        os.kill(pid, signal.SIGTERM)
    while pid and runs(pid, mark=mark):
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)
    pid_file.unlink(missing_ok=True)


def runs(pid: int, *, mark: bytes) -> bool:
    """Whether a process of this number runs with ``mark`` in its command line."""
    try:
        return mark in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def _numbers(pid_file: Path) -> tuple[int, int]:
    """The process and the parent that a file names; 0 where it names none."""
    try:
        found = [int(word) for word in pid_file.read_text("ascii").split()]
    except (OSError, ValueError):
        found = []
    return (*found, 0, 0)[0], (*found, 0, 0)[1]


def _parent_of(pid: int) -> int:
    try:
        # The name, in brackets, may hold spaces.
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, ValueError):
        return 0


def answers(url: str) -> bool:
    """Whether a server answers there now that all is well. Costs less than a client of httpx, which loads
    certificates: it is asked many times while processes start that need the processor."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except (OSError, HTTPException):
        return False


def free_port(wanted: int, *, host: str = "127.0.0.1") -> int:
    """``wanted`` if nothing listens there, else the next free port above it."""
    for port in range(wanted, min(wanted + 200, 65_535)):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return port
    raise OSError(f"no free port from {wanted} on; choose another with SOP_PREFECT_PORT or SOP_WEB_PORT")
