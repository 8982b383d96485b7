"""What each peer does with an order, and how it is timed: three outside events, nine commands.

Each command answers at once, under an idempotency key, as the simulated world does for ours.
"""

from __future__ import annotations

import argparse
import json
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks import load

#: Performed in this order before an order waits for its parcel to leave.
ON_PLACED = (
    "order.verify",
    "restrictions.check",
    "stock.reserve",
    "payment.authorize",
    "message.confirmed",
    "warehouse.submit",
    "carrier.buy_label",
)
ON_DISPATCHED = ("payment.capture", "message.dispatched")

#: Deadlines, in seconds: the parcel must leave within two days, and be heard of within five.
DISPATCH_DUE = 48 * 3600
NO_SCAN = 5 * 24 * 3600

_ANSWERS: Mapping[str, Mapping[str, object]] = {
    "stock.reserve": {"pieces": 1},
    "payment.authorize": {"payment": "1", "amount": 3000, "capture_before": None},
    "warehouse.submit": {"parcels": [{"items": [{"sku": "KETTLE", "quantity": 1}]}]},
    "carrier.buy_label": {"tracking": "standard"},
    "payment.capture": {"payment": "1", "amount": 3000, "held": True},
    "message.confirmed": {"channel": "email", "subject": "Your order is confirmed"},
    "message.dispatched": {"channel": "email", "subject": "Your parcel is on its way"},
}


@dataclass(frozen=True, slots=True)
class Given:
    """What a peer's program is told: ``database`` is an address for SQLAlchemy, ``folder`` its own."""

    n: int
    database: str
    folder: Path


def order(key: str) -> dict[str, object]:
    """The data of a placed order, as ours are."""
    data = load.placed(key)["data"]
    assert isinstance(data, dict)
    return data


def perform(command: str, *, key: str, data: Mapping[str, object]) -> dict[str, object]:
    """What a provider answers; ``key`` is what it would know a repetition by."""
    assert data["lines"]
    return {"key": f"{key}/{command}", **_ANSWERS.get(command, {})}


def given(argv: Sequence[str] | None = None) -> Given:
    """The arguments that each peer's program takes."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--n", type=int, required=True, help="orders")
    parser.add_argument("--database", default="", help="address for SQLAlchemy")
    parser.add_argument("--folder", type=Path, required=True, help="for what it writes")
    chosen = parser.parse_args(argv)
    return Given(chosen.n, chosen.database, chosen.folder)


def timed(n: int, run: Callable[[Sequence[str]], None], *, version: str) -> None:
    """Run a few orders to warm up, then ``n`` from the first event to the last end; print a line of JSON."""
    run(list(load.keys(max(2, n // 20), prefix="WARM")))
    began = time.monotonic()
    run(list(load.keys(n)))
    seconds = time.monotonic() - began
    figures = {"n": n, "seconds": round(seconds, 2), "cases_per_s": round(n / seconds, 3), "version": version}
    print(json.dumps(figures), flush=True)


def free_ports(count: int) -> list[int]:
    """Different ports of loopback that nobody listens on."""
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
