"""Cases that are over, with all that is theirs: found, exported row by row, and deleted a family at a time.

A letter that came for a case is found through the journal of the case, which names it: the inbox has no index
by case, because each event would have to pay for it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import (
    BindParameter,
    Column,
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    Table,
    and_,
    bindparam,
    delete,
    exists,
    or_,
    select,
)

from adapters.store import rows, schema
from adapters.store.records import SETTLED, InboxStatus
from adapters.store.transactions import Opening
from adapters.store.upkeep import Document, Family, Finished, Place

OVER = (
    InboxStatus.APPLIED,
    InboxStatus.IGNORED,
    InboxStatus.REFUSED,
    InboxStatus.DEAD,
    InboxStatus.RESENT,
)
"""What letters are of which nothing more comes by itself."""

_cases, _inbox, _journal = schema.cases, schema.inbox, schema.journal
_steps, _timers = schema.steps, schema.timers
_ids: BindParameter[list[str]] = bindparam("ids", expanding=True)
_before: BindParameter[int] = bindparam("before")
_opener = _cases.alias("opener")
_HAS_NO_OPENER = or_(_cases.c.parent.is_(None), ~exists().where(_opener.c.id == _cases.c.parent))
_ROOTS = (
    select(_cases.c.id, _cases.c.changed)
    .where(_cases.c.ended.is_(True), _cases.c.changed < _before, _HAS_NO_OPENER)
    .where(
        or_(
            _cases.c.changed > bindparam("at"),
            and_(_cases.c.changed == bindparam("at"), _cases.c.id > bindparam("id")),
        )
    )
    .order_by(_cases.c.changed, _cases.c.id)
    .limit(bindparam("limit"))
)
_CHILDREN = select(_cases.c.id, _cases.c.parent).where(schema.IS_CHILD, _cases.c.parent.in_(_ids))


def _owner(column: Column[str], *conditions: ColumnElement[bool]) -> Select[str]:
    return select(column).where(column.in_(_ids), *conditions).distinct()


_SETTLED = [status.value for status in SETTLED]
_UNFINISHED = (
    _owner(
        _cases.c.id,
        or_(
            schema.IS_OPEN,
            _cases.c.changed >= _before,
            _cases.c.lease.is_not(None),
            _cases.c.held.is_not(None),
        ),
    ),
    _owner(_steps.c.case_id, _steps.c.status.not_in(_SETTLED)),
    _owner(_timers.c.case_id, schema.HAS_NOT_PASSED),
    _owner(_inbox.c.case_id, schema.IS_NEW),
    _owner(_inbox.c.case_id, schema.IS_DEFERRED),
    _owner(_inbox.c.case_id, schema.IS_UNMATCHED),
)
_LOCK = select(_cases.c.id).where(_cases.c.id.in_(_ids)).with_for_update(skip_locked=True)
_NUMBERS = (
    select(_inbox.c.number)
    .join_from(
        _journal, _inbox, and_(_inbox.c.source == _journal.c.source, _inbox.c.id == _journal.c.event_id)
    )
    .where(_journal.c.case_id.in_(_ids), _inbox.c.case_id == _journal.c.case_id)
)
_EXPORT: Mapping[str, tuple[str, Select[*tuple[object, ...]]]] = {
    "journal": ("case_id", select(_journal).where(_journal.c.case_id.in_(_ids)).order_by(_journal.c.seq)),
    "steps": ("case_id", select(_steps).where(_steps.c.case_id.in_(_ids)).order_by(_steps.c.key)),
    "timers": ("case_id", select(_timers).where(_timers.c.case_id.in_(_ids)).order_by(_timers.c.name)),
    "inbox": ("case_id", select(_inbox).where(_inbox.c.number.in_(_NUMBERS)).order_by(_inbox.c.number)),
}
_CASES = select(_cases).where(_cases.c.id.in_(_ids)).order_by(_cases.c.id)
_DELETE = (
    delete(_inbox).where(_inbox.c.number.in_(_NUMBERS)),
    *(
        delete(table).where(table.c.case_id.in_(_ids))
        for table in (_journal, _steps, _timers, schema.unreadable)
    ),
    delete(_cases).where(_cases.c.id.in_(_ids)),
)
_NEXT_NUMBERS = (
    select(_inbox.c.number)
    .where(_inbox.c.number > bindparam("after"))
    .order_by(_inbox.c.number)
    .limit(bindparam("limit"))
)
_numbers: BindParameter[list[int]] = bindparam("numbers", expanding=True)
_IS_STRAY = and_(
    _inbox.c.number.in_(_numbers),
    _inbox.c.received < _before,
    _inbox.c.status.in_([status.value for status in OVER]),
    or_(
        _inbox.c.status == InboxStatus.DEAD.value,
        ~exists().where(_cases.c.id == _inbox.c.case_id),
    ),
)
_STRAY = select(_inbox.c.number).where(_IS_STRAY).order_by(_inbox.c.number)
_DROP = delete(_inbox).where(_IS_STRAY)


class SqlUpkeep:
    """Implements ``Upkeep``; ``writing`` and ``reading`` open a transaction of their kind."""

    def __init__(self, *, writing: Opening, reading: Opening) -> None:
        self._writing = writing
        self._reading = reading

    def finished(self, *, before: datetime, after: Place | None, limit: int) -> Finished:
        with self._reading() as connection:
            return _finished(connection, before=before, after=after, limit=limit)

    def export(self, cases: Collection[str]) -> list[Document]:
        with self._reading() as connection:
            return _export(connection, cases)

    def prune(self, families: Sequence[Family], *, before: datetime) -> list[str]:
        with self._writing() as connection:
            return _prune(connection, families, before=before)

    def stray_letters(self, *, before: datetime, after: int, limit: int) -> tuple[list[int], int | None]:
        with self._reading() as connection:
            return _stray(connection, before=before, after=after, limit=limit)

    def drop_letters(self, numbers: Collection[int], *, before: datetime) -> int:
        with self._writing() as connection:
            return _drop_letters(connection, numbers, before=before)


def _finished(connection: Connection, *, before: datetime, after: Place | None, limit: int) -> Finished:
    at, id = (rows.micros(after[0]), after[1]) if after else (-1, "")
    wanted = {"before": rows.micros(before), "at": at, "id": id, "limit": limit}
    roots = {str(root): rows.instant(changed) for root, changed in connection.execute(_ROOTS, wanted)}
    last = next(((changed, root) for root, changed in reversed(roots.items())), None)
    return Finished(_whole(connection, roots, before=before), last)


def _whole(connection: Connection, roots: Mapping[str, datetime], *, before: datetime) -> list[Family]:
    """The families of these roots in which everything is over."""
    belongs = {root: root for root in roots}
    generation: Collection[str] = list(roots)
    while generation:
        found = connection.execute(_CHILDREN, {"ids": generation}).all()
        children = {id: belongs[parent] for id, parent in found if parent in belongs and id not in belongs}
        belongs |= children
        generation = list(children)
    if not belongs:
        return []
    given = {"ids": list(belongs), "before": rows.micros(before)}
    open_ = {belongs[case] for query in _UNFINISHED for case in connection.scalars(query, given)}
    members: defaultdict[str, list[str]] = defaultdict(list)
    for case, root in belongs.items():
        members[root].append(case)
    return [Family(root, roots[root], tuple(members[root])) for root in roots if root not in open_]


def _export(connection: Connection, cases: Collection[str]) -> list[Document]:
    given = {"ids": list(cases)}
    documents: dict[str, dict[str, object]] = {
        row["id"]: {"case": _plain(row)} for row in connection.execute(_CASES, given).mappings()
    }
    for name, (owner, query) in _EXPORT.items():
        found: defaultdict[str, list[Document]] = defaultdict(list)
        for row in connection.execute(query, given).mappings():
            found[row[owner]].append(_plain(row))
        for case, document in documents.items():
            document[name] = found[case]
    return list(documents.values())


def _plain(row: RowMapping) -> dict[str, object]:
    """SQLAlchemy's own kind of names is none of JSON's."""
    return {str(name): value for name, value in row.items()}


def _prune(connection: Connection, families: Sequence[Family], *, before: datetime) -> list[str]:
    """The cases deleted: those of families that are as they were found."""
    every = [case for family in families for case in family.cases]
    locked = set(connection.scalars(_LOCK, {"ids": every}))
    whole = _whole(connection, {family.root: family.changed for family in families}, before=before)
    still = {family.root: set(family.cases) for family in whole}
    gone = [
        case
        for family in families
        if set(family.cases) == still.get(family.root) and locked.issuperset(family.cases)
        for case in family.cases
    ]
    if gone:
        for statement in _DELETE:
            connection.execute(statement, {"ids": gone})
    return gone


def _stray(
    connection: Connection, *, before: datetime, after: int, limit: int
) -> tuple[list[int], int | None]:
    numbers = list(connection.scalars(_NEXT_NUMBERS, {"after": after, "limit": limit}))
    if not numbers:
        return [], None
    given = {"numbers": numbers, "before": rows.micros(before)}
    return list(connection.scalars(_STRAY, given)), numbers[-1]


def _drop_letters(connection: Connection, numbers: Collection[int], *, before: datetime) -> int:
    return connection.execute(_DROP, {"numbers": list(numbers), "before": rows.micros(before)}).rowcount


def named(table: Table, values: Iterable[object]) -> dict[str, object]:
    """A row as it is exported, of values in the order of the columns."""
    return dict(zip((str(column.name) for column in table.c), values, strict=True))
