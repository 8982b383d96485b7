"""A provider is away while orders come in: it is asked now and then, what waits spends no attempt, and when
it answers again everything goes on by itself, each order charged once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.master_key import MasterKeys
from adapters.sealing import Vault
from adapters.store.base import Step, StepFilter, StepStatus, Store
from adapters.store.opening import open_store
from adapters.store.outage import OUTAGE, Phase
from flows.breaker import Caution
from machines.catalogue import CATALOGUE
from tests.flows.test_never_twice import House, until

AUTHORIZE = "payment.authorize"
AWAY = f"{AUTHORIZE}: 503\n"
QUICK = Caution(failures=5, first=0.2, longest=0.4)
MANY = 100


def keys(count: int) -> list[str]:
    return [f"SO-{number}" for number in range(1, count + 1)]


class Shop(House):
    """Whose payments are watched by a breaker."""

    def steps(self, *status: StepStatus) -> list[Step]:
        return self.store.steps(status=status, only=StepFilter(command=AUTHORIZE), limit=10_000)

    def done(self) -> int:
        return len(self.steps(StepStatus.DONE))

    def asked(self) -> Counter[str]:
        """How often the provider was asked under each key."""
        return Counter({line.key: line.requested for line in self.book.lines() if line.command == AUTHORIZE})

    def events(self, key: str) -> Counter[str]:
        return Counter(entry.event for entry, _ in self.store.journal(f"order/{key}"))

    def phases(self) -> dict[str, Phase]:
        return {outage.command: outage.phase for outage in self.store.outages()}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    hydrate = {procedure.name: {procedure.version: procedure.data} for procedure in CATALOGUE}
    store = open_store(f"sqlite:///{tmp_path / 'cases.db'}", hydrate=hydrate)
    store.migrate()
    yield store
    store.close()


@pytest.fixture
def shop(store: Store) -> Iterator[Shop]:
    shop = Shop(store, Vault(store, master=MasterKeys(b"m" * 32)), caution=QUICK)
    yield shop
    shop.driver.stop()


def test_what_comes_while_it_is_out_waits_and_goes_on_by_itself(shop: Shop) -> None:
    shop.faults.set(AWAY)
    shop.driver.start()
    for key in keys(MANY):
        shop.place(key)
    until(lambda: len(shop.steps(StepStatus.RETRYING)) == MANY)
    until(lambda: shop.store.outages()[0].tries > 1)
    for key in keys(10):
        shop.place(f"LATE-{key}")
    until(lambda: sum(step.code == OUTAGE for step in shop.steps(StepStatus.RETRYING)) > MANY)
    late = [step for step in shop.steps() if "LATE" in step.case]
    assert {step.attempts for step in late} == {0}
    assert shop.events("LATE-SO-1")["step.waiting"] == 1
    shop.faults.set("")
    until(lambda: shop.done() == MANY + 10)
    until(lambda: not shop.store.outages())
    assert shop.steps(StepStatus.PARKED) == []
    assert all(effects == 1 for effects in Counter(line.effect for line in shop.book.lines()).values())
    assert shop.events("LATE-SO-1")["step.waiting"] == 1, "however often it was passed over"
