"""A mixed day on two workers while everything around it breaks; then every case, effect and cent is audited.

    python -m benchmarks.chaos --json                             2,000 cases, 20 kills, 4 crashes, 3 outages
    python -m benchmarks.chaos --n 200 --kills 3 --crashes 1 --outages 1 --seed 7 --json

The cases are those of ``benchmarks.mixed``, in twice as many groups as there are acts of havoc: one comes in
just before each act, one right after it. An act is a worker killed with SIGKILL and started again, PostgreSQL
crashed (an immediate restart, under the cases and under Prefect's own data) or Prefect's server killed.
Meanwhile the simulated world answers 503, late, not at all, or does what it was asked and loses the answer;
it also refuses some commands for good, so that their steps are parked until staff on call replay them. People
answer by script; whatever process ended is started again. The exit status is 1 if the audit finds anything.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from random import Random
from statistics import median
from threading import Event, Thread

from adapters.errors import StoreUnavailable
from adapters.store.records import StepFilter
from adapters.world.book import Line, SqliteBook
from benchmarks import audit, load
from benchmarks.havoc import Act, Blow, Havoc, plan
from benchmarks.installation import Installation, emit, installation, machine
from benchmarks.mixed import ENDS, LAG, Work, mixed, sent_at
from benchmarks.outside import Outside
from benchmarks.people import People
from deployments.bootstrap import Application
from flows.oncall import OnCall

#: A command has its bad luck in each process that performs it, so another number each time gives it another.
FAULTS = """
payment.*: 5{0:02} 3%
payment.*: lost-answer {0}ms 3%
payment.capture: permanent {0}ms 1%
payment.refund: permanent {0}ms 1%
stock.*: lost-answer {0}ms 2%
warehouse.submit: permanent {0}ms 0.5%
warehouse.*: timeout 10{0:02}ms 2%
carrier.*: 5{0:02} 2%
carrier.*: lost-answer {0}ms 2%
message.send: permanent {0}ms 0.2%
*: slow 3{0:02}ms 3%
"""
LATENCY = 0.05
_PATIENCE = 600.0  #: seconds after the last act in which everything must have come to its end
_FAILURES = """
    SELECT reason, count(*) FROM journal WHERE event IN ('step.failed', 'step.parked') GROUP BY reason"""
_KINDS = {
    "answered 5": "answered 500 to 599",
    "no answer within": "no answer",
    "the connection broke": "done, but the answer lost",
    "refused for good": "refused for good",
    "connection": "no database for the address of a message",
}
_TRIED = "SELECT key, attempts FROM steps"
_EVENTS = "SELECT status, count(*) FROM inbox GROUP BY status"
_CASES = "SELECT sop, state, count(*) FROM cases GROUP BY sop, state"
_ENTRIES = "SELECT count(*) FROM journal"


@dataclass(slots=True)
class Lived:
    """What was done and how it ended; ``flaws`` in words, none if all is well."""

    cases: int
    seconds: float
    blows: Sequence[Blow]
    flaws: list[str]
    figures: dict[str, object] = field(default_factory=dict)


def main() -> None:
    given = _arguments().parse_args()
    with installation(
        database="postgres",
        prefect=not given.no_prefect,
        workers=2,
        world_book=True,
        world_latency=LATENCY,
        world_seed=given.seed,
    ) as running:
        acts = plan(
            Random(given.seed),
            kills=given.kills,
            crashes=given.crashes,
            outages=0 if given.no_prefect else given.outages,
        )
        lived = live_through(acts, running, n=given.n, gap=given.gap, seed=given.seed)
        emit(
            {
                "benchmark": "chaos",
                "n": given.n,
                "seed": given.seed,
                "seconds": round(lived.seconds, 1),
                **lived.figures,
                "flaws": lived.flaws,
                "machine": machine(),
            }
        )
    sys.exit(bool(lived.flaws))


def live_through(acts: Sequence[Act], running: Installation, *, n: int, gap: float, seed: int) -> Lived:
    """``n`` cases while the acts take place, ``gap`` seconds apart on average; audited at rest."""
    app, chance = running.app, Random(seed + 1)
    outside = Outside(app)
    people, havoc, cases = People(outside), Havoc(running, chance=chance), mixed(list(load.keys(n)))
    size = -(-n // (2 * len(acts)))
    groups = [cases[first : first + size] for first in range(0, n, size)]
    began = time.monotonic()

    def watch(seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            havoc.look()
            people.look()
            time.sleep(0.02)

    with audit.reading(app.settings.url) as ask, staff_on_call(app) as mended:
        for now in range(2 * len(acts) + LAG):
            act = acts[now // 2] if now % 2 == 0 and now < 2 * len(acts) else None
            app.settings.faults.write_text(FAULTS.format(now % 100), "utf-8")
            if act is not None and act.kills:
                havoc.await_workers()
            outside.send(sent_at(now, groups))
            if act is not None:
                watch(chance.uniform(0.1, 0.8))
                havoc.strike(act)
            else:
                watch(chance.uniform(0.5, 1.5) * gap)
        app.settings.faults.write_text("", "utf-8")  # providers recover when the rest does
        until = time.monotonic() + _PATIENCE
        while time.monotonic() < until and not (havoc.settled and _at_rest(outside, cases)):
            watch(1.0)
        seconds = time.monotonic() - began
        with closing(SqliteBook(app.settings.home / "world.db")) as book:
            lines = book.lines()
        flaws = [
            *_astray(outside, cases),
            *audit.flaws(ask, lines),
            *audit.unmended(ask),
            *audit.money(ask, lines, app.definitions),
        ]
        figures = {**_happened(havoc.blows), **_work(ask, lines), "replayed": mended["replayed"]}
    return Lived(n, seconds, havoc.blows, flaws, figures | {"answers_by_people": people.answers})


@contextmanager
def staff_on_call(app: Application) -> Iterator[Counter[str]]:
    """Somebody who replays what is parked, as ``sop replay`` does; counts the steps asked for again."""
    on_call = OnCall(app.store, app.definitions, clock=app.clock)
    mended, leaving = Counter({"replayed": 0}), Event()

    def mend() -> None:
        while not leaving.wait(2.0):
            try:
                parked = [step.key for step in on_call.parked(None, only=StepFilter(), limit=100)]
                replay = on_call.replay(parked, who="o.call", reason="mended", rate=None, patience=10.0)
                for progress in replay.run() if parked else ():
                    mended["replayed"] += len(progress.latest)
            except StoreUnavailable:
                continue

    thread = Thread(target=mend, name="on-call", daemon=True)
    thread.start()
    try:
        yield mended
    finally:
        leaving.set()
        thread.join(30)


def _at_rest(outside: Outside, cases: Sequence[Work]) -> bool:
    counts = outside.counts()
    busy = {"pending", "running", "retrying", "parked", "held"} & counts["steps"].keys()
    waiting = {"new", "deferred", "unmatched"} & counts["inbox"].keys()
    return not (busy or waiting or _astray(outside, cases))


def _astray(outside: Outside, cases: Sequence[Work]) -> list[str]:
    """Cases that did not end where they should."""
    goal, counted = Counter((sop, ENDS[sop]) for sop, _ in cases), outside.counted(ENDS.items())
    if all(counted[end] < count for end, count in goal.items()):
        return ["no kind of case has ended yet"]
    ended = {(sop, key) for sop, _, key in outside.standing(ENDS.items())}
    own = {"return": "-RT1"}  # the order's key is also the beginning of its return's
    lost = [f"{sop} {key}" for sop, key in cases if (sop, key + own.get(sop, "")) not in ended]
    return [f"{len(lost)} cases are not where they should end: {lost[:5]}"] if lost else []


def _happened(blows: Sequence[Blow]) -> dict[str, object]:
    kills = [blow for blow in blows if blow.workers]
    acts = Counter(blow.act for blow in blows)
    return {
        "kills": sum(len(blow.workers) for blow in kills),
        "postgres_crashes": acts[Act.POSTGRES],
        "prefect_outages": acts[Act.PREFECT],
        "cases_in_hand_at_kills": [blow.held for blow in kills],
        "gap_s": {act.value: _spread(blow.gap for blow in blows if blow.act is act) for act in acts},
        "taken_over_s": _spread(blow.freed for blow in kills if blow.held),
    }


def _spread(seconds: Iterator[float | None]) -> dict[str, float]:
    known = [value for value in seconds if value is not None]
    return {"median": round(median(known), 2), "longest": round(max(known), 2)} if known else {}


def _work(ask: audit.Ask, book: Sequence[Line]) -> dict[str, object]:
    """What there was to do, what failed on the way and what was asked of the world once more."""
    failures: Counter[str] = Counter()
    for reason, count in ask(_FAILURES):
        kind = next((kind for words, kind in _KINDS.items() if words in str(reason)), str(reason))
        failures[kind] += int(str(count))
    tried = {str(key): int(str(attempts)) for key, attempts in ask(_TRIED)}
    repeats = [max(0, line.requested - tried.get(line.key, 0)) for line in book]
    return {
        "commands": len(tried),
        "faults": dict(failures.most_common()),
        "asked_more_than_once": sum(line.requested > 1 for line in book),
        "of_those_for_a_kill_or_crash": sum(map(bool, repeats)),
        "effects_twice": len(audit.twice(book)),
        "events": {str(status): count for status, count in ask(_EVENTS)},
        "journal_entries": ask(_ENTRIES)[0][0],
        "cases": {f"{sop}/{state}": count for sop, state, count in ask(_CASES)},
    }


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--n", type=int, default=2_000, help="cases")
    parser.add_argument("--kills", type=int, default=20, help="workers killed")
    parser.add_argument("--crashes", type=int, default=4, help="immediate restarts of PostgreSQL")
    parser.add_argument("--outages", type=int, default=3, help="Prefect servers killed")
    parser.add_argument("--gap", type=float, default=4.0, help="seconds between two acts, on average")
    parser.add_argument("--seed", type=int, default=1, help="of the havoc and of the world's answers")
    parser.add_argument("--no-prefect", action="store_true", help="without a Prefect server")
    parser.add_argument("--json", action="store_true", help="print only the line of JSON")
    return parser


if __name__ == "__main__":
    os.environ.setdefault("SOP_LOG_LEVEL", "INFO")
    main()
