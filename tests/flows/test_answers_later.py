"""Steps whose provider takes a command on and says later, by event, how it ended."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from adapters.command import Later
from adapters.errors import Unavailable
from adapters.steering import Steering
from adapters.store.base import Store
from adapters.store.records import ANSWER, InboxStatus, Letter, Step, StepStatus
from flows.driver import Driver, Pace
from machines.kernel.command import Command
from machines.kernel.event import Event
from tests.toy import DEFINITION, Lent, ReminderSent

KEY = "loan/L-1/reminder.send/2"


class Printer:
    """Gives the answers it is told to give, then takes everything on for ``seconds``."""

    limit = 10

    def __init__(self, *answers: Event | Later | Exception, seconds: float = 3600.0) -> None:
        self.asked: list[str] = []
        self.answers = list(answers)
        self.promise = Later(seconds)
        self.busy = asyncio.Event()
        self.hangs = False

    async def perform(self, command: Command) -> Event | Later:
        self.asked.append(command.key)
        if self.hangs:
            await self.busy.wait()
        answer = self.answers.pop(0) if self.answers else self.promise
        if isinstance(answer, Exception):
            raise answer
        return answer


@contextmanager
def overdue(store: Store, printer: Printer) -> Iterator[None]:
    """A loan whose reminder is asked of ``printer`` at once."""

    def driver(ahead: timedelta) -> Driver:
        return Driver(
            store,
            {"loan": DEFINITION},
            {"reminder": printer},
            worker=f"w{ahead.days}",
            clock=lambda: datetime.now(UTC) + ahead,
            pace=Pace(lease=5.0, tick=0.05),
        )

    lent = Lent(book="Emma").to_json()
    store.receive(
        [Letter("test", "1", "loan.lent", "loan", "L-1", lent, datetime.now(UTC) - timedelta(2), opens=True)]
    )
    before = driver(timedelta(days=-2))
    before.start()
    until(lambda: bool(store.find_case(key="L-1")))
    before.stop()
    now = driver(timedelta())
    now.start()
    try:
        yield
    finally:
        now.stop()


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.01)


def step(store: Store) -> Step | None:
    return next(iter(store.steps(keys=(KEY,))), None)


def waits(store: Store) -> bool:
    return (found := step(store)) is not None and found.waits


def done(store: Store) -> bool:
    return (found := step(store)) is not None and found.status is StepStatus.DONE


def answer(store: Store, *, type: str = "reminder.sent", key: str = KEY) -> None:
    body = ReminderSent().to_json()
    store.receive([Letter(ANSWER, key, type, "loan", "L-1", body, datetime.now(UTC))])


def fate(store: Store, key: str = KEY) -> tuple[InboxStatus, str]:
    row = store.letter(source=ANSWER, id=key)
    assert row is not None
    return row.status, row.reason


def test_a_step_waits_for_its_answer_and_ends_by_it(store: Store) -> None:
    printer = Printer()
    with overdue(store, printer):
        until(lambda: waits(store))
        found = step(store)
        assert found is not None
        assert found.due is not None
        assert found.error == "the provider has it and will say by event how it ended"
        answer(store)
        until(lambda: done(store))
    assert printer.asked == [KEY]
    assert fate(store) == (InboxStatus.APPLIED, "")
    told = [entry.event for entry, _ in store.journal("loan/L-1")]
    assert told == ["loan.lent", "deadline.overdue", "step.waiting", "reminder.sent"]


def test_an_answer_for_a_case_on_hold_is_kept_until_it_is_resumed(store: Store) -> None:
    printer = Printer()
    steering = Steering(store, {"loan": DEFINITION}, clock=lambda: datetime.now(UTC), patience=30)

    def events() -> list[str]:
        return [f"{entry.event} {entry.disposition.value}" for entry, _ in store.journal("loan/L-1")]

    with overdue(store, printer):
        until(lambda: waits(store))
        assert steering.hold("L-1", who="ann", reason="flooded").held
        answer(store)
        until(lambda: "reminder.sent deferred" in events())
        assert done(store)
        assert steering.resume("L-1", who="ann", reason="dry again").held is False
        until(lambda: "reminder.sent handled" in events())
    assert printer.asked == [KEY]


def test_silence_makes_it_ask_again_under_the_same_key_and_parks_it_in_the_end(store: Store) -> None:
    printer = Printer(seconds=0.01)
    with overdue(store, printer):
        until(lambda: (found := step(store)) is not None and found.status is StepStatus.PARKED)
        found = step(store)
        assert found is not None
        assert (found.attempts, found.code) == (3, "answers-later")
        answer(store)  # better late than never
        until(lambda: done(store))
    assert printer.asked == [KEY] * 3


def test_failures_before_leave_the_provider_its_time(store: Store) -> None:
    with overdue(store, Printer(Unavailable("answered 503"), Unavailable("answered 503"))):
        until(lambda: waits(store))
        found = step(store)
        assert found is not None
        assert found.attempts == 3
        answer(store)
        until(lambda: done(store))


def test_a_step_goes_on_waiting_after_a_restart(store: Store) -> None:
    with overdue(store, Printer()):
        until(lambda: waits(store))
    printer = Printer()
    again = Driver(
        store,
        {"loan": DEFINITION},
        {"reminder": printer},
        worker="w-later",
        clock=lambda: datetime.now(UTC),
        pace=Pace(lease=5.0, tick=0.05),
    )
    again.start()
    try:
        answer(store)
        until(lambda: done(store))
    finally:
        again.stop()
    assert printer.asked == []


def test_an_answer_that_overtakes_the_first_one_counts_and_the_first_one_does_not(store: Store) -> None:
    printer = Printer()
    printer.hangs = True
    with overdue(store, printer):
        until(lambda: bool(printer.asked))
        answer(store)
        until(lambda: done(store))
        until(lambda: store.find_case(key="L-1")[0].state != "lent")
    assert [entry.event for entry, _ in store.journal("loan/L-1")][-1] == "reminder.sent"


def test_a_second_answer_changes_nothing(store: Store) -> None:
    printer = Printer(ReminderSent())
    with overdue(store, printer):
        until(lambda: done(store))
        answer(store)
        until(lambda: fate(store)[0] is InboxStatus.IGNORED)
    assert fate(store)[1] == "the step has ended before, as reminder.sent"
    assert sum(entry.event == "reminder.sent" for entry, _ in store.journal("loan/L-1")) == 1


@pytest.mark.parametrize(
    ("key", "type", "reason"),
    [
        ("loan/L-1/reminder.send/9", "reminder.sent", "there is no step loan/L-1/reminder.send/9"),
        (KEY, "loan.returned", "reminder.send cannot end in this loan.returned"),
    ],
)
def test_an_answer_that_does_not_fit_is_a_dead_letter_and_may_come_again(
    store: Store, key: str, type: str, reason: str
) -> None:
    with overdue(store, Printer()):
        until(lambda: waits(store))
        answer(store, key=key, type=type)
        until(lambda: fate(store, key)[0] is InboxStatus.DEAD)
        assert fate(store, key)[1] == reason
        answer(store)
        until(lambda: done(store))


def test_the_next_try_comes_no_earlier_than_the_provider_asks(store: Store) -> None:
    with overdue(store, Printer(Unavailable("answered 503", after=900))):
        until(lambda: (found := step(store)) is not None and found.due is not None)
        found = step(store)
        assert found is not None
        assert found.due is not None
        assert found.due > datetime.now(UTC) + timedelta(seconds=600)
