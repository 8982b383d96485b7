"""Workers killed without warning while they tell a subscriber: nothing is lost, no case is told out of order,
and nothing personal leaves the house."""

from __future__ import annotations

import json
import re
import threading
import time
from collections import defaultdict
from random import Random
from typing import Any

import pytest

from examples import day
from tests.acceptance.conftest import OpenHouse
from tests.acceptance.lone_worker import TELL
from tests.acceptance.shop import Shop
from tests.adapters.bulletins.receiver import Receiver
from tests.conftest_prefect import eventually

pytestmark = pytest.mark.crash

KILLS = 6
_TOLD = """
    SELECT case_id, seq FROM journal
    WHERE seq = 1 OR before <> after OR event = 'step.parked' OR event IN ('staff.hold', 'staff.resume')
"""


class Order:
    """A receiver that takes its time and keeps watch over the order of each case."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.latest: dict[str, int] = defaultdict(int)
        self.seen: set[tuple[str, int]] = set()
        self.early: list[tuple[str, int]] = []
        self.begun = 0

    def __call__(self, event: dict[str, Any]) -> int:
        case, seq = f"{event['data']['procedure']}/{event['subject']}", event["data"]["seq"]
        self.begun += 1
        time.sleep(0.1)
        with self._lock:
            if seq < self.latest[case] and (case, seq) not in self.seen:
                self.early.append((case, seq))
            self.latest[case] = max(self.latest[case], seq)
            self.seen.add((case, seq))
        return 204


def test_kills_while_a_subscriber_is_told_lose_nothing_and_keep_the_order_of_each_case(
    open_house: OpenHouse,
) -> None:
    house, order = open_house(world_latency=0.02, lease=0.2), Order()
    shop, chance = Shop(house, seed=8), Random(8)
    with Receiver(order).serving() as erp:
        erp.secret = house.app.subscribing.subscribe(erp.url, name="erp").secret
        worker = house.worker("worker", TELL)

        def waiting() -> int:
            return house.app.subscribing.all()[0].waiting.count

        for _ in range(KILLS):
            shop.open(4)
            enough = order.begun + chance.randint(1, 12)
            while order.begun < enough:
                shop.look()
                time.sleep(0.02)
            worker.kill()
        eventually(shop.look, seconds=60)
        eventually(lambda: not waiting(), seconds=60)
    again = len(erp.requests) - len({request.id for request in erp.requests})
    told = {(str(case), int(str(seq))) for case, seq in house.rows(_TOLD)}
    assert order.seen == told
    assert order.early == []
    assert erp.forged == []
    assert not shop.astray()
    assert again, "no kill hit a worker while it was telling"
    print(f"\n{KILLS} kills; {len(told)} entries of {len(shop.orders)} orders told, {again} requests again")
    told_in_words = json.dumps([request.event for request in erp.requests])
    personal = ["customer.example", *day.FIRST, *day.LAST, *day.STREETS]
    assert [word for word in personal if re.search(rf"\b{re.escape(word)}\b", told_in_words)] == []
