"""What staff have been told: one row for each notice, with the instant until which nobody need tell it again.

Whoever is about to tell something claims it first, so that of several processes that see it one tells it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import (
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
from adapters.store.notices import Cause
from adapters.store.records import MOST_KEYS, Step
from adapters.store.transactions import Opening

_notices = schema.notices
_INSERT = insert(_notices)
_TAKE_OVER = {"until": _INSERT.excluded.until}
_CLAIM = _INSERT.on_conflict_do_update(
    index_elements=["key"], set_=_TAKE_OVER, where=_notices.c.until <= bindparam("now")
)
_NOTE = _INSERT.on_conflict_do_update(index_elements=["key"], set_=_TAKE_OVER)
_NOTED = select(_notices.c.key).where(_notices.c.key.in_(bindparam("keys", expanding=True)))
_FORGET = delete(_notices).where(_notices.c.key == bindparam("gone"))
_DROP = delete(_notices).where(_notices.c.until < bindparam("before"))
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


class SqlNotices:
    """Implements ``Notices``; ``writing`` and ``reading`` open a transaction of their kind."""

    def __init__(self, *, writing: Opening, reading: Opening) -> None:
        self._writing = writing
        self._reading = reading

    def untold_causes(self) -> Mapping[Cause, datetime]:
        with self._reading() as connection:
            found = connection.execute(_CAUSES)
            return {Cause(sop, command, code): rows.instant(since) for sop, command, code, since in found}

    def untold(self, cause: Cause, *, limit: int) -> list[Step]:
        values = {"sop": cause.sop, "command": cause.command, "code": cause.code, "limit": limit}
        with self._reading() as connection:
            return [rows.step_from(row) for row in connection.execute(_UNTOLD, values)]

    def claim(self, key: str, *, now: datetime, until: datetime) -> bool:
        values = {"key": key, "until": rows.micros(until), "now": rows.micros(now)}
        with self._writing() as connection:
            return connection.execute(_CLAIM, values).rowcount == 1

    def note(self, notices: Mapping[str, datetime]) -> None:
        told = [{"key": key, "until": rows.micros(until)} for key, until in sorted(notices.items())]
        with self._writing() as connection:
            if told:
                connection.execute(_NOTE, told)

    def noted(self, keys: Collection[str]) -> set[str]:
        wanted = list(keys)
        found: set[str] = set()
        with self._reading() as connection:
            for start in range(0, len(wanted), MOST_KEYS):
                found.update(connection.scalars(_NOTED, {"keys": wanted[start : start + MOST_KEYS]}))
        return found

    def forget(self, key: str) -> bool:
        with self._writing() as connection:
            return connection.execute(_FORGET, {"gone": key}).rowcount == 1

    def drop(self, *, before: datetime) -> int:
        with self._writing() as connection:
            return connection.execute(_DROP, {"before": rows.micros(before)}).rowcount
