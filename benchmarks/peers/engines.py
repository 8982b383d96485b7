"""Each engine on a fresh database of its own, in a process group of its own, one after the other."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from adapters.postgres import EmbeddedPostgres
from benchmarks.peers.environment import Environment
from deployments.prefect_server import PrefectServer
from deployments.processes import free_port

ROOT = Path(__file__).parents[2]
_PATIENCE = 1_800.0  #: seconds for one engine, start and warming up included

Figures = Mapping[str, object]
Run = Callable[[Environment, int, Path], Figures]


@dataclass(frozen=True, slots=True)
class Engine:
    """``against`` names ours on the same kind of database; ``orders`` is what takes it some 20 seconds."""

    name: str
    title: str
    orders: int
    against: str
    run: Run


def ours(database: str) -> Run:
    """The orders benchmark as it stands, with as many workers as DBOS has and Prefect recording."""
    workers = 1 if database == "sqlite" else 2

    def run(_: Environment, n: int, __: Path) -> Figures:
        command = [sys.executable, "-m", "benchmarks.orders", "--no-floor", "--json"]
        figures = _said([*command, "--n", str(n), "--database", database, "--workers", str(workers)])
        return {
            "n": n,
            "seconds": figures["seconds"],
            "cases_per_s": figures["orders_per_s"],
            "version": "this commit",
        }

    return run


def dbos(database: str) -> Run:
    def run(environment: Environment, n: int, folder: Path) -> Figures:
        program = [str(environment.python), "-m", "benchmarks.peers.on_dbos", *_given(n, folder)]
        if database == "sqlite":
            return _said([*program, "--database", f"sqlite:///{folder / 'dbos.db'}"])
        with EmbeddedPostgres(folder / "postgres") as postgres:
            url = postgres.url("dbos").replace("postgresql://", "postgresql+psycopg://", 1)
            return _said([*program, "--database", url])

    return run


def restate(environment: Environment, n: int, folder: Path) -> Figures:
    server = {"RESTATE_SERVER": str(environment.restate_server)}
    return _said([str(environment.python), "-m", "benchmarks.peers.on_restate", *_given(n, folder)], server)


def prefect(how: str) -> Run:
    """Our own version of Prefect and its server as we run it, so that the difference is ours, not theirs."""

    def run(_: Environment, n: int, folder: Path) -> Figures:
        with (
            EmbeddedPostgres(folder / "postgres") as postgres,
            PrefectServer(
                folder / "server", port=free_port(4400), database=postgres.url("prefect")
            ) as server,
        ):
            settings = {
                "PREFECT_API_URL": server.api_url,
                "PREFECT_HOME": str(folder / "home"),
                "PREFECT_LOGGING_LEVEL": "WARNING",
                "PREFECT_RUNNER_POLL_FREQUENCY": "1",  # its default of 10 s would be most of what is measured
                "DO_NOT_TRACK": "1",
            }
            program = [sys.executable, "-m", "benchmarks.peers.on_prefect", "--how", how, *_given(n, folder)]
            return _said(program, settings)

    return run


ENGINES = (
    Engine("ours-sqlite", "sop, SQLite", 5_000, "ours-sqlite", ours("sqlite")),
    Engine("ours-postgres", "sop, PostgreSQL", 3_000, "ours-postgres", ours("postgres")),
    Engine("restate", "Restate", 300, "ours-sqlite", restate),
    Engine("dbos-sqlite", "DBOS, SQLite", 300, "ours-sqlite", dbos("sqlite")),
    Engine("dbos-postgres", "DBOS, PostgreSQL", 300, "ours-postgres", dbos("postgres")),
    Engine("prefect-called", "bare Prefect, one process", 20, "ours-sqlite", prefect("called")),
    Engine("prefect-served", "bare Prefect, served", 6, "ours-sqlite", prefect("served")),
)


def measured(engine: Engine, *, environment: Environment, n: int) -> Figures | None:
    """None when the engine cannot be had here."""
    if engine.run is restate and environment.restate_server is None:
        return None
    folder = Path(tempfile.mkdtemp(prefix=f"sop-peer-{engine.name}-"))
    try:
        return engine.run(environment, n, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _given(n: int, folder: Path) -> list[str]:
    return ["--n", str(n), "--folder", str(folder)]


def _said(command: Sequence[str], settings: Mapping[str, str] | None = None) -> Figures:
    """Run a program to its end; what it prints last is a line of JSON."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=inherited | dict(settings or {}),
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        try:
            output, _ = process.communicate(timeout=_PATIENCE)
        except BaseException:
            # What it has started would outlive it and be measured with the next one: let it stop that.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGINT)
            raise
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}")
    figures: Figures = json.loads(output.splitlines()[-1])
    return figures
