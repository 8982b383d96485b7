"""A library at work: events for the loans of `tests.toy`, an adapter that fails, hangs and answers as told,
and a drive loop for both."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from adapters.store.base import Store
from adapters.store.records import Letter
from flows.breaker import Caution
from flows.driver import Driver, Pace
from machines.kernel.command import Command
from machines.kernel.event import Event
from tests.toy import DEFINITION, EVENTS, ReminderSent

PACE = Pace(lease=1.0, tick=0.05)

StartDriver = Callable[..., Driver]


class Reminders:
    """Answers, fails or hangs by the key of the case, and counts what it was asked."""

    limit = 100

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.faults: dict[str, list[BaseException]] = {}
        self.slow: dict[str, float] = {}

    async def perform(self, command: Command) -> Event:
        self.asked.append(command.key)
        case = command.key.split("/")[1]
        await asyncio.sleep(self.slow.get(case, 0))
        if self.faults.get(case):
            raise self.faults[case].pop(0)
        return ReminderSent()


def drive(
    store: Store,
    reminders: Reminders,
    *,
    worker: str = "w-1",
    ahead: timedelta = timedelta(0),
    caution: Caution | None = None,
) -> Driver:
    """Started, and to be stopped by the caller."""
    driver = Driver(
        store,
        {"loan": DEFINITION},
        {"reminder": reminders},
        worker=worker,
        clock=lambda: datetime.now(UTC) + ahead,
        pace=PACE,
        caution=caution,
    )
    driver.start()
    return driver


def letter(kind: str, key: str, *, n: int = 1, body: bytes | None = None) -> Letter:
    event = EVENTS[kind]
    content = event.model_dump_json().encode() if body is None else body
    return Letter(
        "test", f"{kind}/{key}/{n}", kind, "loan", key, content, datetime.now(UTC), opens=event.opens
    )


def until(condition: Callable[[], bool], *, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.01)


def state(store: Store, key: str) -> str:
    found = store.find_case(key=key)
    return found[0].state if found else ""


def lend_overdue(store: Store, *keys: str) -> None:
    """Lend each; with a clock a day ahead the drive loop finds them overdue at once."""
    store.receive([letter("loan.lent", key) for key in keys])
