"""Orders per second, placement to delivery, on a whole installation of its own.

    python -m benchmarks.orders --json                      5,000 orders on SQLite, Prefect recording
    python -m benchmarks.orders --n 20000 --json
    python -m benchmarks.orders --database postgres --json

Three outside events, nine commands and three deadlines an order; everything is committed with fsync. The
outside events are sent while orders are under way, at most ``AHEAD`` events ahead of the worker.
"""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from benchmarks import load
from benchmarks.floor import floor
from benchmarks.installation import arguments, emit, installation, last_words, machine, measured
from deployments.bootstrap import Application

GROUP = 250
AHEAD = 3_000

Kind = Callable[[str], Mapping[str, object]]


class Seen(NamedTuple):
    """How many events wait, and how many orders have ended since the tables were made."""

    new: int
    delivered: int


def main() -> None:
    parser = arguments(__doc__, n=5_000, of="orders")
    parser.add_argument("--workers", type=int, default=1, help="that share the store")
    parser.add_argument("--no-floor", action="store_true", help="do not measure the floor")
    given = parser.parse_args()
    prefect = not given.no_prefect
    with installation(database=given.database, prefect=prefect, workers=given.workers) as running:
        app = running.app
        drive(app, list(load.keys(100, prefix="WARM")), look=lambda: _look(app))
        running.await_attached()
        seconds, cpu = measured(
            running, lambda: drive(app, list(load.keys(given.n)), look=lambda: _look(app))
        )
        result: dict[str, object] = {
            "benchmark": "orders",
            "n": given.n,
            "database": given.database,
            "workers": given.workers,
            "orders_per_s": round(given.n / seconds, 1),
            "seconds": round(seconds, 2),
            "cpu_s": cpu,
            "prefect_recording": prefect,
        }
        if not given.no_floor:
            url = running.postgres_url("floor") if given.database == "postgres" else None
            result["floor_per_s"] = round(floor(url, orders=min(given.n, 4_000)), 1)
            result["ratio_to_floor"] = round(given.n / seconds / float(str(result["floor_per_s"])), 3)
        running.worker.stop()
        result["worker"] = last_words(running)
    emit(result | {"machine": machine()})


def drive(app: Application, keys: Sequence[str], *, look: Callable[[], Seen]) -> None:
    """Send all events of the orders, group by group, and wait until every order has ended."""
    goal = look().delivered + len(keys)
    groups = [keys[first : first + GROUP] for first in range(0, len(keys), GROUP)]
    stages: tuple[Kind, ...] = (load.placed, load.dispatched, load.delivered)
    # Each group's parcels are scanned some groups later, as a carrier would, not in the same breath.
    for now, (stage, kind) in itertools.product(range(len(groups) + 4), enumerate(stages)):
        which = now - 2 * stage
        if 0 <= which < len(groups):
            _wait(look, lambda seen: seen.new <= AHEAD)
            app.intake.accept([kind(key) for key in groups[which]])
    _wait(look, lambda seen: seen.delivered >= goal)


def _look(app: Application) -> Seen:
    counts = app.store.summary()
    return Seen(counts["inbox"].get("new", 0), counts["cases"].get("order/delivered", 0))


def _wait(look: Callable[[], Seen], done: Callable[[Seen], bool]) -> None:
    until = time.monotonic() + 600
    while True:
        began = time.monotonic()
        seen = look()
        if done(seen):
            return
        if began > until:
            raise TimeoutError(f"stuck: {seen}")
        # Counting whole tables takes processor time away from what is measured: at most a tenth of a core.
        time.sleep(max(0.1, 9 * (time.monotonic() - began)))


if __name__ == "__main__":
    os.environ.setdefault("SOP_LOG_LEVEL", "INFO")
    main()
