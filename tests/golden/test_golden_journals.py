"""Every journal that an earlier version decided is decided the same way today."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from machines.definitions import definitions
from machines.policy import load as load_policy
from tests.golden.journals import KEPT, again, scenarios

BUILT = definitions(load_policy())
FILES = sorted(KEPT.rglob("*.jsonl"))


@pytest.mark.parametrize("kept", FILES, ids=[str(file.relative_to(KEPT)) for file in FILES])
def test_a_kept_journal_is_decided_the_same_way(kept: Path) -> None:
    lines = [json.loads(line) for line in kept.read_text("utf-8").splitlines()]
    for before, now in zip(lines, again(lines, BUILT), strict=True):
        assert now == before


def test_the_journal_of_every_scenario_is_kept() -> None:
    missing = [str(scenario) for scenario, kept in scenarios() if not kept.exists()]
    assert missing == [], "python -m tests.golden.journals"
