"""Leases and heartbeats: who is alive, freeing the cases of who is not, and putting parked steps back to
work.

Recovery only re-queues; nothing is performed here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

import orjson
from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Connection,
    Executable,
    bindparam,
    case,
    cast,
    delete,
    exists,
    func,
    literal,
    literal_column,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from adapters.store import rows, schema
from adapters.store import statements as sql
from adapters.store.records import REPLAY, Letter, Step

_cases, _steps, _workers = schema.cases, schema.steps, schema.workers
_names: BindParameter[str] = bindparam("workers", expanding=True)
_UNKNOWN = (
    select(_cases.c.lease)
    .distinct()
    .where(schema.IS_LEASED, ~exists().where(_workers.c.id == _cases.c.lease))
)
# A case that an open round has locked stays: waiting for a worker that hangs would stop the others too.
_LEASED = select(_cases.c.id).where(_cases.c.lease.in_(_names))
_FREE = update(_cases).values(lease=None).returning(_cases.c.id)
_FREE_UNLOCKED = _FREE.where(_cases.c.id.in_(_LEASED.with_for_update(skip_locked=True)))
_FREE_ALL = _FREE.where(_cases.c.id.in_(_LEASED.with_for_update()))
# An open round of ours, on a connection that we lost, ends soon, one way or the other.
_BE_PATIENT = text("SET LOCAL lock_timeout = '5s'")
_FORGET = delete(_workers).where(
    _workers.c.id.in_(_names), ~exists().where(schema.IS_LEASED, _cases.c.lease == _workers.c.id)
)
_NOBODY = ""  #: no worker has this name
_marks = schema.unreadable
_MARK = insert(_marks).on_conflict_do_nothing()
_READ_AGAIN = delete(_marks).where(_marks.c.worker.in_(_names))
_PENDING: dict[str, object] = {"status": literal_column("'pending'"), "due": bindparam("now")}
# A retry stays one: what is pending and has a code was put back to work by somebody.
_again = case((_steps.c.code.is_(None), literal_column("'pending'")), else_=literal_column("'retrying'"))
_REQUEUE_RUNNING = (
    update(_steps)
    .where(_steps.c.case_id == bindparam("case"), _steps.c.status == literal_column("'running'"))
    .values(_PENDING | {"status": _again})
)
_REQUEUE_PARKED = (
    update(_steps)
    .where(schema.IS_PARKED, _steps.c.key.in_(bindparam("keys", expanding=True)))
    .values(_PENDING)
    .returning(_steps.c.key, _steps.c.case_id)
)


def _clock(connection: Connection, now: datetime) -> ColumnElement[int]:
    """The machines that share a PostgreSQL may disagree about the time, so it tells it to all of them; those
    that share a file are one machine."""
    if connection.dialect.name == "postgresql":
        return cast(func.extract("epoch", func.clock_timestamp()) * 1_000_000, BigInteger)
    return literal(rows.micros(now), BigInteger)


def beat(connection: Connection, *, worker: str, now: datetime) -> None:
    beating = insert(_workers).values(id=worker, heartbeat=_clock(connection, now))
    again = {"heartbeat": beating.excluded.heartbeat}
    connection.execute(beating.on_conflict_do_update(index_elements=["id"], set_=again))


def register(connection: Connection, *, worker: str, now: datetime) -> None:
    """A first heartbeat, if there is none."""
    first = insert(_workers).values(id=worker, heartbeat=_clock(connection, now))
    connection.execute(first.on_conflict_do_nothing())


def leave_no_trace(connection: Connection) -> None:
    """Write a row and take it back in one transaction: nobody sees it, but the disk must have room for it."""
    connection.execute(insert(_workers).values(id=_NOBODY, heartbeat=0).on_conflict_do_nothing())
    connection.execute(delete(_workers).where(_workers.c.id == _NOBODY))


def find_silent(connection: Connection, *, now: datetime, since: datetime) -> list[str]:
    """Workers whose last heartbeat is older, and those who lease cases without any."""
    oldest = _clock(connection, now) - (now - since) // timedelta(microseconds=1)
    silent = connection.execute(select(_workers.c.id).where(_workers.c.heartbeat < oldest)).scalars().all()
    return [*silent, *connection.execute(_UNKNOWN).scalars()]


def mark_unreadable(connection: Connection, cases: Collection[str], *, worker: str) -> None:
    if cases:
        connection.execute(_MARK, [{"case_id": case, "worker": worker} for case in cases])


def read_again(connection: Connection, cases: Collection[str]) -> None:
    """Whoever could not read these may try again."""
    if cases:
        connection.execute(delete(_marks).where(_marks.c.case_id.in_(cases)))


def leave(connection: Connection, *, worker: str, now: datetime) -> int:
    """As ``free_cases``, but waits for rounds that are open."""
    if connection.dialect.name == "postgresql":
        connection.execute(_BE_PATIENT)
    return _free(connection, _FREE_ALL, [worker], now=now)


def free_cases(connection: Connection, workers: Sequence[str], *, now: datetime) -> int:
    """The number of cases freed; their running steps become pending, or retrying."""
    return _free(connection, _FREE_UNLOCKED, workers, now=now)


def _free(connection: Connection, freeing: Executable, workers: Sequence[str], *, now: datetime) -> int:
    freed = connection.execute(freeing, {"workers": workers}).scalars().all()
    if freed:
        due = rows.micros(now)
        connection.execute(_REQUEUE_RUNNING, [{"case": case, "now": due} for case in freed])
    connection.execute(_READ_AGAIN, {"workers": workers})
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


def amend(connection: Connection, step: Step, *, now: datetime, letter: Letter) -> bool:
    if sql.AMEND_STEP.run(connection, [rows.amended_values(step, now=now)]) != 1:
        return False
    sql.ADD_LETTERS.run(connection, [rows.letter_values(letter)])
    return True


def replay_letter(step: str, case: str, *, now: datetime, who: str, reason: str) -> Letter:
    return staff_letter(REPLAY, step, case, now=now, told={"who": who, "reason": reason})


def staff_letter(type: str, step: str, case: str, *, now: datetime, told: Mapping[str, object]) -> Letter:
    """For the journal of a case: what staff did with one of its steps."""
    sop, _, key = case.partition("/")
    return Letter(
        source="staff",
        id=f"{step}@{now:%Y-%m-%dT%H:%M:%S.%fZ}",
        type=type,
        sop=sop,
        key=key,
        body=orjson.dumps({"step": step, **told}),
        received=now,
    )
