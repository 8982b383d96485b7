"""What is over is found, exported and deleted family by family; what is not is left alone, also when it
changes in between."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import cast

import pytest

from adapters.store.base import Store
from adapters.store.records import Changes, InboxStatus, StepStatus
from adapters.store.upkeep import Family, Place
from machines.kernel.case import Case, Entry, Timer
from machines.kernel.hold import Hold
from tests.adapters.store.scenery import DAY, NOW, announced, drive, entry, moved, peek, scanned

LATER = NOW + 400 * DAY
Spoil = Callable[[Changes, Case], None]


def end(
    store: Store,
    *keys: str,
    parent: str | None = None,
    spoil: Spoil | None = None,
    ended: bool = True,
    release: bool = True,
) -> None:
    """Cases that were announced, whose label was printed, and that ended."""
    letters = [announced(key) for key in keys]
    store.receive([replace(letter, parent=parent) for letter in letters])

    def finish(changes: Changes, cases: dict[str, Case]) -> None:
        changes.steps = [replace(step, status=StepStatus.DONE) for step in changes.steps]
        changes.entries = [(id, _of(entry, cases[id])) for id, entry in changes.entries]
        for id, case in list(changes.opened.items()):
            changes.opened[id] = replace(case, parent=parent)
            if ended:
                changes.ended.add(id)
            changes.timers_set[id, "overdue"] = Timer("overdue", NOW, NOW, True)
            if spoil:
                spoil(changes, changes.opened[id])

    drive(store, change=finish, release=release)


def _of(entry: Entry, case: Case) -> Entry:
    letter = announced(case.key)
    return replace(entry, source=letter.source, event_id=letter.id)


def found(store: Store, *, limit: int = 100, after: Place | None = None) -> list[tuple[str, ...]]:
    families = store.upkeep.finished(before=LATER, after=after, limit=limit).families
    return [tuple(sorted(family.cases)) for family in families]


def families(store: Store) -> Sequence[Family]:
    return store.upkeep.finished(before=LATER, after=None, limit=100).families


def test_a_family_goes_with_all_that_is_theirs_and_nothing_else(store: Store) -> None:
    end(store, "P-1")
    end(store, "P-1-1", parent="parcel/P-1")
    end(store, "P-1-1-1", parent="parcel/P-1-1")
    end(store, "Q-1")
    (ours, theirs) = families(store)
    assert ours.cases == ("parcel/P-1", "parcel/P-1-1", "parcel/P-1-1-1")
    documents = store.upkeep.export(ours.cases)
    assert [sorted(document) for document in documents] == 3 * [
        ["case", "inbox", "journal", "steps", "timers"]
    ]
    first = documents[0]
    assert isinstance(first["case"], dict)
    assert (first["case"]["id"], first["case"]["data"]) == ("parcel/P-1", '{"number":"P-1","scans":0}')
    for name in ("inbox", "journal", "steps", "timers"):
        (row,) = cast("list[dict[str, object]]", first[name])
        assert row["case_id"] == "parcel/P-1", name
    assert sorted(store.upkeep.prune([ours], before=LATER)) == sorted(ours.cases)
    assert store.upkeep.prune([ours], before=LATER) == [], "a repeat is harmless"
    assert [case.key for key in ("P-1", "Q-1") for case in store.find_case(key=key)] == ["Q-1"]
    for case in ours.cases:
        assert (store.journal(case), store.steps(case=case), store.case_timers(case)) == ([], [], [])
    assert [row.letter.key for row in store.inbox()] == ["Q-1"]
    assert store.journal("parcel/Q-1")
    assert found(store) == [theirs.cases]


def test_all_stores_export_alike(store: Store) -> None:
    end(store, "P-1")
    (document,) = store.upkeep.export(["parcel/P-1", "parcel/gone"])
    case = document["case"]
    assert isinstance(case, dict)
    assert (case["ended"], case["lease"], case["opened"], case["seq"]) == (True, None, 1793610000123456, 1)
    assert document["journal"] == [
        {
            "case_id": "parcel/P-1",
            "seq": 1,
            "at": 1793610000123456,
            "event": "parcel.announced",
            "source": "shop",
            "event_id": "announce-P-1",
            "disposition": "handled",
            "before": "a",
            "after": "b",
            "reason": "because",
            "body": '{"seq":1}',
        }
    ]


def hold(changes: Changes, case: Case) -> None:
    changes.opened[case.id] = replace(case, hold=Hold(who="ann", reason="strike", since=NOW))


def park(changes: Changes, case: Case) -> None:
    changes.steps = [replace(step, status=StepStatus.PARKED) for step in changes.steps]


def wait(changes: Changes, case: Case) -> None:
    changes.timers_set[case.id, "appeal"] = Timer("appeal", LATER, NOW, False)


def defer(changes: Changes, case: Case) -> None:
    changes.letters = [(number, InboxStatus.DEFERRED, "later") for number, *_ in changes.letters]


@pytest.mark.parametrize("spoil", [hold, park, wait, defer], ids=lambda one: one.__name__)
def test_what_has_something_left_to_do_stays_with_its_whole_family(store: Store, spoil: Spoil) -> None:
    end(store, "P-1")
    end(store, "P-1-1", parent="parcel/P-1", spoil=spoil)
    end(store, "P-2")
    assert found(store) == [("parcel/P-2",)]


def test_an_open_or_leased_relative_and_news_keep_a_family(store: Store) -> None:
    end(store, "P-1")
    end(store, "P-1-1", parent="parcel/P-1", ended=False)
    end(store, "P-2")
    end(store, "P-2-1", parent="parcel/P-2", release=False)
    end(store, "P-3")
    store.receive([scanned("P-3")])
    end(store, "P-4-1", parent="parcel/P-4")
    assert found(store) == [("parcel/P-4-1",)], "whose parent is gone is a family of its own"
    assert store.upkeep.finished(before=NOW, after=None, limit=9).families == []


def test_what_changed_since_it_was_found_stays(store: Store) -> None:
    end(store, "P-1")
    end(store, "P-2")
    end(store, "P-3")
    before = families(store)
    store.receive([scanned("P-1")])
    end(store, "P-2-1", parent="parcel/P-2")
    assert store.upkeep.prune(before, before=LATER) == ["parcel/P-3"]
    assert store.find_case(key="P-1")


def test_the_search_goes_on_where_it_ended(store: Store) -> None:
    end(store, *(f"P-{number}" for number in range(5)))
    seen, after = [], None
    while True:
        page = store.upkeep.finished(before=LATER, after=after, limit=2)
        seen += [family.root for family in page.families]
        if page.last is None:
            break
        after = page.last
    assert seen == [f"parcel/P-{number}" for number in range(5)]


def test_a_case_that_a_worker_is_at_is_not_deleted_under_it(store: Store) -> None:
    end(store, "P-1")
    (family,) = families(store)
    store.receive([scanned("P-1")])
    drive(store, worker="bob")
    assert store.upkeep.prune([family], before=LATER) == []
    assert store.find_case(key="P-1")[0].seq == 2


def test_an_event_that_comes_again_after_all_is_new(store: Store) -> None:
    end(store, "P-1")
    store.upkeep.prune(families(store), before=LATER)
    (receipt,) = store.receive([announced("P-1")])
    assert not receipt.duplicate
    assert [row.letter.id for row in peek(store, worker="ann").letters] == ["announce-P-1"]
    (late,) = store.receive([scanned("P-9")])
    assert late.number > receipt.number


def test_letters_without_a_case_go_after_their_time_and_those_that_wait_stay(store: Store) -> None:
    end(store, "P-1")
    store.receive([scanned("nobody"), scanned("too-late", id="dead"), scanned("P-1", id="fresh")])
    drive(store, release=True)
    store.expire_unmatched(before=NOW + timedelta(seconds=1))
    store.receive([replace(scanned("nobody", id="waits"), received=NOW)])
    drive(store, release=True)
    numbers, last = store.upkeep.stray_letters(before=LATER, after=0, limit=100)
    dead = [row.number for row in store.inbox(status=(InboxStatus.DEAD,))]
    assert numbers == sorted(dead)
    assert len(dead) == 2
    assert last is not None
    assert store.upkeep.stray_letters(before=LATER, after=last, limit=100) == ([], None)
    assert store.upkeep.stray_letters(before=NOW, after=0, limit=100)[0] == []
    everything = [row.number for row in store.inbox()]
    assert store.upkeep.drop_letters(everything, before=LATER) == 2
    assert {row.status for row in store.inbox()} == {InboxStatus.APPLIED, InboxStatus.UNMATCHED}
    assert store.upkeep.drop_letters([], before=LATER) == 0


def test_notices_are_forgotten_after_their_time(store: Store) -> None:
    store.notices.note({"old": NOW, "young": LATER})
    assert store.notices.drop(before=LATER) == 1
    assert store.notices.noted(["old", "young"]) == {"young"}


def test_the_journal_of_what_stays_has_no_gap(store: Store) -> None:
    end(store, "P-1")
    end(store, "P-2", ended=False)
    store.upkeep.prune(families(store), before=LATER)
    cases = {case.id: case for case in store.find_case(key="P-2")}
    after = moved(cases["parcel/P-2"])
    with store.round(worker="ann") as current:
        store_taken = current.take(now=NOW, limit=10, held=())
        assert not store_taken
    store.receive([scanned("P-2")])

    def step(changes: Changes, found: dict[str, Case]) -> None:
        assert changes.entries[0][1].seq == after.seq == entry(2, "parcel.scanned").seq

    drive(store, change=step)
    assert [one.seq for one, _ in store.journal("parcel/P-2")] == [1, 2]
