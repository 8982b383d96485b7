"""Counting, on a connection of the caller's: what waits, what is open, which workers hold how much, and what
cases run on."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    ScalarSelect,
    Table,
    bindparam,
    case,
    func,
    select,
)

from adapters.store import rows, schema
from adapters.store.records import Backlog, Live, OpenSteps, StepStatus

_cases, _inbox, _steps, _timers = schema.cases, schema.inbox, schema.steps, schema.timers


def _count(table: Table, *conditions: ColumnElement[bool]) -> ScalarSelect[int]:
    return select(func.count()).select_from(table).where(*conditions).scalar_subquery()


_now: BindParameter[int] = bindparam("now")
_BACKLOG = select(
    _count(_inbox, schema.IS_NEW),
    select(func.min(_inbox.c.received)).where(schema.IS_NEW).scalar_subquery(),
    _count(_inbox, schema.IS_UNMATCHED),
    _count(_inbox, schema.IS_DEAD),
    _count(_timers, schema.HAS_NOT_PASSED, _timers.c.due <= _now),
    _count(_steps, schema.IS_DUE, _steps.c.due <= _now),
    _count(_steps, schema.IS_PARKED),
)


def _of_few(
    cases: ColumnElement[bool], status: StepStatus
) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    of_these = _steps.c.case_id.in_(select(_cases.c.id).where(cases).correlate(None))
    return of_these, _steps.c.status == status.value


# Each from an index of its own, so that steps which have ended are never looked at.
_OPEN_STEPS = [
    select(*(grouped := (_cases.c.sop, _steps.c.status, _steps.c.command, _steps.c.code)))
    .add_columns(func.count())
    .join_from(_steps, _cases, _cases.c.id == _steps.c.case_id)
    .where(*conditions)
    .group_by(*grouped)
    for conditions in (
        (schema.IS_PARKED,),
        (schema.IS_DUE,),
        _of_few(schema.IS_LEASED, StepStatus.RUNNING),
        _of_few(schema.IS_HELD, StepStatus.HELD),
    )
]
_WORKERS = select(schema.workers.c.id, schema.workers.c.heartbeat).order_by(schema.workers.c.id)
_LEASES = select(_cases.c.lease, func.count()).where(schema.IS_LEASED).group_by(_cases.c.lease)


def backlog(connection: Connection, now: datetime) -> Backlog:
    counts = connection.execute(_BACKLOG, {"now": rows.micros(now)}).one()
    new, oldest, unmatched, dead, timers, steps, parked = counts
    workers = list_workers(connection)
    received = None if oldest is None else rows.instant(oldest)
    leases = {str(worker): count for worker, count in connection.execute(_LEASES)}
    return Backlog(new, received, unmatched, dead, timers, steps, parked, workers, leases)


def open_steps(connection: Connection) -> list[OpenSteps]:
    rows_ = (row for kind in _OPEN_STEPS for row in connection.execute(kind))
    found = sorted((sop, status, command, code or "", n) for sop, status, command, code, n in rows_)
    return [OpenSteps(sop, StepStatus(status), *rest) for sop, status, *rest in found]


def list_workers(connection: Connection) -> list[tuple[str, datetime]]:
    return [(name, rows.instant(beat)) for name, beat in connection.execute(_WORKERS)]


def live(connection: Connection) -> list[Live]:
    runs_on = (_cases.c.sop, _cases.c.version, _cases.c.hash)
    ended = func.sum(case((_cases.c.ended, 1), else_=0))
    count = select(*runs_on, func.count() - ended, ended).group_by(*runs_on).order_by(*runs_on)
    return [Live(*row) for row in connection.execute(count)]


def count_all(connection: Connection) -> dict[str, dict[str, int]]:
    count = func.count()
    by_state = select(_cases.c.sop, _cases.c.state, count).group_by(_cases.c.sop, _cases.c.state)
    by_step = select(_steps.c.status, count).group_by(_steps.c.status)
    by_letter = select(_inbox.c.status, count).group_by(_inbox.c.status)
    return {
        "cases": {f"{sop}/{state}": number for sop, state, number in connection.execute(by_state)},
        "steps": dict(connection.execute(by_step).all()),
        "inbox": dict(connection.execute(by_letter).all()),
    }
