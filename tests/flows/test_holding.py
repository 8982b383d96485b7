"""A case on hold in the drive loop: nothing is started and nothing is lost, whoever leases it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from adapters.errors import Unavailable
from adapters.steering import CannotSteer, Steering
from adapters.store.base import Store
from adapters.store.records import InboxStatus, StepStatus
from tests.flows.lending import Reminders, StartDriver, letter, state, until
from tests.toy import DEFINITION

START = timedelta(hours=-25)
ANN = {"who": "ann", "reason": "the library is flooded"}


@pytest.fixture
def steering(store: Store) -> Steering:
    return Steering(store, {"loan": DEFINITION}, clock=lambda: datetime.now(UTC), patience=30)


def events(store: Store) -> list[str]:
    return [f"{entry.event} {entry.disposition.value}" for entry, _ in store.journal("loan/L-1")]


def test_held_it_misses_its_deadline_and_keeps_what_comes(
    store: Store, start: StartDriver, steering: Steering
) -> None:
    first = start("w-1", ahead=START)
    store.receive([letter("loan.lent", "L-1")])
    until(lambda: state(store, "L-1") == "lent")
    became = steering.hold("L-1", **ANN)
    assert (became.status, became.held, became.title) == (InboxStatus.APPLIED, True, "Lent")
    first.stop()
    start("w-2")  # the deadline came an hour ago, by this worker's clock
    store.receive([letter("loan.returned", "L-1")])
    until(lambda: store.summary()["inbox"].get("deferred") == 1)
    assert state(store, "L-1") == "lent"
    assert store.case_timers("loan/L-1") == []
    assert steering.resume("L-1", **ANN).held is False
    until(lambda: state(store, "L-1") == "back")
    assert events(store) == [
        "loan.lent handled",
        "staff.hold handled",
        "loan.returned deferred",
        "staff.resume handled",
        "loan.returned handled",
    ]


def test_a_command_under_way_ends_and_its_outcome_is_kept(
    store: Store, start: StartDriver, steering: Steering, reminders: Reminders
) -> None:
    reminders.slow["L-1"] = 3.0
    start("w-1", ahead=START).stop()
    store.receive([letter("loan.lent", "L-1")])
    late = start("w-2", ahead=START)
    until(lambda: state(store, "L-1") == "lent")
    late.stop()
    start("w-3")
    until(lambda: bool(reminders.asked))
    assert steering.hold("L-1", **ANN).held
    until(lambda: store.summary()["inbox"].get("deferred") == 1)
    (step,) = store.steps(case="loan/L-1")
    assert (step.status, step.outcome) == (StepStatus.DONE, "reminder.sent")
    assert steering.resume("L-1", **ANN).held is False
    until(lambda: "reminder.sent handled" in events(store))
    assert reminders.asked == [step.key]


def test_a_command_that_would_be_tried_again_is_not_until_it_is_resumed(
    store: Store, start: StartDriver, steering: Steering, reminders: Reminders
) -> None:
    reminders.slow["L-1"] = 2.0
    reminders.faults["L-1"] = [Unavailable("503 from the post office")]
    first = start("w-1", ahead=START)
    store.receive([letter("loan.lent", "L-1")])
    until(lambda: state(store, "L-1") == "lent")
    first.stop()
    start("w-2")
    until(lambda: bool(reminders.asked))
    assert steering.hold("L-1", **ANN).held
    until(lambda: store.summary()["steps"].get("held") == 1)
    assert len(reminders.asked) == 1
    reminders.slow.clear()
    steering.resume("L-1", **ANN)
    until(lambda: store.summary()["steps"].get("done") == 1)
    assert len(set(reminders.asked)) == 1


def test_what_cannot_be_asked_of_a_case_says_why(
    store: Store, start: StartDriver, steering: Steering
) -> None:
    start("w-1")
    store.receive([letter("loan.lent", "L-1")])
    until(lambda: state(store, "L-1") == "lent")
    with pytest.raises(CannotSteer, match="no case 'L-9'"):
        steering.hold("L-9", **ANN)
    with pytest.raises(CannotSteer, match="reason: String should have at least 1 character"):
        steering.hold("L-1", who="ann", reason=" ")
    with pytest.raises(CannotSteer, match="a loan cannot be cancelled by itself"):
        steering.cancel("L-1", **ANN)
    refused = steering.resume("L-1", **ANN)
    assert (refused.refused, refused.reason) == (True, "it is not on hold")


def test_without_a_worker_it_waits(store: Store, start: StartDriver) -> None:
    worker = start("w-1")
    store.receive([letter("loan.lent", "L-1")])
    until(lambda: state(store, "L-1") == "lent")
    worker.stop()
    impatient = Steering(store, {"loan": DEFINITION}, clock=lambda: datetime.now(UTC), patience=0)
    assert impatient.note("L-1", who="ann", text="call first").waiting
    start("w-2")
    until(lambda: "staff.note handled" in events(store))
