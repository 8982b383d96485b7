"""What on-call staff do to steps: once, together with what is journalled, and only while they are parked."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from adapters.store.base import Store
from adapters.store.records import RETRY, InboxStatus, Step, StepFilter, StepStatus
from adapters.store.recovering import staff_letter
from tests.adapters.store.scenery import NOW, SOON, drive, open_parcels, peek


def park(store: Store, key: str, *, code: str = "unavailable", failed: int = 0) -> Step:
    """The step of a new parcel, parked ``failed`` minutes after now."""
    (case,) = open_parcels(store, [key]).values()
    (step,) = store.steps(case=case.id)
    parked = replace(
        step,
        status=StepStatus.PARKED,
        attempts=3,
        error=f"label.print: {code}",
        code=code,
        failed=NOW + timedelta(minutes=failed),
    )
    drive(store, held={}, change=lambda changes, cases: changes.settled.append(parked))
    store.leave(worker="ann", now=NOW)
    return parked


def test_an_amended_step_is_due_with_what_staff_gave_and_leaves_its_letter(store: Store) -> None:
    step = park(store, "A")
    assert store.steps(case="parcel/A") == [step]
    given = replace(
        step, arguments=b'{"copies":2}', earlier=(step.arguments,), presumed=b'{"type":"x","data":{}}'
    )
    letter = staff_letter(RETRY, step.key, step.case, now=SOON, told={"who": "J. Berg", "reason": "two"})
    assert store.amend(given, now=SOON, letter=letter)
    expected = replace(given, status=StepStatus.PENDING, due=SOON)
    assert store.steps(case="parcel/A") == [expected]
    assert expected.request_key == f"{step.key}~1"
    taken = peek(store, worker="bob", now=SOON)
    assert list(taken.steps) == [expected]
    assert [row.letter for row in taken.letters] == [letter]


def test_whoever_comes_second_changes_nothing(store: Store) -> None:
    step = park(store, "A")
    letter = staff_letter(RETRY, step.key, step.case, now=NOW, told={"who": "A", "reason": "x"})
    other = staff_letter(RETRY, step.key, step.case, now=SOON, told={"who": "B", "reason": "y"})
    assert not store.amend(replace(step, attempts=2), now=NOW, letter=letter), "tried once more meanwhile"
    assert store.amend(step, now=NOW, letter=letter)
    assert not store.amend(replace(step, arguments=b"{}"), now=SOON, letter=other)
    assert store.steps(case="parcel/A")[0].arguments == step.arguments
    assert [row.letter for row in store.inbox(status=(InboxStatus.NEW,))] == [letter]


def test_what_staff_gave_outlasts_a_round_that_knew_the_step_as_it_was(store: Store) -> None:
    step = park(store, "A")
    given = replace(step, arguments=b'{"copies":2}', earlier=(step.arguments,))
    letter = staff_letter(RETRY, step.key, step.case, now=NOW, told={"who": "A", "reason": "two"})
    assert store.amend(given, now=NOW, letter=letter)
    done = step.done("label.printed", attempts=3)
    drive(store, change=lambda changes, cases: changes.settled.append(done))
    (kept,) = store.steps(case="parcel/A")
    assert (kept.status, kept.arguments, kept.earlier) == (StepStatus.DONE, b'{"copies":2}', given.earlier)


def test_steps_are_filtered_by_procedure_code_and_time(store: Store) -> None:
    first, second = park(store, "A"), park(store, "B", code="rejected", failed=10)

    def found(**wanted: Any) -> list[str]:
        return [step.key for step in store.steps(only=StepFilter(**wanted))]

    assert found() == [first.key, second.key]
    assert found(sop="parcel") == [first.key, second.key]
    assert found(sop="parce") == []
    assert found(code="rejected", error="print: rej") == [second.key]
    assert found(command="label.void") == []
    assert found(since=NOW + timedelta(minutes=5)) == [second.key]
    assert found(until=NOW + timedelta(minutes=5)) == [first.key]


def test_the_database_tells_the_time_where_it_has_a_clock_of_its_own(store: Store) -> None:
    told = store.time()
    assert told is None or told.tzinfo is not None
