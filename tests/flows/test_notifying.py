"""Staff are told each thing once, many of a kind as one message, and again when nobody was reached."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from adapters.notices.posting import NotDelivered, Notice
from adapters.store.base import Store
from adapters.store.opening import open_store
from adapters.store.records import Changes, StepStatus
from flows import notifying
from flows.notifying import AGAIN, TRYING, Notifying, Places
from machines.kernel.case import Case
from tests.adapters.store.scenery import HYDRATE, NOW, announced, drive

QUIET = timedelta(minutes=15)
SILENCE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)


@pytest.fixture(params=("memory", "sqlite"))
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    url = "memory:" if request.param == "memory" else f"sqlite:///{tmp_path / 'cases.db'}"
    with closing(open_store(url, hydrate=HYDRATE)) as opened:
        opened.migrate()
        yield opened


class Desk:
    """Staff who read what comes, on a clock of the test's."""

    def __init__(self, store: Store) -> None:
        self.now = NOW
        self.read: list[Notice] = []
        self.away = False
        places = Places(prefect="http://prefect", web="http://web")
        self.telling = Notifying(
            store, self, places=places, quiet=QUIET, silence=SILENCE, clock=lambda: self.now
        )

    def __call__(self, notice: Notice) -> Sequence[str]:
        if self.away:
            raise NotDelivered("nobody reads")
        self.read.append(notice)
        return []

    def again(self) -> None:
        """Nobody is owed anything."""

    @property
    def titles(self) -> list[str]:
        return [notice.title for notice in self.read]


@pytest.fixture
def desk(store: Store) -> Desk:
    return Desk(store)


def park(store: Store, *keys: str, code: str = "unavailable", at: datetime = NOW, command: str = "") -> None:
    """Cases whose first command has failed for good."""

    def fail(changes: Changes, cases: dict[str, Case]) -> None:
        changes.steps = [
            replace(
                step,
                status=StepStatus.PARKED,
                command=command or step.command,
                attempts=3,
                code=code,
                error="label.print: provider answered 503",
                failed=at,
            )
            for step in changes.steps
        ]

    store.receive([announced(key) for key in keys])
    drive(store, change=fail, release=True)


def test_a_parked_step_is_told_once_in_plain_words(store: Store, desk: Desk) -> None:
    park(store, "P-1")
    assert [desk.telling.parked(), desk.telling.parked()] == [1, 0]
    desk.now += 10 * QUIET
    assert desk.telling.parked() == 0
    (notice,) = desk.read
    assert (notice.audience, notice.title) == ("oncall", "sop: P-1: label.print is parked")
    assert notice.body.splitlines() == [
        "parcel: label.print, P-1",
        "  provider answered 503 [unavailable]",
        "  What to do: http://web/runbook/unavailable",
        "They wait until somebody mends the cause and tries them again; the customers wait with them.",
        "Failed runs, each with Retry: http://prefect/runs?tag=attention:parked",
        "All that is broken: sop steps --failed",
    ]


def test_fifty_of_one_cause_are_one_message_and_more_of_them_wait_for_the_next(
    store: Store, desk: Desk
) -> None:
    park(store, *(f"P-{number:02}" for number in range(50)))
    desk.telling.parked()
    assert desk.titles == ["sop: 50 parked steps"]
    assert "P-00, P-01, P-02, P-03, P-04, P-05, P-06, P-07, P-08, P-09 and 40 more" in desk.read[0].body
    park(store, "Q-1", "Q-2")
    desk.now += QUIET - SECOND
    assert desk.telling.parked() == 0
    desk.now += SECOND
    desk.telling.parked()
    assert desk.titles[1:] == ["sop: 2 parked steps"]


def test_a_mass_of_one_cause_hides_no_other(
    store: Store, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifying, "_MOST_STEPS", 3)
    park(store, *(f"P-{number}" for number in range(9)), command="label.print")
    park(store, "Q-1", command="label.void")
    desk.telling.parked()
    assert desk.titles == ["sop: 4 parked steps of 2 causes"]
    park(store, "R-1", code="rejected", command="label.print")
    assert desk.telling.parked() == 1, "while six of the mass are still to be told"
    assert desk.titles[1:] == ["sop: R-1: label.print is parked"]


def test_many_causes_at_once_are_one_message_too(store: Store, desk: Desk) -> None:
    for number in range(13):
        park(store, f"P-{number}", command=f"label.print{number}")
    assert desk.telling.parked() == 1
    assert desk.titles == ["sop: 13 parked steps of 13 causes"]
    assert "and 3 steps of other causes" in desk.read[0].body


def test_a_lost_event_only_delays_the_message(store: Store, desk: Desk) -> None:
    park(store, "P-1", at=NOW)
    patience = timedelta(minutes=1)
    assert desk.telling.parked(patience=patience) == 0, "the event may be on its way"
    desk.now += patience
    assert desk.telling.parked(patience=patience) == 1


def test_what_reached_nobody_is_tried_again(store: Store, desk: Desk) -> None:
    park(store, "P-1")
    desk.away = True
    with pytest.raises(NotDelivered):
        desk.telling.parked()
    desk.away = False
    assert desk.telling.parked() == 0, "another process may be at it"
    desk.now += TRYING
    assert desk.telling.parked() == 1


def test_a_step_that_parks_again_is_told_again(store: Store, desk: Desk) -> None:
    park(store, "P-1")
    desk.telling.parked()
    (step,) = store.steps()
    store.requeue([step.key], now=NOW, who="ann", reason="mended")

    def fail(changes: Changes, cases: dict[str, Case]) -> None:
        changes.settled = [replace(step, attempts=4)]
        changes.letters.clear()
        changes.moved.clear()
        changes.entries.clear()

    drive(store, change=fail)
    desk.now += QUIET
    assert desk.telling.parked() == 1


def test_missing_workers_are_told_hourly_and_their_return_once(store: Store, desk: Desk) -> None:
    store.beat(worker="ann", now=NOW)
    assert desk.telling.no_worker() == 0
    desk.now += SILENCE + SECOND
    assert [desk.telling.no_worker(), desk.telling.no_worker()] == [1, 0]
    desk.now += AGAIN
    assert desk.telling.no_worker() == 1
    store.beat(worker="bea", now=desk.now)
    assert [desk.telling.no_worker(), desk.telling.no_worker()] == [1, 0]
    missing = "sop: no worker drives the cases"
    assert desk.titles == [missing, missing, "sop: a worker is back"]
    assert "No worker has been seen since 2026-11-02 09:00:00 UTC" in desk.read[0].body


def test_workers_stopped_in_good_order_are_missed_when_something_waits(store: Store, desk: Desk) -> None:
    assert desk.telling.no_worker() == 0
    store.receive([announced("P-1")])
    assert desk.telling.no_worker() == 1
    assert "1 events, 0 deadlines and 0 steps wait" in desk.read[0].body


def test_an_event_that_comes_twice_is_told_once_and_names_few_of_many(desk: Desk) -> None:
    keys = [f"C-{number:02}" for number in range(12)]

    def tell(event: str) -> int:
        return desk.telling.moved("breached", sop="complaint", cases=keys, count=400, event=event)

    assert [tell("e1"), tell("e1"), tell("e2")] == [1, 0, 1]
    assert desk.read[0].audience == "operations"
    assert desk.titles[0] == "sop: 400 x complaint: a clock is breached"
    assert "C-09 and 390 more" in desk.read[0].body
    desk.telling.moved("escalated", sop="complaint", cases=["C-1"], count=1, event="e3")
    assert desk.titles[-1] == "sop: complaint C-1: escalated"
    assert "http://prefect/runs?tag=case:C-1" in desk.read[-1].body


def test_an_event_whose_message_reached_nobody_may_be_tried_at_once(desk: Desk) -> None:
    desk.away = True
    with pytest.raises(NotDelivered):
        desk.telling.moved("breached", sop="complaint", cases=["C-1"], count=1, event="e1")
    desk.away = False
    assert desk.telling.moved("breached", sop="complaint", cases=["C-1"], count=1, event="e1") == 1
