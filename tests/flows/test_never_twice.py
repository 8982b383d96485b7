"""The charge succeeded, but its answer was lost, and the step is parked: whatever on-call staff do then,
alone, in any order or all at once, the customer is charged once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from random import Random

import orjson
import pytest

from adapters.correction import Correction
from adapters.dead_letters import DeadLetters, Resent
from adapters.intake import Intake
from adapters.master_key import MasterKeys
from adapters.sealing import Vault
from adapters.store.base import Store
from adapters.store.opening import open_store
from adapters.store.records import InboxStatus, Step, StepFilter, StepStatus
from adapters.world import simulated_world
from adapters.world.book import MemoryBook, applied_by_effect
from adapters.world.faults import Faults
from flows.breaker import Caution
from flows.driver import Driver, Pace
from flows.errors import NothingParked
from flows.oncall import OnCall
from flows.owner import Owner
from flows.running import Running
from flows.watching import Watching
from machines import policy
from machines.catalogue import CATALOGUE
from machines.definitions import definitions
from machines.kernel.errors import Unfit
from machines.order.events import OrderPlaced

LOST = "payment.capture: lost-answer x 1 each\npayment.capture: permanent\n"
NEVER_SENT = "payment.capture: permanent\n"
NUMBERS = count(1)
WHO = "J. Berg"
WORDS = {"who": WHO, "reason": "the provider is back"}


@dataclass
class House:
    store: Store
    vault: Vault
    faults: Faults = field(default_factory=Faults)
    book: MemoryBook = field(default_factory=MemoryBook)
    ahead: timedelta = timedelta()
    caution: Caution | None = None

    def __post_init__(self) -> None:
        world = simulated_world(1, book=self.book, faults=self.faults, vault=self.vault, clock=self.now)
        known, pace = definitions(policy.load()), Pace(lease=864_000.0, tick=0.05)
        self.intake = Intake(self.store, vault=self.vault, catalogue=CATALOGUE, clock=self.now)
        self.driver = Driver(
            self.store, known, world, worker="w-1", clock=self.now, pace=pace, caution=self.caution
        )

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    @property
    def on_call(self) -> OnCall:
        return OnCall(self.store, definitions(policy.load()), clock=self.now)

    @property
    def running(self) -> Running:
        owner = Owner(worker="w-1", installation="tests")
        return Running(
            store=self.store,
            driver=self.driver,
            watching=Watching(self.store, owner=owner, flows=()),
            submit=lambda event: {},
            resend=self.resend,
            owner=owner,
            on_call=self.on_call,
        )

    def resend(self, letter: int, changes: Correction, who: str, reason: str) -> Resent:
        letters = DeadLetters(self.store, catalogue=CATALOGUE)
        return letters.resend(letter, intake=self.intake, changes=changes, who=who, reason=reason)

    def send(self, subject: str, type: str, data: Mapping[str, object]) -> None:
        event = {"specversion": "1.0", "id": str(next(NUMBERS)), "source": "test", "type": type}
        self.intake.accept([{**event, "subject": subject, "data": dict(data)}])

    def place(self, key: str) -> None:
        self.send(key, "order.placed", {**OrderPlaced.examples[0], "order": key})

    def dispatch(self, *keys: str) -> None:
        """Orders whose parcel has left, so that they are being charged."""
        for key in keys:
            self.place(key)
            self.send(f"{key}-1", "shipment.dispatched", {})

    def charge(self, key: str) -> Step:
        (step,) = self.store.steps(case=f"order/{key}", command="payment.capture")
        return step

    def retries(self, key: str) -> bool:
        return self.charge(key).status is StepStatus.RETRYING

    def parks(self, key: str) -> Step:
        def parked() -> bool:
            found = self.store.steps(case=f"order/{key}", command="payment.capture")
            return bool(found) and found[0].status is StepStatus.PARKED

        until(parked)
        # What was asked has had the time to arrive.
        self.ahead += timedelta(seconds=31)
        return self.charge(key)

    def settles(self, key: str) -> Step:
        """However long it is tried again by itself."""

        def settled() -> bool:
            step = self.charge(key)
            if step.due is not None:
                self.ahead += max(timedelta(), step.due - self.now())
            return step.status in (StepStatus.DONE, StepStatus.SKIPPED, StepStatus.PARKED)

        until(settled)
        return self.charge(key)

    def charged(self, key: str) -> int:
        """How often money was taken for the order."""
        effects = applied_by_effect(self.book).items()
        return sum(n for effect, n in effects if effect.startswith(f"payment.capture {key} "))

    def told(self, key: str) -> list[tuple[str, str]]:
        """What staff did, as the journal of the order has it: what and why."""
        journal = self.store.journal(f"order/{key}")
        return [(entry.event, entry.reason) for entry, _ in journal if entry.event.startswith("staff.")]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    hydrate = {procedure.name: {procedure.version: procedure.data} for procedure in CATALOGUE}
    store = open_store(f"sqlite:///{tmp_path / 'cases.db'}", hydrate=hydrate)
    store.migrate()
    vault = Vault(store, master=MasterKeys(b"m" * 32))
    house = House(store, vault)
    house.driver.start()
    yield house
    house.driver.stop()
    store.close()


def until(condition: Callable[[], bool], *, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.02)


def replay(house: House, step: Step) -> None:
    house.store.requeue([step.key], now=house.now(), **WORDS)


def replay_many(house: House, step: Step) -> None:
    chosen = house.on_call.parked(None, only=StepFilter(command="payment.capture"), limit=100)
    list(
        house.on_call.replay(
            [one.key for one in chosen], rate=None, who=WHO, reason="the provider is back"
        ).run()
    )


def press_retry(house: House, step: Step) -> None:
    asyncio.run(house.running.replay([step.key], **WORDS))


def skip_as_taken(house: House, step: Step) -> None:
    house.on_call.skip(step.key, outcome="payment.captured", data={}, **WORDS)


def skip_as_declined(house: House, step: Step) -> None:
    house.on_call.skip(step.key, outcome="payment.capture_declined", data={}, **WORDS)


def change_and_retry(house: House, step: Step) -> None:
    house.on_call.retry(step.key, changes={"token": f"tok_other_{next(NUMBERS)}"}, **WORDS)


def send_back(house: House, step: Step) -> None:
    """Which the procedure does not allow from there."""
    letter = house.on_call.send_back(step.case, to="authorising", **WORDS)

    def refused() -> bool:
        row = house.store.letter(source=letter.source, id=letter.id)
        return row is not None and row.status is InboxStatus.REFUSED

    until(refused)
    replay(house, step)


WAYS = (replay, replay_many, press_retry, skip_as_taken, skip_as_declined, change_and_retry, send_back)
NAMES = {way: f"SO-{number}" for number, way in enumerate(WAYS, 1)}


def test_a_charge_whose_answer_was_lost_is_made_once_whichever_way_it_is_mended(house: House) -> None:
    house.faults.set(LOST)
    house.dispatch(*NAMES.values())
    steps = {way: house.parks(key) for way, key in NAMES.items()}
    house.faults.set("")
    assert {house.charged(key) for key in NAMES.values()} == {1}, "the charge succeeded"
    for way in (way for way in WAYS if way is not replay_many):
        way(house, steps[way])
    replay_many(house, steps[replay_many])
    for way, key in NAMES.items():
        step = house.settles(key)
        assert (step.status, step.outcome) == (StepStatus.DONE, "payment.captured"), way.__name__
        assert house.charged(key) == 1, way.__name__
        assert ("the provider is back") in {reason for _, reason in house.told(key)}, way.__name__
    assert {line.key for line in house.book.lines() if "~" in line.key} == set(), "no second key was needed"


def test_a_charge_that_was_never_made_is_made_once_under_a_key_of_its_own(house: House) -> None:
    house.faults.set(NEVER_SENT)
    house.dispatch("SO-1", "SO-2")
    steps = [house.parks("SO-1"), house.parks("SO-2")]
    house.faults.set("payment.capture: lost-answer x 1 each\npayment.capture: permanent x 1\n")
    change_and_retry(house, steps[0])
    until(lambda: house.charged("SO-1") == 1)
    again = house.parks("SO-1")
    assert again.earlier == (steps[0].arguments,)
    house.faults.set("")
    change_and_retry(house, again)
    skip_as_declined(house, steps[1])
    assert house.settles("SO-1").outcome == "payment.captured"
    assert house.charged("SO-1") == 1
    assert {line.key for line in house.book.lines() if line.applied and "~" in line.key} == {
        f"{steps[0].key}~1"
    }
    assert house.settles("SO-2").status is StepStatus.SKIPPED
    assert house.charged("SO-2") == 0


def test_nothing_is_done_while_the_provider_cannot_be_asked(house: House) -> None:
    house.faults.set(LOST)
    ways = {"SO-1": change_and_retry, "SO-2": skip_as_declined}
    house.dispatch(*ways)
    steps = {key: house.parks(key) for key in ways}
    house.faults.set("payment.look-up: 503\n")
    for key, way in ways.items():
        way(house, steps[key])
        until(partial(house.retries, key))
        assert house.charge(key).code == "unavailable"
    house.faults.set("")
    for key in ways:
        assert house.settles(key).outcome == "payment.captured"
        assert house.charged(key) == 1


def test_what_was_asked_a_moment_ago_may_still_arrive(house: House) -> None:
    house.faults.set(LOST)
    house.dispatch("SO-1")
    house.parks("SO-1")
    house.ahead -= timedelta(seconds=31)
    with pytest.raises(Unfit, match="no try can be on its way any more"):
        change_and_retry(house, house.charge("SO-1"))


@pytest.mark.parametrize("seed", [1, 2])
def test_any_interventions_in_any_order_charge_once(house: House, seed: int) -> None:
    """The provider is away, comes and goes; several colleagues act at once, some of them wrongly."""
    chance = Random(seed)
    keys = [f"SO-{number}" for number in range(1, 9)]
    house.faults.set(LOST if seed == 1 else f"payment.capture: lost-answer 50%\n{NEVER_SENT}")
    house.dispatch(*keys)
    for key in keys:
        house.parks(key)
    for _ in range(3):
        house.faults.set(
            chance.choice(("payment.look-up: 503 50%\npayment.capture: lost-answer 70%\n", LOST))
        )
        for key in chance.sample(keys, 6):
            step = house.charge(key)
            for way in chance.sample((replay, skip_as_taken, change_and_retry), 2):
                with suppress(NothingParked, Unfit):
                    way(house, step)
        for key in keys:
            house.settles(key)
        house.ahead += timedelta(seconds=31)
    house.faults.set("")
    for key in keys:
        with suppress(NothingParked):
            replay(house, house.charge(key))
    until(lambda: all(house.settles(key).status is not StepStatus.PARKED for key in keys))
    assert {key: house.charged(key) for key in keys if house.charged(key) > 1} == {}
    for key in keys:
        step = house.charge(key)
        told = orjson.loads(step.arguments)
        assert step.status is StepStatus.SKIPPED or house.charged(key) == 1, told
