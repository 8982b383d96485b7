"""What a store does not keep, what it keeps once, and what may be sent again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from adapters.errors import StoreUnavailable, Unwritable
from adapters.store.base import Store
from adapters.store.records import Changes, InboxStatus, Letter, Receipt, Step
from machines.kernel.case import Case, Timer
from tests.adapters.store.scenery import NOW, SOON, announced, drive, open_parcels, peek, scanned, step_of

NAIVE = NOW.replace(tzinfo=None)
SECRET = "Frau-Geheim"

Change = Callable[[Changes, dict[str, Case]], None]


def naive_timer(changes: Changes, cases: dict[str, Case]) -> None:
    changes.timers_set["parcel/A", SECRET] = Timer(SECRET, NAIVE, NOW)


def naive_step(changes: Changes, cases: dict[str, Case]) -> None:
    changes.steps = [replace(step, due=NAIVE, error=SECRET) for step in changes.steps]


def broken_text(changes: Changes, cases: dict[str, Case]) -> None:
    changes.sent.append(replace(announced("B"), body=SECRET.encode() + b"\xff"))


def same_step_twice(changes: Changes, cases: dict[str, Case]) -> None:
    changes.steps.append(replace(changes.steps[0], error=SECRET))


@pytest.mark.parametrize("change", [naive_timer, naive_step, broken_text, same_step_twice])
def test_a_value_that_cannot_be_stored_is_no_outage(store: Store, change: Change) -> None:
    store.receive([announced("A")])
    with pytest.raises(Unwritable) as caught:
        drive(store, change=change)
    assert caught.value.code == "unwritable"
    assert SECRET not in str(caught.value)
    assert not isinstance(caught.value, StoreUnavailable)
    assert store.find_case(key="A") == []
    assert store.steps() == []
    assert len(peek(store, worker="bob").letters) == 1


def test_a_step_issued_before_cannot_be_issued_again(store: Store) -> None:
    def issue(changes: Changes, cases: dict[str, Case]) -> None:
        changes.steps.append(Step(first, "parcel/A", "label.print", b"{}", step.status, NOW, error=SECRET))

    held = open_parcels(store, "A")
    step = step_of(held["parcel/A"])
    first = step.key
    store.receive([scanned("A")])
    with pytest.raises(Unwritable) as caught:
        drive(store, held=held, change=issue)
    assert SECRET not in str(caught.value)


def test_a_mistake_of_who_decides_is_told_as_it_is(store: Store) -> None:
    def decide() -> None:
        with store.round(worker="ann"):
            raise TypeError("a mistake")

    with pytest.raises(TypeError, match="a mistake"):
        decide()


def test_a_letter_that_cannot_be_stored_is_no_outage(store: Store) -> None:
    with pytest.raises(Unwritable):
        store.receive([announced("A"), replace(announced("B"), body=b"\xff")])
    assert store.inbox() == []


# sent before


@pytest.mark.parametrize("other", [{"type": "parcel.lost"}, {"sop": "pallet"}, {"key": "C"}])
def test_another_letter_under_a_name_sent_before_is_refused(store: Store, other: dict[str, Any]) -> None:
    sent = announced("B", id="1.0")

    def send(changes: Changes, _: dict[str, Case]) -> None:
        changes.sent.append(replace(sent, **other))

    store.receive([sent, announced("A")])
    with pytest.raises(Unwritable, match=r"as 1\.0 before"):
        drive(store, change=send)
    assert store.find_case(key="A") == []


def test_two_letters_under_one_name_in_one_round_are_refused(store: Store) -> None:
    def send(changes: Changes, _: dict[str, Case]) -> None:
        changes.sent += [announced("B", id="1.0"), announced("C", id="1.0")]

    store.receive([announced("A")])
    with pytest.raises(Unwritable):
        drive(store, change=send)


# sent again


def bury(store: Store) -> None:
    """The first announcement dies."""

    def kill(changes: Changes, _: dict[str, Case]) -> None:
        number = changes.letters[0][0]
        changes.opened.clear()
        changes.entries.clear()
        changes.steps.clear()
        changes.letters = [(number, InboxStatus.DEAD, "unreadable")]

    def settle(changes: Changes, cases: dict[str, Case]) -> None:
        kill(changes, cases)
        cases.clear()

    drive(store, change=settle)


def test_a_dead_letter_can_be_sent_again_mended(store: Store) -> None:
    (first,) = store.receive([announced("A")])
    bury(store)
    mended = replace(
        announced("B", id="announce-A"), type="parcel.announced", body=b'{"v":2}', received=SOON, parent="x/1"
    )
    assert store.receive([mended, mended]) == [Receipt(first.number, False), Receipt(first.number, True)]
    row = store.letter(source="shop", id="announce-A")
    assert row is not None
    assert (row.letter, row.status, row.reason) == (mended, InboxStatus.NEW, "")
    assert [row.letter for row in peek(store, worker="ann").letters] == [mended]
    assert store.receive([mended]) == [Receipt(first.number, True)]


def test_a_letter_that_is_not_dead_is_not_replaced(store: Store) -> None:
    store.receive([announced("A"), scanned("B")])
    drive(store)
    changed: list[Letter] = [replace(announced("A"), body=b'{"v":2}'), replace(scanned("B"), body=b"{}")]
    assert [receipt.duplicate for receipt in store.receive(changed)] == [True, True]
    for letter, status in zip(changed, (InboxStatus.APPLIED, InboxStatus.UNMATCHED), strict=True):
        row = store.letter(source=letter.source, id=letter.id)
        assert row is not None
        assert (row.letter.body != letter.body, row.status) == (True, status)


def test_a_dead_letter_is_not_revived_by_a_case_that_sends_it_again(store: Store) -> None:
    def send(changes: Changes, _: dict[str, Case]) -> None:
        changes.sent.append(announced("A"))

    store.receive([announced("A")])
    bury(store)
    store.receive([announced("B")])
    drive(store, change=send)
    row = store.letter(source="shop", id="announce-A")
    assert row is not None
    assert row.status is InboxStatus.DEAD
