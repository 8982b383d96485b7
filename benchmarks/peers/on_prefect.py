"""Orders on bare Prefect: a flow run for each event, a task with a persisted result for each command.

``--how served`` runs each in a process of its own, as ``serve()`` and process workers do; ``--how called``
calls the flow in one long-lived process. Where an order stands and its deadlines are rows of an SQLite file.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import ExitStack, closing
from importlib.metadata import version
from pathlib import Path
from uuid import UUID

from prefect import flow, task
from prefect.cache_policies import INPUTS
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.objects import FlowRun
from prefect.deployments import arun_deployment
from prefect.exceptions import ObjectNotFound
from prefect.types.entrypoint import EntrypointType

from benchmarks.peers import work

DEPLOYMENT = "peer"
#: Flow runs at a time: as processes of their own, and in one process.
PROCESSES, TOGETHER = 4, 8
EVENTS = ("placed", "dispatched", "delivered")
COMMANDS = {"placed": work.ON_PLACED, "dispatched": work.ON_DISPATCHED, "delivered": ()}
#: By event: the state that it is for, the one that it leads to.
MOVES = {
    "placed": ("placed", "awaiting dispatch"),
    "dispatched": ("awaiting dispatch", "shipped"),
    "delivered": ("shipped", "delivered"),
}
DEADLINES = {"placed": ("dispatch_due", work.DISPATCH_DUE), "dispatched": ("no_scan", work.NO_SCAN)}

_TABLES = """
CREATE TABLE orders (key TEXT PRIMARY KEY, state TEXT NOT NULL, data TEXT NOT NULL);
CREATE TABLE deadlines (key TEXT PRIMARY KEY, name TEXT NOT NULL, due REAL NOT NULL);
"""


@task(task_run_name="{command}", persist_result=True, cache_policy=INPUTS, retries=3, retry_delay_seconds=1)
async def perform(command: str, key: str, data: dict[str, object]) -> dict[str, object]:
    return work.perform(command, key=key, data=data)


@flow(flow_run_name="{event} {key}", retries=2)
async def process(event: str, key: str, data: dict[str, object]) -> None:
    before, after = MOVES[event]
    with closing(_open()) as database, database:
        if event == "placed":
            database.execute("INSERT OR IGNORE INTO orders VALUES (?, ?, ?)", (key, before, json.dumps(data)))
        state, kept = database.execute("SELECT state, data FROM orders WHERE key = ?", (key,)).fetchone()
    if state != before:
        return
    for command in COMMANDS[event]:
        await perform(command, key, json.loads(kept))
    with closing(_open()) as database, database:
        database.execute("UPDATE orders SET state = ? WHERE key = ? AND state = ?", (after, key, before))
        database.execute("DELETE FROM deadlines WHERE key = ?", (key,))
        if event in DEADLINES:
            name, seconds = DEADLINES[event]
            database.execute("INSERT INTO deadlines VALUES (?, ?, ?)", (key, name, time.time() + seconds))


def main() -> None:
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--how", choices=("served", "called"), required=True)
    how, rest = parser.parse_known_args()
    given = work.given(rest)
    os.environ["PEER_ORDERS"] = str(given.folder / "orders.db")
    with closing(_open()) as database:
        database.executescript(_TABLES)
    with ExitStack() as stack:
        if how.how == "served":
            _serve(stack, given.folder / "served.log")
        run = _in_processes if how.how == "served" else _in_this_process
        work.timed(given.n, lambda keys: _run(run, keys), version=version("prefect"))


def serve() -> None:
    """Wait for runs of the deployment and start a process for each."""
    process.serve(
        name=DEPLOYMENT, limit=PROCESSES, pause_on_shutdown=False, entrypoint_type=EntrypointType.MODULE_PATH
    )


def _serve(stack: ExitStack, log: Path) -> None:
    with log.open("wb") as output:
        code = "from benchmarks.peers import on_prefect; on_prefect.serve()"
        serving = subprocess.Popen([sys.executable, "-c", code], stdout=output, stderr=output)
    stack.enter_context(serving)
    stack.callback(serving.terminate)
    with get_client(sync_client=True) as client:
        until = time.monotonic() + 120
        while True:
            try:
                client.read_deployment_by_name(f"process/{DEPLOYMENT}")
                return
            except ObjectNotFound:
                if serving.poll() is not None or time.monotonic() > until:
                    raise
                time.sleep(0.2)


def _run(run: Callable[[Sequence[str]], Coroutine[None, None, None]], keys: Sequence[str]) -> None:
    asyncio.run(run(keys))
    with closing(_open()) as database:
        known = dict(database.execute("SELECT key, state FROM orders").fetchall())
    assert all(known[key] == "delivered" for key in keys), known


async def _in_this_process(keys: Sequence[str]) -> None:
    places = asyncio.Semaphore(TOGETHER)

    async def live(key: str) -> None:
        async with places:
            for event in EVENTS:
                await process(event, key, _data(event, key))

    await asyncio.gather(*(live(key) for key in keys))


async def _in_processes(keys: Sequence[str]) -> None:
    """An event is sent when all orders are ready for it: Prefect keeps none for later."""
    for event in EVENTS:
        started = [
            await arun_deployment(
                f"process/{DEPLOYMENT}",
                parameters={"event": event, "key": key, "data": _data(event, key)},
                timeout=0,
                as_subflow=False,
                idempotency_key=f"{event}/{key}",
            )
            for key in keys
        ]
        await _ended({run.id for run in started})


async def _ended(runs: set[UUID]) -> None:
    async with get_client() as client:
        while runs:
            await asyncio.sleep(0.25)
            wanted = FlowRunFilter(id=FlowRunFilterId(any_=list(runs)))
            found: list[FlowRun] = await client.read_flow_runs(flow_run_filter=wanted)
            runs -= {run.id for run in found if run.state is not None and run.state.is_final()}


def _data(event: str, key: str) -> dict[str, object]:
    return work.order(key) if event == "placed" else {}


def _open() -> sqlite3.Connection:
    database = sqlite3.connect(os.environ["PEER_ORDERS"], timeout=30)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    return database


if __name__ == "__main__":
    main()
