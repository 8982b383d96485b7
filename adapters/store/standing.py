"""Which cases stand in certain states, and since which entry of their journal."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import BindParameter, Connection, Select, bindparam, func, select, tuple_

from adapters.store import queries, rows, schema
from adapters.store.records import Standing
from adapters.store.rows import Hydrate
from machines.kernel.case import Entry

_cases, _journal = schema.cases, schema.journal
_TOGETHER = 500  #: cases in one query; SQLite takes 32,766 values

_ids: BindParameter[str] = bindparam("ids", expanding=True)
_latest = (
    select(_journal.c.case_id, func.max(_journal.c.seq).label("seq"))
    .join_from(_journal, _cases, _cases.c.id == _journal.c.case_id)
    .where(_journal.c.case_id.in_(_ids), _journal.c.after == _cases.c.state)
    .where(_journal.c.before != _journal.c.after)
    .group_by(_journal.c.case_id)
    .subquery()
)
_ENTERED = select(
    _journal.c.case_id, *(column for column in _journal.c if column.name != "case_id")
).join_from(_journal, _latest, (_journal.c.case_id == _latest.c.case_id) & (_journal.c.seq == _latest.c.seq))


def select_cases(
    states: Collection[tuple[str, str]], *, cases: Collection[str] | None, limit: int
) -> Select[Any]:
    wanted = select(_cases.c.id, *queries.CASE_COLUMNS)
    wanted = wanted.where(schema.IS_OPEN, tuple_(_cases.c.sop, _cases.c.state).in_(list(states)))
    # SQLite finds pairs by an index only where each half is named too, and nothing else offers an order.
    wanted = wanted.where(_cases.c.sop.in_({sop for sop, _ in states}))
    wanted = wanted.where(_cases.c.state.in_({state for _, state in states}))
    if cases is not None:
        wanted = wanted.where(_cases.c.id.in_(list(cases)))
    return wanted.order_by(_cases.c.changed + 0, _cases.c.id).limit(limit)


def find(connection: Connection, wanted: Select[Any], *, hydrate: Hydrate) -> list[Standing]:
    found = connection.execute(wanted).all()
    standing = []
    for start in range(0, len(found), _TOGETHER):
        part = found[start : start + _TOGETHER]
        cases, _ = queries.load_cases(connection, part, hydrate=hydrate)
        entered = _entered(connection, list(cases))
        # Read one after the other: a case that moved on between the two is told by its entry.
        standing += [
            Standing(case, *entered[id])
            for id, case in cases.items()
            if id in entered and entered[id][0].after == case.state
        ]
    return standing


def _entered(connection: Connection, ids: list[str]) -> dict[str, tuple[Entry, bytes]]:
    if not ids:
        return {}
    return {row[0]: rows.entry_from(row[1:]) for row in connection.execute(_ENTERED, {"ids": ids})}
