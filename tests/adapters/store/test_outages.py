"""Outages in the store: one row for a command, changed by whoever was first, together with the steps that are
put back to work."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from adapters.store.base import Store
from adapters.store.outage import OUTAGE, Outage, Phase, Release
from adapters.store.records import REPLAY, Changes, InboxStatus, StepStatus
from machines.kernel.case import Case
from tests.adapters.store.scenery import DAY, NOW, SOON, announced, drive

OUT = Outage("label.print", Phase.OUT, since=NOW, changed=NOW, due=SOON, error="answered 503")
ALL = Release(most=10, since=NOW - DAY, why="it answers again")


def fill(store: Store) -> None:
    """A to C wait for the outage to end, B was tried twice before; D to F are parked as unavailable, E failed
    first and F days ago; G is parked for another reason, H was tried once and is tried again by itself."""
    parked = {"D": NOW, "E": NOW - timedelta(hours=1), "F": NOW - 3 * DAY}
    tried = {"B": 2, "H": 1}

    def stand(key: str) -> tuple[StepStatus, str, datetime | None]:
        if key in parked:
            return StepStatus.PARKED, "unavailable", parked[key]
        if key == "G":
            return StepStatus.PARKED, "rejected", NOW
        return (
            (StepStatus.RETRYING, "unavailable", NOW) if key == "H" else (StepStatus.RETRYING, OUTAGE, None)
        )

    def work(changes: Changes, cases: dict[str, Case]) -> None:
        for number, step in enumerate(changes.steps):
            key = step.case[-1]
            status, code, failed = stand(key)
            issued = NOW - timedelta(seconds=ord(key))
            changes.steps[number] = replace(
                step,
                status=status,
                code=code,
                failed=failed,
                due=SOON,
                issued=issued,
                attempts=tried.get(key, 0),
            )

    store.receive([announced(key) for key in "ABCDEFGH"])
    drive(store, change=work, release=True)


def released(store: Store) -> str:
    return "".join(sorted(step.case[-1] for step in store.steps(status=[StepStatus.PENDING])))


def test_whoever_is_first_changes_it(store: Store) -> None:
    assert store.outages.change(None, OUT, now=NOW) == []
    assert store.outages.change(None, replace(OUT, error="another"), now=NOW) is None
    (known,) = store.outages.known()
    assert known == OUT
    later = replace(known, phase=Phase.RESUMING, turn=1, tries=2, halted="by hand")
    assert store.outages.change(known, later, now=NOW) == []
    assert store.outages.change(known, None, now=NOW) is None
    assert store.outages.known() == [replace(later, version=2)]
    assert store.outages.change(store.outages.known()[0], None, now=NOW) == []
    assert store.outages.known() == []


def test_what_waits_is_released_before_what_is_parked_and_what_was_tried_least_comes_first(
    store: Store,
) -> None:
    fill(store)
    store.outages.change(None, OUT, now=NOW)

    def release(most: int) -> str:
        (known,) = store.outages.known()
        store.outages.change(known, known, now=SOON, release=replace(ALL, most=most))
        return released(store)

    assert [release(most) for most in (1, 1, 1, 1, 10)] == ["C", "AC", "ACH", "ABCH", "ABCDEH"]
    assert {step.due for step in store.steps(status=[StepStatus.PENDING])} == {SOON}
    told = [row.letter for row in store.inbox(status=[InboxStatus.NEW])]
    assert {(letter.type, letter.key) for letter in told} == {(REPLAY, "D"), (REPLAY, "E")}
    assert b'"who":"sop"' in told[0].body
    assert b"it answers again" in told[0].body


def test_parked_steps_stay_if_they_are_not_asked_for_and_for_another_command(store: Store) -> None:
    fill(store)
    store.outages.change(None, OUT, now=NOW, release=replace(ALL, since=None))
    assert released(store) == "ABCH"
    other = replace(OUT, command="label.burn")
    assert store.outages.change(None, other, now=NOW, release=ALL) == []
    assert store.outages.change(replace(other, version=7), None, now=NOW, release=ALL) is None
    assert released(store) == "ABCH"


def test_steps_stranded_by_an_outage_are_counted(store: Store) -> None:
    assert store.outages.stranded(since=NOW - DAY) == {}
    fill(store)
    assert store.outages.stranded(since=NOW - DAY) == {"label.print": (2, NOW - timedelta(hours=1))}


def test_what_was_held_back_for_an_outage_that_is_over_is_found_and_released(store: Store) -> None:
    """By a worker that had not heard of its end."""
    fill(store)
    store.outages.change(None, OUT, now=NOW)
    assert store.outages.release_forgotten(now=SOON, most=10) == 0
    (known,) = store.outages.known()
    store.outages.change(known, replace(known, phase=Phase.RESUMING), now=NOW)
    assert store.outages.release_forgotten(now=SOON, most=10) == 0, "it comes in its turn"
    (known,) = store.outages.known()
    store.outages.change(known, replace(known, phase=Phase.LEFT), now=NOW)
    assert store.outages.release_forgotten(now=SOON, most=1) == 1
    store.outages.change(store.outages.known()[0], None, now=NOW)
    assert store.outages.release_forgotten(now=SOON, most=10) == 2
    assert released(store) == "ABC", "H is tried again by itself"
    assert {step.due for step in store.steps(status=[StepStatus.PENDING])} == {SOON}
