"""Staff mend a step of a case on hold, or one whose provider answers later: nothing of it is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from adapters.command import Adapter, Inquiry, Later
from adapters.errors import Rejected
from adapters.steering import Steering
from adapters.store.base import Store
from adapters.store.records import ANSWER, RETRY, Letter, Step, StepStatus
from adapters.store.recovering import staff_letter
from flows.driver import Driver
from flows.oncall import OnCall
from machines.kernel.command import Command
from machines.kernel.event import Event
from tests.flows.lending import PACE, letter, until
from tests.toy import DEFINITION, Reminder, ReminderSent

ANN = {"who": "ann", "reason": "the post office called"}


class Refusing:
    """Refuses every command."""

    limit = 10

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def perform(self, command: Command) -> Event | Later:
        self.asked.append(command.key)
        raise Rejected("no such address")


class Slow(Refusing):
    """Can be asked what became of a command, and takes its time to say that nothing did."""

    def __init__(self) -> None:
        super().__init__()
        self.looked_up: list[str] = []
        self.may_answer = False

    async def look_up(self, command: Command) -> Event | None:
        self.looked_up.append(command.key)
        while not self.may_answer:  # noqa: ASYNC110 - set by another thread
            await asyncio.sleep(0.01)
        return None


@pytest.fixture
def steering(store: Store) -> Steering:
    return Steering(store, {"loan": DEFINITION}, clock=lambda: datetime.now(UTC), patience=30)


@pytest.fixture
def on_call(store: Store) -> OnCall:
    return OnCall(store, {"loan": DEFINITION}, clock=lambda: datetime.now(UTC))


def later(by: timedelta) -> datetime:
    return datetime.now(UTC) + by


@contextmanager
def parked(store: Store, adapter: Adapter) -> Iterator[None]:
    """While a worker runs: a loan whose reminder is parked."""
    store.receive([letter("loan.lent", "L-1")])
    for worker, ahead in (("w-1", timedelta(hours=-25)), ("w-2", timedelta())):
        driver = Driver(
            store,
            {"loan": DEFINITION},
            {"reminder": adapter},
            worker=worker,
            clock=partial(later, ahead),
            pace=PACE,
        )
        driver.start()
        try:
            if ahead:
                until(lambda: bool(store.find_case(key="L-1")))
            else:
                until(lambda: bool(store.steps(status=(StepStatus.PARKED,))))
                yield
        finally:
            driver.stop()


def step(store: Store) -> Step:
    (found,) = store.steps(case="loan/L-1")
    return found


def events(store: Store) -> list[str]:
    return [f"{entry.event} {entry.disposition.value}" for entry, _ in store.journal("loan/L-1")]


def test_skipped_while_on_hold_it_ends_when_the_case_is_resumed(
    store: Store, steering: Steering, on_call: OnCall
) -> None:
    adapter = Refusing()
    with parked(store, adapter):
        assert steering.hold("L-1", **ANN).held
        on_call.skip("L-1", outcome="reminder.sent", data={}, **ANN)
        until(lambda: step(store).status is StepStatus.HELD)
        assert "reminder.sent handled" not in events(store)
        assert steering.resume("L-1", **ANN).held is False
        until(lambda: step(store).status is StepStatus.SKIPPED)
        assert events(store)[-4:] == [
            "staff.hold handled",
            "staff.skip handled",
            "staff.resume handled",
            "reminder.sent handled",
        ]
    assert len(adapter.asked) == 1


def test_put_on_hold_while_the_provider_is_asked_the_given_outcome_is_kept(
    store: Store, steering: Steering, on_call: OnCall
) -> None:
    adapter = Slow()
    with parked(store, adapter):
        on_call.skip("L-1", outcome="reminder.sent", data={}, **ANN)
        until(lambda: bool(adapter.looked_up))
        assert steering.hold("L-1", **ANN).held
        adapter.may_answer = True
        until(lambda: "reminder.sent deferred" in events(store))
        assert step(store).status is StepStatus.SKIPPED
        assert steering.resume("L-1", **ANN).held is False
        until(lambda: "reminder.sent handled" in events(store))
    assert len(adapter.asked) == 1


def test_what_cannot_be_looked_up_is_not_asked_again_changed_and_may_still_be_answered(
    store: Store,
) -> None:
    adapter = Refusing()
    assert not isinstance(adapter, Inquiry)
    with parked(store, adapter):
        before, now = step(store), datetime.now(UTC)
        changed = replace(
            before, arguments=Reminder(book="Persuasion").to_json(), earlier=(before.arguments,)
        )
        note = staff_letter(RETRY, before.key, before.case, now=now, told=ANN)
        assert store.amend(changed, now=now, letter=note)
        until(lambda: step(store).code == "uncertain")
        assert step(store).status is StepStatus.PARKED
        assert step(store).request_key == f"{before.key}~1"
        said = ReminderSent()
        store.receive([Letter(ANSWER, before.key, said.type, "loan", "L-1", said.to_json(), now)])
        until(lambda: step(store).status is StepStatus.DONE)
        assert events(store)[-1] == "reminder.sent handled"
    assert adapter.asked == [before.key]
