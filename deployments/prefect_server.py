"""Prefect's own server as a child process on loopback, with everything it writes under one folder.

A server that a killed parent left behind on the same folder is stopped before a new one starts.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from deployments.errors import PrefectServerUnavailable
from deployments.processes import answers, stop_leftover

_LOOPBACK = "127.0.0.1"
_APPLICATION = "prefect.server.api.server"
_START_SECONDS = 120.0
_STOP_SECONDS = 8.0

# Prefect polls its database in a dozen loops tuned for a large installation. These periods keep each
# feature that staff use (late runs, schedules, paused forms, worker status, automations) at 1.6 % of a core.
_QUIET: dict[str, str] = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    "PREFECT_SERVER_SERVICES_CANCELLATION_CLEANUP_LOOP_SECONDS": "60",
    "PREFECT_SERVER_SERVICES_CLEANUP_RECONCILER_LOOP_SECONDS": "60",
    "PREFECT_SERVER_SERVICES_FOREMAN_LOOP_SECONDS": "30",
    "PREFECT_SERVER_SERVICES_LATE_RUNS_LOOP_SECONDS": "20",
    "PREFECT_SERVER_SERVICES_PAUSE_EXPIRATIONS_LOOP_SECONDS": "30",
    "PREFECT_SERVER_SERVICES_REPOSSESSOR_LOOP_SECONDS": "60",
    "PREFECT_SERVER_SERVICES_SCHEDULER_RECENT_DEPLOYMENTS_LOOP_SECONDS": "15",
    "PREFECT_SERVER_EVENTS_PROACTIVE_GRANULARITY": "PT15S",
    "PREFECT_SERVER_DATABASE_SQLALCHEMY_POOL_SIZE": "10",
    "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
    "PREFECT_LOGGING_SERVER_LEVEL": "WARNING",
}


class PrefectServer:
    """A Prefect server on 127.0.0.1 with its home, log and, without a database, SQLite file in one folder.

    `database` is a PostgreSQL address (`postgresql://...`); None means SQLite, which answers 503 under load.
    Use it as a context manager, or call `start` and `stop`.
    """

    def __init__(self, folder: Path | str, *, port: int, database: str | None = None) -> None:
        self._folder = Path(folder).resolve()
        self.port = port
        self.database = database
        self._process: subprocess.Popen[bytes] | None = None
        self._launched = float("-inf")
        self._pid_file = self._folder / "server.pid"
        self.log = self._folder / "server.log"

    @property
    def url(self) -> str:
        """Where staff open the UI."""
        return f"http://{_LOOPBACK}:{self.port}"

    @property
    def api_url(self) -> str:
        """The address for PREFECT_API_URL."""
        return f"{self.url}/api"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def alive(self) -> bool:
        """Whether the server that was started here still runs."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the server and wait until it is healthy; raises `PrefectServerUnavailable` otherwise."""
        self.launch()
        try:
            while not self.came_up():
                time.sleep(0.1)
        except BaseException:
            self.stop()
            raise

    def launch(self) -> None:
        """Start the server without waiting for it: see `came_up`."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self.stop_leftover()
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command(),
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # A Ctrl-C at the terminal must reach us only: we stop the server after its clients.
                start_new_session=True,
            )
        self._launched = time.monotonic()
        self._pid_file.write_text(f"{self._process.pid}\n")

    def came_up(self) -> bool:
        """Whether the server that was launched answers by now; raises `PrefectServerUnavailable` if it has
        ended, or takes too long."""
        if not self.alive:
            raise PrefectServerUnavailable(f"Prefect's server ended at once; see {self.log}")
        if self.healthy():
            return True
        if time.monotonic() > self._launched + _START_SECONDS:
            raise PrefectServerUnavailable(f"Prefect's server did not answer in time; see {self.log}")
        return False

    def stop(self) -> None:
        """Stop the server; it is killed when it does not go within some seconds."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._pid_file.unlink(missing_ok=True)

    def stop_leftover(self) -> None:
        """Stop the server that a killed parent left on this folder, if it still runs."""
        stop_leftover(self._pid_file, mark=_APPLICATION.encode())

    def healthy(self) -> bool:
        """Whether the server answers now."""
        return answers(f"{self.api_url}/health")

    def _command(self) -> list[str]:
        return [
            sys.executable,
            *("-m", "uvicorn", "--factory", f"{_APPLICATION}:create_app"),
            *("--host", _LOOPBACK, "--port", str(self.port)),
            *("--log-level", "warning", "--timeout-keep-alive", "30", "--timeout-graceful-shutdown", "2"),
        ]

    def _environment(self) -> dict[str, str]:
        # Settings of the person's own Prefect must not leak into this server.
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
        database = f"sqlite+aiosqlite:///{self._folder / 'prefect.db'}"
        if self.database is not None:
            database = self.database.replace("postgresql://", "postgresql+asyncpg://", 1)
        return {
            **inherited,
            **_QUIET,
            "PREFECT_HOME": str(self._folder),
            "PREFECT_SERVER_DATABASE_CONNECTION_URL": database,
            "PREFECT_SERVER_API_HOST": _LOOPBACK,
            "PREFECT_SERVER_API_PORT": str(self.port),
            "PREFECT_API_URL": self.api_url,
            "PREFECT_UI_API_URL": self.api_url,
            "PREFECT__SERVER_FINAL": "1",
        }
