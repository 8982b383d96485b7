"""What a round writes, as statements for many rows at once: built with Core, compiled once for each database,
then run on plain tuples, which costs a fifth of handing Core a dictionary per row."""

from __future__ import annotations

from collections.abc import Sequence

import orjson
from sqlalchemy import (
    JSON,
    Column,
    Connection,
    Delete,
    Insert,
    Table,
    Text,
    Update,
    bindparam,
    delete,
    func,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert  # SQLite understands its ON CONFLICT too

from adapters.store import schema
from adapters.store.rows import Values


class Bulk:
    """One statement for any number of rows; ``order`` names its parameters as the tuples have them."""

    def __init__(self, statement: Insert | Update | Delete, *order: str) -> None:
        self._statement = statement
        self._order = list(order)
        self._texts: dict[str, str] = {}

    def run(self, connection: Connection, rows: Sequence[Values]) -> int:
        """The number of rows changed."""
        if not rows:
            return 0
        text = self.text(connection)
        return connection.exec_driver_sql(text, list(rows)).rowcount

    def text(self, connection: Connection) -> str:
        return self._texts.get(connection.dialect.name) or self._compile(connection)

    def _compile(self, connection: Connection) -> str:
        keys = self._order if isinstance(self._statement, Insert) else None
        compiled = self._statement.compile(dialect=connection.dialect, column_keys=keys)
        if compiled.positiontup != self._order:
            raise AssertionError(f"parameters of {compiled} are not in the order {self._order}")
        self._texts[connection.dialect.name] = text = str(compiled)
        return text


class BulkInsert(Bulk):
    """Rows that are new. PostgreSQL gets them all in one statement, as JSON: one for each row, which its
    driver would send, costs both sides several times as much."""

    def __init__(self, table: Table, *, leaving_out: str = "", once: bool = False) -> None:
        columns = [column for column in table.c if column.name != leaving_out]
        self._names = [str(column.name) for column in columns]
        rows = func.json_to_recordset(bindparam("rows", type_=JSON)).table_valued(
            *(Column(each.name, each.type) for each in columns)
        )
        given = insert(table).from_select(self._names, select(*rows.render_derived(with_types=True).c))
        single = insert(table)
        super().__init__(single.on_conflict_do_nothing() if once else single, *self._names)
        self._at_once = Bulk(given.on_conflict_do_nothing() if once else given, "rows")

    def run(self, connection: Connection, rows: Sequence[Values]) -> int:
        if connection.dialect.name != "postgresql" or not rows:
            return super().run(connection, rows)
        given = orjson.dumps([dict(zip(self._names, row, strict=True)) for row in rows]).decode()
        return connection.exec_driver_sql(self._at_once.text(connection), (given,)).rowcount


def _given(*names: str) -> dict[str, object]:
    return {name: bindparam(f"new_{name}") for name in names}


_cases, _inbox, _steps, _timers = schema.cases, schema.inbox, schema.steps, schema.timers
_lease_before = _cases.c.lease.is_not_distinct_from(bindparam("lease_before", type_=Text))
_MOVING = (
    "version",
    "hash",
    "state",
    "data",
    "seq",
    "deferred",
    "lease",
    "changed",
    "ended",
    "clocks",
    "policy",
    "held",
    "assignee",
)
_SETTLING = ("arguments", "status", "attempts", "due", "error", "code", "outcome")
_IN_HAND = ("failed", "earlier", "presumed")

OPEN_CASES = BulkInsert(_cases, once=True)
MOVE_CASES = Bulk(
    update(_cases)
    .values(_given(*_MOVING))
    .where(_cases.c.id == bindparam("case"), _cases.c.seq == bindparam("seq_before"), _lease_before),
    *(f"new_{name}" for name in _MOVING),
    *("case", "seq_before", "lease_before"),
)
LEASE_CASES = Bulk(
    update(_cases).values(_given("lease")).where(_cases.c.id == bindparam("case"), _lease_before),
    *("new_lease", "case", "lease_before"),
)
ADD_ENTRIES = BulkInsert(schema.journal)
ADD_STEPS = BulkInsert(_steps)
SETTLE_STEPS = Bulk(
    update(_steps)
    .values(
        _given(*_SETTLING, *_IN_HAND) | {"run": func.coalesce(bindparam("new_run", type_=Text), _steps.c.run)}
    )
    .where(_steps.c.key == bindparam("step")),
    *(f"new_{name}" for name in (*_SETTLING, "run", *_IN_HAND)),
    "step",
)
_AMENDING = ("arguments", "due", "earlier", "presumed")
AMEND_STEP = Bulk(
    update(_steps)
    .values(_given(*_AMENDING) | {"status": literal_column("'pending'")})
    .where(schema.IS_PARKED, _steps.c.key == bindparam("step"), _steps.c.attempts == bindparam("tried")),
    *(f"new_{name}" for name in _AMENDING),
    *("step", "tried"),
)
SET_RUN = Bulk(
    update(_steps).values(_given("run")).where(_steps.c.key == bindparam("step")), "new_run", "step"
)
CLEAR_TIMERS = Bulk(
    delete(_timers).where(_timers.c.case_id == bindparam("case"), _timers.c.name == bindparam("timer")),
    *("case", "timer"),
)
_set_timer = insert(_timers)
SET_TIMERS = Bulk(
    _set_timer.on_conflict_do_update(
        index_elements=["case_id", "name"],
        set_={name: _set_timer.excluded[name] for name in ("due", "set_at", "passed")},
    ),
    *_timers.c.keys(),
)
SETTLE_LETTERS = Bulk(
    update(_inbox).values(_given("status", "reason")).where(_inbox.c.number == bindparam("letter")),
    *("new_status", "new_reason", "letter"),
)
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
ADD_LETTERS = BulkInsert(_inbox, leaving_out="number", once=True)
