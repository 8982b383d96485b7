"""A command that hangs holds up its own order and nobody else's."""

from __future__ import annotations

import json
from typing import cast

import pytest

from benchmarks.slow import LATENCY, compare
from tests.acceptance.conftest import OpenHouse

pytestmark = pytest.mark.crash


def test_one_slow_command_in_a_hundred_delays_its_own_order_and_no_other(open_house: OpenHouse) -> None:
    # With providers as slow as real ones, what else the machine does counts for little.
    house = open_house(world_book=False, world_latency=LATENCY)
    house.worker()
    figures = compare(house.app, orders=300, rounds=1)
    print("\n" + json.dumps(figures))
    others = cast("dict[str, float]", figures["with"])
    assert others["slow_orders"] >= 1
    assert cast("float", figures["slowest_s"]) >= 10
    assert others["median_ms"] < 5_000, "they did not wait for the slow ones"
