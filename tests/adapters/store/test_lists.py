"""What people are shown: cases, steps, and how much waits."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import event

from adapters.store.base import Store
from adapters.store.opening import open_store
from adapters.store.records import Backlog, Changes, InboxStatus, Live, OpenSteps, Step, StepStatus
from adapters.store.sqlite import SqliteStore
from machines.kernel.case import Case
from tests.adapters.store.scenery import (
    DAY,
    NOW,
    SOON,
    announced,
    drive,
    entry,
    moved,
    open_parcels,
    scanned,
    set_timer,
)

ERRORS = {"A": "no answer from DHL", "B": "100%_refused", "C": "No answer", "D": None}


def failed(changes: Changes, cases: dict[str, Case]) -> None:
    changes.steps = [
        replace(step, status=StepStatus.PARKED, error=ERRORS[step.case[-1]]) for step in changes.steps
    ]


def cases_of(steps: list[Step]) -> str:
    return "".join(step.case.removeprefix("parcel/") for step in steps)


@pytest.mark.parametrize(
    ("part", "found"),
    [
        *(("answer", "AC"), ("no answer", "A"), ("0%_r", "B"), ("%", "B"), ("_", "B"), ("DHL", "A")),
        *((None, "ABCD"), ("nothing like it", "")),
    ],
)
def test_steps_are_found_by_a_part_of_their_error(store: Store, part: str | None, found: str) -> None:
    store.receive([announced(key) for key in ERRORS])
    drive(store, change=failed)
    assert cases_of(store.steps(error=part)) == found
    assert cases_of(store.steps(error=part, status=[StepStatus.PARKED])) == found


def test_steps_are_found_by_the_key_of_their_case(store: Store) -> None:
    open_parcels(store, ["A", "AA", "A/1"])
    assert cases_of(store.steps(key_of_case="A")) == "A"
    assert cases_of(store.steps(key_of_case="A/1", command="label.print")) == "A/1"
    assert store.steps(key_of_case="1") == []


def test_the_case_that_changed_last_comes_first(store: Store) -> None:
    held = open_parcels(store, "ABC")
    changes = Changes()
    for key, minutes in (("B", 2), ("A", 1)):
        after = moved(held[f"parcel/{key}"])
        changes.moved[after.id] = (after, 1)
        changes.entries.append((after.id, entry(2, "e", at=NOW + timedelta(minutes=minutes))))
    with store.round(worker="ann") as current:
        current.write(changes)
    assert [row.key for row in store.cases()] == ["B", "A", "C"]
    assert [row.key for row in store.cases(limit=1)] == ["B"]


def test_workers_are_listed_until_they_leave_or_are_recovered(store: Store) -> None:
    for name in ("bob", "ann", "eve"):
        store.beat(worker=name, now=NOW)
    store.probe()
    assert [name for name, _ in store.workers()] == ["ann", "bob", "eve"]
    store.leave(worker="bob", now=NOW)
    assert [name for name, _ in store.workers()] == ["ann", "eve"]


def test_the_backlog_of_an_empty_store(store: Store) -> None:
    assert store.backlog(NOW) == Backlog(0, None, 0, 0, 0, 0, 0, [])


def test_the_backlog_counts_what_waits(store: Store) -> None:
    def work(changes: Changes, cases: dict[str, Case]) -> None:
        kinds = [(StepStatus.PARKED, None), (StepStatus.RETRYING, NOW), (StepStatus.RETRYING, SOON)]
        changes.steps = [
            replace(step, status=status, due=due)
            for step, (status, due) in zip(changes.steps, kinds, strict=True)
        ]
        set_timer("pick", NOW)(changes, cases)
        set_timer("urge", NOW + DAY)(changes, cases)
        changes.letters.append((number, InboxStatus.DEAD, "lost"))

    (dead,) = store.receive([replace(scanned("dead"), sop="parcel")])
    number = dead.number
    drive(store)
    store.receive([announced(key) for key in "ABC"])
    drive(store, change=work)
    store.receive([scanned("nobody")])
    drive(store, worker="bob")
    store.receive([replace(scanned("A"), received=SOON), replace(scanned("B"), received=NOW)])
    backlog = store.backlog(NOW)
    assert [name for name, _ in backlog.workers] == ["ann", "bob"]
    assert all(heartbeat.tzinfo for _, heartbeat in backlog.workers)
    assert backlog.leases == {"ann": 3}
    assert replace(backlog, workers=[], leases={}) == Backlog(
        new=2, oldest=NOW, unmatched=1, dead=1, overdue_timers=3, overdue_steps=1, parked=1, workers=[]
    )


def test_cases_are_counted_by_what_they_run_on(store: Store) -> None:
    def spread(changes: Changes, cases: dict[str, Case]) -> None:
        a, b, c, d = (changes.opened[f"parcel/{key}"] for key in "ABCD")
        later = replace(b, version=2), replace(c, hash="other"), replace(d, hash="other")
        changes.opened = {case.id: case for case in (a, *later)}
        changes.ended.add("parcel/D")

    store.receive([announced(key) for key in "ABCD"])
    drive(store, change=spread)
    assert store.live() == [
        Live("parcel", 1, "hash", 1, 0),
        Live("parcel", 1, "other", 1, 1),
        Live("parcel", 2, "hash", 1, 0),
    ]


def test_open_steps_are_counted_by_what_they_wait_for(store: Store) -> None:
    statuses = {
        "A": StepStatus.PARKED,
        "B": StepStatus.PARKED,
        "C": StepStatus.RETRYING,
        "E": StepStatus.DONE,
    }

    def work(changes: Changes, cases: dict[str, Case]) -> None:
        changes.steps = [
            replace(
                step, status=statuses.get(step.case[-1], StepStatus.RUNNING), code=ERRORS.get(step.case[-1])
            )
            for step in changes.steps
        ]

    store.receive([announced(key) for key in "ABCDE"])
    drive(store, change=work)
    assert store.open_steps() == [
        OpenSteps("parcel", StepStatus.PARKED, "label.print", "100%_refused", 1),
        OpenSteps("parcel", StepStatus.PARKED, "label.print", "no answer from DHL", 1),
        OpenSteps("parcel", StepStatus.RETRYING, "label.print", "No answer", 1),
        OpenSteps("parcel", StepStatus.RUNNING, "label.print", "", 1),
    ]


def test_counting_open_steps_looks_at_no_step_that_has_ended(tmp_path: Path) -> None:
    with closing(open_store(f"sqlite:///{tmp_path}/cases.db", hydrate={})) as store:
        store.migrate()
        assert isinstance(store, SqliteStore)
        seen: list[str] = []
        event.listen(store._engine, "before_cursor_execute", lambda *called: seen.append(called[2]))
        store.open_steps()
        with closing(sqlite3.connect(tmp_path / "cases.db")) as connection:
            seen = [statement for statement in seen if statement.startswith("SELECT")]
            for statement in seen:
                values = ["held"] * statement.count("?")
                plan = connection.execute(f"EXPLAIN QUERY PLAN {statement}", values).fetchall()
                assert not any(re.fullmatch("SCAN (steps|cases)", step[3]) for step in plan), plan
    assert len(seen) == 4
