"""Child processes of ``sop up``: started with their log in a file, restarted when they die, stopped by us."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

_STOP_SECONDS = 15.0


class Child:
    """One of our own processes, ``sop <arguments>``, with its output in ``log``."""

    def __init__(self, name: str, *arguments: str, log: Path, environment: dict[str, str]) -> None:
        self.name = name
        self.log = log
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
                [sys.executable, "-m", "deployments.cli", *self._arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **self._environment},
                # Ctrl-C at the terminal reaches only the parent, which ends its children in order.
                start_new_session=True,
            )

    def revive(self) -> bool:
        """Start it again if it died; True if it had."""
        if self.alive:
            return False
        self.restarts += 1
        self.start()
        return True

    def stop(self) -> None:
        if self._process is None or not self.alive:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


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
