"""Letters that staff send again: the old one is kept, the new one takes its place, the case is told."""

from __future__ import annotations

from dataclasses import replace

import orjson
import pytest

from adapters.errors import Unwritable
from adapters.store.base import Store
from adapters.store.records import RESENT, InboxStatus, Letter
from tests.adapters.store.scenery import DAY, NOW, SOON, announced, drive, open_parcels, peek, scanned


def unmatched(store: Store, key: str) -> int:
    """The number of a scan that found no parcel."""
    (receipt,) = store.receive([scanned(key)])
    with store.round(worker="ann") as current:
        current.take(now=NOW, limit=10, held=())
    return receipt.number


def dead(store: Store, key: str) -> int:
    number = unmatched(store, key)
    store.expire_unmatched(before=SOON)
    return number


def corrected(key: str) -> Letter:
    return replace(scanned(key), source="staff", id="letter-1")


def test_the_corrected_letter_takes_the_place_of_the_old_one_which_is_kept(store: Store) -> None:
    open_parcels(store, ["B"])
    number = dead(store, "A")
    added = store.resend(number, corrected("B"), who="Ann", reason="typo in the key")
    assert added is not None
    old, new = store.numbered(number), store.numbered(added)
    assert old is not None
    assert new is not None
    assert (old.letter, old.status, old.reason) == (
        scanned("A"),
        InboxStatus.RESENT,
        "sent again by Ann: typo in the key",
    )
    assert (new.letter, new.status) == (corrected("B"), InboxStatus.NEW)
    note, letter = (row.letter for row in peek(store, worker="ann", held=["parcel/B"]).letters)
    assert letter == corrected("B")
    assert (note.type, note.case, note.source) == (RESENT, "parcel/B", "staff")
    assert orjson.loads(note.body) == {
        "letter": number,
        "source": "carrier",
        "id": "scan-A",
        "type": "parcel.scanned",
        "subject": "A",
        "who": "Ann",
        "reason": "typo in the key",
    }


def test_an_unmatched_letter_need_not_be_dead_first(store: Store) -> None:
    open_parcels(store, ["B"])
    assert store.resend(unmatched(store, "A"), corrected("B"), who="Ann", reason="typo")
    assert store.summary()["inbox"]["resent"] == 1


@pytest.mark.parametrize("status", [InboxStatus.APPLIED, InboxStatus.NEW, InboxStatus.RESENT])
def test_what_got_further_is_not_sent_again(store: Store, status: InboxStatus) -> None:
    (receipt,) = store.receive([announced("A")])
    if status is InboxStatus.APPLIED:
        drive(store)
    if status is InboxStatus.RESENT:
        number = dead(store, "C")
        assert store.resend(number, corrected("A"), who="Ann", reason="first")
        assert store.resend(number, corrected("A"), who="Bob", reason="second") is None
        return
    assert store.resend(receipt.number, corrected("A"), who="Ann", reason="x") is None
    assert store.resend(999, corrected("A"), who="Ann", reason="x") is None
    assert store.letter(source="staff", id="letter-1") is None


def test_the_sender_does_not_send_a_resent_letter_a_second_time(store: Store) -> None:
    number = dead(store, "A")
    store.resend(number, corrected("B"), who="Ann", reason="typo")
    (receipt,) = store.receive([scanned("A")])
    assert (receipt.number, receipt.duplicate) == (number, True)


def test_what_cannot_be_written_leaves_the_old_letter_as_it_was(store: Store) -> None:
    number = dead(store, "A")
    with pytest.raises(Unwritable):
        store.resend(number, replace(corrected("B"), body=b"\xff"), who="Ann", reason="x")
    row = store.numbered(number)
    assert row is not None
    assert row.status is InboxStatus.DEAD


def test_a_letter_that_opens_its_case_is_taken_before_the_note_about_it(store: Store) -> None:
    opening = replace(announced("B"), source="staff", id="letter-1")
    store.resend(dead(store, "A"), opening, who="Ann", reason="it was meant to be announced")
    cases = drive(store)
    assert cases["parcel/B"].seq == 1
    (row,) = peek(store, worker="ann", held=["parcel/B"]).letters
    assert row.letter.type == RESENT


def test_a_note_for_a_case_that_never_comes_is_no_dead_letter(store: Store) -> None:
    store.resend(dead(store, "A"), corrected("B"), who="Ann", reason="typo")
    with store.round(worker="ann") as current:
        current.take(now=NOW, limit=10, held=())
    store.expire_unmatched(before=NOW + DAY)
    assert store.summary()["inbox"] == {"resent": 1, "ignored": 1, "dead": 1}
