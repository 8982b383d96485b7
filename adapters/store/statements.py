"""What a round writes, as statements for many rows at once: built with Core, compiled once for each database,
then run on plain tuples, which costs a fifth of handing Core a dictionary per row."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import (
    JSON,
    BindParameter,
    Column,
    ColumnElement,
    Connection,
    Delete,
    Table,
    Update,
    bindparam,
    delete,
    func,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import Insert, insert  # SQLite understands its ON CONFLICT too

from adapters.store import schema
from adapters.store.rows import Values

Given = Mapping[str, ColumnElement[Any]]
"""What stands for each value, by its name: a parameter, or the column of a table."""


class _Compiled:
    """A statement as text, once for each database; ``order`` names its parameters as the values come."""

    def __init__(self, statement: Insert | Update | Delete, *order: str) -> None:
        self._statement = statement
        self._order = list(order)
        self._texts: dict[str, str] = {}

    def text(self, connection: Connection) -> str:
        return self._texts.get(connection.dialect.name) or self._compile(connection)

    def _compile(self, connection: Connection) -> str:
        keys = self._order if isinstance(self._statement, Insert) else None
        compiled = self._statement.compile(dialect=connection.dialect, column_keys=keys)
        if compiled.positiontup != self._order:
            raise AssertionError(f"parameters of {compiled} are not in the order {self._order}")
        self._texts[connection.dialect.name] = text = str(compiled)
        return text


class Bulk:
    """One statement for any number of rows, which come as values in the order of ``names``: of which column
    each is, by the name that it has here.

    ``build`` makes it from what stands for the values: parameters, for a statement run on each row, or the
    columns of a table of all rows. That table is what PostgreSQL gets, as JSON: a statement for each row,
    which its driver would send, costs both sides several times as much.
    """

    def __init__(
        self, build: Callable[[Given], Insert | Update | Delete], names: Mapping[str, Column[Any]]
    ) -> None:
        self._names = list(names)
        single = {name: bindparam(name, type_=column.type) for name, column in names.items()}
        self._single = _Compiled(build(single), *self._names)
        rows = func.json_to_recordset(bindparam("rows", type_=JSON)).table_valued(
            *(Column(name, column.type) for name, column in names.items())
        )
        self._at_once = _Compiled(build(dict(rows.render_derived(with_types=True).c)), "rows")

    def run(self, connection: Connection, rows: Sequence[Values]) -> int:
        """The number of rows changed; no two of ``rows`` may concern the same one."""
        if not rows:
            return 0
        if connection.dialect.name != "postgresql":
            return connection.exec_driver_sql(self._single.text(connection), list(rows)).rowcount
        given = orjson.dumps([dict(zip(self._names, row, strict=True)) for row in rows]).decode()
        return connection.exec_driver_sql(self._at_once.text(connection), (given,)).rowcount


def adding(table: Table, *, leaving_out: str = "", once: bool = False, renewing: Sequence[str] = ()) -> Bulk:
    """New rows. Those that are there already are an error, left as they are if ``once``, or get new values in
    the columns ``renewing``."""
    columns = {str(column.name): column for column in table.c if column.name != leaving_out}

    def build(given: Given) -> Insert:
        values = [given[name] for name in columns]
        statement = insert(table)
        if isinstance(values[0], BindParameter):
            statement = statement.values(given)
        else:
            statement = statement.from_select(list(columns), select(*values))
        if renewing:
            new = {name: statement.excluded[name] for name in renewing}
            return statement.on_conflict_do_update(index_elements=list(table.primary_key), set_=new)
        return statement.on_conflict_do_nothing() if once else statement

    return Bulk(build, columns)


def _changing(table: Table, *new: str, where: Sequence[str], kept: Sequence[str] = ()) -> Bulk:
    """Sets the columns ``new`` of the rows whose columns ``where`` are as given; where nothing is given for
    one of ``kept``, it stays what it is."""

    def build(given: Given) -> Update:
        values = {name: given[f"new_{name}"] for name in new}
        values |= {name: func.coalesce(values[name], table.c[name]) for name in kept}
        return update(table).values(values).where(*_are(table, where, given))

    return Bulk(build, {f"new_{name}": table.c[name] for name in new} | _old(table, where))


def _removing(table: Table, *, where: Sequence[str]) -> Bulk:
    return Bulk(lambda given: delete(table).where(*_are(table, where, given)), _old(table, where))


def _old(table: Table, names: Sequence[str]) -> dict[str, Column[Any]]:
    return {f"old_{name}": table.c[name] for name in names}


def _are(table: Table, names: Sequence[str], given: Given) -> Iterator[ColumnElement[bool]]:
    for name in names:
        column, value = table.c[name], given[f"old_{name}"]
        yield column.is_not_distinct_from(value) if column.nullable else column == value


_cases, _inbox, _steps, _timers = schema.cases, schema.inbox, schema.steps, schema.timers

OPEN_CASES = adding(_cases, once=True)
MOVE_CASES = _changing(
    _cases,
    *("version", "hash", "state", "data", "seq", "deferred", "lease", "changed", "ended"),
    *("clocks", "policy", "held", "assignee"),
    where=("id", "seq", "lease"),
    kept=("data",),
)
LEASE_CASES = _changing(_cases, "lease", where=("id", "lease"))
ADD_ENTRIES = adding(schema.journal)
ADD_STEPS = adding(_steps)
SETTLE_STEPS = _changing(
    _steps,
    *("status", "attempts", "due", "error", "code", "outcome", "run", "failed", "presumed"),
    where=("key",),
    kept=("run",),
)
AMEND_STEP = _changing(
    _steps, "arguments", "status", "due", "earlier", "presumed", where=("key", "attempts", "status")
)
SET_RUN = _changing(_steps, "run", where=("key",))
CLEAR_TIMERS = _removing(_timers, where=("case_id", "name"))
SET_TIMERS = adding(_timers, renewing=("due", "set_at", "passed"))
SETTLE_LETTERS = _changing(_inbox, "status", "reason", where=("number",))
_AGAIN: dict[str, object] = {"status": literal_column("'new'"), "reason": literal_column("''")}
# These mostly find nothing, so one statement for all cases is cheaper than one run for each.
_of_cases = _inbox.c.case_id.in_(bindparam("cases", expanding=True))
REDELIVER = update(_inbox).values(_AGAIN).where(schema.IS_DEFERRED, _of_cases)
RESUME_STEPS = (
    update(_steps)
    .where(
        _steps.c.case_id.in_(bindparam("cases", expanding=True)), _steps.c.status == literal_column("'held'")
    )
    .values(status=literal_column("'pending'"))
)
DELIVER_UNMATCHED = update(_inbox).values(_AGAIN).where(schema.IS_UNMATCHED, _of_cases)
ADD_LETTERS = adding(_inbox, leaving_out="number", once=True)
