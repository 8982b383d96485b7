"""Rounds of every store: what is taken, written, and refused as a conflict."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import orjson
import pytest

from adapters.errors import Conflict
from adapters.store.base import Store
from adapters.store.records import Changes, InboxStatus, StepStatus
from machines.kernel.case import Case
from tests.adapters.store.scenery import (
    DAY,
    NOW,
    SOON,
    Parcel,
    add_move,
    announced,
    drive,
    entry,
    new_case,
    open_parcels,
    peek,
    scanned,
    set_timer,
    step_of,
)


class Crash(Exception):
    """The worker dies here."""


# rounds


def test_a_round_opens_a_case_with_journal_step_and_timer(store: Store) -> None:
    store.receive([announced("A")])
    cases = drive(store, change=set_timer("pick", NOW + DAY))
    (found,) = store.find_case(key="A")
    (timer,) = store.case_timers("parcel/A")
    assert found == replace(cases["parcel/A"], timers={"pick": timer})
    assert (timer.due, timer.passed) == (NOW + DAY, False)
    assert [step.status for step in store.steps(case="parcel/A")] == [StepStatus.RUNNING]
    [(line, body)] = store.journal("parcel/A")
    assert line == entry(1, "parcel.announced")
    assert orjson.loads(body) == {"seq": 1}
    assert [row.status for row in store.inbox()] == [InboxStatus.APPLIED]


def test_a_crash_between_take_and_write_loses_nothing(store: Store) -> None:
    def crash() -> None:
        with store.round(worker="ann") as current:
            assert len(current.take(now=NOW, limit=10, held=()).letters) == 2
            raise Crash

    store.receive([announced("A"), scanned("A")])
    with pytest.raises(Crash):
        crash()
    assert [row.letter.type for row in peek(store, worker="bob").letters] == [
        "parcel.announced",
        "parcel.scanned",
    ]


def test_a_crash_after_write_changes_nothing(store: Store) -> None:
    def crash(changes: Changes) -> None:
        with store.round(worker="ann") as current:
            current.take(now=NOW, limit=10, held=())
            current.write(changes)
            raise Crash

    store.receive([announced("A")])
    opening = Changes(opened={"parcel/A": new_case("A")}, entries=[("parcel/A", entry(1, "e"))])
    with pytest.raises(Crash):
        crash(opening)
    assert store.find_case(key="A") == []
    assert store.journal("parcel/A") == []


def test_a_round_left_without_write_leaves_everything_ready(store: Store) -> None:
    store.receive([announced("A")])
    with store.round(worker="ann") as current:
        current.take(now=NOW, limit=10, held=())
    assert len(peek(store, worker="bob").letters) == 1


def test_letters_come_in_order_and_not_more_than_the_limit(store: Store) -> None:
    store.receive([announced(f"{number:03d}") for number in range(20)])
    with store.round(worker="ann") as current:
        taken = current.take(now=NOW, limit=7, held=())
    assert [row.letter.key for row in taken.letters] == [f"{number:03d}" for number in range(7)]
    with store.round(worker="ann") as current:
        assert not current.take(now=NOW, limit=0, held=())


def test_a_second_opening_letter_waits_until_the_first_has_opened_the_case(store: Store) -> None:
    store.receive([announced("A"), scanned("A"), announced("A", id="again"), scanned("A", id="late")])
    assert [row.letter.id for row in peek(store, worker="ann").letters] == ["announce-A", "scan-A"]
    drive(store, release=True)
    assert [row.letter.id for row in peek(store, worker="ann").letters] == ["again", "late"]


def test_a_leased_case_is_left_to_its_worker(store: Store) -> None:
    open_parcels(store, "AB", worker="ann")
    store.receive([scanned("A")])
    assert not peek(store, worker="bob")
    assert len(peek(store, worker="ann").letters) == 1


def test_a_released_case_goes_to_whoever_comes(store: Store) -> None:
    open_parcels(store, "A", worker="ann", release=True)
    store.receive([scanned("A")])
    drive(store, worker="bob")
    assert [line.seq for line, _ in store.journal("parcel/A")] == [1, 2]


def test_a_case_taken_for_a_step_alone_is_leased(store: Store) -> None:
    def retry(changes: Changes, cases: dict[str, Case]) -> None:
        changes.steps[0] = replace(changes.steps[0], status=StepStatus.RETRYING, due=SOON)

    store.receive([announced("A")])
    drive(store, change=retry, release=True)
    drive(store, worker="ann", now=SOON)
    store.receive([scanned("A")])
    assert not peek(store, worker="bob")


def test_a_case_moved_with_its_data_unaltered_keeps_those_of_the_store(store: Store) -> None:
    (case,) = open_parcels(store, "A").values()

    def move(changes: Changes, cases: dict[str, Case]) -> None:
        add_move(changes, case)  # which counts the scans
        changes.unaltered.add(case.id)

    drive(store, change=move, release=True)
    (kept,) = store.find_case(key="A")
    assert (kept.seq, kept.state, kept.data) == (2, "moving", case.data)


def test_cases_in_hand_are_not_loaded_again(store: Store) -> None:
    held = open_parcels(store, "A")
    store.receive([scanned("A")])
    assert list(peek(store, worker="ann").cases) == ["parcel/A"]
    taken = peek(store, worker="ann", held=held)
    assert (dict(taken.cases), len(taken.letters)) == ({}, 1)


def test_sent_letters_arrive_once(store: Store) -> None:
    def send(changes: Changes, _: dict[str, Case]) -> None:
        changes.sent += [announced("B"), announced("B")]

    store.receive([announced("A")])
    drive(store, change=send)
    store.receive([scanned("A")])
    drive(store, change=send)
    assert [row.letter.key for row in store.inbox()] == ["A", "B", "A"]
    assert [case.key for case in store.cases()] == ["A", "B"]


def test_a_case_whose_data_does_not_fit_stops_no_other(store: Store) -> None:
    class Other(Parcel):
        weight: int = 1

    def spoil(changes: Changes, cases: dict[str, Case]) -> None:
        changes.opened["parcel/A"] = replace(cases["parcel/A"], data=Other(number="A"))

    store.receive([announced("A"), announced("B")])
    drive(store, change=spoil, release=True)
    store.receive([scanned("A"), scanned("B")])
    taken = peek(store, worker="ann")
    assert [row.letter.key for row in taken.letters] == ["B"]
    assert list(taken.unreadable) == ["parcel/A"]
    assert "weight: extra_forbidden" in taken.unreadable["parcel/A"]


# conflicts


def test_a_paused_worker_that_was_recovered_gets_a_conflict(store: Store) -> None:
    store.beat(worker="ann", now=NOW)
    held = open_parcels(store, "AB", worker="ann")
    assert store.recover(now=SOON, silent_since=SOON) == 2
    changes = Changes()
    add_move(changes, held["parcel/A"])
    with pytest.raises(Conflict) as caught, store.round(worker="ann") as current:
        current.write(changes)
    assert caught.value.cases == {"parcel/A"}
    assert len(store.journal("parcel/A")) == 1


def test_a_worker_that_lost_a_case_in_hand_hears_of_it_when_taking(store: Store) -> None:
    held = open_parcels(store, "A", worker="ann")
    store.recover(now=SOON, silent_since=SOON)
    with pytest.raises(Conflict) as caught:
        peek(store, worker="ann", held=held, now=SOON)
    assert caught.value.cases == {"parcel/A"}
    assert [step.status for step in peek(store, worker="ann", now=SOON).steps] == [StepStatus.PENDING]


def test_a_step_of_a_lost_case_cannot_be_settled(store: Store) -> None:
    held = open_parcels(store, "A", worker="ann")
    store.leave(worker="ann", now=NOW)
    drive(store, worker="bob")
    done = replace(step_of(held["parcel/A"]), status=StepStatus.DONE)
    with pytest.raises(Conflict), store.round(worker="ann") as current:
        current.write(Changes(settled=[done]))
    assert [step.status for step in store.steps()] == [StepStatus.RUNNING]


def test_a_case_changed_meanwhile_is_named_and_nothing_is_kept(store: Store) -> None:
    held = open_parcels(store, "AB")
    stale = dict(held)
    store.receive([scanned("A")])
    drive(store, held=held)
    changes = Changes()
    add_move(changes, stale["parcel/A"])
    add_move(changes, stale["parcel/B"])
    changes.sent.append(announced("C"))
    with pytest.raises(Conflict) as caught, store.round(worker="ann") as current:
        current.write(changes)
    assert caught.value.cases == {"parcel/A"}
    assert len(store.journal("parcel/B")) == 1
    assert store.letter(source="shop", id="announce-C") is None


def test_a_case_cannot_be_opened_twice(store: Store) -> None:
    open_parcels(store, "A")
    changes = Changes()
    for key in "AB":
        changes.opened[f"parcel/{key}"] = new_case(key)
        changes.entries.append((f"parcel/{key}", entry(1, "e")))
    with pytest.raises(Conflict) as caught, store.round(worker="bob") as current:
        current.write(changes)
    assert caught.value.cases == {"parcel/A"}
    assert store.find_case(key="B") == []


def test_a_case_that_does_not_exist_cannot_be_moved(store: Store) -> None:
    changes = Changes()
    add_move(changes, new_case("A"))
    with pytest.raises(Conflict), store.round(worker="bob") as current:
        current.write(changes)


@pytest.mark.parametrize("seqs", [(), (3,), (2, 4), (2, 2)])
def test_the_journal_gets_no_gap(store: Store, seqs: tuple[int, ...]) -> None:
    held = open_parcels(store, "A")
    after = replace(held["parcel/A"], seq=3)
    entries = [("parcel/A", entry(seq, "e")) for seq in seqs]
    with pytest.raises(ValueError, match="parcel/A"), store.round(worker="ann") as current:
        current.write(Changes(moved={"parcel/A": (after, 1)}, entries=entries))
    assert len(store.journal("parcel/A")) == 1


# many workers


def test_two_workers_never_take_the_same_case(store: Store) -> None:
    keys = [f"{number:03d}" for number in range(120)]
    store.receive([announced(key) for key in keys])
    store.receive([scanned(key, id=f"{key}-{number}") for number in range(3) for key in keys])
    seen: Counter[int] = Counter()

    def work(worker: str) -> None:
        idle = 0
        while idle < 3:
            with store.round(worker=worker) as current:
                taken = current.take(now=NOW, limit=17, held=())
                seen.update(row.number for row in taken.letters)
                changes = Changes()
                cases = dict(taken.cases)
                for row in taken.letters:
                    case = cases.get(row.letter.case)
                    if case is None:
                        cases[row.letter.case] = case = new_case(row.letter.key)
                        changes.opened[case.id] = case
                        changes.entries.append((case.id, entry(1, "e", event_id=worker)))
                    else:
                        cases[case.id] = add_move(changes, case)
                    changes.letters.append((row.number, InboxStatus.APPLIED, ""))
                changes.released.update(cases)
                current.write(changes)
            idle = 0 if taken else idle + 1

    with ThreadPoolExecutor(4) as pool:
        for future in [pool.submit(work, f"w{number}") for number in range(4)]:
            future.result()
    assert store.summary()["inbox"] == {"applied": 480}
    assert set(seen.values()) == {1}
    for key in keys:
        assert [line.seq for line, _ in store.journal(f"parcel/{key}")] == [1, 2, 3, 4]
