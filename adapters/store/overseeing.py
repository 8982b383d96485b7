"""All cases at once, from a database. The overview of one procedure reads open cases and what changed since a
while; cases that ended before are not looked at."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime

import orjson
from sqlalchemy import BigInteger, BindParameter, Connection, bindparam, func, literal_column, select

from adapters.store import courses, rows, schema
from adapters.store.overview import MOST_NAMED, InState, Limited, Listed, OnHold, Overrun, Overview
from adapters.store.records import ANSWERS_LATER
from adapters.store.transactions import Opening
from machines.kernel.clock_ledger import Told
from machines.report.course import Line

_cases, _timers, _steps = schema.cases, schema.timers, schema.steps
_HOUR = 3_600_000_000  #: microseconds
_ALL = 100  #: percent
_BATCH = 500

_sop: BindParameter[str] = bindparam("sop")
_OPEN = (schema.IS_OPEN, _cases.c.sop == _sop)
_STATES = (
    select(_cases.c.state, func.count(), func.count(_cases.c.held), func.min(_cases.c.changed))
    .where(*_OPEN)
    .group_by(_cases.c.state)
)
_place = func.row_number().over(partition_by=_cases.c.state, order_by=(_cases.c.changed, _cases.c.key))
_ranked = select(_cases.c.state, _cases.c.key, _place.label("place")).where(*_OPEN).subquery()
_STILL = (
    select(_ranked.c.state, _ranked.c.key)
    .where(_ranked.c.place <= MOST_NAMED)
    .order_by(_ranked.c.state, _ranked.c.place)
)
_ASSIGNEES = (
    select(_cases.c.assignee, func.count())
    .where(*_OPEN, _cases.c.assignee.is_not(None))
    .group_by(_cases.c.assignee)
)
_LIMITED = (
    select(_cases.c.key, _cases.c.state, _timers.c.name, _timers.c.due, _timers.c.set_at, _timers.c.passed)
    .join_from(_timers, _cases, _cases.c.id == _timers.c.case_id)
    .where(*_OPEN)
)
_DUE = _LIMITED.where(schema.HAS_NOT_PASSED, _timers.c.due <= bindparam("until")).order_by(
    _timers.c.due, _timers.c.case_id
)
_PASSED = _LIMITED.where(_timers.c.passed.is_(True)).order_by(_timers.c.due.desc(), _timers.c.case_id)
_HELD = (
    select(_cases.c.key, _cases.c.state, _cases.c.held)
    .where(schema.IS_HELD, *_OPEN)
    .order_by(_cases.c.changed, _cases.c.id)
)
_TIMED = (
    select(_cases.c.id, _cases.c.key, _cases.c.state, _cases.c.clocks)
    .where(schema.IS_TIMED, *_OPEN, _cases.c.id > bindparam("after"))
    .order_by(_cases.c.id)
    .limit(_BATCH)
)
_STEPS = (
    select(_steps.c.status, _steps.c.code, func.count())
    .join_from(_steps, _cases, _cases.c.id == _steps.c.case_id)
    .where(schema.IS_DUE, _cases.c.sop == _sop)
    .group_by(_steps.c.status, _steps.c.code)
)
# PostgreSQL takes two bound values for two expressions, one to select and another to group by.
_hour = literal_column(str(_HOUR), BigInteger())
_opened_in, _changed_in = _cases.c.opened // _hour, _cases.c.changed // _hour
_TRAFFIC = (
    select(_opened_in, _changed_in, _cases.c.ended, _cases.c.state, func.count())
    .where(_cases.c.changed >= bindparam("since"), _cases.c.sop == _sop)
    .group_by(_opened_in, _changed_in, _cases.c.ended, _cases.c.state)
)


class SqlPanorama:
    """Implements ``Panorama``; ``reading`` opens a transaction to read in."""

    def __init__(self, *, reading: Opening) -> None:
        self._reading = reading

    def overview(self, sop: str, *, since: datetime, until: datetime, most: int) -> Overview:
        with self._reading() as connection:
            return _overview(connection, sop, since=since, until=until, most=most)

    def changed(self, sop: str, *, since: datetime, opened_before: datetime) -> list[str]:
        with self._reading() as connection:
            return courses.changed(connection, sop, since=since, opened_before=opened_before)

    def courses(self, cases: Collection[str], *, bodies: Collection[str]) -> list[list[Line]]:
        with self._reading() as connection:
            return courses.read(connection, cases, bodies=bodies)


def _overview(connection: Connection, sop: str, *, since: datetime, until: datetime, most: int) -> Overview:
    bound = {"sop": sop, "since": rows.micros(since), "until": rows.micros(until)}
    asked, retrying = _waiting(connection, bound)
    opened, ended = _traffic(connection, bound)
    return Overview(
        states=_states(connection, bound),
        assignees={str(who): count for who, count in connection.execute(_ASSIGNEES, bound)},
        due=Listed.of(map(_limited, connection.execute(_DUE, bound)), most=most),
        passed=Listed.of(map(_limited, connection.execute(_PASSED, bound)), most=most),
        overrun=Listed.of(_overrun(connection, sop), most=most),
        held=Listed.of(map(_on_hold, connection.execute(_HELD, bound)), most=most),
        asked=asked,
        retrying=retrying,
        opened=opened,
        ended=ended,
    )


def _states(connection: Connection, bound: Mapping[str, object]) -> dict[str, InState]:
    still: defaultdict[str, list[str]] = defaultdict(list)
    for state, key in connection.execute(_STILL, bound):
        still[state].append(key)
    return {
        state: InState(count, held, rows.instant(since), tuple(still[state]))
        for state, count, held, since in connection.execute(_STATES, bound)
    }


def _limited(row: rows.AnyRow) -> Limited:
    key, state, *timer = row
    return Limited(key, state, rows.timer_from(tuple(timer)))


def _on_hold(row: rows.AnyRow) -> OnHold:
    key, state, held = row
    hold = rows.hold_from(held)
    assert hold is not None
    return OnHold(key, state, hold)


def _overrun(connection: Connection, sop: str) -> Iterator[Overrun]:
    after = ""
    while found := connection.execute(_TIMED, {"sop": sop, "after": after}).all():
        for id, key, state, clocks in found:
            after = id
            yield from overruns(key, state, clocks)


def overruns(key: str, state: str, clocks: str | None) -> Iterator[Overrun]:
    """The clocks of a case that are used up, from their ledgers as JSON."""
    for name, ledger in orjson.loads(clocks or "{}").items():
        told = [one for one in ledger["told"] if one.get("stands", True)]
        if told and told[-1]["percent"] >= _ALL:
            yield Overrun(key, state, name, Told.model_validate(told[-1]))


def _waiting(connection: Connection, bound: Mapping[str, object]) -> tuple[int, int]:
    """Steps that wait for their provider, and others that are tried again."""
    counts: Counter[bool] = Counter()
    for status, code, count in connection.execute(_STEPS, bound):
        if status == "retrying":
            counts[code == ANSWERS_LATER] += count
    return counts[True], counts[False]


def _traffic(
    connection: Connection, bound: Mapping[str, object]
) -> tuple[dict[datetime, int], dict[tuple[datetime, str], int]]:
    first = int(str(bound["since"])) // _HOUR
    opened: Counter[datetime] = Counter()
    ended: Counter[tuple[datetime, str]] = Counter()
    for opened_in, changed_in, over, state, count in connection.execute(_TRAFFIC, bound):
        if opened_in >= first:
            opened[rows.instant(opened_in * _HOUR)] += count
        if over:
            ended[rows.instant(changed_in * _HOUR), state] += count
    return dict(opened), dict(ended)
