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

from sqlalchemy import BindParameter, Connection, Select, bindparam, func, select

from adapters.errors import Conflict
from adapters.store import queries, reach, schema
from adapters.store.rows import AnyRow

_OPENING = 7_003_617  #: advisory lock of the round that sees to cases that do not exist yet
_MOST = 4_096  #: pieces of one kind taken at once for cases that the worker leases already

_cases, _inbox, _steps, _timers = schema.cases, schema.inbox, schema.steps, schema.timers
_now: BindParameter[int] = bindparam("now")
_limit: BindParameter[int] = bindparam("limit")
_only: BindParameter[str] = bindparam("only", expanding=True)
_sops: BindParameter[str] = bindparam("sops", expanding=True)
_own_cases = select(_cases.c.id).where(reach.IS_OWN)

# Each row ends in: the case it is addressed to, that case again if it exists, who leases it.
_LETTERS = (
    select(*queries.INBOX_COLUMNS, _inbox.c.case_id, _cases.c.id, _cases.c.lease)
    .select_from(_inbox.outerjoin(_cases, _cases.c.id == _inbox.c.case_id))
    .where(schema.IS_NEW, _inbox.c.sop.in_(_sops), reach.readable(_inbox.c.case_id))
    .order_by(_inbox.c.number)
    .limit(_limit)
)
_TIMERS = (
    select(_timers.c.name, _timers.c.case_id, _cases.c.id, _cases.c.lease)
    .join_from(_timers, _cases, _cases.c.id == _timers.c.case_id)
    .where(schema.HAS_NOT_PASSED, _timers.c.due <= _now, reach.readable(_timers.c.case_id))
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
_Kinds = tuple[Select[Any], Select[Any], Select[Any]]
# Starts from the few cases leased, not from all the work that waits for room.
_OWN: _Kinds = (
    _LETTERS.where(_inbox.c.case_id.in_(_own_cases)),
    _TIMERS.where(_timers.c.case_id.in_(_own_cases)),
    _STEPS.where(_steps.c.case_id.in_(_own_cases)),
)
_FREE: _Kinds = (_LETTERS.where(reach.IS_FREE), _TIMERS.where(reach.IS_FREE), _STEPS.where(reach.IS_FREE))


def _of_cases(kinds: _Kinds) -> _Kinds:
    letters, timers, steps = kinds
    return (
        letters.where(_inbox.c.case_id.in_(_only)),
        timers.where(_timers.c.case_id.in_(_only)),
        steps.where(_steps.c.case_id.in_(_only)),
    )


_EVERYTHING = (_OWN, _FREE)
_OF_CASES = (_of_cases(_OWN), _of_cases(_FREE))
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
    """``shared`` tells whether other rounds may be open on this database. Raises ``Conflict`` when a case in
    ``held`` turns out to be leased no longer."""
    given = {"worker": worker, "now": now, "limit": max(limit, 0), "sops": list(sops)}
    ready = _find(connection, _EVERYTHING, given)
    lost = {row[-2] for row in ready if row[-1] is None and row[-2] in held}
    if lost:
        raise Conflict(lost)
    wanted = {row[-2] for row in ready if row[-2] is not None and row[-2] not in held}
    found = connection.execute(_CLAIM, {"ids": list(wanted), "worker": worker}).all() if wanted else []
    if not (shared and ready):
        return Claim(ready, found)
    # What was read before the claim may be out of date: the round that had the case may just have committed.
    mine = {row[0] for row in found} | {row[-2] for row in ready if row[-2] in held}
    homeless = {row[-3] for row in ready.letters if row[-2] is None}
    if homeless and not connection.execute(_MAY_OPEN).scalar():
        homeless = set()
    if not (mine or homeless):
        return Claim(Ready(), found, kept=True)
    again = _find(connection, _OF_CASES, {**given, "only": [*mine, *homeless]})
    strangers = {row[-2] for row in again if row[-2] is not None} - mine
    ready = again.without(strangers)
    return Claim(ready, found, kept=not ready)


def _find(connection: Connection, kinds: tuple[_Kinds, _Kinds], given: dict[str, Any]) -> Ready:
    own, free = kinds
    letters, timers, steps = (connection.execute(kind, {**given, "limit": _MOST}).all() for kind in own)
    if given["limit"]:
        more = [connection.execute(kind, given).all() for kind in free]
        letters = sorted([*letters, *more[0]], key=lambda row: row[0])
        timers, steps = [*timers, *more[1]], [*steps, *more[2]]
    return Ready(letters, timers, steps)
