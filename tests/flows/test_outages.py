"""A provider is away while orders come in: it is asked now and then, what waits spends no attempt, and when
it answers again everything goes on by itself, each order charged once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from adapters.master_key import MasterKeys
from adapters.sealing import Vault
from adapters.store.base import Store
from adapters.store.opening import open_store
from adapters.store.outage import OUTAGE, Phase
from adapters.store.records import Step, StepFilter, StepStatus
from adapters.world import simulated_world
from adapters.world.book import applied_by_effect
from flows.affected import affected
from flows.breaker import Caution
from flows.driver import Driver, Pace
from machines import policy
from machines.catalogue import CATALOGUE
from machines.definitions import definitions
from tests.flows.test_never_twice import House, replay, until

AUTHORIZE = "payment.authorize"
AWAY = f"{AUTHORIZE}: 503\n"
HYDRATE = {procedure.name: {procedure.version: procedure.data} for procedure in CATALOGUE}
QUICK = Caution(failures=5, first=0.2, longest=0.4, turn=0.2)


def keys(count: int) -> list[str]:
    return [f"SO-{number}" for number in range(1, count + 1)]


@dataclass
class Shop(House):
    """Whose payments are watched by a breaker."""

    others: list[Driver] = field(default_factory=list)

    def start(self) -> None:
        self.driver.start()
        self.others.append(self.driver)

    def stop(self) -> None:
        for driver in self.others:
            driver.stop()

    def steps(self, *status: StepStatus) -> list[Step]:
        return self.store.steps(status=status, only=StepFilter(command=AUTHORIZE), limit=10_000)

    def done(self) -> int:
        return len(self.steps(StepStatus.DONE))

    def asked(self) -> int:
        """How often the provider was asked to authorise a payment."""
        return sum(line.requested for line in self.book.lines() if line.command == AUTHORIZE)

    def entries(self, key: str) -> list[tuple[str, str]]:
        return [(entry.event, entry.source) for entry, _ in self.store.journal(f"order/{key}")]

    def phase(self) -> Phase | None:
        found = self.store.outages.known()
        return found[0].phase if found else None

    def tries(self) -> int:
        """Probes that failed; -1 while nothing is out."""
        return next((one.tries for one in self.store.outages.known() if one.phase is Phase.OUT), -1)

    def all_parked(self, count: int, *, faults: str = AWAY) -> None:
        """So many orders, parked by a worker that notices no outage; the worker is gone then."""
        self.faults.set(faults)
        plain = self.worker("before", caution=None)
        for key in keys(count):
            self.place(key)

        def parked() -> bool:
            due = [step.due for step in self.steps() if step.due]
            self.ahead += max([timedelta(), *(each - self.now() for each in due)])
            return len(self.steps(StepStatus.PARKED)) == count

        until(parked)
        plain.stop()

    def worker(self, name: str, *, caution: Caution | None, store: Store | None = None) -> Driver:
        """A worker beside the house's own."""
        world = simulated_world(1, book=self.book, faults=self.faults, vault=self.vault, clock=self.now)
        known, pace = definitions(policy.load()), Pace(lease=864_000.0, tick=0.05)
        driver = Driver(
            store or self.store, known, world, worker=name, clock=self.now, pace=pace, caution=caution
        )
        driver.start()
        self.others.append(driver)
        return driver

    def each_authorised_once(self) -> bool:
        """As often as the store says, and none twice."""
        applied = [line.applied for line in self.book.lines() if line.command == AUTHORIZE]
        return max(applied_by_effect(self.book).values()) == 1 and sum(applied) == self.done()


@pytest.fixture
def store() -> Iterator[Store]:
    store = open_store("memory:", hydrate=HYDRATE)
    store.migrate()
    yield store
    store.close()


@pytest.fixture
def shop(store: Store) -> Iterator[Shop]:
    """Its own worker is not started yet."""
    shop = Shop(store, Vault(store, master=MasterKeys(b"m" * 32)), caution=QUICK)
    yield shop
    shop.stop()


def test_what_comes_while_it_is_out_waits_and_goes_on_by_itself(shop: Shop) -> None:
    shop.faults.set(AWAY)
    shop.start()
    for key in keys(20):
        shop.place(key)
    until(lambda: shop.tries() > 1)
    late = [f"LATE-{key}" for key in keys(10)]
    for key in late:
        shop.place(key)
    until(lambda: len([step for step in shop.steps() if "LATE" in step.case and step.code == OUTAGE]) == 10)
    assert {step.attempts for step in shop.steps() if "LATE" in step.case} == {0}
    shop.faults.set("")
    until(lambda: shop.done() == 30 and not shop.store.outages.known())
    assert shop.each_authorised_once()
    for key in late:
        assert shop.entries(key).count(("step.waiting", "worker")) == 1, "however often it was passed over"


def test_a_probe_is_all_that_is_sent_while_it_is_out(shop: Shop) -> None:
    shop.faults.set(AWAY)
    shop.start()
    for key in keys(20):
        shop.place(key)
    until(lambda: shop.phase() is Phase.OUT)
    until(lambda: {step.code for step in shop.steps()} <= {OUTAGE, "unavailable"})
    before, tries = shop.asked(), shop.tries()
    until(lambda: shop.tries() >= tries + 3)
    asked, told = shop.asked(), shop.tries()
    assert asked - before <= told - tries + 1
    assert shop.steps(StepStatus.PARKED) == []


def test_what_is_held_back_is_left_alone_until_it_is_released(shop: Shop) -> None:
    """Not written anew with each probe, but long before it would come up by itself it is sent."""
    shop.faults.set(AWAY)
    shop.start()
    for key in keys(20):
        shop.place(key)
    until(lambda: shop.phase() is Phase.OUT)
    late = [f"LATE-{key}" for key in keys(20)]
    for key in late:
        shop.place(key)

    def waiting() -> list[Step]:
        return [step for step in shop.steps(StepStatus.RETRYING) if "LATE" in step.case]

    def held() -> dict[str, datetime]:
        """Those that were no probe."""
        return {step.key: step.due for step in waiting() if step.due and not step.attempts}

    until(lambda: len(waiting()) == 20)
    before, tries = held(), shop.tries()
    assert min(before.values()) - shop.now() > timedelta(minutes=9)
    assert len(set(before.values())) > 10, "they do not all come up at once"
    until(lambda: shop.tries() >= tries + 3)
    assert held().items() <= before.items()
    shop.faults.set("")
    until(lambda: shop.done() == 40 and not shop.store.outages.known())


def test_what_was_held_back_after_the_end_is_sent_soon_all_the_same(shop: Shop) -> None:
    """The worker that held it back had not heard of the end, and is gone."""
    shop.faults.set(AWAY)
    first = shop.worker("w-1", caution=replace(QUICK, first=3_000.0, longest=3_000.0))
    for key in keys(8):
        shop.place(key)
    until(lambda: shop.phase() is Phase.OUT and {step.code for step in shop.steps()} == {OUTAGE})
    first.stop()
    shop.store.outages.change(shop.store.outages.known()[0], None, now=shop.now())
    shop.faults.set("")
    shop.worker("w-2", caution=QUICK)
    until(lambda: shop.done() == 8)
    assert shop.each_authorised_once()


def test_steps_parked_by_an_outage_that_nobody_noticed_are_resumed_when_it_answers(shop: Shop) -> None:
    """Nothing new arrives: the probe is one of the parked steps."""
    shop.all_parked(40, faults=f"{AUTHORIZE}: permanent x 3\n{AWAY}")
    refused = {step.case for step in shop.steps(StepStatus.PARKED) if step.code == "rejected"}
    assert len(refused) == 3
    shop.start()
    until(lambda: shop.tries() > 1)
    assert len(shop.steps(StepStatus.PARKED)) >= 39
    shop.faults.set("")
    until(lambda: shop.done() == 37 and not shop.store.outages.known())
    assert {step.case for step in shop.steps(StepStatus.PARKED)} == refused, "another cause is another matter"
    assert shop.each_authorised_once()
    for step in shop.steps(StepStatus.DONE):
        key = step.case.partition("/")[2]
        assert ("staff.replay", "sop") in shop.entries(key)
        assert all(why.startswith(f"{AUTHORIZE} was out since ") for _, why in shop.told(key))


def test_what_is_parked_stays_so_where_the_settings_leave_it_to_staff(shop: Shop) -> None:
    shop.all_parked(10)
    shop.worker("w-2", caution=replace(QUICK, by_hand=["payment"]))
    for key in ("NEW-1", "NEW-2", "NEW-3"):
        shop.place(key)
    until(lambda: shop.phase() is Phase.OUT)
    shop.faults.set("")
    until(lambda: shop.done() == 3 and not shop.store.outages.known())
    assert len(shop.steps(StepStatus.PARKED)) == 10


def test_a_replay_by_staff_is_a_probe_and_sets_everything_going(shop: Shop) -> None:
    shop.all_parked(10)
    shop.worker("w-2", caution=replace(QUICK, first=3_000.0, longest=3_000.0))
    until(lambda: shop.tries() == 1)
    shop.faults.set("")
    (step, *_) = shop.steps(StepStatus.PARKED)
    replay(shop, step)
    until(lambda: shop.done() == 10)
    assert shop.each_authorised_once()


def test_staff_have_it_probed_where_nothing_is_parked(shop: Shop) -> None:
    shop.faults.set(AWAY)
    shop.worker("w-2", caution=replace(QUICK, first=3_000.0, longest=3_000.0))
    for key in keys(8):
        shop.place(key)
    until(lambda: shop.phase() is Phase.OUT and len(shop.steps(StepStatus.RETRYING)) == 8)
    until(lambda: {step.code for step in shop.steps()} == {OUTAGE})
    shop.faults.set("")
    assert shop.on_call.hasten("SO-1", only=StepFilter(command="payment.void")) == []
    assert shop.on_call.hasten("SO-1", only=StepFilter()) == [AUTHORIZE]
    until(lambda: shop.done() == 8)


def test_resuming_stops_when_what_is_parked_fails_again(shop: Shop) -> None:
    shop.all_parked(40)
    shop.faults.set(f"{AUTHORIZE}: 503 x 1\n{AUTHORIZE}: slow 1ms x 2\n{AUTHORIZE}: permanent x 1000\n")
    shop.start()
    until(lambda: shop.phase() is Phase.LEFT)
    assert "parked again" in shop.store.outages.known()[0].halted
    parked = Counter(step.code for step in shop.steps(StepStatus.PARKED))
    assert parked["unavailable"] > 20
    assert parked["rejected"] < 15


def test_one_step_that_fails_alone_tells_nothing_of_its_provider(shop: Shop) -> None:
    shop.faults.set(AWAY)
    shop.start()
    shop.place("SO-1")

    def parked() -> bool:
        shop.ahead += timedelta(seconds=1)
        return bool(shop.steps(StepStatus.PARKED))

    until(parked)
    assert shop.store.outages.known() == []


def test_workers_share_an_outage_and_its_end(postgres_url: str) -> None:
    with ExitStack() as stack:
        one, two = (stack.enter_context(closing(open_store(postgres_url, hydrate=HYDRATE))) for _ in range(2))
        shop = Shop(one, Vault(one, master=MasterKeys(b"m" * 32)), caution=QUICK)
        shop.faults.set(AWAY)
        stack.callback(shop.stop)
        shop.start()
        shop.worker("w-2", caution=QUICK, store=two)
        for key in keys(60):
            shop.place(key)
        until(lambda: shop.tries() > 1)
        shop.faults.set("")
        until(lambda: shop.done() == 60 and not shop.store.outages.known())
        assert shop.each_authorised_once()
        drivers = [driver.performed[AUTHORIZE, "payment.authorized"] for driver in shop.others]
        assert sum(drivers) == 60


def test_staff_read_what_is_out_and_how_it_goes_on(shop: Shop) -> None:
    shop.all_parked(6)
    shop.start()
    until(lambda: shop.tries() > 0)
    shop.driver.stop()
    (outage,) = shop.store.outages.known()
    seen = affected(shop.store, outage, caution=QUICK, now=shop.now())
    assert seen.name == f"{AUTHORIZE} is out: 6 cases"
    assert "0 cases wait, 6 are parked, " in seen.told
    assert "EUR at stake, latest: answered 503; next probe " in seen.told
    assert seen.told.endswith("what waits resumes by itself, what is parked too")
    later = affected(shop.store, outage, caution=replace(QUICK, by_hand=[AUTHORIZE]), now=shop.now())
    assert later.told.endswith("what is parked is left to staff (the settings leave them to staff)")
