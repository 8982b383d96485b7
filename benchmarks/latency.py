"""How long an event takes from its acceptance over HTTP to the last command it causes, at 5 events a second.

python -m benchmarks.latency --json
"""

from __future__ import annotations

import argparse
import statistics
import time
from datetime import datetime

import httpx
import orjson

from adapters.store.base import Store
from benchmarks import load
from benchmarks.installation import Installation, emit, installation, machine

_HEADERS = {"content-type": "application/cloudevents+json"}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--rate", type=float, default=5.0, help="events a second")
    parser.add_argument("--json", action="store_true", help="print only the line of JSON")
    given = parser.parse_args()
    with installation(web=True) as running, httpx.Client(base_url=running.app.settings.web_url) as client:
        _wait_for(client)
        _warm_up(running, client)
        count = round(given.seconds * given.rate)
        keys = list(load.keys(count))
        accepted: dict[str, float] = {}
        began = time.monotonic()
        for number, key in enumerate(keys):
            time.sleep(max(0.0, began + number / given.rate - time.monotonic()))
            _send(client, key)
            accepted[key] = time.time()
        time.sleep(5)
        delays = sorted(_settled(running.app.store, key) - accepted[key] for key in keys)
        emit(
            {
                "benchmark": "latency",
                "events": count,
                "rate_per_s": given.rate,
                "p50_ms": round(statistics.median(delays) * 1000, 1),
                "p99_ms": round(delays[int(len(delays) * 0.99) - 1] * 1000, 1),
                "longest_ms": round(delays[-1] * 1000, 1),
                "commands_per_event": _commands(running.app.store, keys[0]),
                "machine": machine(),
            }
        )


def _send(client: httpx.Client, key: str) -> None:
    client.post("/events", content=orjson.dumps(load.placed(key)), headers=_HEADERS).raise_for_status()


def _warm_up(running: Installation, client: httpx.Client) -> None:
    """Until the worker has started and taken an order; otherwise its start would be what is measured."""
    _send(client, "WARM-1")
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if running.app.store.find_case(key="WARM-1-1", sop="shipment"):
            time.sleep(1)
            return
        time.sleep(0.1)
    raise TimeoutError("the worker takes no order")


def _settled(store: Store, key: str) -> float:
    """When the last command of the order and of its parcel was done, as the journals say."""
    moments: list[datetime] = []
    for sop, name in (("order", key), ("shipment", f"{key}-1")):
        moments += [entry.at for entry, _ in store.journal(f"{sop}/{name}") if entry.source == "step"]
    return max(moments).timestamp()


def _commands(store: Store, key: str) -> int:
    return sum(len(store.steps(case=case)) for case in (f"order/{key}", f"shipment/{key}-1"))


def _wait_for(client: httpx.Client) -> None:
    for _ in range(300):
        try:
            if client.get("/health").status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.1)
    raise TimeoutError("the web process does not answer")


if __name__ == "__main__":
    main()
