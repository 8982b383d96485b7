"""The comparison with other engines: the same work, and its figures on the page. The engines themselves run
where their environment was kept in the folder that ``PEERS_ENVIRONMENT`` names."""

from __future__ import annotations

import json
import os
import re
import subprocess
from dataclasses import asdict
from pathlib import Path

import pytest

from benchmarks.peers import work
from benchmarks.peers.engines import ENGINES, measured
from benchmarks.peers.environment import REQUIREMENTS, Environment, known
from benchmarks.peers.page import END, START, Row, table, with_figures
from machines.definitions import definitions
from machines.policy import load as load_policy
from machines.scenario import load as load_scenario
from machines.simulate import simulate

ROOT = Path(__file__).parents[1]

OURS = Row("ours-sqlite", "sop, SQLite", "this commit", 5_000, 303.2, (296.0, 303.2, 330.4), 1.0)
SLOW = Row("slow", "slow one", "3.8.8", 6, 0.254, (0.25, 0.254, 0.3), 1193.7)
ALONE = Row("alone", "other", "1.0", 300, 20.0, (20.0,), None)


def test_the_peers_perform_the_commands_of_ours() -> None:
    policy = load_policy()
    ordinary = load_scenario(ROOT / "examples" / "scenarios" / "order" / "delivered_in_one_parcel.toml")

    run = simulate(ordinary, definitions=definitions(policy), calendar=policy.calendar)

    ours = [done.command.name for done in run.performed if not done.case.startswith("survey/")]
    theirs = [name.replace("message.confirmed", "message.send") for name in work.ON_PLACED]
    theirs += [name.replace("message.dispatched", "message.send") for name in work.ON_DISPATCHED]
    assert sorted(ours) == sorted(theirs)


def test_a_line_of_json_becomes_the_table() -> None:
    line = json.dumps({"engines": [asdict(row) for row in (OURS, SLOW, ALONE)], "machine": {"cores": 2}})
    said = json.loads(line)

    lines = table([Row(**each) for each in said["engines"]], machine=said["machine"], day="2026-11-30")

    assert lines.splitlines()[2:] == [
        "| **sop, SQLite** | this commit | 5,000 | 303 | 296, 303, 330 |  |",
        "| slow one | 3.8.8 | 6 | 0.254 | 0.25, 0.254, 0.3 | 1,194 times as many |",
        "| other | 1.0 | 300 | 20 | 20 |  |",
        "",
        "Measured on 2026-11-30: cores 2.",
    ]


def test_only_what_stands_between_the_marks_is_replaced() -> None:
    page = f"before\n{START}\nold\n{END}\nafter"

    assert with_figures(page, "new \\1") == f"before\n{START}\n\nnew \\1\n\n{END}\nafter"
    assert with_figures(with_figures(page, "new"), "new") == with_figures(page, "new")


def test_a_page_without_marks_is_refused() -> None:
    with pytest.raises(ValueError, match=re.escape(START)):
        with_figures("a page", "new")


def test_the_page_of_figures_has_a_place_for_them() -> None:
    page = (ROOT / "docs" / "performance.md").read_text("utf-8")

    assert "new" in with_figures(page, "new")


def test_none_of_the_peers_is_among_our_own_packages() -> None:
    names = r"^(?:dbos|restate-sdk|matplotlib)=="

    assert len(re.findall(names, REQUIREMENTS.read_text("utf-8"), re.M)) == 3
    assert not re.findall(names, (ROOT / "requirements.lock").read_text("utf-8"), re.M)


@pytest.fixture
def peers() -> Environment:
    folder = os.environ.get("PEERS_ENVIRONMENT")
    found = known(Path(folder)) if folder else None
    if found is None:
        pytest.skip(
            "no peers here: python -m benchmarks.peers --environment FOLDER, then PEERS_ENVIRONMENT=FOLDER"
        )
    return found


def test_a_line_of_json_is_drawn(peers: Environment, tmp_path: Path) -> None:
    line = json.dumps({"engines": [asdict(OURS), asdict(SLOW)]})
    file = tmp_path / "peers.svg"

    draw = [str(peers.python), "-m", "benchmarks.peers.plot", str(file)]
    subprocess.run(draw, input=line, text=True, check=True, cwd=ROOT)

    drawn = file.read_text("utf-8")
    assert all(word in drawn for word in (">sop, SQLite<", ">303<", ">slow one<", ">0.254<"))


@pytest.mark.parametrize("name", ["dbos-sqlite", "restate"])
def test_a_peer_brings_orders_to_delivery(name: str, peers: Environment) -> None:
    (engine,) = [engine for engine in ENGINES if engine.name == name]

    figures = measured(engine, environment=peers, n=4)

    if figures is None:
        pytest.skip(f"{engine.title} cannot be had here")
    assert figures["n"] == 4
