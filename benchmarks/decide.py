"""What the kernel takes to decide one event, by procedure, and to play a scenario.

    python -m benchmarks.decide --json

Every scenario under ``examples/scenarios`` is played twice, the second time timed; then the journals of all
its cases are decided again and again, event by event. Times are processor time of the deciding thread, so
that other load on the machine counts for little.
"""

from __future__ import annotations

import argparse
import gc
import statistics
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import thread_time_ns

from benchmarks.installation import emit, machine
from machines import policy, scenario
from machines.definitions import definitions
from machines.kernel.case import Case, Entry
from machines.kernel.decide import decide, open_case
from machines.kernel.definition import Definition
from machines.kernel.event import Event, Received
from machines.simulate import Run, simulate

_FILES = sorted((Path(__file__).parents[1] / "examples" / "scenarios").glob("*/*.toml"))


@dataclass(frozen=True, slots=True)
class Life:
    """One case as it was before anything happened, and its journal."""

    definition: Definition
    opened: Case
    entries: tuple[Entry, ...]

    def decide_again(self) -> Iterator[int]:
        """Nanoseconds of each decision; raises ``AssertionError`` if the case takes another course."""
        case = self.opened
        for entry in self.entries:
            assert isinstance(entry.body, Event)
            event = Received(entry.event_id, entry.source, entry.event, entry.body, entry.at)
            began = thread_time_ns()
            decision = decide(self.definition, case, event, entry.at)
            yield thread_time_ns() - began
            assert decision.entry == entry, f"{case.id} does not repeat {entry.event}"
            case = decision.case


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=50, help="how often each journal is decided again")
    parser.add_argument("--json", action="store_true", help="print only the line of JSON")
    given = parser.parse_args()
    _play()
    runs, played = _play()
    lives = list(_lives(runs))
    times: dict[str, list[int]] = defaultdict(list)
    for number in range(given.rounds + 1):
        for life in lives:
            taken = list(life.decide_again())
            if number:  # the first round only warms up
                times[life.opened.sop] += taken
    everything = [taken for each in times.values() for taken in each]
    emit(
        {
            "benchmark": "decide",
            "scenarios": len(_FILES),
            "decisions": len(everything) // given.rounds,
            "rounds": given.rounds,
            "all": _figures(everything),
            "scenario": {
                "median_ms": round(statistics.median(played.values()) / 1e6, 1),
                "longest_ms": round(max(played.values()) / 1e6, 1),
                "longest": max(played, key=played.__getitem__),
            },
            "by_sop": {sop: _figures(each) for sop, each in sorted(times.items())},
            "machine": machine(),
        }
    )


_POLICY = policy.load()
_KNOWN = definitions(_POLICY)


def _play() -> tuple[list[Run], dict[str, int]]:
    """The run of every scenario, and the nanoseconds that each took."""
    runs, times = [], {}
    gc.disable()  # a pause that all the other runs cause is not of this one
    for file in _FILES:
        loaded = scenario.load(file)
        began = thread_time_ns()
        runs.append(simulate(loaded, definitions=_KNOWN, calendar=_POLICY.calendar))
        times[f"{file.parent.name}/{file.stem}"] = thread_time_ns() - began
    gc.enable()
    return runs, times


def _lives(runs: list[Run]) -> Iterator[Life]:
    for run in runs:
        for identity, case in run.cases.items():
            opened = open_case(_KNOWN[case.sop], key=case.key, parent=case.parent)
            yield Life(_KNOWN[case.sop], opened, tuple(run.entries(identity)))


def _figures(times: list[int]) -> dict[str, float]:
    ordered = sorted(times)
    return {
        "median_us": round(statistics.median(ordered) / 1000, 1),
        "p99_us": round(ordered[int(len(ordered) * 0.99) - 1] / 1000, 1),
    }


if __name__ == "__main__":
    main()
