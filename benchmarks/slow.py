"""What one slow authorisation in a hundred (10 s) costs the orders that it does not concern.

    python -m benchmarks.slow --json

The same load of orders, all placed at once, with and without the slow ones, in turns; medians of the rounds.
Every command takes about 0.2 s, as with real providers.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

from adapters.store.base import Store
from benchmarks import load
from benchmarks.installation import emit, installation, machine
from deployments.bootstrap import Application

FAULT = "payment.authorize: slow 10s 1%\n"
LATENCY = 0.2
SLOW = 9.0  #: seconds in authorisation from which an order counts as one of the slow ones
_LOOKED_AGAIN = 0.3  #: seconds after which a worker reads changed faults


@dataclass(frozen=True, slots=True)
class Round:
    """``median`` seconds from placed to confirmed and ``rate`` a second, of the orders that are not slow;
    ``slowest`` seconds of those that are."""

    median: float
    rate: float
    slow: int
    slowest: float


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--n", type=int, default=1_000, help="orders in a round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="print only the line of JSON")
    given = parser.parse_args()
    with installation(prefect=False, world_latency=LATENCY) as running:
        figures = compare(running.app, orders=given.n, rounds=given.rounds)
    emit({"benchmark": "slow", **figures, "machine": machine()})


def compare(app: Application, *, orders: int, rounds: int) -> dict[str, object]:
    """Both kinds of rounds in turns, after one that only warms up; a worker must be running."""
    _round(app, orders, name="W", faults="")
    well, spoilt = [], []
    for number in range(rounds):
        well.append(_round(app, orders, name=f"A{number}", faults=""))
        spoilt.append(_round(app, orders, name=f"B{number}", faults=FAULT))
    without, others = _median(well), _median(spoilt)
    return {
        "orders": orders,
        "rounds": rounds,
        "without": without,
        "with": others | {"slow_orders": sum(each.slow for each in spoilt)},
        "slowest_s": round(max(each.slowest for each in spoilt), 2),
        "median_ratio": round(others["median_ms"] / without["median_ms"], 3),
        "throughput_ratio": round(others["orders_per_s"] / without["orders_per_s"], 3),
    }


def _round(app: Application, orders: int, *, name: str, faults: str) -> Round:
    app.settings.faults.write_text(faults, "utf-8")
    time.sleep(_LOOKED_AGAIN)
    keys = list(load.keys(orders, prefix=name))
    before = _confirmed(app.store)
    app.intake.accept([load.placed(key) for key in keys])
    until = time.monotonic() + 120
    while _confirmed(app.store) < before + orders:
        if time.monotonic() > until:
            raise TimeoutError(f"stuck: {app.store.summary()}")
        time.sleep(0.1)
    return _figures([_life(app.store, key) for key in keys])


def _confirmed(store: Store) -> int:
    return store.summary()["cases"].get("order/awaiting_dispatch", 0)


@dataclass(frozen=True, slots=True)
class _Life:
    placed: float
    authorised_in: float
    confirmed: float


def _life(store: Store, key: str) -> _Life:
    entered: dict[str, float] = {}
    for entry, _ in store.journal(f"order/{key}"):
        entered.setdefault(entry.after, entry.at.timestamp())
    letter = store.letter(source=load.SOURCE, id=f"order.placed/{key}")
    assert letter is not None
    return _Life(
        placed=letter.letter.received.timestamp(),
        authorised_in=entered["confirmed"] - entered["authorising"],
        confirmed=entered["confirmed"],
    )


def _figures(lives: Sequence[_Life]) -> Round:
    others = [life for life in lives if life.authorised_in < SLOW]
    slow = [life.confirmed - life.placed for life in lives if life.authorised_in >= SLOW]
    span = max(life.confirmed for life in others) - min(life.placed for life in others)
    return Round(
        median=statistics.median(life.confirmed - life.placed for life in others),
        rate=len(others) / span,
        slow=len(slow),
        slowest=max(slow, default=0.0),
    )


def _median(rounds: Sequence[Round]) -> dict[str, float]:
    return {
        "median_ms": round(statistics.median(each.median for each in rounds) * 1000, 1),
        "orders_per_s": round(statistics.median(each.rate for each in rounds), 1),
    }


if __name__ == "__main__":
    main()
