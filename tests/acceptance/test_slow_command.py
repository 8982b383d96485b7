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
    figures = compare(house.app, orders=300, rounds=2)
    print("\n" + json.dumps(figures))
    assert cast("dict[str, int]", figures["with"])["slow_orders"] >= 2
    assert 10 <= cast("float", figures["slowest_s"]) < 20
    assert cast("float", figures["median_ratio"]) < 1.5
    assert cast("float", figures["throughput_ratio"]) > 1 / 1.5
