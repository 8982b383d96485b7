"""Leases and heartbeats: who is alive, freeing the cases of who is not, and putting parked steps back to
work.

Recovery only re-queues; nothing is performed here.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

import orjson
from sqlalchemy import BindParameter, Connection, bindparam, delete, exists, literal_column, select, update
from sqlalchemy.dialects.postgresql import insert

from adapters.store import rows, schema
from adapters.store import statements as sql
from adapters.store.base import REPLAY, Letter

_cases, _steps, _workers = schema.cases, schema.steps, schema.workers
_beat = insert(_workers)
_BEAT = _beat.on_conflict_do_update(index_elements=["id"], set_={"heartbeat": _beat.excluded.heartbeat})

_names: BindParameter[str] = bindparam("workers", expanding=True)
_SILENT = select(_workers.c.id).where(_workers.c.heartbeat < bindparam("since"))
_UNKNOWN = (
    select(_cases.c.lease)
    .distinct()
    .where(schema.IS_LEASED, ~exists().where(_workers.c.id == _cases.c.lease))
)
# A case that an open round has locked stays: waiting for a worker that hangs would stop the others too.
_LEASED = select(_cases.c.id).where(_cases.c.lease.in_(_names)).with_for_update(skip_locked=True)
_FREE = update(_cases).where(_cases.c.id.in_(_LEASED)).values(lease=None).returning(_cases.c.id)
_FORGET = delete(_workers).where(
    _workers.c.id.in_(_names), ~exists().where(schema.IS_LEASED, _cases.c.lease == _workers.c.id)
)
_PENDING: dict[str, object] = {"status": literal_column("'pending'"), "due": bindparam("now")}
_REQUEUE_RUNNING = (
    update(_steps)
    .where(_steps.c.case_id == bindparam("case"), _steps.c.status == literal_column("'running'"))
    .values(_PENDING)
)
_REQUEUE_PARKED = (
    update(_steps)
    .where(schema.IS_PARKED, _steps.c.key.in_(bindparam("keys", expanding=True)))
    .values(_PENDING)
    .returning(_steps.c.key, _steps.c.case_id)
)


def beat(connection: Connection, *, worker: str, now: datetime) -> None:
    connection.execute(_BEAT, {"id": worker, "heartbeat": rows.micros(now)})


def find_silent(connection: Connection, *, since: datetime) -> list[str]:
    """Workers whose last heartbeat is older, and those who lease cases without any."""
    silent = connection.execute(_SILENT, {"since": rows.micros(since)}).scalars().all()
    return [*silent, *connection.execute(_UNKNOWN).scalars()]


def free_cases(connection: Connection, workers: Sequence[str], *, now: datetime) -> int:
    """The number of cases freed; their running steps become pending."""
    freed = connection.execute(_FREE, {"workers": workers}).scalars().all()
    if freed:
        due = rows.micros(now)
        connection.execute(_REQUEUE_RUNNING, [{"case": case, "now": due} for case in freed])
    connection.execute(_FORGET, {"workers": workers})
    return len(freed)


def requeue(
    connection: Connection, steps: Collection[str], *, now: datetime, who: str, reason: str
) -> list[str]:
    """The journal belongs to the worker that leases the case, so this leaves it a letter instead of an
    entry."""
    if not steps:
        return []
    due = rows.micros(now)
    parked = connection.execute(_REQUEUE_PARKED, {"keys": list(steps), "now": due}).all()
    letters = [replay_letter(step, case, now=now, who=who, reason=reason) for step, case in parked]
    sql.ADD_LETTERS.run(connection, [rows.letter_values(letter) for letter in letters])
    return [step for step, _ in parked]


def replay_letter(step: str, case: str, *, now: datetime, who: str, reason: str) -> Letter:
    sop, _, key = case.partition("/")
    return Letter(
        source="staff",
        id=f"{step}@{now:%Y-%m-%dT%H:%M:%S.%fZ}",
        type=REPLAY,
        sop=sop,
        key=key,
        body=orjson.dumps({"step": step, "who": who, "reason": reason}),
        received=now,
    )
