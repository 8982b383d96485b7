"""What staff have been told is told once by whoever claims it first, and again when its time is over."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from sqlalchemy import event

from adapters.store.base import Store
from adapters.store.notices import Cause, notice_of
from adapters.store.opening import open_store
from adapters.store.records import Changes, StepStatus
from adapters.store.sqlite import SqliteStore
from machines.kernel.case import Case
from tests.adapters.store.scenery import NOW, SOON, announced, drive

HOUR = timedelta(hours=1)


def test_one_of_several_claims_a_notice_until_its_time_is_over(store: Store) -> None:
    assert store.notices.claim("no-worker", now=NOW, until=NOW + HOUR)
    assert not store.notices.claim("no-worker", now=SOON, until=SOON + HOUR)
    assert store.notices.claim("another", now=SOON, until=SOON + HOUR)
    assert store.notices.claim("no-worker", now=NOW + HOUR, until=NOW + 2 * HOUR)
    assert not store.notices.claim("no-worker", now=NOW + HOUR, until=NOW + 2 * HOUR)


def test_of_processes_that_claim_at_once_one_gets_it(opener: Callable[[], Store]) -> None:
    stores = [opener() for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        got = list(pool.map(lambda store: store.notices.claim("parked", now=NOW, until=SOON), stores))
    assert got.count(True) == 1


def test_what_is_noted_is_found_again_and_forgotten_once(store: Store) -> None:
    store.notices.note({})
    store.notices.note({"a": SOON, "b": NOW})
    store.notices.note({"b": SOON})
    assert store.notices.noted(["a", "b", "c"]) == {"a", "b"}
    assert not store.notices.claim("b", now=NOW, until=SOON)
    assert store.notices.forget("b")
    assert not store.notices.forget("b")
    assert store.notices.noted(["a", "b"]) == {"a"}
    assert store.notices.noted([]) == set()


def test_parked_steps_are_untold_until_noted_and_again_when_they_park_again(store: Store) -> None:
    def park(changes: Changes, cases: dict[str, Case]) -> None:
        later = iter((SOON, NOW))
        changes.steps = [
            replace(step, status=StepStatus.PARKED, attempts=3, failed=next(later)) for step in changes.steps
        ]

    cause = Cause("parcel", "label.print", "")
    assert store.notices.untold_causes() == {}
    store.receive([announced("P-1"), announced("P-2")])
    drive(store, change=park)
    first, second = store.notices.untold(cause, limit=10)
    assert (first.case, second.case) == ("parcel/P-2", "parcel/P-1")
    assert store.notices.untold(cause, limit=1) == [first]
    assert store.notices.untold_causes() == {cause: NOW}
    store.notices.note({notice_of(first): NOW})
    assert store.notices.untold(cause, limit=10) == [second]
    assert store.notices.untold_causes() == {cause: SOON}
    drive(store, change=lambda changes, cases: changes.settled.append(replace(first, attempts=4)))
    assert [step.case for step in store.notices.untold(cause, limit=10)] == ["parcel/P-2", "parcel/P-1"]
    store.notices.note({notice_of(step): NOW for step in store.notices.untold(cause, limit=10)})
    assert store.notices.untold_causes() == {}


def test_untold_steps_are_apart_by_procedure_command_and_code(store: Store) -> None:
    kinds = {"A": ("label.print", None), "B": ("label.print", "rejected"), "C": ("label.void", "rejected")}

    def park(changes: Changes, cases: dict[str, Case]) -> None:
        changes.steps = [
            replace(step, status=StepStatus.PARKED, command=command, code=code, failed=NOW)
            for step in changes.steps
            for command, code in [kinds[step.case[-1]]]
        ]

    store.receive([announced(key) for key in kinds])
    drive(store, change=park)
    causes = [Cause("parcel", command, code or "") for command, code in kinds.values()]
    assert store.notices.untold_causes() == dict.fromkeys(causes, NOW)
    found = [[step.case for step in store.notices.untold(cause, limit=10)] for cause in causes]
    assert found == [["parcel/A"], ["parcel/B"], ["parcel/C"]]
    assert store.notices.untold(Cause("order", "label.print", ""), limit=10) == []


def test_looking_for_causes_looks_at_no_step_that_is_not_parked(tmp_path: Path) -> None:
    with closing(open_store(f"sqlite:///{tmp_path}/cases.db", hydrate={})) as store:
        store.migrate()
        assert isinstance(store, SqliteStore)
        seen: list[tuple[str, Sequence[object]]] = []
        event.listen(store._engine, "before_cursor_execute", lambda *called: seen.append(called[2:4]))
        store.notices.untold_causes()
        store.notices.untold(Cause("parcel", "label.print", ""), limit=10)
    with closing(sqlite3.connect(tmp_path / "cases.db")) as connection:
        looked = [(sql, values) for sql, values in seen if sql.startswith("SELECT")]
        for sql, values in looked:
            plan = [step[3] for step in connection.execute(f"EXPLAIN QUERY PLAN {sql}", values)]
            assert any("steps USING INDEX steps_parked" in step for step in plan), plan
    assert len(looked) == 2
