"""Reading, on a connection of the caller's: cases with their timers, lists for staff."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping

from sqlalchemy import BindParameter, ColumnElement, Connection, bindparam, func, or_, select, true

from adapters.store import reach, rows, schema
from adapters.store.records import (
    SETTLED,
    Behind,
    CaseRow,
    InboxRow,
    InboxStatus,
    Step,
    StepFilter,
    StepStatus,
)
from adapters.store.rows import Hydrate, UnreadableCase
from machines.kernel.case import Case, Entry, Timer

_cases, _inbox, _journal = schema.cases, schema.inbox, schema.journal
_steps, _timers = schema.steps, schema.timers

CASE_COLUMNS = tuple(
    _cases.c[name]
    for name in (
        *("sop", "key", "version", "hash", "state", "data", "seq", "parent", "deferred", "clocks"),
        *("held", "assignee"),
    )
)
INBOX_COLUMNS = (
    *(_inbox.c[name] for name in ("number", "source", "id", "type", "sop", "key", "body", "received")),
    *(_inbox.c[name] for name in ("opens", "parent", "status", "reason")),
)
_TIMER_COLUMNS = (_timers.c.name, _timers.c.due, _timers.c.set_at, _timers.c.passed)

# A partial index is found only by its own words.
_INDEXED = {
    InboxStatus.NEW: schema.IS_NEW,
    InboxStatus.UNMATCHED: schema.IS_UNMATCHED,
    InboxStatus.DEFERRED: schema.IS_DEFERRED,
    InboxStatus.DEAD: schema.IS_DEAD,
}

_STEPS_INDEXED = {
    StepStatus.PARKED: schema.IS_PARKED,
    StepStatus.PENDING: schema.IS_DUE,
    StepStatus.RETRYING: schema.IS_DUE,
}

_ids: BindParameter[str] = bindparam("ids", expanding=True)
CASES_BY_ID = select(_cases.c.id, *CASE_COLUMNS).where(_cases.c.id.in_(_ids))
_TIMERS_BY_CASE = select(_timers.c.case_id, *_TIMER_COLUMNS).where(_timers.c.case_id.in_(_ids))
_UNDER_WAY = select(_steps.c.case_id, _steps.c.command).where(
    _steps.c.case_id.in_(_ids), _steps.c.status.not_in([status.value for status in SETTLED])
)
_JOURNAL = (
    select(*(column for column in _journal.c if column.name != "case_id"))
    .where(_journal.c.case_id == bindparam("case"))
    .order_by(_journal.c.seq)
)
_DUE = (
    select(_timers.c.due).where(schema.HAS_NOT_PASSED).order_by(_timers.c.due).limit(1),
    select(_steps.c.due).where(schema.IS_DUE).order_by(_steps.c.due).limit(1),
)
_DUE_FOR = (
    _DUE[0]
    .join_from(_timers, _cases, _cases.c.id == _timers.c.case_id)
    .where(reach.IS_OWN_OR_FREE, reach.readable(_timers.c.case_id)),
    _DUE[1]
    .join_from(_steps, _cases, _cases.c.id == _steps.c.case_id)
    .where(reach.IS_OWN_OR_FREE, reach.readable(_steps.c.case_id)),
)


def load_cases(
    connection: Connection, found: Collection[rows.AnyRow], *, hydrate: Hydrate
) -> tuple[dict[str, Case], dict[str, UnreadableCase]]:
    """The cases of rows of ``CASES_BY_ID``, and what is wrong with those that cannot be read."""
    timers = _timers_of(connection, [row[0] for row in found])
    cases: dict[str, Case] = {}
    unreadable: dict[str, UnreadableCase] = {}
    for row in found:
        try:
            cases[row[0]] = rows.case_from(row[1:13], timers=timers.get(row[0], {}), hydrate=hydrate)
        except UnreadableCase as error:
            unreadable[row[0]] = error
    return cases, unreadable


def _timers_of(connection: Connection, cases: Collection[str]) -> Mapping[str, dict[str, Timer]]:
    found: defaultdict[str, dict[str, Timer]] = defaultdict(dict)
    if cases:
        for case, *values in connection.execute(_TIMERS_BY_CASE, {"ids": cases}):
            found[case][values[0]] = rows.timer_from(tuple(values))
    return found


def behind(connection: Connection, *, sop: str, version: int, after: str, limit: int) -> list[Behind]:
    wanted = (
        select(_cases.c.id, *CASE_COLUMNS, _cases.c.ended)
        .where(_cases.c.sop == sop, _cases.c.version == version, _cases.c.id > after, reach.IS_FREE)
        .order_by(_cases.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    found = connection.execute(wanted).all()
    ids = [row[0] for row in found]
    timers, under_way = _timers_of(connection, ids), _under_way(connection, ids)
    return [
        rows.behind_from(
            row[1:13],
            timers=timers.get(row[0], {}),
            ended=bool(row[13]),
            under_way=under_way.get(row[0], ()),
        )
        for row in found
    ]


def _under_way(connection: Connection, cases: Collection[str]) -> Mapping[str, list[str]]:
    """By case, the commands whose steps have not ended."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    if cases:
        for case, command in connection.execute(_UNDER_WAY, {"ids": cases}):
            found[case].append(command)
    return found


def find_cases(connection: Connection, ids: Collection[str], *, hydrate: Hydrate) -> list[Case]:
    """Without data where these cannot be read."""
    found = connection.execute(CASES_BY_ID.order_by(_cases.c.id), {"ids": list(ids)}).all()
    cases, unreadable = load_cases(connection, found, hydrate=hydrate)
    return [cases[row[0]] if row[0] in cases else unreadable[row[0]].case for row in found]


def list_cases(
    connection: Connection,
    *,
    sop: str | None,
    state: str | None,
    open_only: bool,
    held_only: bool,
    assignee: str | None,
    parent: str | None,
    limit: int,
) -> list[CaseRow]:
    """Latest change first."""
    wanted = select(
        *(_cases.c.id, _cases.c.sop, _cases.c.key, _cases.c.state, _cases.c.opened, _cases.c.changed),
        *(_cases.c.ended, _cases.c.parent, _cases.c.held, _cases.c.assignee),
    )
    if sop is not None:
        wanted = wanted.where(_cases.c.sop == sop)
    if state is not None:
        wanted = wanted.where(_cases.c.state == state)
    if open_only:
        wanted = wanted.where(schema.IS_OPEN)
    if held_only:
        wanted = wanted.where(schema.IS_HELD)
    if assignee is not None:
        wanted = wanted.where(schema.IS_ASSIGNED, _cases.c.assignee == assignee)
    if parent is not None:
        wanted = wanted.where(schema.IS_CHILD, _cases.c.parent == parent)
    found = connection.execute(wanted.order_by(_cases.c.changed.desc(), _cases.c.id).limit(limit)).all()
    timers = _timers_of(connection, [row[0] for row in found])
    listed = []
    for id, sop_, key, state_, opened, changed, ended, parent_, held, whose in found:
        running = [timer for timer in timers.get(id, {}).values() if not timer.passed]
        due = min(running, key=lambda timer: timer.due, default=None)
        listed.append(
            CaseRow(
                *(id, sop_, key, state_, rows.instant(opened), rows.instant(changed), bool(ended), parent_),
                due=due.due if due else None,
                due_name=due.name if due else None,
                hold=rows.hold_from(held),
                assignee=whose,
            )
        )
    return listed


def journal_of(connection: Connection, case: str) -> list[tuple[Entry, bytes]]:
    return [rows.entry_from(row) for row in connection.execute(_JOURNAL, {"case": case})]


def timers_of(connection: Connection, case: str) -> list[Timer]:
    return sorted(_timers_of(connection, [case]).get(case, {}).values(), key=lambda timer: timer.due)


def steps_by_key(connection: Connection, keys: Collection[str]) -> dict[str, Step]:
    found = connection.execute(select(*_steps.c).where(_steps.c.key.in_(list(keys))))
    return {step.key: step for step in (rows.step_from(row) for row in found)}


def list_steps(
    connection: Connection,
    *,
    status: Collection[StepStatus],
    case: str | None,
    command: str | None,
    run: str | None,
    keys: Collection[str],
    of_cases: Collection[str] | None,
    error: str | None,
    only: StepFilter,
    limit: int,
) -> list[Step]:
    """Oldest first."""
    wanted = select(*_steps.c)
    if status:
        wanted = wanted.where(_steps.c.status.in_([one.value for one in status]))
    if status and _STEPS_INDEXED.keys() >= set(status):
        wanted = wanted.where(or_(*(_STEPS_INDEXED[one] & (_steps.c.status == one.value) for one in status)))
    if case is not None:
        wanted = wanted.where(_steps.c.case_id == case)
    if command is not None:
        wanted = wanted.where(_steps.c.command == command)
    if run is not None:
        wanted = wanted.where(schema.HAS_RUN, _steps.c.run == run)
    if keys:
        wanted = wanted.where(_steps.c.key.in_(list(keys)))
    if of_cases is not None:
        wanted = wanted.where(_steps.c.case_id.in_(list(of_cases)))
    for part in filter(None, (error, only.error)):
        # LIKE minds upper and lower case on one database and not on the other.
        wanted = wanted.where(func.replace(_steps.c.error, part, "") != _steps.c.error)
    wanted = wanted.where(*_only(only)).order_by(_steps.c.issued, _steps.c.key).limit(limit)
    return [rows.step_from(row) for row in connection.execute(wanted)]


def _only(wanted: StepFilter) -> Iterator[ColumnElement[bool]]:
    when = func.coalesce(_steps.c.failed, _steps.c.issued)
    if wanted.sop is not None:
        prefix = f"{wanted.sop}/"
        yield func.substr(_steps.c.case_id, 1, len(prefix)) == prefix
    if wanted.command is not None:
        yield _steps.c.command == wanted.command
    if wanted.code is not None:
        yield _steps.c.code == wanted.code
    if wanted.since is not None:
        yield when >= rows.micros(wanted.since)
    if wanted.until is not None:
        yield when <= rows.micros(wanted.until)


def list_letters(connection: Connection, *, status: Collection[InboxStatus], limit: int) -> list[InboxRow]:
    """Newest first."""
    wanted = select(*INBOX_COLUMNS)
    if status:
        wanted = wanted.where(_inbox.c.status.in_([one.value for one in status]))
    for one in status if len(set(status)) == 1 else ():
        wanted = wanted.where(_INDEXED.get(one, true()))
    wanted = wanted.order_by(_inbox.c.number.desc()).limit(limit)
    return [rows.inbox_from(row) for row in connection.execute(wanted)]


def find_letter(connection: Connection, *, source: str, id: str) -> InboxRow | None:
    wanted = select(*INBOX_COLUMNS).where(_inbox.c.source == source, _inbox.c.id == id)
    row = connection.execute(wanted).one_or_none()
    return None if row is None else rows.inbox_from(row)


def find_numbered(connection: Connection, number: int) -> InboxRow | None:
    row = connection.execute(select(*INBOX_COLUMNS).where(_inbox.c.number == number)).one_or_none()
    return None if row is None else rows.inbox_from(row)


def next_due(connection: Connection, *, worker: str | None) -> int | None:
    """In microseconds."""
    kinds = _DUE if worker is None else _DUE_FOR
    found = [connection.execute(kind, {"worker": worker}).scalar() for kind in kinds]
    return min((due for due in found if due is not None), default=None)
