"""The provider of payments goes away while 500 orders are charged, and all of them are parked. When it is
back they go on by themselves, slowly at first, through kills of the worker, and each is charged once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from adapters.store.records import StepFilter, StepStatus
from flows.driver import Driver, Pace
from machines.order.events import OrderPlaced
from tests.acceptance.audit import flaws, repeated
from tests.acceptance.conftest import OpenHouse
from tests.acceptance.house import House
from tests.conftest_prefect import eventually

pytestmark = pytest.mark.crash

COUNT = 500
KEYS = [f"SO-{number}" for number in range(1, COUNT + 1)]
CAPTURE = "payment.capture"
_CAPTURES = "SELECT count(*) FROM steps WHERE command = 'payment.capture' AND status"
_PARKED, _DONE = f"{_CAPTURES} = 'parked'", f"{_CAPTURES} = 'done'"
_BY_US = "SELECT count(DISTINCT case_id) FROM journal WHERE event = 'staff.replay' AND source = 'sop'"
_OUTAGES = "SELECT count(*) FROM outages"
_TRIES = "SELECT sum(tries) FROM outages WHERE command = 'payment.capture'"
_ENDED = "SELECT count(*) FROM cases WHERE sop = 'order' AND ended"


def event(key: str, type: str, data: object) -> dict[str, object]:
    told = {"specversion": "1.0", "id": f"{type}-{key}", "source": "test", "type": type}
    return {**told, "subject": key, "data": data}


def park_all(house: House) -> None:
    """By a worker that notices no outage, as one does whose failures have successes in between; its clock is
    behind and comes up, so that nobody has to wait for the attempts to be spent."""
    behind = [timedelta(minutes=-50)]
    store, command = house.app.store, StepFilter(command=CAPTURE)
    driver = Driver(
        store,
        house.app.definitions,
        house.app.adapters(),
        worker="before",
        clock=lambda: datetime.now(UTC) + behind[0],
        pace=Pace(lease=86_400.0, tick=0.05),
    )
    driver.start()
    house.send([event(key, "order.placed", {**OrderPlaced.examples[0], "order": key}) for key in KEYS])
    house.send([event(f"{key}-1", "shipment.dispatched", {}) for key in KEYS])

    def parked() -> bool:
        steps = store.steps(only=command, limit=COUNT)
        due = [step.due for step in steps if step.due]
        # All at once, lest the clock be moved for each of them anew.
        if due and len(steps) == COUNT and not any(step.status is StepStatus.RUNNING for step in steps):
            behind[0] += max(timedelta(), max(due) - datetime.now(UTC) - behind[0])
        return bool(steps) and all(step.status is StepStatus.PARKED for step in steps)

    try:
        eventually(parked, seconds=90)
    finally:
        driver.stop()
    assert behind[0] < timedelta(), "it did not get ahead of those that come after it"
    assert house.count(_PARKED) == COUNT
    assert store.steps(only=command, status=[StepStatus.PARKED], limit=1)[0].code == "unavailable"


def resumed_so_far(house: House, done: int) -> bool:
    return house.count(_DONE) >= done


def test_what_an_outage_parked_goes_on_by_itself_through_kills(open_house: OpenHouse) -> None:
    house = open_house(outages={"first": 0.5, "longest": 1.0}, world_latency=0.05)
    house.spoil(f"{CAPTURE}: 503\n")
    park_all(house)
    failed = sum(line.requested for line in house.book() if line.command == CAPTURE)
    worker = house.worker()
    eventually(lambda: house.count(f"SELECT coalesce(({_TRIES}), 0)") >= 2, seconds=60)
    probes = sum(line.requested for line in house.book() if line.command == CAPTURE) - failed
    assert probes <= 2 * house.count(_TRIES), "it is probed, and no more"
    house.spoil("")
    resumed, cut_short = [], 0
    for done in (10, 60):
        eventually(partial(resumed_so_far, house, done), seconds=60)
        worker.kill()
        resumed.append(house.count(_DONE))
        cut_short += house.count(_PARKED) > 0
    eventually(lambda: house.count(_DONE) == COUNT and not house.count(_OUTAGES), seconds=90)
    house.send([event(f"{key}-1", "shipment.delivered", {}) for key in KEYS])
    eventually(lambda: house.count(_ENDED) == COUNT and flaws(house) == [], seconds=90)
    assert house.count(_BY_US) == COUNT
    charged = [line.applied for line in house.book() if line.command == CAPTURE]
    assert (len(charged), set(charged)) == (COUNT, {1})
    assert cut_short, "some kill was in the middle"
    print(
        f"\n{COUNT} orders parked; killed after {resumed} were resumed; {probes} probes; each charged once, "
        f"{repeated(house)} calls repeated"
    )
