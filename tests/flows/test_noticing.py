"""What a worker makes of how tries end, told to it one by one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from adapters.errors import CommandFailed, Unavailable
from adapters.store.base import Store
from adapters.store.opening import open_store
from adapters.store.outage import Outage, Phase
from adapters.store.records import Step, StepStatus
from flows.breaker import Caution
from flows.outages import Outages
from flows.performing import Errand, Result
from machines.kernel.command import Command
from tests.toy import Reminder, ReminderSent

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
REMINDER = "reminder.send"
AWAY = Unavailable("503 from the post office")


def step(number: int = 1, *, status: StepStatus = StepStatus.RUNNING, code: str | None = None) -> Step:
    case = f"loan/L-{number}"
    return Step(f"{case}/{REMINDER}/2", case, REMINDER, b"{}", status, issued=NOW, code=code)


@dataclass
class Worker:
    """Looks at the store whenever it is told to."""

    store: Store
    outages: Outages = field(init=False)

    def __post_init__(self) -> None:
        self.outages = Outages(
            self.store, caution=Caution(turn=0), clock=lambda: NOW, look=0, told=lambda outage, over: None
        )

    def hears(self, failure: CommandFailed | None, *, number: int = 1, trial: int | None = None) -> None:
        command = Command(REMINDER, step(number).key, Reminder(book="Emma"))
        outcome = None if failure else ReminderSent()
        errand = Errand(step(number), command, timeout=5, trial=trial)
        self.outages.heard(Result(errand, NOW, NOW, outcome, failure))

    def tends(self) -> Phase | None:
        self.outages.tend()
        known = self.outages.known.get(REMINDER)
        return known.phase if known else None


@pytest.fixture
def store() -> Store:
    store = open_store("memory:", hydrate={})
    store.migrate()
    return store


Known = Callable[[Phase], Worker]


@pytest.fixture
def known(store: Store) -> Known:
    """A worker that knows of an outage in this phase."""

    def begin(phase: Phase) -> Worker:
        store.change_outage(None, Outage(REMINDER, phase, NOW, NOW, due=NOW + DAY, halted="by hand"), now=NOW)
        worker = Worker(store)
        worker.outages.known = {outage.command: outage for outage in store.outages()}
        return worker

    return begin


def test_what_was_left_to_staff_holds_nothing_back(known: Known) -> None:
    assert known(Phase.LEFT).outages.waits(step(), under_way=2_000) is None


def test_what_was_under_way_when_it_went_out_is_no_new_row_of_failures(known: Known) -> None:
    worker = known(Phase.OUT)
    assert worker.tends() is Phase.OUT
    for number in range(8):
        worker.hears(AWAY, number=number)
    (out,) = worker.store.outages()
    worker.store.change_outage(out, replace(out, phase=Phase.RESUMING), now=NOW)
    worker.tends()
    worker.hears(AWAY)
    assert worker.tends() is not Phase.OUT
