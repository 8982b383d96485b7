"""What a worker makes of how tries end, told to it one by one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from adapters.errors import CommandFailed, OwnFault, Rejected, Unavailable, Uncertain
from adapters.store.base import Store
from adapters.store.opening import open_store
from adapters.store.outage import Outage, Phase
from adapters.store.records import Step, StepStatus
from flows.breaker import Caution
from flows.deciding import CROWD
from flows.draft import Draft
from flows.outages import Outages
from flows.performing import Errand, Result
from machines.kernel.command import Command
from machines.kernel.decide import open_case
from tests.toy import DEFINITION, Reminder, ReminderSent

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
REMINDER = "reminder.send"
AWAY = Unavailable("503 from the post office")


def step(number: int = 1, *, status: StepStatus = StepStatus.RUNNING, code: str | None = None) -> Step:
    case = f"loan/L-{number}"
    arguments = Reminder(book="Emma").to_json()
    return Step(f"{case}/{REMINDER}/2", case, REMINDER, arguments, status, issued=NOW, code=code)


@dataclass
class Worker:
    """Looks at the store whenever it is told to."""

    store: Store
    outages: Outages = field(init=False)

    def __post_init__(self) -> None:
        self.outages = Outages(
            self.store.outages,
            caution=Caution(turn=0),
            clock=lambda: NOW,
            look=0,
            told=lambda outage, over: None,
        )

    def passes(self, step: Step) -> bool:
        """Whether the step, which has come up, is sent although its command is out."""
        return self.outages.waits(step, under_way=0) is None

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
        store.outages.change(
            None, Outage(REMINDER, phase, NOW, NOW, due=NOW + DAY, halted="by hand"), now=NOW
        )
        worker = Worker(store)
        worker.outages.known = {outage.command: outage for outage in store.outages.known()}
        return worker

    return begin


@pytest.mark.parametrize("failure", [None, Rejected("no such address")])
def test_an_outcome_and_a_refusal_are_answers(known: Known, failure: CommandFailed | None) -> None:
    worker = known(Phase.OUT)
    worker.hears(failure, trial=0)
    assert worker.tends() is Phase.RESUMING


@pytest.mark.parametrize("failure", [Uncertain("it cannot be asked"), OwnFault("the adapter failed")])
def test_what_says_nothing_of_the_provider_is_no_answer_and_no_failure(
    known: Known, failure: CommandFailed
) -> None:
    worker = known(Phase.OUT)
    worker.hears(failure, trial=0)
    assert worker.tends() is Phase.OUT
    assert worker.outages.known[REMINDER].tries == 0
    worker.hears(None, trial=0)
    assert worker.tends() is Phase.RESUMING


def test_what_says_nothing_of_the_provider_ends_no_row_of_failures(store: Store) -> None:
    worker = Worker(store)
    for number in range(5):
        worker.hears(AWAY, number=number)
        worker.hears(OwnFault("the adapter failed"), number=number)
    assert worker.tends() is Phase.OUT


def test_a_retry_that_waited_before_a_crowd_is_no_probe(known: Known) -> None:
    worker = known(Phase.OUT)
    retry = step(status=StepStatus.RETRYING, code="unavailable")
    case = open_case(DEFINITION, key="L-1", parent=None)
    draft = Draft({"loan": DEFINITION}, NOW, {case.id: case}, {}, crowd=Counter(reminder=CROWD))
    draft.apply(retry)
    (waiting,) = draft.changes.settled
    assert not worker.passes(waiting)
    assert worker.passes(replace(waiting, status=StepStatus.PENDING)), "somebody released it"


def test_what_was_left_to_staff_holds_nothing_back(known: Known) -> None:
    assert known(Phase.LEFT).outages.waits(step(), under_way=2_000) is None


def test_what_was_under_way_when_it_went_out_is_no_new_row_of_failures(known: Known) -> None:
    worker = known(Phase.OUT)
    assert worker.tends() is Phase.OUT
    for number in range(8):
        worker.hears(AWAY, number=number)
    (out,) = worker.store.outages.known()
    worker.store.outages.change(out, replace(out, phase=Phase.RESUMING), now=NOW)
    worker.tends()
    worker.hears(AWAY)
    assert worker.tends() is not Phase.OUT
