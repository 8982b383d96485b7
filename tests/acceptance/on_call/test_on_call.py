"""On-call staff, with real processes and payments over HTTP: a worker dies in the middle of a charge, the
answer to a charge is lost. Whatever is done about it, nobody pays twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import orjson
import pytest

from tests.acceptance.audit import flaws
from tests.acceptance.conftest import OpenHouse
from tests.acceptance.house import House, Worker
from tests.conftest_prefect import eventually
from tests.deployments.test_providers import ORDER
from tests.stripe_server import KEY, StripeServer

pytestmark = pytest.mark.crash


@dataclass(frozen=True)
class Night:
    house: House
    worker: Worker
    stripe: StripeServer

    def place(self) -> None:
        data = {**ORDER, "payments": [{"means": "card", "token": "pm_ok"}]}
        self.house.send(
            [
                {"specversion": "1.0", "id": "1", "source": "shop", "type": "order.placed", "subject": "SO-1"}
                | {"data": data}
            ]
        )

    def comes_to(self, state: str) -> None:
        eventually(lambda: self.state == state, seconds=60)

    @property
    def state(self) -> str:
        return str(self.house.rows("SELECT state FROM cases WHERE id = 'order/SO-1'")[0][0])

    @property
    def held(self) -> list[tuple[str, int]]:
        """What Stripe holds: each payment with its sum."""
        intents = self.stripe.books.intents.values()
        return [(str(intent["status"]), int(intent["amount"])) for intent in intents]


@pytest.fixture
def night(open_house: OpenHouse) -> Iterator[Night]:
    with StripeServer().running() as stripe:
        payment = {"kind": "stripe", "key": KEY, "api_base": stripe.url}
        house = open_house(providers={"payment": payment})
        yield Night(house, house.worker(), stripe)
        stripe.stalls = False


def test_a_worker_killed_in_the_middle_of_a_charge_leaves_one_charge(night: Night) -> None:
    night.stripe.stalls = True
    night.place()
    eventually(lambda: bool(night.held), seconds=60)
    night.worker.kill()
    night.stripe.stalls = False
    night.comes_to("awaiting_dispatch")
    assert night.held == [("requires_capture", 3000)]
    assert flaws(night.house, resting=False) == []


def test_a_charge_whose_answer_was_lost_is_found_and_replayed_and_made_once(night: Night) -> None:
    night.stripe.lose, night.stripe.failing = 1, [(403, {})]
    night.place()
    eventually(lambda: bool(night.house.rows("SELECT key FROM steps WHERE status = 'parked'")), seconds=60)
    assert night.held == [("requires_capture", 3000)]
    night.worker.kill()

    (broken,) = orjson.loads(night.house.sop("steps", "--failed", "--json"))
    assert (broken["case"], broken["command"], broken["attempts"]) == ("order/SO-1", "payment.authorize", 2)
    assert broken["at_stake"] == {"amount": 3000, "currency": "EUR"}
    assert "same idempotency key" in broken["on_replay"]
    assert night.state == "authorising"

    night.stripe.stalls = True
    replay = ("replay", str(broken["step"]), "--reason", "the key has its rights back", "--who", "Ann")
    night.house.sop(*replay)
    night.worker.kill()
    night.stripe.stalls = False
    night.comes_to("awaiting_dispatch")
    assert night.held == [("requires_capture", 3000)]
    journal = night.house.sop("show", "SO-1")
    assert "the key has its rights back" in journal
    assert "Ann" in journal
    assert flaws(night.house, resting=False) == []
