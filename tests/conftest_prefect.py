"""A real Prefect server on an embedded PostgreSQL, started once for the tests that need one."""

from __future__ import annotations

import asyncio
import atexit
import os
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, TypeVar, cast

import httpx
import pytest

# Before Prefect is imported: it reads its home at import and would write into the person's own.
if "PREFECT_HOME" not in os.environ:
    os.environ["PREFECT_HOME"] = tempfile.mkdtemp(prefix="sop-prefect-")
    atexit.register(shutil.rmtree, os.environ["PREFECT_HOME"], ignore_errors=True)
os.environ.update(DO_NOT_TRACK="1", PREFECT_LOGGING_LEVEL="WARNING", PREFECT_SERVER_ALLOW_EPHEMERAL_MODE="0")

from prefect.settings import PREFECT_API_URL, temporary_settings

from adapters.postgres import EmbeddedPostgres
from deployments.prefect_server import PrefectServer

Json = Mapping[str, Any]
T = TypeVar("T")


class Prefect:
    """What a member of staff sees and does in the UI, by the calls it makes."""

    def __init__(self, server: PrefectServer) -> None:
        self.server = server
        self._http = httpx.Client(base_url=server.api_url, timeout=20, trust_env=False)

    def close(self) -> None:
        self._http.close()

    def post(self, path: str, body: object) -> object:
        return self._http.post(path, json=body).raise_for_status().json()

    def runs(self, **name: object) -> list[Json]:
        """Flow runs filtered by name, such as `like_="SO-1"` or `any_=["order x 3"]`."""
        return cast("list[Json]", self.post("/flow_runs/filter", {"flow_runs": {"name": name}}))

    def run(self, run: str) -> Json:
        return cast("Json", self._http.get(f"/flow_runs/{run}").raise_for_status().json())

    def tasks(self, run: object) -> list[Json]:
        body = {"flow_runs": {"id": {"any_": [run]}}, "sort": "EXPECTED_START_TIME_ASC"}
        return cast("list[Json]", self.post("/task_runs/filter", body))

    def artifacts(self, run: object) -> list[Json]:
        return cast("list[Json]", self.post("/artifacts/filter", {"flow_runs": {"id": {"any_": [run]}}}))

    def log(self, run: object) -> list[str]:
        body = {"logs": {"flow_run_id": {"any_": [run]}}, "sort": "TIMESTAMP_ASC"}
        return [str(line["message"]) for line in cast("list[Json]", self.post("/logs/filter", body))]

    def retry(self, run: object) -> Json:
        """The Retry button."""
        state = {"type": "SCHEDULED", "name": "AwaitingRetry", "message": "Retry from the UI"}
        return cast("Json", self.post(f"/flow_runs/{run}/set_state", {"state": state, "force": False}))

    def delete(self, run: str) -> None:
        self._http.delete(f"/flow_runs/{run}").raise_for_status()

    def deployment(self, name: str) -> Json:
        return cast("Json", self._http.get(f"/deployments/name/{name}").raise_for_status().json())

    def pause(self, deployment: object, *, paused: bool) -> None:
        self._http.patch(f"/deployments/{deployment}", json={"paused": paused}).raise_for_status()

    def workers(self) -> list[Json]:
        """The workers of the pool; none while it is not registered."""
        answer = self._http.post("/work_pools/sop/workers/filter", json={})
        return cast("list[Json]", answer.json()) if answer.is_success else []

    def start(self, deployment: str, parameters: Json) -> str:
        """The Run form."""
        found = self.deployment(deployment)
        body = {"parameters": parameters, "state": {"type": "SCHEDULED", "name": "Scheduled"}}
        return str(cast("Json", self.post(f"/deployments/{found['id']}/create_flow_run", body))["id"])


def eventually(look: Callable[[], T | Literal[False] | None], *, seconds: float = 30.0) -> T:
    """The first answer that counts as true; fails when there is none in time."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.1)
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Relay:
    """A port that leads to another as long as the context is open: Prefect's API coming up and going down."""

    def __init__(self, port: int, *, to: int) -> None:
        self._to = to
        self._sockets = [socket.create_server(("127.0.0.1", port))]

    def __enter__(self) -> None:
        threading.Thread(target=self._accept, daemon=True).start()

    def __exit__(self, *_: object) -> None:
        for each in self._sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._sockets[0].accept()
                far = socket.create_connection(("127.0.0.1", self._to))
                self._sockets += [near, far]
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=_pump, args=(source, sink), daemon=True).start()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while some := source.recv(65536):
            sink.sendall(some)
        sink.shutdown(socket.SHUT_WR)


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL server for the whole session."""
    # Not below pytest's own folder: each run of pytest closes that one to other accounts again.
    with tempfile.TemporaryDirectory(prefix="sop-prefect-pg-") as folder, EmbeddedPostgres(folder) as server:
        yield server


@pytest.fixture(scope="session")
def prefect_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("prefect")


@pytest.fixture(scope="session")
def prefect(postgres: EmbeddedPostgres, prefect_folder: Path) -> Iterator[Prefect]:
    """A Prefect server for the whole session, to which the settings of this process point."""
    database = postgres.url("prefect")
    with (
        PrefectServer(prefect_folder, port=free_port(), database=database) as server,
        temporary_settings(updates={PREFECT_API_URL: server.api_url}),
    ):
        seen = Prefect(server)
        yield seen
        seen.close()


@pytest.fixture(scope="module")
def registered(prefect: Prefect) -> Prefect:
    """The same server, which knows our flows."""
    from deployments.registration import register

    asyncio.run(register())
    return prefect
