"""Outages on a database."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import BindParameter, Connection, bindparam, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from adapters.store import recovering, rows, schema
from adapters.store.outage import OUTAGE, WHO, Outage, Phase, Release
from adapters.store.records import StepStatus
from adapters.store.transactions import Opening

_outages, _steps = schema.outages, schema.steps
_command: BindParameter[str] = bindparam("command")
_most: BindParameter[int] = bindparam("most")
# Both in the order of an index, so that a turn costs what it releases, however much waits.
WAITING = (
    select(_steps.c.key)
    .where(schema.IS_OUT, _steps.c.command == _command)
    # Whatever was tried least comes first, so that probes spend the attempts of all alike.
    .order_by(_steps.c.attempts, _steps.c.issued)
    .limit(_most)
    .with_for_update(skip_locked=True)  # what a round has in its hands comes the next time
)
STRANDED = (
    select(_steps.c.key)
    .where(schema.IS_STRANDED, _steps.c.command == _command, _steps.c.failed >= bindparam("since"))
    .order_by(_steps.c.failed, _steps.c.key)
    .limit(_most)
)
_ALL = select(*_outages.c).order_by(_outages.c.command)
_AWAY = select(_outages.c.command).where(_outages.c.phase != Phase.LEFT.value)
_FORGOTTEN = (
    select(_steps.c.key)
    .where(schema.IS_OUT, _steps.c.command.not_in(_AWAY), _steps.c.code == OUTAGE)
    .limit(_most)
)
_WANTED = (
    select(_steps.c.key)
    .where(schema.IS_OUT, _steps.c.key.in_(bindparam("keys", expanding=True)))
    .with_for_update(skip_locked=True)
)


class SqlOutages:
    """Implements ``OutageStore``; ``writing`` and ``reading`` open a transaction of their kind. Whoever waits
    for work is told of what is released: in other processes by ``announce``, in this one by ``wake``."""

    def __init__(
        self,
        *,
        writing: Opening,
        reading: Opening,
        announce: Callable[[Connection], None],
        wake: Callable[[], None],
    ) -> None:
        self._writing = writing
        self._reading = reading
        self._announce = announce
        self._wake = wake

    def known(self) -> list[Outage]:
        with self._reading() as connection:
            return [_outage(row) for row in connection.execute(_ALL)]

    def change(
        self,
        before: Outage | None,
        after: Outage | None,
        *,
        now: datetime,
        release: Release | None = None,
    ) -> list[str] | None:
        with self._writing() as connection:
            if not _change(connection, before, after):
                return None
            outage, released = after or before, list[str]()
            if release is not None and outage is not None:
                released = _release(connection, outage.command, release, now=now)
            if released:
                self._announce(connection)
        self._wake()
        return released

    def release_forgotten(self, *, now: datetime, most: int) -> int:
        with self._reading() as connection:
            found = connection.scalars(_FORGOTTEN, {"most": most}).all()
        if not found:
            return 0
        with self._writing() as connection:
            released = _release_waiting(connection, found, now=now)
            self._announce(connection)
        self._wake()
        return len(released)

    def stranded(self, *, since: datetime) -> Mapping[str, tuple[int, datetime]]:
        with self._reading() as connection:
            return _stranded(connection, since=since)


def _change(connection: Connection, before: Outage | None, after: Outage | None) -> bool:
    """False if something else than ``before`` is there."""
    if before is None:
        if after is None:
            return True
        return (
            connection.execute(insert(_outages).values(_values(after, 1)).on_conflict_do_nothing()).rowcount
            == 1
        )
    same = (
        _outages.c.command == before.command,
        _outages.c.version == before.version,
        _outages.c.since == rows.micros(before.since),
    )
    if after is None:
        return connection.execute(delete(_outages).where(*same)).rowcount == 1
    values = _values(after, before.version + 1)
    return connection.execute(update(_outages).where(*same).values(values)).rowcount == 1


def _release(connection: Connection, command: str, wanted: Release, *, now: datetime) -> list[str]:
    waiting = connection.scalars(WAITING, {"command": command, "most": wanted.most}).all()
    released = _free(connection, waiting, now=now)
    room = wanted.most - len(released)
    if room <= 0 or wanted.since is None:
        return released
    given = {"command": command, "since": rows.micros(wanted.since), "most": room}
    found = connection.scalars(STRANDED, given).all()
    return released + recovering.requeue(connection, found, now=now, who=WHO, reason=wanted.why)


def _release_waiting(connection: Connection, steps: Sequence[str], *, now: datetime) -> list[str]:
    """Those of ``steps`` that still wait."""
    return _free(connection, connection.scalars(_WANTED, {"keys": steps}).all(), now=now)


def _free(connection: Connection, steps: Sequence[str], *, now: datetime) -> list[str]:
    pending = {"status": StepStatus.PENDING.value, "due": rows.micros(now)}
    freed = update(_steps).where(_steps.c.key.in_(steps)).values(pending)
    return list(connection.scalars(freed.returning(_steps.c.key)))


def _stranded(connection: Connection, *, since: datetime) -> Mapping[str, tuple[int, datetime]]:
    first = func.min(_steps.c.failed)
    wanted = select(_steps.c.command, func.count(), first).where(
        schema.IS_STRANDED, _steps.c.failed >= rows.micros(since)
    )
    found = connection.execute(wanted.group_by(_steps.c.command))
    return {command: (count, rows.instant(failed)) for command, count, failed in found}


def _values(outage: Outage, version: int) -> dict[str, object]:
    return {
        "command": outage.command,
        "phase": outage.phase.value,
        "since": rows.micros(outage.since),
        "changed": rows.micros(outage.changed),
        "due": rows.micros(outage.due),
        "tries": outage.tries,
        "turn": outage.turn,
        "error": outage.error,
        "halted": outage.halted,
        "version": version,
    }


def _outage(row: rows.AnyRow) -> Outage:
    command, phase, since, changed, due, *rest = row
    instants = (rows.instant(since), rows.instant(changed), rows.instant(due))
    return Outage(command, Phase(phase), *instants, *rest)
