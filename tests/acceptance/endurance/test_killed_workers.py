"""Workers killed without warning, again and again, under load: nothing is lost and nothing happens twice."""

from __future__ import annotations

import time
from collections import Counter
from random import Random

import pytest

from tests.acceptance.audit import flaws, repeated
from tests.acceptance.conftest import OpenHouse
from tests.acceptance.shop import Shop
from tests.conftest_prefect import eventually

pytestmark = pytest.mark.crash

KILLS = 50
FAULTS = """
payment.capture: lost-answer x 1
payment.authorize: lost-answer x 1
warehouse.submit: 503 x 1
stock.reserve: lost-answer x 1
"""
_RUNNING = "SELECT count(*) FROM steps WHERE status = 'running'"
_FAILED = "SELECT count(*) FROM journal WHERE event = 'step.failed'"
_LEASES = "SELECT lease, count(*) FROM cases WHERE lease IS NOT NULL GROUP BY lease"


def test_fifty_kills_under_load_lose_nothing_and_repeat_no_effect(open_house: OpenHouse) -> None:
    house = open_house(world_latency=0.05)
    house.spoil(FAULTS)
    shop, worker, chance = Shop(house, seed=50), house.worker(), Random(50)
    cut_short = hits = 0
    for _ in range(KILLS):
        shop.open(6)
        moment = time.monotonic() + chance.uniform(0.05, 0.5)
        while time.monotonic() < moment:
            shop.look()
            time.sleep(0.02)
        worker.kill()
        running = house.count(_RUNNING)
        cut_short, hits = cut_short + running, hits + bool(running)
    eventually(shop.look, seconds=60)
    assert not shop.astray()
    assert flaws(house) == []
    steps, failed = house.count("SELECT count(*) FROM steps"), house.count(_FAILED)
    print(
        f"\n{KILLS} kills, {hits} of them while commands were under way ({cut_short} in all); "
        f"{len(shop.orders)} orders, {steps} commands; {repeated(house)} effects asked for again, "
        f"{failed} of them after a fault"
    )
    assert hits > KILLS / 5  # fewer on a machine that does other work


def test_two_workers_share_the_load_and_one_outlives_the_other(open_house: OpenHouse) -> None:
    house = open_house(world_latency=0.2)
    shop = Shop(house, seed=2)
    first, second = house.worker("first"), house.worker("second")
    leases: Counter[int] = Counter()

    def look(until: int) -> bool:
        shop.look()
        for lease, cases in house.rows(_LEASES):
            leases[int(str(lease).rsplit("-", 4)[1])] += int(str(cases))
        return house.count("SELECT count(*) FROM steps WHERE status = 'done'") >= until

    for _ in range(10):
        shop.open(20)
        shop.look()
    eventually(lambda: look(600), seconds=60)
    assert {first.pid, second.pid} <= leases.keys()
    first.kill_for_good()
    left = house.count(_RUNNING)
    eventually(shop.look, seconds=60)
    assert not shop.astray()
    assert flaws(house) == []
    print(
        f"\ncases seen with the first {leases[first.pid]}, with the second {leases[second.pid]}; "
        f"{left} commands under way at the kill, {repeated(house)} effects asked for again"
    )
