"""Which work a worker is given: its own always, that of free cases within its room, and nothing that it
cannot read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from adapters.errors import Conflict
from adapters.store.base import Store
from adapters.store.memory import MemoryStore
from adapters.store.opening import open_store
from adapters.store.records import Changes, InboxStatus, StepStatus, Taken
from machines.kernel.case import Case
from machines.kernel.event import Facts
from tests.adapters.store.scenery import (
    DAY,
    HYDRATE,
    NOW,
    SOON,
    Parcel,
    add_move,
    announced,
    drive,
    open_parcels,
    peek,
    scanned,
    set_timer,
    step_of,
)

Process = Callable[..., Store]

EARLIER = NOW - timedelta(seconds=1)  #: than what is received


class Wider(Parcel):
    weight: int = 1


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def process(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Process]:
    """Opens one and the same store as processes of other versions would, with models of their own."""
    first = MemoryStore(hydrate=HYDRATE)
    url = f"sqlite:///{tmp_path}/cases.db"
    if request.param == "postgres":
        url = request.getfixturevalue("postgres_url")
    with ExitStack() as stack:

        def open_again(*, version: int = 1, **models: type[Facts]) -> Store:
            hydrate = {sop: {version: model} for sop, model in models.items()}
            if request.param == "memory":
                other = MemoryStore(hydrate=hydrate)
                other._tables = replace(first._tables, hydrate=hydrate)
                return other
            store = stack.enter_context(closing(open_store(url, hydrate=hydrate)))
            store.migrate()
            return store

        yield open_again


def take(store: Store, *, limit: int, held: dict[str, Case] | None = None, worker: str = "ann") -> Taken:
    with store.round(worker=worker) as current:
        return current.take(now=SOON, limit=limit, held=held or {})


def spoil(changes: Changes, cases: dict[str, Case]) -> None:
    for id, case in changes.opened.items():
        changes.opened[id] = replace(case, data=Wider(number=case.key))


def retrying(changes: Changes, cases: dict[str, Case]) -> None:
    changes.steps = [replace(step, status=StepStatus.RETRYING, due=NOW) for step in changes.steps]


def with_work(changes: Changes, cases: dict[str, Case]) -> None:
    retrying(changes, cases)
    set_timer("pick", EARLIER)(changes, cases)


def spoil_with_work(changes: Changes, cases: dict[str, Case]) -> None:
    with_work(changes, cases)
    spoil(changes, cases)


def test_a_worker_without_room_is_given_the_work_of_its_own_cases(store: Store) -> None:
    store.receive([announced(key) for key in "AB"])
    held = drive(store, change=with_work)
    store.receive([announced(key) for key in "CD"])
    drive(store, worker="bob", change=with_work, release=True)
    store.receive([announced("E"), scanned("A"), scanned("C"), scanned("B")])
    own = take(store, limit=0, held=held)
    assert [row.letter.key for row in own.letters] == ["A", "B"]
    assert sorted(case for case, _ in own.timers) == ["parcel/A", "parcel/B"]
    assert sorted(step.case for step in own.steps) == ["parcel/A", "parcel/B"]
    assert dict(own.cases) == {}


def test_the_limit_counts_only_work_of_cases_that_are_not_held(store: Store) -> None:
    store.receive([announced(key) for key in "ABC"])
    held = drive(store, change=with_work)
    store.receive([announced(key) for key in "VWXYZ"])
    drive(store, worker="bob", change=with_work, release=True)
    store.receive([scanned(key) for key in "VAWBXCY"])
    taken = take(store, limit=2, held=held)
    assert [row.letter.key for row in taken.letters] == ["V", "A", "W", "B", "C"]
    assert len(taken.timers) == len(taken.steps) == 5


def test_a_worker_with_room_hears_of_cases_that_it_lost(store: Store) -> None:
    held = open_parcels(store, "A")
    store.receive([scanned("A")])
    store.leave(worker="ann", now=NOW)
    with pytest.raises(Conflict):
        take(store, limit=1, held=held)


def test_unreadable_cases_are_named_once_and_do_not_fill_the_window(store: Store) -> None:
    store.receive([announced(str(number)) for number in range(9)])
    drive(
        store,
        change=spoil_with_work,
        release=True,
    )
    open_parcels(store, "A", worker="bob", release=True)
    store.receive([scanned(str(number)) for number in range(9)])
    store.receive([scanned("A")])
    first = take(store, limit=9)
    assert first
    assert len(first.unreadable) == 9
    assert "weight: extra_forbidden" in first.unreadable["parcel/0"]
    assert (*first.letters, *first.timers, *first.steps) == ()
    second = take(store, limit=9)
    assert [row.letter.key for row in second.letters] == ["A"]
    assert dict(second.unreadable) == {}
    assert store.next_due(worker="ann") is None
    assert store.next_due() == EARLIER


def test_a_round_that_fails_names_unreadable_cases_again(store: Store) -> None:
    store.receive([announced("A")])
    drive(store, change=spoil, release=True)
    store.receive([scanned("A")])
    assert list(peek(store, worker="ann").unreadable) == ["parcel/A"]
    assert list(take(store, limit=9).unreadable) == ["parcel/A"]
    assert not take(store, limit=9)


def test_another_life_tries_unreadable_cases_again(store: Store) -> None:
    store.receive([announced("A")])
    drive(store, change=spoil, release=True)
    store.receive([scanned("A")])
    take(store, limit=9, worker="ann")
    assert list(take(store, limit=9, worker="ann-again").unreadable) == ["parcel/A"]
    store.leave(worker="ann", now=NOW)
    assert list(take(store, limit=9, worker="ann").unreadable) == ["parcel/A"]


def test_what_an_old_version_cannot_read_is_left_to_a_new_one(process: Process) -> None:
    old, new = process(parcel=Parcel), process(parcel=Wider)
    new.receive([announced("A")])
    drive(new, worker="new", change=spoil, release=True)
    new.receive([scanned("A")])
    assert list(take(old, limit=9, worker="old").unreadable) == ["parcel/A"]
    taken = take(new, limit=9, worker="new")
    assert [row.letter.key for row in taken.letters] == ["A"]
    assert dict(taken.unreadable) == {}


def beyond(changes: Changes, cases: dict[str, Case]) -> None:
    """The worker can make nothing of what opens cases."""
    changes.beyond = dict.fromkeys(changes.opened, "it is of another version")
    changes.opened, changes.entries, changes.steps, changes.letters = {}, [], [], []
    cases.clear()


def test_an_opening_letter_that_an_old_version_cannot_read_is_left_to_a_new_one(process: Process) -> None:
    old, new = process(parcel=Parcel), process(version=2, parcel=Parcel)
    new.receive([announced("A"), scanned("A")])
    drive(old, worker="old", change=beyond)
    assert not take(old, limit=9, worker="old")
    assert old.summary()["inbox"] == {"new": 2}
    taken = take(new, limit=9, worker="new")
    assert [row.letter.type for row in taken.letters] == ["parcel.announced", "parcel.scanned"]
    drive(new, worker="new", release=True)
    assert new.summary()["inbox"] == {"applied": 2}


def test_once_such_a_case_is_open_every_worker_looks_at_it_again(process: Process) -> None:
    old, new = process(parcel=Parcel), process(parcel=Parcel)
    new.receive([announced("A")])
    drive(old, worker="old", change=beyond)
    drive(new, worker="new", release=True)
    new.receive([scanned("A")])
    assert list(take(old, limit=9, worker="old").cases) == ["parcel/A"]


def test_an_opening_letter_that_nobody_can_read_dies_when_its_time_is_up(store: Store) -> None:
    open_parcels(store, "A", worker="bob", release=True)
    store.receive([announced("C"), scanned("C"), replace(announced("C", id="corrected-C"), received=SOON)])
    drive(store, change=beyond)
    assert [store.expire_unread(before=at) for at in (NOW, SOON, SOON)] == [0, 1, 0]
    dead = store.letter(source="shop", id="announce-C")
    assert dead is not None
    assert (dead.status, dead.reason.split(";")[0]) == (InboxStatus.DEAD, "no worker could read it")
    drive(store, now=SOON)
    drive(store, now=SOON)
    assert [line.event for line, _ in store.journal("parcel/C")] == ["parcel.announced", "parcel.scanned"]


def test_a_case_stays_on_its_version_until_it_is_migrated(process: Process) -> None:
    one, two = process(parcel=Parcel), process(version=2, parcel=Parcel)
    one.receive([announced("A")])
    drive(one, worker="one", change=with_work, release=True)
    left = take(two, limit=5, worker="two").unreadable
    assert left == {
        "parcel/A": "it runs on version 1 of parcel, known here is 2; migrate it or run that version"
    }
    (shown,) = two.find_case(key="A")
    assert (shown.version, shown.state, shown.data) == (1, "announced", None)
    assert take(one, limit=5, worker="one").steps


def test_letters_of_unknown_procedures_stay_new_and_do_not_fill_the_window(process: Process) -> None:
    old, new = process(parcel=Parcel), process(parcel=Parcel, pallet=Parcel)
    for number in range(9):
        old.receive([replace(announced(str(number)), sop="pallet")])
    old.receive([replace(scanned("X"), sop="pallet"), announced("A")])
    assert [row.letter.key for row in take(old, limit=5, worker="old").letters] == ["A"]
    assert old.summary()["inbox"] == {"new": 11}
    assert len(take(new, limit=5, worker="new").letters) == 5


def test_cases_of_unknown_procedures_are_left_alone(process: Process) -> None:
    def forget_data(changes: Changes, cases: dict[str, Case]) -> None:
        with_work(changes, cases)
        changes.opened["parcel/A"] = replace(changes.opened["parcel/A"], data=None)

    new, old = process(parcel=Parcel), process(pallet=Parcel)
    new.receive([announced("A")])
    drive(new, worker="new", change=forget_data, release=True)
    assert "parcel" in take(old, limit=5, worker="old").unreadable["parcel/A"]
    assert not take(old, limit=5, worker="old")
    assert old.next_due(worker="old") is None
    assert take(new, limit=5, worker="new").steps


def test_what_others_lease_is_not_waited_for(store: Store) -> None:
    store.receive([announced("A")])
    drive(store, worker="ann", change=with_work)
    assert store.next_due() == store.next_due(worker="ann") == EARLIER
    assert store.next_due(worker="bob") is None
    store.leave(worker="ann", now=SOON)
    assert store.next_due(worker="bob") == EARLIER


def test_the_earliest_of_timers_and_steps_is_waited_for(store: Store) -> None:
    store.receive([announced("A")])
    held = drive(store, change=set_timer("pick", NOW + DAY))
    assert store.next_due(worker="bob") is None
    assert store.next_due(worker="ann") == NOW + DAY
    changes = Changes()
    after = add_move(changes, held["parcel/A"])
    due = replace(step_of(replace(after, seq=1)), status=StepStatus.RETRYING, due=SOON)
    changes.settled.append(due)
    with store.round(worker="ann") as current:
        current.write(changes)
    assert store.next_due(worker="ann") == SOON


# a round whose answer is lost


def test_leaving_gives_back_the_steps_of_a_round_whose_answer_was_lost(store: Store) -> None:
    open_parcels(store, "A")
    # Nothing in hand: the worker does not know that the round was kept.
    assert not take(store, limit=9)
    store.leave(worker="ann", now=NOW)
    taken = take(store, limit=9)
    assert [(step.case, step.status) for step in taken.steps] == [("parcel/A", StepStatus.PENDING)]
    assert list(taken.cases) == ["parcel/A"]


def test_a_worker_that_left_goes_on_under_its_name(store: Store) -> None:
    open_parcels(store, "AB")
    store.leave(worker="ann", now=NOW)
    held = drive(store, now=SOON)
    assert {step.status for step in store.steps()} == {StepStatus.RUNNING}
    assert held.keys() == {"parcel/A", "parcel/B"}
    assert not peek(store, worker="bob", now=SOON)
    assert [name for name, _ in store.backlog(SOON).workers] == ["ann"]
    assert store.recover(now=SOON, silent_since=SOON - timedelta(seconds=30)) == 0
    changes = Changes()
    add_move(changes, held["parcel/A"])
    with store.round(worker="ann") as current:
        current.write(changes)
    assert len(store.journal("parcel/A")) == 2


def test_what_came_for_a_case_in_a_lost_answer_is_taken_once(store: Store) -> None:
    open_parcels(store, "A")
    store.receive([scanned("A")])
    store.leave(worker="ann", now=NOW)
    drive(store)
    assert store.inbox(status=[InboxStatus.NEW]) == []
    assert [line.seq for line, _ in store.journal("parcel/A")] == [1, 2]
