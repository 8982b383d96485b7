"""Every scenario file plays as it says."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter

import pytest

from machines import policy, scenario
from machines.definitions import definitions
from machines.simulate import simulate
from machines.timeline import failures, timeline

FILES = sorted(Path(__file__).parents[2].glob("examples/scenarios/*/*.toml"))
POLICY = policy.load()
DEFINITIONS = definitions(POLICY)


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_scenario(file: Path) -> None:
    played = scenario.load(file)
    started = perf_counter()
    run = simulate(played, definitions=DEFINITIONS, calendar=POLICY.calendar)
    told = timeline(run)
    print(told, f"\n{(perf_counter() - started) * 1000:.1f} ms")  # noqa: T201
    assert not failures(run), told


def test_there_are_scenarios() -> None:
    assert len(FILES) >= 15
