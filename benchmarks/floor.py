"""The floor: the rows of an order's life written by hand, in groups, with nothing else around the SQL.

Nothing is decided, checked, sealed, performed or shown; this is what the database alone would allow here.
"""

from __future__ import annotations

import sqlite3
import tempfile
import time
from pathlib import Path

from sqlalchemy import create_engine, event, text
from sqlalchemy.engine import Engine

GROUP = 256
#: Per order, as ``order`` and its ``shipment`` write them on the ordinary path.
JOURNAL, STEPS, LETTERS, TIMERS, CASES = 16, 9, 6, 3, 2

_TABLES = (
    "CREATE TABLE cases (id VARCHAR(64) PRIMARY KEY, state VARCHAR(32), data TEXT, seq INTEGER)",
    "CREATE TABLE journal (id VARCHAR(64), seq INTEGER, body TEXT, PRIMARY KEY (id, seq))",
    "CREATE TABLE steps (id VARCHAR(96) PRIMARY KEY, status VARCHAR(16), args TEXT)",
    "CREATE TABLE inbox (id VARCHAR(96) PRIMARY KEY, status VARCHAR(16), body TEXT)",
    "CREATE TABLE timers (id VARCHAR(64), name VARCHAR(32), due BIGINT, PRIMARY KEY (id, name))",
)
_DATA = '{"order":"SO-1","customer":"C-1","lines":[{"sku":"KETTLE","quantity":1,"price":3000}]}' * 8
_BODY = '{"payment":"1","amount":3000}' * 2


def floor(url: str | None, *, orders: int) -> float:
    """Orders per second on a fresh SQLite file, or on the PostgreSQL database at ``url``."""
    with tempfile.TemporaryDirectory(prefix="sop-floor-") as folder:
        engine = create_engine(url or f"sqlite:///{Path(folder) / 'floor.db'}")
        if url is None:
            event.listen(engine, "connect", _durable)
        try:
            return _measure(engine, orders)
        finally:
            engine.dispose()


def _durable(connection: sqlite3.Connection, _: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.close()


def _measure(engine: Engine, orders: int) -> float:
    with engine.begin() as connection:
        for table in _TABLES:
            connection.execute(text(table))
    started = time.perf_counter()
    for first in range(0, orders, GROUP):
        group = [f"order/SO-{n}" for n in range(first, min(first + GROUP, orders))]
        _open(engine, group)
        for moment in range(1, STEPS + 1):
            _advance(engine, group, moment)
    seconds = time.perf_counter() - started
    with engine.begin() as connection:
        for table in ("cases", "journal", "steps", "inbox", "timers"):
            connection.execute(text(f"DROP TABLE {table}"))
    return orders / seconds


def _open(engine: Engine, group: list[str]) -> None:
    with engine.begin() as connection:
        for n in range(CASES):
            rows = [{"id": f"{key}-{n}", "data": _DATA} for key in group]
            connection.execute(text("INSERT INTO cases VALUES (:id, 'placed', :data, 0)"), rows)
        for n in range(LETTERS):
            rows = [{"id": f"{key}-{n}", "body": _BODY} for key in group]
            connection.execute(text("INSERT INTO inbox VALUES (:id, 'new', :body)"), rows)


def _advance(engine: Engine, group: list[str], moment: int) -> None:
    """One round: about a ninth of what an order writes."""
    with engine.begin() as connection:
        each = range((moment - 1) * JOURNAL // STEPS, moment * JOURNAL // STEPS)
        rows = [{"id": key, "seq": n, "body": _BODY} for key in group for n in each]
        connection.execute(text("INSERT INTO journal VALUES (:id, :seq, :body)"), rows)
        rows = [{"id": f"{key}-0", "seq": moment, "data": _DATA} for key in group]
        connection.execute(
            text("UPDATE cases SET state = 'on', data = :data, seq = :seq WHERE id = :id"), rows
        )
        rows = [{"id": f"{key}-{moment}", "args": _BODY} for key in group]
        connection.execute(text("INSERT INTO steps VALUES (:id, 'running', :args)"), rows)
        if moment > 1:
            done = [{"id": f"{key}-{moment - 1}"} for key in group]
            connection.execute(text("UPDATE steps SET status = 'done' WHERE id = :id"), done)
        if moment <= LETTERS:
            applied = [{"id": f"{key}-{moment - 1}"} for key in group]
            connection.execute(text("UPDATE inbox SET status = 'applied' WHERE id = :id"), applied)
        if moment <= TIMERS:
            timers = [{"id": key, "name": f"t{moment}", "due": moment} for key in group]
            connection.execute(text("INSERT INTO timers VALUES (:id, :name, :due)"), timers)
        elif moment <= 2 * TIMERS:
            names = [{"id": key, "name": f"t{moment - TIMERS}"} for key in group]
            connection.execute(text("DELETE FROM timers WHERE id = :id AND name = :name"), names)
