"""One installation under a folder of its own: its settings, its processes, and its SQLite files as anybody
may read them from outside."""

from __future__ import annotations

import os
import select
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import httpx
import orjson

from adapters.world.book import Line, SqliteBook
from deployments.bootstrap import open_application
from deployments.processes import Child, free_port
from deployments.settings import Settings
from tests.conftest_prefect import eventually

ROOT = Path(__file__).parents[2]
_START_SECONDS = 30.0


class Worker:
    """The lone worker; ``pid`` is that of its present life."""

    def __init__(self, *arguments: str, log: Path, environment: dict[str, str]) -> None:
        self.log = log
        with log.open("ab") as stderr:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.acceptance.lone_worker", *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                env=environment,
                cwd=ROOT,
                start_new_session=True,
            )
        self.pid = self._next_life()

    def kill(self) -> None:
        """Without warning; returns when the next life has begun."""
        os.kill(self.pid, signal.SIGKILL)
        self.pid = self._next_life()

    def kill_for_good(self) -> None:
        self._process.kill()
        os.kill(self.pid, signal.SIGKILL)

    def stop(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()
        try:
            self._process.wait(_START_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            raise

    def _next_life(self) -> int:
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], _START_SECONDS)
        assert ready, f"no life began; see {self.log}"
        return int(os.read(self._process.stdout.fileno(), 64))


class House:
    """``chosen`` are settings; whatever is started is stopped when ``stack`` closes."""

    def __init__(self, stack: ExitStack, home: Path, **chosen: object) -> None:
        self._stack = stack
        self.home = home
        port = free_port(8600 + os.getpid() % 400)
        self._chosen = {"home": home, "world_book": True, "lease": 0.5, "web_port": port, **chosen}
        self.settings = Settings.model_validate(self._chosen)
        self.app = stack.enter_context(open_application(self.settings))

    @property
    def environment(self) -> dict[str, str]:
        """Of its processes: the settings of whoever runs the tests must not leak in."""
        own = {f"SOP_{name.upper()}": _written(value) for name, value in self._chosen.items()}
        return {name: value for name, value in os.environ.items() if not name.startswith("SOP_")} | own

    def spoil(self, faults: str) -> None:
        self.settings.faults.write_text(faults, "utf-8")

    def worker(self, name: str = "worker", *arguments: str) -> Worker:
        log = self.home / "logs" / f"{name}.log"
        log.parent.mkdir(exist_ok=True)
        worker = Worker(*arguments, log=log, environment=self.environment)
        self._stack.callback(worker.stop)
        return worker

    def web(self) -> httpx.Client:
        """A client of a web process that has just been started."""
        child = Child("web", "web", log=self.web_log, environment=self.environment)
        child.start()
        self._stack.callback(child.stop)
        client = self._stack.enter_context(httpx.Client(base_url=self.settings.web_url, timeout=60))
        eventually(lambda: _answers(client), seconds=_START_SECONDS)
        return client

    @property
    def web_log(self) -> Path:
        return self.home / "logs" / "web.log"

    def send(self, events: Sequence[object]) -> None:
        if events:
            self.app.intake.accept(events)

    def sop(self, *arguments: str) -> str:
        """What the command of that name prints; fails with what it complains of."""
        ran = subprocess.run(
            [sys.executable, "-m", "deployments.cli", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout

    def rows(self, query: str) -> list[tuple[object, ...]]:
        """From the file itself, beside the store's own code."""
        with reading(Path(self.settings.url.removeprefix("sqlite:///"))) as connection:
            return connection.execute(query).fetchall()

    def count(self, query: str) -> int:
        return int(str(self.rows(query)[0][0]))

    def book(self) -> list[Line]:
        with closing(SqliteBook(self.home / "world.db")) as book:
            return book.lines()


def _written(value: object) -> str:
    return orjson.dumps(value).decode() if isinstance(value, dict) else str(value)


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as connection:
        yield connection


def _answers(client: httpx.Client) -> bool:
    try:
        return client.get("/health").status_code == 200
    except httpx.HTTPError:
        return False
