"""What only a real database can show: other processes, lost connections, full disks, migrations."""

from __future__ import annotations

import hashlib
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, create_engine, event, make_url
from sqlalchemy.exc import OperationalError

from adapters.errors import StoreUnavailable, Unwritable
from adapters.postgres import EmbeddedPostgres
from adapters.store import outages
from adapters.store.base import Store
from adapters.store.opening import open_store
from adapters.store.outage import OUTAGE
from adapters.store.postgres import PostgresStore
from adapters.store.records import Changes, StepStatus
from adapters.store.schema import metadata
from adapters.store.sql import SqlStore
from adapters.store.sqlite import SqliteStore
from machines.kernel.case import Case
from tests.adapters.store.conftest import Opener
from tests.adapters.store.scenery import (
    HYDRATE,
    NOW,
    add_move,
    announced,
    answer,
    drive,
    entry,
    new_case,
    open_parcels,
    peek,
    scanned,
)

_MIGRATE = """
import sys
from adapters.store.opening import open_store
store = open_store(sys.argv[1], hydrate={})
sys.stdin.readline()
store.migrate()
store.close()
"""

_DIE_IN_A_ROUND = """
import sys, time
from tests.adapters.store.scenery import HYDRATE, NOW, answer
from adapters.store.opening import open_store
store = open_store(sys.argv[1], hydrate=HYDRATE)
with store.round(worker="doomed") as current:
    taken = current.take(now=NOW, limit=10, held=())
    current.write(answer(taken)[0])
    print("written", flush=True)
    time.sleep(60)
"""


def python(program: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments], text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )


@pytest.fixture(params=["sqlite", "postgres"])
def unmade_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database without tables."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/new/cases.db"
    server: EmbeddedPostgres = request.getfixturevalue("store_server")
    return server.url(f"unmade_{time.monotonic_ns()}")


def test_processes_that_migrate_at_once_do_not_disturb_one_another(unmade_url: str) -> None:
    processes = [python(_MIGRATE, unmade_url) for _ in range(3)]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        process.communicate(timeout=30)
    assert [process.returncode for process in processes] == [0, 0, 0]
    with closing(open_store(unmade_url, hydrate=HYDRATE)) as store:
        assert store.receive([announced("A")])


def test_migrated_tables_are_those_that_the_code_names(unmade_url: str) -> None:
    with closing(open_store(unmade_url, hydrate=HYDRATE)) as store:
        store.migrate()
    engine = create_engine(unmade_url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


def test_a_second_process_sees_what_the_first_committed(opener: Opener) -> None:
    first, second = opener(), opener()
    open_parcels(first, "A", release=True)
    second.receive([scanned("A")])
    drive(second, worker="bob")
    assert len(first.journal("parcel/A")) == 2


def test_waiting_ends_when_another_process_sends(opener: Opener) -> None:
    first, second = opener(), opener()
    while first.wait(0.05):
        pass
    timer = threading.Timer(0.1, second.receive, [[announced("A")]])
    timer.start()
    began = time.monotonic()
    assert first.wait(60)
    assert time.monotonic() - began < 30
    timer.join()


def test_a_worker_killed_in_its_round_leaves_no_trace(opener: Opener, url: str) -> None:
    store = opener()
    store.receive([announced("A")])
    process = python(_DIE_IN_A_ROUND, url)
    assert process.stdout is not None
    assert process.stdout.readline() == "written\n"
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert store.find_case(key="A") == []
    deadline = time.monotonic() + 5
    while not peek(store, worker="bob").letters:
        assert time.monotonic() < deadline
    assert drive(store, worker="bob").keys() == {"parcel/A"}


def test_receiving_goes_on_while_another_round_is_open(postgres_url: str) -> None:
    with closing(open_store(postgres_url, hydrate=HYDRATE)) as store:
        store.receive([announced("A")])
        with store.round(worker="ann") as current:
            current.take(now=NOW, limit=10, held=())
            assert not store.receive([announced("B")])[0].duplicate


def test_open_rounds_share_the_cases_between_them(postgres_url: str) -> None:
    with closing(open_store(postgres_url, hydrate=HYDRATE)) as store:
        open_parcels(store, "ABCD", release=True)
        store.receive([scanned(key) for key in "ABCD"])
        with store.round(worker="ann") as first, store.round(worker="bob") as second:
            one = first.take(now=NOW, limit=2, held=())
            two = second.take(now=NOW, limit=4, held=())
        assert sorted(one.cases) == ["parcel/A", "parcel/B"]
        assert sorted(two.cases) == ["parcel/C", "parcel/D"]


def test_a_case_whose_work_another_round_has_just_done_is_not_leased(postgres_url: str) -> None:
    with (
        closing(open_store(postgres_url, hydrate=HYDRATE)) as store,
        closing(open_store(postgres_url, hydrate=HYDRATE)) as other,
        ExitStack() as rounds,
    ):
        assert isinstance(store, PostgresStore)
        open_parcels(store, "AB", release=True)
        store.receive([scanned("A")])
        of_ann = rounds.enter_context(other.round(worker="ann"))
        changes, cases = answer(of_ann.take(now=NOW, limit=10, held=()))
        changes.released.update(cases)
        of_ann.write(changes)

        def commit_before_the_claim(*execution: object) -> None:
            if "SKIP LOCKED" in str(execution[2]):
                rounds.close()
                other.receive([scanned("B")])

        event.listen(store._engine, "before_cursor_execute", commit_before_the_claim)
        assert drive(store, worker="bob").keys() == {"parcel/B"}
        assert store.backlog(NOW).leases == {"bob": 1}


def test_a_letter_that_comes_while_its_case_is_being_opened_is_not_lost(postgres_url: str) -> None:
    with closing(open_store(postgres_url, hydrate=HYDRATE)) as store:
        store.receive([announced("A")])
        with store.round(worker="ann") as first:
            taken = first.take(now=NOW, limit=10, held=())
            store.receive([scanned("A")])
            with store.round(worker="bob") as second:
                assert not second.take(now=NOW, limit=10, held=())
            changes = Changes(opened={"parcel/A": new_case("A")}, entries=[("parcel/A", entry(1, "e"))])
            assert taken.letters
            first.write(changes)
        assert [row.status.value for row in store.inbox()] == ["new", "new"]


def test_a_worker_that_hangs_in_its_round_does_not_stop_recovery(postgres_url: str) -> None:
    with closing(open_store(postgres_url, hydrate=HYDRATE)) as store:
        held = open_parcels(store, "AB", worker="ann")
        changes = Changes()
        add_move(changes, held["parcel/A"])
        with store.round(worker="ann") as hanging:
            hanging.write(changes)
            assert store.recover(now=NOW, silent_since=NOW.replace(year=2027)) == 1
        assert [step.case for step in peek(store, worker="bob").steps] == ["parcel/B"]
        assert store.recover(now=NOW, silent_since=NOW.replace(year=2027)) == 1


def test_the_store_works_again_after_its_connections_were_cut(postgres_url: str) -> None:
    def lose_connection(store: Store) -> None:
        with store.round(worker="ann") as current:
            current.take(now=NOW, limit=10, held=())
            cut_connections(postgres_url)
            current.write(Changes(sent=[announced("B")]))

    with closing(open_store(postgres_url, hydrate=HYDRATE)) as store:
        store.receive([announced("A")])
        store.wait(0)
        with pytest.raises(StoreUnavailable):
            lose_connection(store)
        assert store.wait(0.01)
        assert [row.letter.key for row in peek(store, worker="ann").letters] == ["A"]
        while store.wait(0.3):
            pass
        timer = threading.Timer(0.1, store.receive, [[announced("C")]])
        timer.start()
        assert store.wait(60)
        timer.join()


def test_a_round_whose_answer_is_lost_is_kept_and_its_steps_come_back(
    opener: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = Connection.commit

    def lose_answer(connection: Connection) -> None:
        commit(connection)
        raise OperationalError("COMMIT", None, Exception("server closed the connection"))

    store = opener()
    store.receive([announced("A")])
    monkeypatch.setattr(Connection, "commit", lose_answer)
    with pytest.raises(StoreUnavailable, match="closed the connection"):
        drive(store)
    monkeypatch.undo()
    assert [step.status for step in store.steps()] == [StepStatus.RUNNING]
    assert not peek(store, worker="ann")
    store.leave(worker="ann", now=NOW)
    assert [step.status for step in peek(store, worker="ann").steps] == [StepStatus.PENDING]


def test_leaving_waits_for_a_round_that_is_still_open(postgres_url: str) -> None:
    with closing(open_store(postgres_url, hydrate=HYDRATE)) as store:
        held = open_parcels(store, "A")
        changes = Changes()
        add_move(changes, held["parcel/A"])
        with ThreadPoolExecutor(1) as pool:
            with store.round(worker="ann") as lost:
                lost.write(changes)
                leaving = pool.submit(store.leave, worker="ann", now=NOW)
                with pytest.raises(TimeoutError):
                    leaving.result(timeout=0.3)
            leaving.result(timeout=5)
        assert [step.status for step in peek(store, worker="bob").steps] == [StepStatus.PENDING]


@pytest.mark.parametrize("skew", [timedelta(hours=-1), timedelta(hours=1)])
def test_a_worker_whose_clock_is_wrong_keeps_its_cases(postgres_url: str, skew: timedelta) -> None:
    with closing(open_store(postgres_url, hydrate=HYDRATE)) as store:
        open_parcels(store, "A", worker="ann")
        store.beat(worker="ann", now=NOW + skew)
        assert store.recover(now=NOW, silent_since=NOW - timedelta(seconds=10)) == 0
        time.sleep(0.02)
        assert store.recover(now=NOW, silent_since=NOW - timedelta(seconds=0.01)) == 1


def test_a_value_too_large_for_its_column_is_no_outage(url: str, opener: Opener) -> None:
    def overflow(changes: Changes, cases: dict[str, Case]) -> None:
        changes.steps = [replace(step, attempts=2**70) for step in changes.steps]

    store = opener()
    store.receive([announced("A")])
    with pytest.raises(Unwritable) as caught:
        drive(store, change=overflow)
    assert str(2**70) not in str(caught.value)
    assert caught.value.__cause__ is not None
    assert drive(store)


def test_text_that_postgresql_does_not_take_is_no_outage(postgres_url: str) -> None:
    with closing(open_store(postgres_url, hydrate=HYDRATE)) as store, pytest.raises(Unwritable):
        store.receive([announced("A", id="secret\0")])


def test_text_that_is_not_unicode_is_no_outage(opener: Opener) -> None:
    store = opener()
    with pytest.raises(Unwritable) as caught:
        store.receive([announced("A", id="secret\ud800")])
    assert "secret" not in str(caught.value)


def test_a_key_too_long_for_an_index_is_no_outage(postgres_url: str) -> None:
    noise = "".join(hashlib.sha256(bytes([number])).hexdigest() for number in range(200))
    with closing(open_store(postgres_url, hydrate=HYDRATE)) as store, pytest.raises(Unwritable) as caught:
        store.receive([announced(noise)])
    assert noise[:20] not in str(caught.value)


def test_errors_quote_no_values(opener: Opener) -> None:
    def again(changes: Changes, cases: dict[str, Case]) -> None:
        changes.steps = [replace(step, error="Frau-Geheim") for step in changes.steps * 2]

    store = opener()
    store.receive([announced("A")])
    with pytest.raises(Unwritable) as caught:
        drive(store, change=again)
    assert "Frau-Geheim" not in f"{caught.value} {caught.value.__cause__}"


def test_connections_notice_a_peer_that_vanishes(postgres_url: str) -> None:
    with closing(PostgresStore(make_url(postgres_url), hydrate=HYDRATE)) as store:
        store.wait(0)
        assert store._listener is not None
        with store._reading() as connection:
            raw = connection.connection.driver_connection
            assert isinstance(raw, psycopg.Connection)
            for one in (raw, store._listener):
                found = one.info.get_parameters()
                names = ("keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count")
                assert [found[name] for name in names] == ["1", "10", "5", "3"]
                assert found["tcp_user_timeout"] == "20000"


def cut_connections(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def test_a_full_disk_makes_the_store_unavailable_and_keeps_no_half_round(tmp_path: Path) -> None:
    def send_many(changes: Changes, cases: dict[str, Case]) -> None:
        changes.sent += [announced(f"sent-{number}") for number in range(300)]

    with closing(SqliteStore(tmp_path / "cases.db", hydrate=HYDRATE)) as store:
        store.migrate()
        store.receive([announced(str(number)) for number in range(50)])
        limit_pages(store, room=2)
        with pytest.raises(StoreUnavailable, match="full"):
            drive(store, change=send_many)
        with pytest.raises(StoreUnavailable, match="full"):
            store.receive([announced(f"more-{number}") for number in range(500)])
        assert store.summary() == {"cases": {}, "steps": {}, "inbox": {"new": 50}}
        limit_pages(store, room=1_000)
        drive(store, change=send_many)
        assert store.summary()["inbox"] == {"applied": 50, "new": 300}


def limit_pages(store: SqliteStore, *, room: int) -> None:
    """Room on the disk, in pages, for the one connection that a single thread uses."""
    with store._writing() as connection:
        (count,) = connection.exec_driver_sql("PRAGMA page_count").one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {count + room}")


def test_a_database_that_stays_locked_makes_the_store_unavailable(tmp_path: Path) -> None:
    with closing(SqliteStore(tmp_path / "cases.db", hydrate=HYDRATE, busy=0.05)) as store:
        store.migrate()
        with closing(sqlite3.connect(tmp_path / "cases.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreUnavailable, match="locked"):
                store.receive([announced("A")])
            assert store.inbox() == []
        assert store.receive([announced("A")])


def test_a_worker_that_writes_all_the_time_does_not_keep_others_out(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/cases.db"
    stopping = threading.Event()

    def work(store: Store) -> None:
        while not stopping.is_set():
            with store.round(worker="ann"):
                time.sleep(0.02)

    with (
        closing(open_store(url, hydrate=HYDRATE)) as busy,
        closing(open_store(url, hydrate=HYDRATE)) as other,
    ):
        busy.migrate()
        thread = threading.Thread(target=work, args=[busy])
        thread.start()
        waits = []
        for number in range(20):
            began = time.monotonic()
            other.receive([announced(str(number))])
            waits.append(time.monotonic() - began)
        stopping.set()
        thread.join()
    assert sorted(waits)[-3] < 0.5


def test_a_store_without_tables_says_so(tmp_path: Path) -> None:
    with (
        closing(open_store(f"sqlite:///{tmp_path}/cases.db", hydrate=HYDRATE)) as store,
        pytest.raises(StoreUnavailable, match="no such table"),
    ):
        store.receive([announced("A")])


@pytest.mark.parametrize("url", ["sqlite://", "mysql://localhost/cases", "sqlite:///:memory:"])
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match="no store at"):
        open_store(url, hydrate=HYDRATE)


def test_statistics_of_a_quiet_hour_make_no_rush_compare_each_with_each(postgres_url: str) -> None:
    keys = [f"P-{number}" for number in range(300)]
    groups = [keys[first : first + 100] for first in range(0, 300, 100)]
    with closing(open_store(postgres_url, hydrate=HYDRATE)) as store:
        for group in groups:
            open_parcels(store, group, release=True)
        with psycopg.connect(postgres_url, autocommit=True) as connection:
            connection.execute("ANALYZE")
        held: dict[str, Case] = {}
        for group in groups:
            store.receive([scanned(key) for key in group])
            held |= drive(store, held=held)
        store.receive([scanned(key, id=f"again-{key}") for key in keys])
    before = _rows_looked_at(postgres_url)
    with closing(open_store(postgres_url, hydrate=HYDRATE)) as store:
        assert len(peek(store, worker="ann", held=held).letters) == len(keys)
    assert _rows_looked_at(postgres_url) - before < 20 * len(keys)


def _fill_with_waiting(store: Store, *, count: int) -> None:
    """Labels that wait for an outage to end, and as many that are parked because of it."""

    def stand(changes: Changes, cases: dict[str, Case]) -> None:
        waits, parked = (StepStatus.RETRYING, OUTAGE), (StepStatus.PARKED, "unavailable")
        for number, step in enumerate(changes.steps):
            status, code = parked if number % 2 else waits
            changes.steps[number] = replace(step, status=status, code=code, due=NOW, failed=NOW)

    for first in range(0, 2 * count, 100):
        store.receive([announced(f"W-{number}") for number in range(first, first + 100)])
        drive(store, change=stand, release=True)


def test_what_waits_for_an_outage_is_released_in_the_order_of_an_index(url: str, opener: Opener) -> None:
    """However much waits, a turn looks at no more than it releases."""
    store = opener()
    assert isinstance(store, SqlStore)
    _fill_with_waiting(store, count=1_000)
    given = {"command": "label.print", "since": 0, "most": 10}
    with store._writing() as connection:
        connection.exec_driver_sql("ANALYZE")
        for index, statement in (("steps_out", outages.WAITING), ("steps_stranded", outages.STRANDED)):
            assert len(connection.execute(statement, given).all()) == 10
            compiled = statement.compile(connection, compile_kwargs={"render_postcompile": True})
            explain = "EXPLAIN QUERY PLAN" if url.startswith("sqlite") else "EXPLAIN"
            values = compiled.construct_params(given)
            found = connection.exec_driver_sql(
                f"{explain} {compiled}", tuple(values[name] for name in compiled.positiontup or ())
            )
            plan = "\n".join(" ".join(map(str, row)) for row in found)
            assert index in plan
            assert "Sort" not in plan
            assert "B-TREE" not in plan


def _rows_looked_at(url: str) -> int:
    """Rows of cases that connections which are closed by now have read by an index."""
    others = """
        SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"""
    with psycopg.connect(url, autocommit=True) as connection:
        while connection.execute(others).fetchall() != [(0,)]:  # what they counted is told as they end
            time.sleep(0.02)
        query = "SELECT idx_tup_fetch FROM pg_stat_user_tables WHERE relname = 'cases'"
        ((fetched,),) = connection.execute(query).fetchall()
    return int(fetched)
