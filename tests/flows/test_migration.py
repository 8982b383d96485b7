"""Live cases move to the version in force, in every store; workers that could not read them then do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from adapters.store.base import Store
from adapters.store.memory import MemoryStore
from adapters.store.opening import open_store
from adapters.store.records import Changes, InboxStatus, Letter, Step, StepStatus
from flows import migration
from flows.migration import Migrator
from machines.kernel.case import Case, Entry, Timer
from machines.kernel.definition import Definition
from machines.kernel.migrating import MIGRATE, Migrated, Stuck
from machines.kernel.migration import Migration
from machines.kernel.rule import Disposition
from tests.toy import DEFINITION, LOAN, Loan

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def _two(migration: Migration) -> Definition:
    return Definition(replace(LOAN, version=2, migrations=(migration,)), due=DEFINITION.due)


TWO = _two(Migration(1, "shelves are gone", states={"shelf": "back"}))
OpenStore = Callable[[int], Store]


@pytest.fixture(params=("memory", "sqlite", "postgres"))
def open_at(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OpenStore]:
    """One and the same store, as a program sees it that knows this version of the procedure."""
    first = MemoryStore(hydrate={})
    url = f"sqlite:///{tmp_path / 'cases.db'}"
    if request.param == "postgres":
        url = request.getfixturevalue("postgres_url")
    with ExitStack() as stack:

        def open_(version: int) -> Store:
            hydrate = {"loan": {version: Loan}}
            if request.param == "memory":
                other = MemoryStore(hydrate=hydrate)
                other._tables = replace(first._tables, hydrate=hydrate)
                return other
            store = stack.enter_context(closing(open_store(url, hydrate=hydrate)))
            store.migrate()
            return store

        yield open_


def put(store: Store, *keys: str, state: str = "lent", release: bool = True) -> None:
    """Cases on version 1 with a deadline that is due."""
    cases = [Case("loan", key, 1, "hash", state, Loan(book=key), 1) for key in keys]
    entry = Entry(1, NOW, "loan.lent", "t", "1", Disposition.HANDLED, "shelf", state, "", {})
    changes = Changes(
        opened={case.id: case for case in cases},
        released={case.id for case in cases} if release else set(),
        entries=[(case.id, entry) for case in cases],
        timers_set={(case.id, "overdue"): Timer("overdue", NOW, NOW) for case in cases},
    )
    with store.round(worker="w") as current:
        current.write(changes)


def defer(store: Store, key: str) -> None:
    """The case on version 1 has put a note off."""
    put(store, key)
    note = Letter("desk", f"note-{key}", "loan.noted", "loan", key, b"{}", NOW)
    (receipt,) = store.receive([note])
    with store.round(worker="w") as current:
        case = current.take(now=NOW, limit=9, held=()).cases[f"loan/{key}"]
        after = replace(case, seq=2, deferred=1)
        entry = Entry(2, NOW, note.type, "desk", note.id, Disposition.DEFERRED, "lent", "lent", "", {})
        current.write(
            Changes(
                moved={case.id: (after, 1)},
                released={case.id},
                entries=[(case.id, entry)],
                letters=[(receipt.number, InboxStatus.DEFERRED, "later")],
            )
        )


def run(store: Store, to: Definition = TWO, *, dry: bool = False) -> list[Migrated | Stuck]:
    return list(Migrator(store, to, clock=lambda: NOW, who="Ann", reason="new rules").run(dry=dry))


def test_cases_move_in_batches_and_the_journal_says_who_and_why(
    open_at: OpenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migration, "BATCH", 2)
    one, two = open_at(1), open_at(2)
    put(one, "A", "B", "C", "D", "E")
    put(one, "F", state="lost")
    put(one, "G", state="shelf")
    would = run(two, dry=True)
    assert [entry.event for entry, _ in two.journal("loan/A")] == ["loan.lent"]
    moved = run(two)
    assert would == moved
    assert [isinstance(each, Stuck) for each in moved] == [False] * 5 + [True, False]
    (case,) = two.find_case(key="A")
    assert (case.version, case.state, case.data, case.seq) == (2, "lent", Loan(book="A"), 2)
    entry, body = two.journal("loan/A")[-1]
    assert (entry.event, entry.source, entry.reason) == (MIGRATE, "Ann", "new rules (shelves are gone)")
    assert b'"from":1' in body.replace(b" ", b"")
    assert {(each.version, each.open, each.ended) for each in two.live()} == {(1, 1, 0), (2, 5, 1)}
    assert [each.case.id for each in run(two)] == ["loan/F"], "who is stuck stays and is told again"


def test_a_worker_of_the_new_version_takes_what_it_left_alone_before(open_at: OpenStore) -> None:
    one, two = open_at(1), open_at(2)
    put(one, "A")
    with two.round(worker="new") as current:
        assert list(current.take(now=NOW, limit=9, held=()).unreadable) == ["loan/A"]
    run(two)
    with two.round(worker="new") as current:
        taken = current.take(now=NOW, limit=9, held=())
    assert list(taken.timers) == [("loan/A", "overdue")]
    assert taken.cases["loan/A"].version == 2


def test_a_case_that_a_worker_has_under_way_is_met_by_the_next_run(open_at: OpenStore) -> None:
    one, two = open_at(1), open_at(2)
    put(one, "A", release=False)
    assert run(two) == []
    one.leave(worker="w", now=NOW)
    assert [each.case.id for each in run(two)] == ["loan/A"]


def test_what_a_case_had_put_off_is_delivered_to_it_again(open_at: OpenStore) -> None:
    """The new version may take it, also in a state that keeps its name."""
    one, two = open_at(1), open_at(2)
    defer(one, "A")
    run(two, dry=True)
    assert one.summary()["inbox"] == {"deferred": 1}
    run(two)
    with two.round(worker="new") as current:
        taken = current.take(now=NOW, limit=9, held=())
    assert [row.letter.id for row in taken.letters] == ["note-A"]
    assert taken.cases["loan/A"].deferred == 0


def test_a_case_whose_data_the_migration_does_not_foresee_is_named_and_the_others_move(
    open_at: OpenStore,
) -> None:
    one, two = open_at(1), open_at(2)
    put(one, "A", "B", "C")

    def count(data: dict[str, Any]) -> dict[str, Any]:
        return data | {"renewals": {"A": 1, "C": 0}[data["book"]]}

    counting = _two(Migration(1, "a loan counts its renewals", data=count))
    for dry in (True, False):
        moved = run(two, counting, dry=dry)
        assert [each.case.id for each in moved if isinstance(each, Migrated)] == ["loan/A", "loan/C"]
        (stuck,) = [each for each in moved if isinstance(each, Stuck)]
        assert (stuck.case.id, stuck.reasons) == ("loan/B", ("the mapping failed: KeyError, from version 1",))
    assert {(each.version, each.open) for each in two.live()} == {(1, 1), (2, 2)}


def test_a_case_with_a_step_under_way_that_the_new_version_does_not_know_stays(open_at: OpenStore) -> None:
    one, two = open_at(1), open_at(2)
    put(one, "A", "B", "C")
    fine = Step("loan/A/fine.charge/1", "loan/A", "fine.charge", b"{}", StepStatus.PARKED, NOW)
    told = replace(fine, key="loan/B/fine.charge/1", case="loan/B", status=StepStatus.DONE)
    known = replace(fine, key="loan/C/reminder.send/1", case="loan/C", command="reminder.send")
    with one.round(worker="w") as current:
        current.write(Changes(steps=[fine, told, known]))
    stuck = [each.case.id for each in run(two) if isinstance(each, Stuck)]
    assert stuck == ["loan/A"]
