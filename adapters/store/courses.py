"""The journals of many cases, as figures are made of them: without reasons, and mostly without content."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from itertools import groupby

import orjson
from sqlalchemy import BindParameter, Connection, bindparam, case, select

from adapters.store import rows, schema
from machines.kernel.rule import Disposition
from machines.report.course import Line

_cases, _journal = schema.cases, schema.journal

_CHANGED = select(_cases.c.id).where(
    _cases.c.changed >= bindparam("since"),
    _cases.c.sop == bindparam("sop"),
    _cases.c.opened < bindparam("before"),
)
_ids: BindParameter[str] = bindparam("ids", expanding=True)
_bodies: BindParameter[str] = bindparam("bodies", expanding=True)
_LINES = (
    select(
        *(_journal.c.case_id, _journal.c.at, _journal.c.event, _journal.c.disposition),
        *(_journal.c.before, _journal.c.after),
        case((_journal.c.event.in_(_bodies), _journal.c.body), else_="{}"),
    )
    .where(_journal.c.case_id.in_(_ids))
    .order_by(_journal.c.case_id, _journal.c.seq)
)


def changed(connection: Connection, sop: str, *, since: datetime, opened_before: datetime) -> list[str]:
    bound = {"sop": sop, "since": rows.micros(since), "before": rows.micros(opened_before)}
    return list(connection.execute(_CHANGED, bound).scalars())


def read(connection: Connection, cases: Collection[str], *, bodies: Collection[str]) -> list[list[Line]]:
    found = connection.execute(_LINES, {"ids": list(cases), "bodies": list(bodies)})
    return [
        [
            Line(rows.instant(at), event, disposition == Disposition.HANDLED, before, after, _content(body))
            for _, at, event, disposition, before, after, body in lines
        ]
        for _, lines in groupby(found, key=lambda row: row[0])
    ]


def _content(body: str) -> dict[str, object]:
    told = {} if body == "{}" else orjson.loads(body)
    return told if isinstance(told, dict) else {}
