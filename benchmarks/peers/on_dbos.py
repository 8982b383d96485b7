"""Orders as DBOS workflows: a step for each command, a message for each event with a durable timeout.

Workers take orders from a queue; a client outside of them sends the events, many to a transaction.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from importlib.metadata import version

import sqlalchemy
from dbos import DBOS, DBOSClient, DBOSConfig, EnqueueOptions, SendMessage

from benchmarks.peers import work

QUEUE = "orders"
APPLICATION = "peer"
#: Orders under way in a worker, each in a thread: on two cores faster than as coroutines.
UNDER_WAY = 250
#: Orders put into the queue in one transaction.
GROUP = 100


@DBOS.step(retries_allowed=True, max_attempts=5)
def perform(command: str, key: str, data: dict[str, object]) -> dict[str, object]:
    return work.perform(command, key=key, data=data)


@DBOS.workflow()
def process(data: dict[str, object]) -> str:
    key = str(data["order"])
    for command in work.ON_PLACED:
        perform(command, key, data)
    if DBOS.recv("dispatched", timeout_seconds=work.DISPATCH_DUE) is None:
        return "overdue"
    for command in work.ON_DISPATCHED:
        perform(command, key, data)
    if DBOS.recv("delivered", timeout_seconds=work.NO_SCAN) is None:
        return "lost"
    return "delivered"


def main() -> None:
    given = work.given()
    sqlite = given.database.startswith("sqlite")
    engine = sqlalchemy.create_engine(given.database)
    if sqlite:
        _write_ahead(engine)
    with ExitStack() as stack:
        # SQLite has one writer at a time: a second worker gains nothing there.
        for number in range(1 if sqlite else 2):
            _worker(stack, given.database, number)
        client = DBOSClient(system_database_url=given.database, application_name=APPLICATION)
        stack.callback(client.destroy)
        work.timed(given.n, partial(_run, client, engine), version=version("dbos"))


def _run(client: DBOSClient, engine: sqlalchemy.Engine, keys: Sequence[str]) -> None:
    handles = []
    for first in range(0, len(keys), GROUP):
        with engine.begin() as connection:
            for key in keys[first : first + GROUP]:
                handles.append(client.enqueue_in_transaction(connection, _options(key), work.order(key)))
    for event in ("dispatched", "delivered"):
        client.send_bulk([SendMessage(key, {}, event, f"{event}/{key}") for key in keys])
    ends = {handle.get_result(polling_interval_sec=0.1) for handle in handles}
    assert ends == {"delivered"}, ends


def _options(key: str) -> EnqueueOptions:
    return {"queue_name": QUEUE, "workflow_name": process.__qualname__, "workflow_id": key}


def _write_ahead(engine: sqlalchemy.Engine) -> None:
    """Write-ahead logging costs one fsync a commit instead of several; the file keeps it."""
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA journal_mode=WAL")
        durable = connection.exec_driver_sql("PRAGMA synchronous").scalar_one()
    assert durable == 2, "synchronous is not FULL"


def _worker(stack: ExitStack, database: str, number: int) -> None:
    environment = os.environ | {"DATABASE": database, "NUMBER": str(number)}
    command = [sys.executable, "-m", "benchmarks.peers.on_dbos"]
    process = stack.enter_context(
        subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=sys.stderr
        )
    )
    stack.callback(process.terminate)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"


def serve(database: str, number: str) -> None:
    """A worker, until it is terminated."""
    config: DBOSConfig = {
        "name": APPLICATION,
        "system_database_url": database,
        "executor_id": number,
        "notification_listener_polling_interval_sec": 0.1,
        "log_level": "WARNING",
    }
    DBOS(config=config)
    DBOS.launch()
    DBOS.register_queue(QUEUE, worker_concurrency=UNDER_WAY, polling_interval_sec=0.1)
    print("ready", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    if "DATABASE" in os.environ:
        serve(os.environ["DATABASE"], os.environ["NUMBER"])
    else:
        main()
