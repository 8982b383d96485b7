"""Orders per second on other engines and on ours, one after the other on one machine.

    python -m benchmarks.peers --json                       some six minutes
    python -m benchmarks.peers --rounds 3 --docs --json     medians of three; writes docs/performance.md
    python -m benchmarks.peers --only dbos-sqlite --scale 0.1 --json

The peers are installed into an environment of their own, temporary or, with --environment, kept.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from benchmarks.installation import emit, machine
from benchmarks.peers.engines import ENGINES, ROOT, Engine, Figures, measured
from benchmarks.peers.environment import Environment, environment
from benchmarks.peers.page import Row, table, with_figures

PAGE = ROOT / "docs" / "performance.md"
PLOT = ROOT / "docs" / "images" / "peers.svg"


def main() -> None:
    chosen = _arguments()
    engines = [engine for engine in ENGINES if chosen.only is None or engine.name in chosen.only]
    where = machine()
    with environment(chosen.environment) as peers:
        runs: dict[str, list[Figures]] = {engine.name: [] for engine in engines}
        for _ in range(chosen.rounds):
            for engine in engines:
                n = max(2, round(engine.orders * chosen.scale))
                figures = measured(engine, environment=peers, n=n)
                said = f"{figures['cases_per_s']} cases/s" if figures else "cannot be had here"
                print(f"{engine.title}: {said}", file=sys.stderr)
                if figures:
                    runs[engine.name].append(figures)
        rows = _summary(engines, runs)
        result: dict[str, object] = {
            "benchmark": "peers",
            "engines": [asdict(row) for row in rows],
            "machine": where,
        }
        if chosen.docs:
            _write(rows, json.dumps(result), where, peers)
    emit(result)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = [engine.name for engine in ENGINES]
    parser.add_argument("--only", choices=names, action="append", help="this engine; may be repeated")
    parser.add_argument("--rounds", type=int, default=1, help="of all engines; the median counts")
    parser.add_argument("--scale", type=float, default=1.0, help="times as many orders for each")
    parser.add_argument("--environment", type=Path, help="folder of the peers' environment, kept")
    parser.add_argument("--docs", action="store_true", help="write the table and plot of docs/performance.md")
    parser.add_argument("--json", action="store_true", help="print only the line of JSON")
    chosen = parser.parse_args()
    if chosen.docs and chosen.only:
        parser.error("--docs is for a run of all engines")
    return chosen


def _summary(engines: Sequence[Engine], runs: Mapping[str, Sequence[Figures]]) -> list[Row]:
    rates = {name: [float(str(one["cases_per_s"])) for one in figures] for name, figures in runs.items()}
    middle = {name: median(each) for name, each in rates.items() if each}
    return [
        Row(
            engine=engine.name,
            title=engine.title,
            version=str(runs[engine.name][0]["version"]),
            n=int(str(runs[engine.name][0]["n"])),
            cases_per_s=middle[engine.name],
            rounds=rates[engine.name],
            times=round(middle[engine.against] / middle[engine.name], 1)
            if engine.against in middle
            else None,
        )
        for engine in engines
        if engine.name in middle
    ]


def _write(rows: Sequence[Row], line: str, where: Mapping[str, object], peers: Environment) -> None:
    figures = table(rows, machine=where, day=datetime.now(UTC).date().isoformat())
    PAGE.write_text(with_figures(PAGE.read_text("utf-8"), figures), "utf-8")
    draw = [str(peers.python), "-m", "benchmarks.peers.plot", str(PLOT)]
    subprocess.run(draw, input=line, text=True, check=True, cwd=ROOT)


if __name__ == "__main__":
    main()
