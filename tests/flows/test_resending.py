"""A letter that staff send again reaches its case, and the journal names who did it and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import orjson
import pytest

from adapters.store.base import Store
from adapters.store.opening import open_store
from adapters.store.records import RESENT, InboxStatus
from flows.draft import Draft
from machines.kernel.case import Case
from tests.flows.lending import letter
from tests.toy import DEFINITION, Loan

NOW = datetime.now(UTC)


@pytest.fixture
def store() -> Iterator[Store]:
    store = open_store("memory:", hydrate={"loan": {1: Loan}})
    yield store
    store.close()


def run(store: Store, held: dict[str, Case]) -> dict[str, Case]:
    """One round of a worker that holds on to its cases."""
    with store.round(worker="w") as current:
        taken = current.take(now=NOW, limit=10, held=held)
        draft = Draft({"loan": DEFINITION}, NOW, dict(taken.cases), held)
        for piece in taken.letters:
            draft.apply(piece)
        current.write(draft.changes)
    return {**held, **draft.cases}


def test_the_journal_names_who_sent_it_again_and_why(store: Store) -> None:
    held = run(store, {})
    (receipt,) = store.receive([letter("loan.lent", "L-1", body=b'{"boook": "Ulysses"}')])
    held = run(store, held)
    assert store.expire_unread(before=NOW + timedelta(days=1)) == 1
    row = store.numbered(receipt.number)
    assert row is not None
    assert row.status is InboxStatus.DEAD
    again = replace(row.letter, source="staff", id="letter-1", body=b'{"book": "Ulysses"}')
    added = store.resend(row.number, again, who="Ann", reason="three o's")
    assert added is not None
    held = run(store, held)
    held = run(store, held)
    told = [(entry.event, entry.source, entry.reason) for entry, _ in store.journal("loan/L-1")]
    assert told[0][:2] == ("loan.lent", "staff")
    assert (RESENT, "Ann", "three o's") in told
    bodies = [orjson.loads(body) for entry, body in store.journal("loan/L-1") if entry.event == RESENT]
    assert [(body["letter"], body["source"], body["who"]) for body in bodies] == [
        (receipt.number, row.letter.source, "Ann")
    ]
    assert store.summary()["inbox"] == {"resent": 1, "applied": 2}


def test_it_waits_with_its_note_for_a_case_that_is_not_there_yet(store: Store) -> None:
    (receipt,) = store.receive([letter("loan.returned", "L-2")])
    held = run(store, {})
    store.expire_unmatched(before=NOW + timedelta(days=400))
    row = store.numbered(receipt.number)
    assert row is not None
    again = replace(row.letter, source="staff", id="letter-1", key="L-1")
    store.resend(row.number, again, who="Ann", reason="wrong loan")
    held = run(store, held)
    assert store.summary()["inbox"] == {"resent": 1, "unmatched": 2}
    store.receive([letter("loan.lent", "L-1")])
    held = run(store, held)
    run(store, held)
    events = [entry.event for entry, _ in store.journal("loan/L-1")]
    assert events == ["loan.lent", RESENT, "loan.returned"]
