"""A whole installation in a temporary folder, as ``sop up`` runs it, for a benchmark to load and watch."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import tempfile
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import httpx

from adapters.postgres import EmbeddedPostgres
from deployments.bootstrap import Application, open_application
from deployments.prefect_server import PrefectServer
from deployments.processes import Child, free_port
from deployments.settings import Settings
from flows.prefect_api import WORK_POOL

_TICK = os.sysconf("SC_CLK_TCK")
_NOBODY = 9  #: a port on which nothing answers, even if another installation starts meanwhile


@dataclass(slots=True)
class Installation:
    app: Application
    workers: tuple[Child, ...]
    prefect: PrefectServer | None
    postgres: EmbeddedPostgres | None
    web: Child | None = None

    @property
    def worker(self) -> Child:
        """The only one, or the first."""
        return self.workers[0]

    def postgres_url(self, database: str) -> str:
        """An address for SQLAlchemy; the database is made if there is none."""
        assert self.postgres is not None
        return self.postgres.url(database).replace("postgresql://", "postgresql+psycopg://", 1)

    def await_attached(self) -> None:
        """Until each worker is known to Prefect: its start, which registers the flows, is over by then."""
        if self.prefect is None:
            return
        workers = f"{self.prefect.api_url}/work_pools/{WORK_POOL}/workers/filter"
        until = time.monotonic() + 120
        while time.monotonic() < until:
            answer = httpx.post(workers, json={})
            if answer.is_success and len(answer.json()) >= len(self.workers):
                return
            time.sleep(0.5)
        raise TimeoutError("the worker does not attach to Prefect")

    def cpu(self) -> dict[str, float]:
        """Seconds of processor time used so far, by part."""
        seconds = {"worker": sum(_tree(worker.pid) for worker in self.workers)}
        if self.web is not None:
            seconds["web"] = _tree(self.web.pid)
        if self.prefect is not None:
            seconds["prefect server"] = _tree(_pid(self.app.settings.home / "prefect" / "server.pid"))
        if self.postgres is not None:
            seconds["postgres"] = _tree(_pid(self.app.settings.home / "postgres" / "data" / "postmaster.pid"))
        return seconds


@contextmanager
def installation(
    *, database: str = "sqlite", prefect: bool = True, web: bool = False, workers: int = 1, **settings: object
) -> Iterator[Installation]:
    """Everything started and healthy; ``database`` is that of the cases: sqlite or postgres."""
    home = Path(tempfile.mkdtemp(prefix="sop-benchmark-"))
    try:
        with ExitStack() as stack:
            postgres: EmbeddedPostgres | None = None
            if prefect or database == "postgres":
                postgres = stack.enter_context(EmbeddedPostgres(home / "postgres"))
            if database == "postgres":
                assert postgres is not None
                settings["store_url"] = postgres.url("cases").replace(
                    "postgresql://", "postgresql+psycopg://", 1
                )
                settings["master_key"] = b64encode(os.urandom(32)).decode()
            server: PrefectServer | None = None
            port = free_port(4300) if prefect else _NOBODY
            if prefect:
                assert postgres is not None
                server = PrefectServer(home / "prefect", port=port, database=postgres.url("prefect"))
                stack.enter_context(server)
            chosen = Settings.model_validate(
                {"home": home, "prefect_port": port, "web_port": free_port(8180), **settings}
            )
            app = stack.enter_context(open_application(chosen))
            names = ["worker", *(f"worker-{number}" for number in range(2, workers + 1))]
            driving = tuple(_child(name, chosen) for name in names)
            for worker in driving:
                stack.callback(worker.stop)
            intake = _child("web", chosen) if web else None
            if intake is not None:
                stack.callback(intake.stop)
            yield Installation(app, driving, server, postgres, intake)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def machine() -> dict[str, object]:
    """Where figures were measured."""
    return {
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "sqlalchemy": version("sqlalchemy"),
        "prefect": version("prefect"),
        "load_before": round(os.getloadavg()[0], 2),
    }


def last_words(running: Installation) -> str:
    """The worker's own account of where its time went."""
    lines = running.worker.log.read_text().splitlines()
    return next((line.partition("sop.driver ")[2] for line in reversed(lines) if " rounds: " in line), "")


def _child(name: str, settings: Settings) -> Child:
    given = settings.model_dump(mode="json", exclude_unset=True)
    if settings.master_key is not None:
        given["master_key"] = settings.master_key.get_secret_value()
    environment = {f"SOP_{key.upper()}": str(value) for key, value in given.items()}
    child = Child(
        name, name.partition("-")[0], log=settings.home / "logs" / f"{name}.log", environment=environment
    )
    child.start()
    return child


def resident_mb(pid: int) -> int:
    """Memory of one process."""
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) // 1024


def _pid(file: Path) -> int:
    return int(file.read_text().split()[0])


def _tree(pid: int) -> float:
    """Processor seconds of a process and all that descend from it, ended children included."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return 0.0
    own = sum(int(field) for field in fields[11:15]) / _TICK
    return own + sum(_tree(int(child)) for child in children)


def arguments(doc: str | None, *, n: int, of: str) -> argparse.ArgumentParser:
    """What every benchmark of throughput is asked: how many, on which database, with Prefect or not."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=n, help=of)
    parser.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--no-prefect", action="store_true", help="without a Prefect server")
    parser.add_argument("--json", action="store_true", help="print only the line of JSON")
    return parser


def measured(running: Installation, work: Callable[[], None]) -> tuple[float, dict[str, float]]:
    """How many seconds ``work`` took, and how many of processor time, by part."""
    before, began = running.cpu(), time.monotonic()
    work()
    seconds = time.monotonic() - began
    return seconds, {part: round(used - before[part], 2) for part, used in running.cpu().items()}


def emit(result: dict[str, object]) -> None:
    """One line of JSON on standard output."""
    print(json.dumps(result))
