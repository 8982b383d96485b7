"""A complaint lived through with the real intake, store, drive loop and simulated world, order and all."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest

from adapters.intake import Intake
from adapters.master_key import MasterKeys
from adapters.sealing import Vault
from adapters.store.base import Store
from adapters.store.opening import open_store
from adapters.world import simulated_world
from adapters.world.book import MemoryBook, applied_by_effect
from flows.driver import Driver, Pace
from machines import policy
from machines.catalogue import CATALOGUE
from machines.complaint.events import ComplaintReceived
from machines.definitions import definitions
from machines.kernel.case import Case
from machines.order.events import OrderPlaced

WORDS = "The kettle leaks, and nobody called me back."
NUMBERS = count(1)


@dataclass
class House:
    store: Store
    intake: Intake
    book: MemoryBook
    file: Path

    def send(self, case: str, type: str, data: Mapping[str, object]) -> None:
        subject = case.partition("/")[2]
        event = {"specversion": "1.0", "id": str(next(NUMBERS)), "source": "test", "type": type}
        self.intake.accept([{**event, "subject": subject, "data": dict(data)}])

    def reaches(self, case: str, state: str) -> Case:
        """The case, once it stands in ``state``."""
        sop, _, key = case.partition("/")
        end = time.monotonic() + 60
        while True:
            found = self.store.find_case(key=key, sop=sop)
            if found and found[0].state == state:
                return found[0]
            assert time.monotonic() < end, f"{case}: {[one.state for one in found]}, not {state}"
            time.sleep(0.02)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    file, book = tmp_path / "cases.db", MemoryBook()
    hydrate = {procedure.name: {procedure.version: procedure.data} for procedure in CATALOGUE}
    store = open_store(f"sqlite:///{file}", hydrate=hydrate)
    store.migrate()
    vault = Vault(store, master=MasterKeys(b"m" * 32))
    world = simulated_world(1, book=book, vault=vault)
    driver = Driver(
        store, definitions(policy.load()), world, worker="w-1", clock=_now, pace=Pace(lease=1.0, tick=0.05)
    )
    driver.start()
    yield House(store, Intake(store, vault=vault, catalogue=CATALOGUE, clock=_now), book, file)
    driver.stop()
    store.close()


def _now() -> datetime:
    return datetime.now(UTC)


def test_a_complaint_is_settled_by_the_order_that_it_is_about(house: House) -> None:
    """Cases tell one another across procedures; the money goes back once; what was said stays sealed."""
    order, complaint = "order/SO-1001", "complaint/CP-1001"
    house.send(order, "order.placed", OrderPlaced.examples[0])
    house.reaches(order, "awaiting_dispatch")
    house.send("shipment/SO-1001-1", "shipment.dispatched", {})
    house.send("shipment/SO-1001-1", "shipment.delivered", {})
    house.reaches(order, "delivered")
    assert house.reaches("survey/order-SO-1001", "due").parent == order

    house.send(complaint, "complaint.received", {**ComplaintReceived.examples[0], "words": WORDS})
    house.send(complaint, "complaint.taken", {"owner": "a.field"})
    house.send(complaint, "complaint.assessed", {"severity": "S3", "nature": "product"})
    house.reaches(complaint, "investigating")
    house.send(complaint, "complaint.consulted", {"department": "warehouse", "question": "Was it packed?"})
    house.reaches("task/CP-1001-T1", "asked")
    house.send("task/CP-1001-T1", "task.answered", {"by": "w.stone", "answer": "Yes."})
    house.reaches("task/CP-1001-T1", "answered")
    house.send(complaint, "complaint.found", {"cause": "a seal was missing", "upheld": True})
    house.reaches(complaint, "proposing")
    house.send(
        complaint, "complaint.proposed", {"remedy": "partial refund", "amount": 1000, "explanation": "fair"}
    )
    house.reaches(complaint, "awaiting_answer")
    accepted = {"customer": "C-1", "number": 1, "amount": 1000, "accept": True}
    house.send(complaint, "complaint.answered", accepted)
    house.reaches(complaint, "resolved")
    house.reaches("refund/CP-1001-1-R", "settled")

    refunds = {effect: n for effect, n in applied_by_effect(house.book).items() if "payment.refund" in effect}
    assert list(refunds.values()) == [1]
    assert house.reaches(order, "delivered").parent is None
    at_rest = b"".join(path.read_bytes() for path in house.file.parent.iterdir())
    assert WORDS.encode() not in at_rest
