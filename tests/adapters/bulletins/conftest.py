"""A house in memory whose parcels move, and whose subscribers are told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest

from adapters.bulletins.patience import Pace
from adapters.bulletins.secrets import Secrets
from adapters.bulletins.subscribing import Subscribing
from adapters.master_key import MasterKeys
from adapters.store.base import Store
from adapters.store.bulletins import Subscription
from adapters.store.memory import MemoryStore
from deployments.settings import Settings
from deployments.telling import telling_subscribers
from tests.adapters.bulletins.receiver import Receiver
from tests.adapters.store.scenery import HYDRATE, announced, drive, scanned
from tests.adapters.store.test_bulletins import tell
from tests.conftest_prefect import eventually

PACE = Pace(
    look=0.01, idle=0.01, tidy=0.02, timeout=5, first=0.02, growth=1.5, longest=0.1, at_once=4, batch=16
)


class House:
    """``ahead`` is how far its clock is ahead of ours."""

    def __init__(self, stack: ExitStack, store: Store) -> None:
        self._stack = stack
        self.store = store
        self.ahead = timedelta()
        self.secrets = Secrets(MasterKeys(bytes(32)))
        self.desk = Subscribing(store.bulletins, sops={"parcel"}, clock=self.clock, secrets=self.secrets)
        self._moves = 0

    def clock(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def receiver(self, name: str, receiver: Receiver | None = None, **chosen: list[str]) -> Receiver:
        """A receiver that has subscribed and serves."""
        receiver = receiver or Receiver()
        self._stack.enter_context(receiver.serving())
        receiver.secret = self.desk.subscribe(receiver.url, name=name, **chosen).secret
        return receiver

    def send(self, worker: str = "ann", *, pace: Pace = PACE) -> ExitStack:
        """Tell subscribers until the stack closes, which it does at the end of the test at the latest."""
        self.store.beat(worker=worker, now=self.clock())
        sending = self._stack.enter_context(ExitStack())
        sending.enter_context(
            telling_subscribers(
                self.store.bulletins,
                settings=Settings(),
                secrets=self.secrets,
                worker=lambda: worker,
                clock=self.clock,
                pace=pace,
            )
        )
        return sending

    def move(self, keys: str, *, times: int = 1) -> None:
        """Each parcel once more, ``times`` over; those that are new are announced first."""
        for _ in range(times):
            self._moves += 1
            self.store.receive([announced(key) for key in keys])
            self.store.receive([scanned(key, id=f"{key}-{self._moves}") for key in keys])
            drive(self.store, release=True, now=self.clock())

    def subscription(self, name: str) -> Subscription:
        return self.desk.find(name)

    def settles(self, name: str) -> None:
        """Wait until it has been told everything."""
        eventually(lambda: not self.store.bulletins.waiting(self.subscription(name)).count, seconds=60)


@pytest.fixture
def house() -> Iterator[House]:
    with ExitStack() as stack:
        yield House(stack, MemoryStore(hydrate=HYDRATE, tells=tell))
