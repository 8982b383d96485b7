"""``benchmarks.chaos`` in small: two workers on PostgreSQL; one of them is killed, and so is PostgreSQL."""

from __future__ import annotations

import pytest

from benchmarks.chaos import LATENCY, live_through
from benchmarks.havoc import Act
from benchmarks.installation import installation

pytestmark = pytest.mark.crash


def test_a_mixed_day_outlives_a_kill_and_a_crash_of_postgres() -> None:
    with installation(
        database="postgres", prefect=False, workers=2, world_book=True, world_latency=LATENCY, lease=2.0
    ) as running:
        lived = live_through([Act.POSTGRES, Act.KILL], running, n=60, gap=1.0, seed=5)
    print(f"\n{lived.seconds:.1f} s: {lived.figures}")
    assert lived.flaws == []
