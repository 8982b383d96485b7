"""Fills a PostgreSQL store with waiting orders, as the product itself writes them: one
is placed, and every row of it and of its parcel is copied under other keys, with deadlines years away."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import psycopg
from psycopg import sql
from sqlalchemy import BigInteger, Table, Text

from adapters.store import schema
from benchmarks import load
from deployments.bootstrap import Application

TEMPLATE = "TEMPLATE-0"
_PER_CHUNK = 5_000  #: orders in one transaction
_YEARS = 10 * 365 * 86_400 * 1_000_000  #: microseconds that deadlines are put off
_APART = 1_000_000  #: microseconds between two orders
_OF_CASE = {
    "cases": "id",
    "journal": "case_id",
    "steps": "case_id",
    "timers": "case_id",
    "inbox": "case_id",
}
_SECONDS = 60.0
WAITING = "awaiting_dispatch"


def place_template(app: Application) -> None:
    """One order, through the product, to where it and its parcel wait."""
    app.intake.accept([load.placed(TEMPLATE)])
    until = time.monotonic() + _SECONDS
    while not _waits(app, "order", TEMPLATE, WAITING) or not _waits(
        app, "shipment", f"{TEMPLATE}-1", "ready"
    ):
        if time.monotonic() > until:
            raise TimeoutError(f"the order {TEMPLATE} does not come to wait")
        time.sleep(0.1)


def _waits(app: Application, sop: str, key: str, state: str) -> bool:
    leased = app.store.backlog(app.clock()).leases
    return not leased and [case.state for case in app.store.find_case(key=key, sop=sop)] == [state]


def fill(connection: psycopg.Connection, *, orders: int) -> dict[str, int]:
    """``orders`` copies of the template, and what PostgreSQL does to a table by itself in the long run; the
    rows added, by table."""
    added: dict[str, int] = {}
    connection.execute("SET synchronous_commit = off")
    tables = [schema.metadata.tables[name] for name in _OF_CASE]
    copies = [(table, _copying(connection, table)) for table in tables]
    for first in range(1, orders + 1, _PER_CHUNK):
        last = min(first + _PER_CHUNK - 1, orders)
        with connection.transaction():
            for table, copying in copies:
                rows = connection.execute(copying, (first, last)).rowcount
                added[table.name] = added.get(table.name, 0) + rows
    for table in tables:
        connection.execute(sql.SQL("VACUUM (ANALYZE) {}").format(sql.Identifier(table.name)))
    connection.execute("CHECKPOINT")
    return added


def _copying(connection: psycopg.Connection, table: Table) -> sql.Composed:
    """Inserts the rows of the template once for each number from one to another."""
    own = sql.SQL("SELECT * FROM {} WHERE {} IN (%s, %s)").format(
        sql.Identifier(table.name), sql.Identifier(_OF_CASE[table.name])
    )
    names = [column.name for column in table.c if column.name != "number"]
    cursor = connection.execute(own, (f"order/{TEMPLATE}", f"shipment/{TEMPLATE}-1"))
    kept = [column.name for column in cursor.description or ()]
    rows = [dict(zip(kept, row, strict=True)) for row in cursor]
    return sql.SQL(
        "INSERT INTO {table} ({names}) SELECT {values} FROM generate_series(%s::bigint, %s::bigint) AS n, "
        "(SELECT * FROM {table} WHERE {case} IN ({order}, {parcel})) AS one"
    ).format(
        table=sql.Identifier(table.name),
        names=sql.SQL(", ").join(map(sql.Identifier, names)),
        values=sql.SQL(", ").join(_values(table, rows)),
        case=sql.Identifier(_OF_CASE[table.name]),
        order=sql.Literal(f"order/{TEMPLATE}"),
        parcel=sql.Literal(f"shipment/{TEMPLATE}-1"),
    )


def _values(table: Table, rows: Sequence[dict[str, object]]) -> Iterator[sql.Composable]:
    """Each column as it is, but for keys and instants."""
    for column in table.c:
        name = sql.SQL("one.") + sql.Identifier(column.name)
        if column.name == "number":
            continue
        if isinstance(column.type, Text) and any(TEMPLATE in str(row[column.name]) for row in rows):
            new = sql.SQL("replace({}, {}, 'OPEN-' || n)")
            yield new.format(name, sql.Literal(TEMPLATE))
        elif column.name == "due":
            yield sql.SQL("{} + {} + n * {}").format(name, sql.Literal(_YEARS), sql.Literal(_APART))
        elif isinstance(column.type, BigInteger):
            # Numbers rise with time: the last copy is a little older than the template.
            yield sql.SQL("{} - 86400000000 * 30 + n * 1000").format(name)
        else:
            yield name
