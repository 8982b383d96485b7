"""Which cases stand where, and by which entry they came to stand there."""

from __future__ import annotations

from dataclasses import replace

from adapters.store.base import Store
from adapters.store.records import Changes, Standing
from machines.kernel.case import Case
from tests.adapters.store.scenery import DAY, NOW, entry, open_parcels

MOVING = ("parcel", "moving")


def go(store: Store, case: Case, *steps: tuple[str, str], data: bool = True) -> Case:
    """The case after entries that lead from one state to the next."""
    changes, after = Changes(), case
    for before, state in steps:
        after = replace(after, seq=after.seq + 1, state=state)
        made = replace(entry(after.seq, f"{before}>{state}", at=NOW + DAY), before=before, after=state)
        changes.entries.append((case.id, made))
    changes.moved[case.id] = (after, case.seq)
    with store.round(worker="ann") as current:
        current.take(now=NOW, limit=0, held={case.id})
        current.write(changes)
    return after


def told(found: list[Standing]) -> dict[str, tuple[int, str]]:
    return {one.case.key: (one.entered.seq, one.entered.event) for one in found}


def test_a_case_is_found_with_the_entry_by_which_it_came(store: Store) -> None:
    cases = open_parcels(store, "ABC")
    go(store, cases["parcel/A"], ("announced", "moving"), ("moving", "moving"))
    go(store, cases["parcel/B"], ("announced", "moving"), ("moving", "lost"), ("lost", "moving"))
    go(store, cases["parcel/C"], ("announced", "lost"))
    assert told(store.standing([MOVING])) == {"A": (2, "announced>moving"), "B": (4, "lost>moving")}
    assert set(told(store.standing([MOVING, ("parcel", "lost")]))) == {"A", "B", "C"}
    assert store.standing([("other", "moving")]) == []
    assert store.standing([]) == []


def test_what_is_asked_for_can_be_narrowed(store: Store) -> None:
    cases = open_parcels(store, "ABC")
    for case in cases.values():
        go(store, case, ("announced", "moving"))
    assert set(told(store.standing([MOVING], cases=["parcel/A", "parcel/X"]))) == {"A"}
    assert store.standing([MOVING], cases=[]) == []
    assert len(store.standing([MOVING], limit=2)) == 2


def test_many_cases_are_found_at_once(store: Store) -> None:
    for case in open_parcels(store, map(str, range(90))).values():
        go(store, case, ("announced", "moving"))
    assert len(store.standing([MOVING])) == 90
