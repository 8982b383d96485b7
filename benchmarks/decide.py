"""What the kernel takes to decide one event, by procedure.

    python -m benchmarks.decide --json

Every scenario under ``examples/scenarios`` is played once; then the journals of all its cases are decided
again and again, event by event. Times are processor time of the deciding thread, so that other load on the
machine counts for little.
"""

from __future__ import annotations

import argparse
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
from machines.simulate import simulate

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
    lives = _lives()
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
            "by_sop": {sop: _figures(each) for sop, each in sorted(times.items())},
            "machine": machine(),
        }
    )


def _lives() -> list[Life]:
    chosen = policy.load()
    known = definitions(chosen)
    lives: list[Life] = []
    for file in _FILES:
        run = simulate(scenario.load(file), definitions=known, calendar=chosen.calendar)
        for identity, case in run.cases.items():
            opened = open_case(known[case.sop], key=case.key, parent=case.parent)
            lives.append(Life(known[case.sop], opened, tuple(run.entries(identity))))
    return lives


def _figures(times: list[int]) -> dict[str, float]:
    ordered = sorted(times)
    return {
        "median_us": round(statistics.median(ordered) / 1000, 1),
        "p99_us": round(ordered[int(len(ordered) * 0.99) - 1] / 1000, 1),
    }


if __name__ == "__main__":
    main()
