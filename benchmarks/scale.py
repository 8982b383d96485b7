"""What a million open cases and deadlines cost: the same orders on an empty store and on a full one.

    python -m benchmarks.scale --json                        1,000,000 open cases, on PostgreSQL
    python -m benchmarks.scale --cases 100000 --json

Half of the cases are orders that wait for their parcel, half are the parcels; their rows are copies of what
the product wrote for one. Then ``--n`` orders are driven from placement to delivery, as in
``benchmarks.orders``, while another worker claims up to 64 pieces of work some thirty times a second and lets
go of it again.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from statistics import median, quantiles

import psycopg

from adapters.store import round as rounds
from adapters.store.records import StepStatus
from benchmarks import audit, load
from benchmarks.crowd import WAITING, fill, place_template
from benchmarks.installation import (
    Installation,
    arguments,
    emit,
    installation,
    last_words,
    machine,
    measured,
    resident_mb,
)
from benchmarks.orders import Seen, drive
from deployments.bootstrap import Application, open_installation, utc_now
from deployments.settings import Settings

_PROBE = "probe"  #: the worker that only claims
_EVERY = 0.025
_PIECES = 64  #: of each kind, at most, in one of its claims
_TIMES = 5
_NEW = "SELECT count(*) FROM inbox WHERE status = 'new'"
_DELIVERED = """
    SELECT count(*) FROM cases
    WHERE id >= 'order/{prefix}-' AND id < 'order/{prefix}.' AND state = 'delivered'"""
_SIZES = """
    SELECT relname, pg_total_relation_size(relid) / 1048576, n_live_tup, n_dead_tup,
        n_tup_upd, n_tup_hot_upd, autovacuum_count
    FROM pg_stat_user_tables WHERE n_live_tup > 0 ORDER BY 2 DESC"""


@dataclass(slots=True)
class Claims:
    """Seconds that single claims took."""

    seconds: list[float] = field(default_factory=list)

    def figures(self) -> dict[str, object]:
        if len(self.seconds) < 2:
            return {"rounds": len(self.seconds)}
        cuts = quantiles(self.seconds, n=100)
        return {
            "rounds": len(self.seconds),
            "p50_ms": _ms(cuts[49]),
            "p99_ms": _ms(cuts[98]),
            "longest_ms": _ms(max(self.seconds)),
        }


def main() -> None:
    parser = arguments(__doc__, n=3_000, of="orders driven, on each store")
    parser.set_defaults(database="postgres")
    parser.add_argument("--cases", type=int, default=1_000_000, help="open cases")
    given = parser.parse_args()
    with installation(database="postgres", prefect=not given.no_prefect) as running:
        result: dict[str, object] = {"benchmark": "scale", "cases": given.cases, "n": given.n}
        app = running.app
        with audit.reading(app.settings.url) as ask:
            _run(running, ask, prefix="WARM", n=100)
            running.await_attached()
            result["worker_mb_at_start"] = resident_mb(running.worker.pid)
            result["empty"] = _run(running, ask, prefix="EMPTY", n=given.n)
            place_template(app)
            began = time.monotonic()
            url = app.settings.url.replace("postgresql+psycopg://", "postgresql://", 1)
            with psycopg.connect(url, autocommit=True) as connection:
                result["rows"] = fill(connection, orders=given.cases // 2)
            result["filling_s"] = round(time.monotonic() - began, 1)
            result["full"] = _run(running, ask, prefix="FULL", n=given.n)
            result["tables"] = [list(map(str, row)) for row in ask(_SIZES)]
    emit(result | {"machine": machine()})


def _run(running: Installation, ask: audit.Ask, *, prefix: str, n: int) -> dict[str, object]:
    """Drive ``n`` orders, then ask what staff and workers ask."""
    app, delivered = running.app, _DELIVERED.format(prefix=prefix)

    def look() -> Seen:
        return Seen(int(str(ask(_NEW)[0][0])), int(str(ask(delivered)[0][0])))

    with _claiming(app.settings) as claims:
        keys = list(load.keys(n, prefix=prefix))
        seconds, cpu = measured(running, lambda: drive(app, keys, look=look))
    return {
        "orders_per_s": round(n / seconds, 1),
        "cpu_s": cpu,
        "claim": claims.figures(),
        "worker_mb": resident_mb(running.worker.pid),
        "start_s": round(_start(running), 2),
        "worker": last_words(running),
        "ms": {name: _timed(question) for name, question in _questions(app, prefix).items()},
    }


@contextmanager
def _claiming(settings: Settings) -> Iterator[Claims]:
    """Another worker, in a process of its own, claims what is ready and lets go of it."""
    processes = get_context("spawn")
    claims, leaving, (told, tell) = Claims(), processes.Event(), processes.Pipe(duplex=False)
    probe = processes.Process(target=_claim, args=(settings, leaving, tell), name="probe", daemon=True)
    probe.start()
    told.recv()
    try:
        yield claims
    finally:
        leaving.set()
        claims.seconds = told.recv()
        probe.join()


def _claim(settings: Settings, leaving: Event, tell: Connection) -> None:
    seconds: list[float] = []
    # What a claim takes, not how long a worker waits while others have everything.
    rounds._PATIENCE = 0.0
    with open_installation(settings) as opened:
        tell.send("ready")
        while not leaving.wait(_EVERY):
            began = time.perf_counter()
            with opened.store.round(worker=_PROBE) as current:
                current.take(now=utc_now(), limit=_PIECES, held=())
                seconds.append(time.perf_counter() - began)
        opened.store.leave(worker=_PROBE, now=utc_now())
    tell.send(seconds)


def _start(running: Installation) -> float:
    """Seconds from the start of a worker to its first heartbeat."""
    worker, store = running.worker, running.app.store
    worker.stop()
    before = {name for name, _ in store.workers()}
    began = time.monotonic()
    worker.start()
    while {name for name, _ in store.workers()} <= before:
        if time.monotonic() > began + 120:
            raise TimeoutError(f"the worker does not start; see {worker.log}")
        time.sleep(0.05)
    return time.monotonic() - began


def _questions(app: Application, prefix: str) -> dict[str, Callable[[], object]]:
    """By name, what a worker asks many times a second, then what staff and their pages ask."""
    store = app.store

    def recover() -> object:
        now = utc_now()
        return store.recover(now=now, silent_since=now - timedelta(hours=1))

    return {
        "next due": lambda: store.next_due(worker=_PROBE),
        "recover": recover,
        "backlog": lambda: store.backlog(utc_now()),
        "open cases": lambda: store.cases(open_only=True),
        "open orders that wait": lambda: store.cases(sop="order", state=WAITING, open_only=True),
        "one case": lambda: store.find_case(key=f"{prefix}-1"),
        "parked steps": lambda: store.steps(status=(StepStatus.PARKED,)),
        "broken steps": lambda: store.steps(status=(StepStatus.PARKED, StepStatus.RETRYING)),
        "latest events": store.inbox,
        "versions in use": store.live,
        "counts of everything": store.summary,
    }


def _timed(question: Callable[[], object]) -> float:
    """Its median, in milliseconds."""
    spent = []
    for _ in range(_TIMES):
        began = time.perf_counter()
        question()
        spent.append(time.perf_counter() - began)
    return _ms(median(spent))


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)


if __name__ == "__main__":
    os.environ.setdefault("SOP_LOG_LEVEL", "INFO")
    main()
