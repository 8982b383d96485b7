"""What staff have been told: one row for each notice, with the instant until which nobody need tell it again.

Whoever is about to tell something claims it first, so that of several processes that see it one tells it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import (
    Connection,
    Text,
    bindparam,
    cast,
    delete,
    exists,
    func,
    literal,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import insert

from adapters.store import rows, schema
from adapters.store.records import MOST_KEYS, Step
from adapters.store.upkeep import Cause

_notices = schema.notices
_INSERT = insert(_notices)
_TAKE_OVER = {"until": _INSERT.excluded.until}
_CLAIM = _INSERT.on_conflict_do_update(
    index_elements=["key"], set_=_TAKE_OVER, where=_notices.c.until <= bindparam("now")
)
_NOTE = _INSERT.on_conflict_do_update(index_elements=["key"], set_=_TAKE_OVER)
_NOTED = select(_notices.c.key).where(_notices.c.key.in_(bindparam("keys", expanding=True)))
_FORGET = delete(_notices).where(_notices.c.key == bindparam("gone"))
_steps, _cases = schema.steps, schema.cases
_IS_UNTOLD = (
    schema.IS_PARKED,
    ~exists().where(
        _notices.c.key == literal("step ") + _steps.c.key + literal(" ") + cast(_steps.c.attempts, Text)
    ),
)
_SINCE = func.coalesce(_steps.c.failed, _steps.c.issued)
# Spelled out: to PostgreSQL the same expression with another parameter is another one, and no group.
_CODE = func.coalesce(_steps.c.code, literal_column("''"))
_CAUSES = (
    select(_cases.c.sop, _steps.c.command, _CODE, func.min(_SINCE))
    .join_from(_steps, _cases, _cases.c.id == _steps.c.case_id)
    .where(*_IS_UNTOLD)
    .group_by(_cases.c.sop, _steps.c.command, _CODE)
)
_UNTOLD = (
    select(*_steps.c)
    .join_from(_steps, _cases, _cases.c.id == _steps.c.case_id)
    .where(
        *_IS_UNTOLD,
        _cases.c.sop == bindparam("sop"),
        _steps.c.command == bindparam("command"),
        bindparam("code") == _CODE,
    )
    .order_by(_SINCE, _steps.c.key)
    .limit(bindparam("limit"))
)


def untold_causes(connection: Connection) -> dict[Cause, datetime]:
    found = connection.execute(_CAUSES)
    return {Cause(sop, command, code): rows.instant(since) for sop, command, code, since in found}


def untold(connection: Connection, cause: Cause, *, limit: int) -> list[Step]:
    values = {"sop": cause.sop, "command": cause.command, "code": cause.code, "limit": limit}
    return [rows.step_from(row) for row in connection.execute(_UNTOLD, values)]


def claim(connection: Connection, key: str, *, now: datetime, until: datetime) -> bool:
    values = {"key": key, "until": rows.micros(until), "now": rows.micros(now)}
    return connection.execute(_CLAIM, values).rowcount == 1


def note(connection: Connection, notices: Mapping[str, datetime]) -> None:
    if notices:
        told = [{"key": key, "until": rows.micros(until)} for key, until in sorted(notices.items())]
        connection.execute(_NOTE, told)


def noted(connection: Connection, keys: Collection[str]) -> set[str]:
    wanted = list(keys)
    found: set[str] = set()
    for start in range(0, len(wanted), MOST_KEYS):
        found.update(connection.scalars(_NOTED, {"keys": wanted[start : start + MOST_KEYS]}))
    return found


def forget(connection: Connection, key: str) -> bool:
    return connection.execute(_FORGET, {"gone": key}).rowcount == 1
