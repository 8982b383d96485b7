"""Finds what is ready and claims its cases for one round.

SQLite lets one writer in at a time. On PostgreSQL several rounds are open at once: each claims its cases with
``FOR UPDATE SKIP LOCKED``; cases that do not exist yet have no row to lock, so one round at a time sees to
them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from sqlalchemy import (
    ARRAY,
    BindParameter,
    Connection,
    Select,
    Text,
    any_,
    bindparam,
    exists,
    func,
    select,
    text,
)

from adapters.errors import Conflict
from adapters.store import queries, reach, schema
from adapters.store.rows import AnyRow

_OPENING = 7_003_617  #: advisory lock of the round that sees to cases that do not exist yet
_MOST = 4_096  #: pieces of one kind taken at once for cases that the worker leases already

_cases, _inbox, _steps, _timers = schema.cases, schema.inbox, schema.steps, schema.timers
_now: BindParameter[int] = bindparam("now")
_limit: BindParameter[int] = bindparam("limit")
_only: BindParameter[Any] = bindparam("only", type_=ARRAY(Text))
_sops: BindParameter[str] = bindparam("sops", expanding=True)

# Each row ends in: the case it is addressed to, that case again if it exists, who leases it.
_LETTERS = (
    select(*queries.INBOX_COLUMNS, _inbox.c.case_id, _cases.c.id, _cases.c.lease)
    .select_from(_inbox.outerjoin(_cases, _cases.c.id == _inbox.c.case_id))
    .where(schema.IS_NEW, _inbox.c.sop.in_(_sops), reach.readable(_inbox.c.case_id))
    .order_by(_inbox.c.number)
    .limit(_limit)
)
# Whoever wrote in time comes first, however long nobody looked and however much else waits.
_IN_TIME = exists().where(
    schema.IS_NEW, _inbox.c.case_id == _timers.c.case_id, _inbox.c.received <= _timers.c.due
)
_TIMERS = (
    select(_timers.c.name, _timers.c.case_id, _cases.c.id, _cases.c.lease)
    .join_from(_timers, _cases, _cases.c.id == _timers.c.case_id)
    .where(schema.HAS_NOT_PASSED, _timers.c.due <= _now, ~_IN_TIME, reach.readable(_timers.c.case_id))
    .order_by(_timers.c.due)
    .limit(_limit)
)
_STEPS = (
    select(*_steps.c, _steps.c.case_id, _cases.c.id, _cases.c.lease)
    .join_from(_steps, _cases, _cases.c.id == _steps.c.case_id)
    .where(schema.IS_DUE, _steps.c.due <= _now, reach.readable(_steps.c.case_id))
    .order_by(_steps.c.due)
    .limit(_limit)
)
# In a rush nothing is due, and asking each leased case for it would take longer than all the rest.
_ANY_DUE = select(
    exists().where(schema.HAS_NOT_PASSED, _timers.c.due <= _now),
    exists().where(schema.IS_DUE, _steps.c.due <= _now),
)
_Given = dict[str, Any]
_Kinds = tuple[Select[Any], ...]  #: letters, timers, steps
_OWN_CASES = select(_cases.c.id).where(reach.IS_OWN)
_ANY_DUE_AND_OWN_CASES = _ANY_DUE.add_columns(func.array(_OWN_CASES.scalar_subquery()))
_ALL: _Kinds = (_LETTERS, _TIMERS, _STEPS)
_CASES = (_inbox.c.case_id, _timers.c.case_id, _steps.c.case_id)
# Starts from the few cases leased, not from all the work that waits for room.
_OWN: _Kinds = tuple(kind.where(case.in_(_OWN_CASES)) for kind, case in zip(_ALL, _CASES, strict=True))
_FREE: _Kinds = tuple(kind.where(reach.IS_FREE) for kind in _ALL)
# PostgreSQL is told by name which cases are meant. Its statistics are of a quiet hour: in a rush it would
# take the leased and the new for none, and compare each with each.
_OF_OWN: _Kinds = tuple(
    kind.where(case == any_(_only), reach.IS_OWN_OR_FREE) for kind, case in zip(_ALL, _CASES, strict=True)
)
_OF_FREE: _Kinds = tuple(kind.where(case == any_(_only)) for kind, case in zip(_FREE, _CASES, strict=True))
# For the same reason it would join and sort all that is new in order to give the first few.
_ALONG_INDEX = text("SET LOCAL enable_sort = off")
_MAY_SORT = text("SET LOCAL enable_sort = on")
_CLAIM = (
    queries.CASES_BY_ID.add_columns(_cases.c.lease)
    .where(reach.IS_OWN_OR_FREE)
    .with_for_update(skip_locked=True)
)
_MAY_OPEN = select(func.pg_try_advisory_xact_lock(_OPENING))


@dataclass(frozen=True, slots=True)
class Ready:
    """Rows of work."""

    letters: Sequence[AnyRow] = ()
    timers: Sequence[AnyRow] = ()
    steps: Sequence[AnyRow] = ()

    def __iter__(self) -> Iterator[AnyRow]:
        return chain(self.letters, self.timers, self.steps)

    def __bool__(self) -> bool:
        return bool(self.letters or self.timers or self.steps)

    def without(self, cases: Collection[str]) -> Ready:
        """All but the rows of these cases."""
        parts = (self.letters, self.timers, self.steps)
        return Ready(*([row for row in part if row[-2] not in cases] for part in parts)) if cases else self

    def __add__(self, other: Ready) -> Ready:
        letters = sorted([*self.letters, *other.letters], key=lambda row: row[0])
        return Ready(letters, [*self.timers, *other.timers], [*self.steps, *other.steps])


@dataclass(frozen=True, slots=True)
class Claim:
    """``found`` are the cases claimed that the caller does not hold, as rows of ``CASES_BY_ID`` with the
    lease at the end; ``kept`` tells that another open round has everything that is ready."""

    ready: Ready
    found: Sequence[AnyRow]
    kept: bool = False


def claim(
    connection: Connection,
    *,
    worker: str,
    now: int,
    limit: int,
    held: Collection[str],
    sops: Collection[str],
    shared: bool,
) -> Claim:
    """``shared`` tells whether other rounds may be open on this database, which is a PostgreSQL then. Raises
    ``Conflict`` when a case in ``held`` turns out to be leased no longer."""
    given = {"worker": worker, "now": now, "limit": max(limit, 0), "sops": list(sops)}
    if shared:
        return _claim_among_others(connection, given, held=held)
    wanted = (True, *connection.execute(_ANY_DUE, given).one())
    ready = _find(connection, _OWN, {**given, "limit": _MOST}, wanted)
    ready += _find(connection, _FREE, given, wanted)
    return Claim(ready, _lock(connection, ready, given, held=held))


def _claim_among_others(connection: Connection, given: _Given, *, held: Collection[str]) -> Claim:
    *due, leased = connection.execute(_ANY_DUE_AND_OWN_CASES, given).one()
    wanted, own = (True, *due), set(leased)
    ready = _find(connection, _OF_OWN, _naming(own, given), wanted)
    connection.execute(_ALONG_INDEX)
    ready += _find(connection, _FREE, given, wanted)
    connection.execute(_MAY_SORT)
    found = _lock(connection, ready, given, held=held)
    if not ready:
        return Claim(ready, found)
    # What was read before the claim may be out of date: the round that had the case may just have committed.
    mine = {row[0] for row in found} | {row[-2] for row in ready if row[-2] in held}
    homeless = {row[-3] for row in ready.letters if row[-2] is None}
    if homeless and not connection.execute(_MAY_OPEN).scalar():
        homeless = set()
    if not (mine or homeless):
        return Claim(Ready(), found, kept=True)
    free = {**given, "only": [*(mine - own), *homeless]}
    again = _find(connection, _OF_OWN, _naming(own & mine, given), wanted)
    again += _find(connection, _OF_FREE, free, wanted)
    strangers = {row[-2] for row in again if row[-2] is not None} - mine
    ready = again.without(strangers)
    return Claim(ready, found, kept=not ready)


def _lock(connection: Connection, ready: Ready, given: _Given, *, held: Collection[str]) -> Sequence[AnyRow]:
    """The cases that have work to do, those in ``held`` left out, for as long as the round is open."""
    lost = {row[-2] for row in ready if row[-1] is None and row[-2] in held}
    if lost:
        raise Conflict(lost)
    wanted = {row[-2] for row in ready if row[-2] is not None and row[-2] not in held}
    return connection.execute(_CLAIM, {**given, "ids": list(wanted)}).all() if wanted else []


def _naming(cases: Collection[str], given: _Given) -> _Given:
    return {**given, "only": list(cases), "limit": _MOST}


def _find(connection: Connection, kinds: _Kinds, given: _Given, wanted: Sequence[bool]) -> Ready:
    """``wanted`` tells which of letters, timers and steps to look for at all."""
    if not given["limit"] or given.get("only") == []:
        return Ready()
    found = zip(kinds, wanted, strict=True)
    return Ready(*(connection.execute(kind, given).all() if look else () for kind, look in found))
