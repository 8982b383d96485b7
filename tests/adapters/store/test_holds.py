"""Cases on hold in every store: kept as they were written, listed, and let go of with all that waited."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from adapters.store.base import Store
from adapters.store.records import Changes, StepStatus
from machines.kernel.case import Case
from machines.kernel.hold import Hold, Waiting
from tests.adapters.store.scenery import DAY, NOW, SOON, add_move, announced, drive, open_parcels, peek

HOLD = Hold(
    since=NOW,
    who="ann",
    reason="the carrier strikes – «wait»",
    waiting=(
        Waiting(name="reply", due=SOON, set_at=NOW, left=timedelta(hours=1, microseconds=7), working=True),
        Waiting(name="promised", due=NOW + DAY, set_at=NOW),
    ),
)


def change_to(store: Store, case: Case, *, release: bool = False, **values: Any) -> Case:
    """One round, after which the case has these values."""

    def change(changes: Changes, cases: dict[str, Case]) -> None:
        after = replace(add_move(changes, case), **values)
        changes.moved[case.id] = (after, case.seq)
        changes.released |= {case.id} if release else set()
        if values.get("hold", ...) is None:
            changes.resumed.add(case.id)
        cases[case.id] = after

    return drive(store, held={case.id: case}, change=change)[case.id]


def parcel(store: Store, key: str = "A") -> Case:
    return open_parcels(store, [key])[f"parcel/{key}"]


def test_a_hold_and_an_assignee_come_back_as_they_were_written(store: Store) -> None:
    after = change_to(store, parcel(store), hold=HOLD, assignee="m.hill")
    (found,) = store.find_case(key="A")
    assert (found.hold, found.assignee) == (HOLD, "m.hill")
    assert found == replace(after, timers=found.timers)


def test_held_cases_are_listed_with_who_and_why(store: Store) -> None:
    change_to(store, parcel(store, "A"), hold=HOLD)
    parcel(store, "B")
    (row,) = store.cases(held_only=True)
    assert (row.key, row.hold) == ("A", HOLD)
    assert {row.key: row.hold is None for row in store.cases()} == {"A": False, "B": True}


def test_a_case_resumed_is_held_no_more(store: Store) -> None:
    held = change_to(store, parcel(store), hold=HOLD)
    open_again = change_to(store, held, hold=None)
    assert open_again.hold is None
    assert not store.cases(held_only=True)


def test_cases_are_listed_by_who_looks_after_them(store: Store) -> None:
    change_to(store, parcel(store, "A"), assignee="m.hill")
    parcel(store, "B")
    assert [row.key for row in store.cases(assignee="m.hill")] == ["A"]


def test_a_held_step_is_due_for_nobody_until_its_case_is_resumed(store: Store) -> None:
    case = parcel(store)
    (step,) = store.steps(case=case.id)

    def set_aside(changes: Changes, cases: dict[str, Case]) -> None:
        changes.settled.append(replace(step, status=StepStatus.HELD, due=NOW, error="timed out", attempts=2))

    drive(store, held={case.id: case}, change=set_aside)
    held = change_to(store, case, hold=HOLD)
    assert not peek(store, worker="ann", held=[case.id], now=NOW + DAY).steps
    assert store.next_due() is None
    assert store.backlog(NOW + DAY).overdue_steps == 0
    change_to(store, held, hold=None, release=True)
    (again,) = peek(store, worker="bob", now=NOW + DAY).steps
    assert (again.status, again.due, again.attempts) == (StepStatus.PENDING, NOW, 2)


def test_the_cases_that_one_has_opened_are_found(store: Store) -> None:
    parcel(store, "A")
    store.receive([replace(announced("B"), parent="parcel/A")])

    def adopt(changes: Changes, cases: dict[str, Case]) -> None:
        changes.opened["parcel/B"] = replace(changes.opened["parcel/B"], parent="parcel/A")

    drive(store, change=adopt)
    assert [row.id for row in store.cases(parent="parcel/A")] == ["parcel/B"]
