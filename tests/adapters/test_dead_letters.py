"""Dead letters explained and sent again: what each would need, what may be corrected, what stays sealed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson
import pytest

from adapters.correction import Correction
from adapters.dead_letters import DeadLetters, NotResendable
from adapters.errors import SealBroken
from adapters.intake import Intake, InvalidEvents
from adapters.master_key import MasterKeys
from adapters.sealing import Disclosure, Vault
from adapters.store.base import Store
from adapters.store.opening import open_store
from adapters.store.records import Changes, InboxRow, InboxStatus, Letter
from machines.catalogue import CATALOGUE
from machines.kernel.case import Case, Entry
from machines.kernel.rule import Disposition
from tests.adapters.toys import NOW, placed

AMEND = {
    "customer": "C-1",
    "ship_to": {
        "street": "1 Sample Street",
        "city": "Berlin",
        "postcode": "10115",
        "zone": "10",
        "country": "DE",
    },
}
CLEAR = Disclosure("carrier", "delivery", frozenset({"street", "city", "postcode", "zone", "note"}))


@pytest.fixture
def store() -> Iterator[Store]:
    store = open_store("memory:", hydrate={p.name: {p.version: p.data} for p in CATALOGUE})
    yield store
    store.close()


@pytest.fixture
def vault(store: Store) -> Vault:
    return Vault(store, master=MasterKeys(b"m" * 32))


@pytest.fixture
def intake(store: Store, vault: Vault) -> Intake:
    return Intake(store, vault=vault, catalogue=CATALOGUE, clock=lambda: NOW + timedelta(days=40))


@pytest.fixture
def letters(store: Store) -> DeadLetters:
    return DeadLetters(store, catalogue=CATALOGUE)


def received(store: Store, intake: Intake, **event: Any) -> InboxRow:
    (accepted,) = intake.accept([placed(**event)])
    with store.round(worker="ann") as current:
        current.take(now=NOW, limit=10, held=())
    return found(store, accepted.number)


def found(store: Store, number: int) -> InboxRow:
    row = store.numbered(number)
    assert row is not None
    return row


def open_order(store: Store, key: str, *, state: str = "confirmed") -> None:
    case = Case("order", key, 1, "hash", state, None, 1)
    entry = Entry(1, NOW, "order.placed", "shop", "e", Disposition.HANDLED, "", state, "", {})
    with store.round(worker="bob") as current:
        current.take(now=NOW, limit=0, held=())
        current.write(Changes(opened={case.id: case}, entries=[(case.id, entry)]))


def kill(store: Store, letter: Letter, *, status: InboxStatus = InboxStatus.DEAD) -> InboxRow:
    (receipt,) = store.receive([letter])
    with store.round(worker="ann") as current:
        current.take(now=NOW, limit=10, held=())
        current.write(Changes(letters=[(receipt.number, status, "because")]))
    return found(store, receipt.number)


LETTER = Letter("shop", "e-1", "order.cancel", "order", "SO-1", b'{"customer":"C-1"}', NOW)


def test_an_unmatched_letter_says_what_opens_its_case(
    store: Store, intake: Intake, letters: DeadLetters
) -> None:
    row = received(store, intake, type="order.cancel", subject="SO-1", data={"customer": "C-1"})
    assert row.status is InboxStatus.UNMATCHED
    assert letters.needed(row) == (
        "order/SO-1 to be opened by order.placed; it is delivered by itself then; "
        "or another subject, if the key is mistaken"
    )


def test_a_key_of_another_procedure_is_recognised(store: Store, intake: Intake, letters: DeadLetters) -> None:
    open_order(store, "SO-1")
    row = received(store, intake, type="shipment.delivered", subject="SO-1", data={})
    assert "or another type: SO-1 is the key of order/SO-1" in letters.needed(row)
    assert "to be opened by another case, which opens shipment cases" in letters.needed(row)


@pytest.mark.parametrize(
    ("letter", "words"),
    [
        (replace(LETTER, sop="rental"), "no procedure is called 'rental'"),
        (replace(LETTER, type="order.teleported"), "another type: order.teleported is none of order"),
        (
            replace(LETTER, body=b'{"customer":"C-1","why":"x"}'),
            "data that fit order.cancel: why (extra_forbid",
        ),
        (LETTER, "order/SO-1 to be opened by order.placed; or another subject"),
        (
            replace(LETTER, type="order.placed", opens=True, body=b"{}"),
            "data that fit order.placed: order (missing)",
        ),
    ],
    ids=["procedure", "type", "data", "case", "opening"],
)
def test_a_dead_letter_says_what_it_would_need(
    letter: Letter, words: str, store: Store, letters: DeadLetters
) -> None:
    assert words in letters.needed(kill(store, letter))


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("delivered", "order/SO-1, which is delivered, to be verifying or "),
        ("verifying", "nothing in particular: order/SO-1 is verifying and may take it; send it again"),
    ],
)
def test_a_refused_letter_says_where_it_would_be_taken(
    state: str, words: str, store: Store, letters: DeadLetters
) -> None:
    open_order(store, "SO-1", state=state)
    assert letters.needed(kill(store, LETTER, status=InboxStatus.REFUSED)).startswith(words)


def test_what_got_further_needs_nothing(store: Store, letters: DeadLetters) -> None:
    assert letters.needed(kill(store, LETTER, status=InboxStatus.APPLIED)) == ""


def test_a_letter_is_sent_again_as_it_is(store: Store, intake: Intake, letters: DeadLetters) -> None:
    row = kill(store, replace(LETTER, parent="order/SO-0"))
    sent = letters.resend(row.number, intake=intake, changes=Correction(), who="Ann", reason="mended")
    again = found(store, sent.number)
    assert (again.status, again.letter.source, again.letter.id) == (InboxStatus.NEW, "staff", "letter-1")
    assert (again.letter.body, again.letter.parent) == (LETTER.body, "order/SO-0")
    # Its time to live begins anew, or it would be dead again at once.
    assert again.letter.received > LETTER.received
    assert letters.successor(found(store, row.number)) == again


def test_a_correction_keeps_what_is_sealed_and_seals_what_is_new(
    store: Store, intake: Intake, letters: DeadLetters, vault: Vault
) -> None:
    row = received(store, intake, type="order.amend", subject="SO-11", data=AMEND)
    changes = Correction(subject="SO-1", data={"ship_to": {"postcode": "10117"}})
    sent = letters.resend(row.number, intake=intake, changes=changes, who="Ann", reason="typo")
    before, after = orjson.loads(row.letter.body)["ship_to"], orjson.loads(sent.letter.body)["ship_to"]
    assert {name: after[name] for name in ("street", "city")} == {
        name: before[name] for name in ("street", "city")
    }
    assert vault.open_tokens([after["postcode"]], disclosure=CLEAR) == {after["postcode"]: "10117"}
    assert b"10117" not in sent.letter.body
    assert sent.letter.case == "order/SO-1"
    assert found(store, row.number).letter == row.letter


def test_personal_fields_that_are_nobodys_need_a_customer(
    store: Store, intake: Intake, letters: DeadLetters
) -> None:
    row = kill(store, replace(LETTER, type="return.lost", sop="return", body=b"{}"))
    changes = Correction(type="return.sent", data={"customer": "C-9", "proof": "a photo"})
    sent = letters.resend(row.number, intake=intake, changes=changes, who="Ann", reason="wrong type")
    assert b"sealed:1:C-9:" in sent.letter.body


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (Correction(type="order.teleported"), "type: unknown type"),
        (Correction(subject="order/SO-1"), "subject: write the key alone"),
        (Correction(subject="a b"), "subject: leave out spaces"),
        (Correction(data={"customer": None}), "data.customer: add this field"),
        (Correction(data={"note": "sealed:1:C-1:abc"}), "data.note: text that begins with 'sealed:' is"),
        (Correction(data={"why": "x"}), "data.why: not a field of order.cancel"),
        (Correction(type="task.answered"), "data.by: add this field"),
    ],
)
def test_a_correction_is_checked_like_an_event(
    changes: Correction, words: str, store: Store, intake: Intake, letters: DeadLetters
) -> None:
    row = kill(store, LETTER)
    with pytest.raises(InvalidEvents) as caught:
        letters.resend(row.number, intake=intake, changes=changes, who="Ann", reason="x")
    assert words in str(caught.value)
    assert found(store, row.number).status is InboxStatus.DEAD


def test_what_was_sealed_for_one_customer_is_not_sent_for_another(
    store: Store, intake: Intake, letters: DeadLetters
) -> None:
    row = received(store, intake, type="order.amend", subject="SO-1", data=AMEND)
    with pytest.raises(SealBroken, match=r"what is in ship_to\.street was sealed for another customer"):
        letters.resend(
            row.number, intake=intake, changes=Correction(data={"customer": "C-2"}), who="Ann", reason="x"
        )


def test_what_is_not_there_or_got_further_is_said_so(
    store: Store, intake: Intake, letters: DeadLetters
) -> None:
    row = kill(store, LETTER, status=InboxStatus.APPLIED)
    for number, words in ((99, "there is no letter 99"), (row.number, "letter 1 is applied; what can be")):
        with pytest.raises(NotResendable, match=words):
            letters.resend(number, intake=intake, changes=Correction(), who="Ann", reason="x")
