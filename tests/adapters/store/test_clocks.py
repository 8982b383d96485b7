"""Clocks in every store: a ledger comes back as it was written, and cases under an old policy are found."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import orjson
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text

from adapters.store import migrating
from adapters.store.base import Store
from adapters.store.opening import open_store
from adapters.store.records import Changes
from machines.kernel.case import Case
from machines.kernel.clock import Mode, PolicyChanged
from machines.kernel.clock_ledger import Escalation, Ledger, Moved, Span, Told
from machines.kernel.duration import working_hours
from tests.adapters.store.scenery import (
    DAY,
    HYDRATE,
    NOW,
    add_move,
    announced,
    drive,
    open_parcels,
    peek,
    scanned,
)

LATER = NOW + timedelta(microseconds=1)
RAN = Span(mode=Mode.RUNNING, start=NOW, end=LATER, why="parcel.announced")
LEDGER = Ledger(
    spans=(RAN, Span(mode=Mode.PAUSED, start=LATER, why="Awaiting customer")),
    budget=working_hours(8),
    source="as the procedure states",
    policy="old",
    due=NOW + DAY,
    told=(Told(percent=50, at=NOW), Told(percent=75, at=LATER)),
    escalation=Escalation(percent=75, times=2, at=NOW, by="ann"),
    owner="ann",
    moved=(Moved(at=NOW, before=NOW, after=LATER, why="the working hours changed"),),
)
STOPPED = LEDGER.but(spans=(*LEDGER.spans[:1], Span(mode=Mode.STOPPED, start=LATER)))

Change = Callable[[Changes, dict[str, Case]], None]


def with_clocks(**clocks: Ledger) -> Change:
    def change(changes: Changes, cases: dict[str, Case]) -> None:
        for id, case in list(cases.items()):
            if id not in changes.opened and id not in changes.moved:
                cases[id] = add_move(changes, case)
            cases[id] = after = replace(cases[id], clocks=clocks)
            if id in changes.opened:
                changes.opened[id] = after
            else:
                changes.moved[id] = (after, changes.moved[id][1])

    return change


def open_clocked(store: Store, *keys: str, ledger: Ledger = LEDGER) -> dict[str, Case]:
    store.receive([announced(key) for key in keys])
    return drive(store, change=with_clocks(resolution=ledger))


def test_a_ledger_comes_back_as_it_was_written(store: Store) -> None:
    held = open_clocked(store, "A")
    assert store.find_case(key="A") == list(held.values())
    store.leave(worker="ann", now=NOW)
    store.receive([scanned("A")])
    drive(store, worker="bob")
    (found,) = store.find_case(key="A")
    assert (found.seq, found.clocks) == (2, {"resolution": LEDGER})


def test_a_case_that_moves_keeps_its_latest_ledger(store: Store) -> None:
    held = open_clocked(store, "A")
    drive(store, held=held, change=with_clocks(resolution=STOPPED, reply=LEDGER))
    (found,) = store.find_case(key="A")
    assert found.clocks == {"resolution": STOPPED, "reply": LEDGER}


def test_cases_without_clocks_have_none(store: Store) -> None:
    open_parcels(store, "A")
    (found,) = store.find_case(key="A")
    assert (found.clocks, found.policy) == ({}, None)


def test_cases_under_another_policy_are_told_in_batches_and_once(store: Store) -> None:
    held = open_clocked(store, "A", "B", "C")
    open_parcels(store, "D")
    assert store.retime(policy="new", after="", limit=2, now=NOW) == ["parcel/A", "parcel/B"]
    assert store.retime(policy="new", after="parcel/B", limit=2, now=NOW) == ["parcel/C"]
    assert store.retime(policy="new", after="parcel/C", limit=2, now=NOW) == []
    store.retime(policy="new", after="", limit=9, now=NOW)
    letters = [row.letter for row in peek(store, worker="ann", held=held).letters]
    assert [letter.case for letter in letters] == ["parcel/A", "parcel/B", "parcel/C"]
    assert {letter.type for letter in letters} == {PolicyChanged.type}
    assert orjson.loads(letters[0].body) == {"policy": "new"}


def test_cases_under_the_policy_in_force_and_stopped_clocks_are_left_alone(store: Store) -> None:
    open_clocked(store, "A", ledger=STOPPED)
    held = open_clocked(store, "B")
    assert store.retime(policy="old", after="", limit=9, now=NOW) == []
    drive(store, held=held, change=with_clocks(resolution=STOPPED))
    assert store.retime(policy="new", after="", limit=9, now=NOW) == []


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_cases_from_before_there_were_clocks_go_on(kind: str, request: pytest.FixtureRequest) -> None:
    if kind == "sqlite":
        url: str = request.getfixturevalue("sqlite_url")
    else:
        url = request.getfixturevalue("store_server").url("before_clocks")
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    config = Config()
    config.set_main_option("script_location", str(migrating.__file__).replace("migrating.py", "migrations"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.execute(
            text(
                "INSERT INTO cases "
                "(id, sop, key, version, hash, state, data, seq, deferred, opened, changed, ended) "
                "VALUES ('parcel/A', 'parcel', 'A', 1, 'h', 'announced', :data, 1, 0, 0, 0, :ended)"
            ),
            {"data": '{"number": "A"}', "ended": False},
        )
    engine.dispose()
    with closing(open_store(url, hydrate=HYDRATE)) as store:
        store.migrate()
        (found,) = store.find_case(key="A")
        assert (found.state, found.clocks) == ("announced", {})
