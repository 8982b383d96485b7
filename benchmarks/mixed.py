"""Cases per second of a mixed day, on a whole installation of its own.

    python -m benchmarks.mixed --json                   2,000 cases on SQLite, Prefect recording
    python -m benchmarks.mixed --database postgres --json

70 % are orders from placement to delivery, 20 % returns (an order is delivered, comes back, is inspected and
refunded), 10 % complaints (from reception over a question to a department to an offer that the customer
accepts and has). A case is one of these pieces of work, whatever number of orders, parcels, refunds, tasks
and surveys belongs to it. People answer by script as soon as a case asks. Everything is committed with fsync.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from benchmarks import load
from benchmarks.floor import floor
from benchmarks.installation import Installation, arguments, emit, installation, last_words, machine, measured
from benchmarks.outside import Outside
from benchmarks.people import GOES_BACK, People

GROUP = 250
FLOOR = 4_000  #: orders by hand-written SQL: how quick the machine is
AHEAD = 3_000

Kind = Callable[[str], Mapping[str, object]]
Work = tuple[str, str]  #: what kind of case, and its key
#: What comes from outside, in order; each stage follows two groups after the one before.
STAGES: Mapping[str, tuple[Kind, ...]] = {
    "order": (load.placed, load.dispatched, load.delivered),
    "return": (load.placed, load.dispatched, load.delivered),
    "complaint": (load.complained,),
}
LAG = 2 * max(len(stages) - 1 for stages in STAGES.values())
MIX = ("order",) * 7 + ("return",) * 2 + ("complaint",)
#: The end of such a case. A complaint is closed by itself a week after the customer has what was promised.
ENDS = {"order": "delivered", "return": "refunded", "complaint": "resolved"}


def main() -> None:
    given = arguments(__doc__, n=2_000, of="cases").parse_args()
    with installation(database=given.database, prefect=not given.no_prefect) as running:
        outside = Outside(running.app)
        people = People(outside)
        _drive(outside, list(load.keys(100, prefix="WARM")), people)
        running.await_attached()
        answered = people.answers
        seconds, cpu = measured(running, lambda: _drive(outside, list(load.keys(given.n)), people))
        running.worker.stop()
        emit(
            {
                "benchmark": "mixed",
                "n": given.n,
                "mix": Counter(sop for sop, _ in mixed(list(load.keys(given.n)))),
                "database": given.database,
                "cases_per_s": round(given.n / seconds, 1),
                "seconds": round(seconds, 2),
                "floor_per_s": round(floor(None, orders=FLOOR), 1),
                "cpu_s": cpu,
                "worker_cpu_ms_per_case": round(cpu["worker"] * 1000 / given.n, 2),
                "answers_by_people": people.answers - answered,
                "store": _stored(running),
                "prefect_recording": cpu.get("prefect server", 0) > 0,
                "worker": last_words(running),
                "machine": machine(),
            }
        )


def mixed(keys: Sequence[str]) -> list[Work]:
    """Each key with what it is the key of, in shares of ten; those of goods that come back say so."""
    kinds = [MIX[number % len(MIX)] for number in range(len(keys))]
    return [(sop, key + GOES_BACK * (sop == "return")) for sop, key in zip(kinds, keys, strict=True)]


def sent_at(now: int, groups: Sequence[Sequence[Work]]) -> list[Mapping[str, object]]:
    """What comes from outside as group ``now`` begins, for it and for those before; ``LAG`` more turns follow
    the last group."""
    return [
        STAGES[sop][lag // 2](key)
        for lag in range(0, LAG + 1, 2)
        if 0 <= now - lag < len(groups)
        for sop, key in groups[now - lag]
        if lag // 2 < len(STAGES[sop])
    ]


def _drive(outside: Outside, keys: Sequence[str], people: People) -> None:
    """Send all events, group by group, and wait until every case has ended."""
    cases = mixed(keys)
    goal = outside.counted(ENDS.items()) + Counter((sop, ENDS[sop]) for sop, _ in cases)
    groups = [cases[first : first + GROUP] for first in range(0, len(cases), GROUP)]
    for now in range(len(groups) + LAG):
        _wait(outside, people, lambda: outside.new() <= AHEAD)
        outside.send(sent_at(now, groups))
    _wait(outside, people, lambda: outside.counted(ENDS.items()) >= goal)


def _wait(outside: Outside, people: People, done: Callable[[], bool]) -> None:
    until = time.monotonic() + 600
    while True:
        began = time.monotonic()
        if done():
            return
        if began > until:
            raise TimeoutError(f"stuck: {outside.counts()}")
        # Counting cases takes processor time away from what is measured: at most a tenth of a core.
        again = time.monotonic() + max(0.1, 9 * (time.monotonic() - began))
        while time.monotonic() < again:
            people.look()
            time.sleep(0.05)


def _stored(running: Installation) -> dict[str, int]:
    """How many cases of each procedure, commands and events that was, those of warming up included."""
    summary = running.app.store.summary()
    cases: Counter[str] = Counter()
    for name, count in summary["cases"].items():
        cases[name.partition("/")[0]] += count
    return {**cases, "commands": summary["steps"]["done"], "events": sum(summary["inbox"].values())}


if __name__ == "__main__":
    os.environ.setdefault("SOP_LOG_LEVEL", "INFO")
    main()
