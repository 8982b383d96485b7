"""How late the last of many deadlines is that are all due at one instant.

    python -m benchmarks.deadlines --json

Orders that wait for their dispatch are given the same due instant in the table of timers (SQLite); each
deadline that passes is journalled and causes two commands.
"""

from __future__ import annotations

import argparse
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta

from adapters.store.rows import micros
from benchmarks import load
from benchmarks.installation import emit, installation, machine
from deployments.bootstrap import Application

DEADLINE = "dispatch_due"
_AHEAD = timedelta(seconds=3)
_MOVE = "UPDATE timers SET due = ? WHERE name = ? AND NOT passed"
_LEFT = "SELECT count(*) FROM timers WHERE name = ? AND NOT passed"
_MOMENTS = "SELECT min(at), max(at), count(*) FROM journal WHERE event = ?"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--n", type=int, default=1_000, help="deadlines")
    parser.add_argument("--json", action="store_true", help="print only the line of JSON")
    given = parser.parse_args()
    with installation(prefect=False) as running:
        figures = measure(running.app, deadlines=given.n)
    emit({"benchmark": "deadlines", **figures, "machine": machine()})


def measure(app: Application, *, deadlines: int) -> dict[str, object]:
    """Seconds after the due instant; a worker must be running on the SQLite store of ``app``."""
    app.intake.accept([load.placed(key) for key in load.keys(deadlines)])
    _wait(lambda: _resting(app, deadlines))
    with closing(sqlite3.connect(app.settings.home / "cases.db", timeout=30)) as connection:
        due = datetime.now(UTC) + _AHEAD
        with connection:
            moved = connection.execute(_MOVE, (micros(due), DEADLINE)).rowcount
        time.sleep((due - datetime.now(UTC)).total_seconds())
        _wait(lambda: connection.execute(_LEFT, (DEADLINE,)).fetchone() == (0,))
        committed = datetime.now(UTC)
        first, last, fired = connection.execute(_MOMENTS, (f"deadline.{DEADLINE}",)).fetchone()
    _wait(lambda: _resting(app, deadlines))
    return {
        "deadlines": moved,
        "fired": fired,
        "first_fired_s": round(first / 1e6 - due.timestamp(), 3),
        "last_fired_s": round(last / 1e6 - due.timestamp(), 3),
        "last_committed_s": round((committed - due).total_seconds(), 3),
        "last_command_done_s": round((datetime.now(UTC) - due).total_seconds(), 3),
    }


def _resting(app: Application, orders: int) -> bool:
    summary = app.store.summary()
    busy = any(summary["steps"].get(status, 0) for status in ("pending", "running", "retrying"))
    waiting = summary["cases"].get("order/awaiting_dispatch", 0)
    return waiting == orders and not busy and not summary["inbox"].get("new", 0)


def _wait(done: Callable[[], bool]) -> None:
    until = time.monotonic() + 120
    while not done():
        if time.monotonic() > until:
            raise TimeoutError("it did not come about within two minutes")
        time.sleep(0.01)


if __name__ == "__main__":
    main()
