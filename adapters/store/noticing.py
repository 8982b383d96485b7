"""What staff have been told: one row for each notice, with the instant until which nobody need tell it again.

Whoever is about to tell something claims it first, so that of several processes that see it one tells it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import Connection, Text, bindparam, cast, delete, exists, func, literal, select
from sqlalchemy.dialects.postgresql import insert

from adapters.store import rows, schema
from adapters.store.records import Step

_notices = schema.notices
_INSERT = insert(_notices)
_TAKE_OVER = {"until": _INSERT.excluded.until}
_CLAIM = _INSERT.on_conflict_do_update(
    index_elements=["key"], set_=_TAKE_OVER, where=_notices.c.until <= bindparam("now")
)
_NOTE = _INSERT.on_conflict_do_update(index_elements=["key"], set_=_TAKE_OVER)
_NOTED = select(_notices.c.key).where(_notices.c.key.in_(bindparam("keys", expanding=True)))
_FORGET = delete(_notices).where(_notices.c.key == bindparam("gone"))
_steps = schema.steps
_UNTOLD = (
    select(*_steps.c)
    .where(
        schema.IS_PARKED,
        ~exists().where(
            _notices.c.key == literal("step ") + _steps.c.key + literal(" ") + cast(_steps.c.attempts, Text)
        ),
    )
    .order_by(func.coalesce(_steps.c.failed, _steps.c.issued), _steps.c.key)
    .limit(bindparam("limit"))
)
_MOST_KEYS = 5_000  #: in one query; SQLite takes 32,766 values


def untold(connection: Connection, *, limit: int) -> list[Step]:
    return [rows.step_from(row) for row in connection.execute(_UNTOLD, {"limit": limit})]


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
    for start in range(0, len(wanted), _MOST_KEYS):
        found.update(connection.scalars(_NOTED, {"keys": wanted[start : start + _MOST_KEYS]}))
    return found


def forget(connection: Connection, key: str) -> bool:
    return connection.execute(_FORGET, {"gone": key}).rowcount == 1
