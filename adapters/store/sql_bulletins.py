"""Bulletins and subscriptions on a database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import (
    Connection,
    Select,
    and_,
    bindparam,
    delete,
    exists,
    func,
    literal_column,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from adapters.store import rows, schema
from adapters.store.bulletins import Bulletin, Change, Subscription, SubscriptionStatus, Waiting
from adapters.store.rows import AnyRow, Values
from adapters.store.statements import adding
from adapters.store.transactions import Opening

_NUMBERING = 7_003_619  #: advisory lock of whoever gives positions

_bulletins, _subscriptions, _workers = schema.bulletins, schema.subscriptions, schema.workers
_ADD = adding(_bulletins, leaving_out="number")
_WANTED = "SELECT 1 FROM subscriptions LIMIT 1"  #: as text, because every round asks
_BULLETIN = (_bulletins.c.case_id, _bulletins.c.seq, _bulletins.c.type, _bulletins.c.at, _bulletins.c.data)
_LATEST = select(func.coalesce(func.max(_bulletins.c.position), 0)).where(schema.HAS_POSITION)
_SPAN = select(func.min(_bulletins.c.position), func.max(_bulletins.c.position)).where(schema.HAS_POSITION)
_NEW = select(_bulletins.c.number).where(schema.HAS_NO_POSITION).limit(1)
_fresh = (
    select(_bulletins.c.number, func.row_number().over(order_by=_bulletins.c.number).label("rank"))
    .where(schema.HAS_NO_POSITION)
    .order_by(_bulletins.c.number)
    .limit(bindparam("limit"))
    .subquery()
)
_NUMBER = (
    update(_bulletins)
    .values(position=_LATEST.scalar_subquery() + _fresh.c.rank)
    .where(_bulletins.c.number == _fresh.c.number)
)
_alive = exists().where(_workers.c.id == _subscriptions.c.lease)
_IS_FREE = and_(
    or_(_subscriptions.c.lease.is_(None), ~_alive), exists().where(_workers.c.id == bindparam("worker"))
)
_FREE = select(_subscriptions.c.name).where(_IS_FREE).limit(1)
_CLAIM = (
    update(_subscriptions)
    .values(lease=bindparam("worker"), revision=_subscriptions.c.revision + 1)
    .where(_IS_FREE)
)
_ALL = select(_subscriptions).order_by(_subscriptions.c.name)
_SUBSCRIBE = insert(_subscriptions).on_conflict_do_nothing()
_REMOVE = delete(_subscriptions).where(_subscriptions.c.name == bindparam("subscription"))
_ONE = select(_subscriptions).where(_subscriptions.c.name == bindparam("subscription")).with_for_update()
_SAVE = update(_subscriptions).where(_subscriptions.c.name == bindparam("subscription"))
_holds_back = _subscriptions.c.status.in_([literal_column("'active'"), literal_column("'paused'")])
_TOLD = select(func.min(_subscriptions.c.position)).where(_holds_back).scalar_subquery()
_oldest = (
    select(_bulletins.c.number, _bulletins.c.position, _bulletins.c.at)
    .where(schema.HAS_POSITION)
    .order_by(_bulletins.c.position)
    .limit(bindparam("limit"))
    .subquery()
)
_PRUNE = delete(_bulletins).where(
    _bulletins.c.number.in_(
        select(_oldest.c.number).where(
            _oldest.c.at < bindparam("before"),
            _oldest.c.position < _LATEST.scalar_subquery(),
            or_(_TOLD.is_(None), _oldest.c.position <= _TOLD),
        )
    )
)


def is_wanted(connection: Connection) -> bool:
    """Whether anybody subscribes."""
    return connection.exec_driver_sql(_WANTED).first() is not None


def add(connection: Connection, bulletins: Sequence[Bulletin]) -> None:
    _ADD.run(connection, [_values(bulletin) for bulletin in bulletins])


class SqlBulletins:
    """Implements ``Bulletins``; ``writing`` and ``reading`` open a transaction of their kind."""

    def __init__(self, *, writing: Opening, reading: Opening) -> None:
        self._writing = writing
        self._reading = reading

    def subscribe(self, subscription: Subscription) -> bool:
        with self._writing() as connection:
            _lock_numbers(connection)
            while _number(connection, limit=5_000):
                """Give everything that has happened its position, so that new things come after it."""
            values = _changing(subscription) | {
                "name": subscription.name,
                "created": rows.micros(subscription.created),
                "position": connection.execute(_LATEST).scalar_one(),
                "revision": 0,
            }
            return connection.execute(_SUBSCRIBE, values).rowcount == 1

    def unsubscribe(self, name: str) -> bool:
        with self._writing() as connection:
            return connection.execute(_REMOVE, {"subscription": name}).rowcount == 1

    def subscriptions(self) -> list[Subscription]:
        with self._reading() as connection:
            return [_subscription(row) for row in connection.execute(_ALL)]

    def change(self, name: str, apply: Change) -> Subscription | None:
        with self._writing() as connection:
            row = connection.execute(_ONE, {"subscription": name}).first()
            known = None if row is None else _subscription(row)
            changed = None if known is None else apply(known)
            if known is None or changed is None:
                return None
            revision = known.revision + 1
            connection.execute(
                _SAVE.values(_changing(changed) | {"revision": revision}), {"subscription": name}
            )
        return replace(changed, name=name, created=known.created, lease=known.lease, revision=revision)

    def claim(self, *, worker: str) -> None:
        with self._reading() as connection:
            if connection.execute(_FREE, {"worker": worker}).first() is None:
                return
        with self._writing() as connection:
            connection.execute(_CLAIM, {"worker": worker})

    def number(self, *, limit: int) -> int:
        with self._reading() as connection:
            if connection.execute(_NEW).first() is None:
                return 0
        with self._writing() as connection:
            return _number(connection, limit=limit) if _try_lock_numbers(connection) else 0

    def span(self) -> tuple[int, int]:
        with self._reading() as connection:
            first, last = connection.execute(_SPAN).one()
        return (first or 0, last or 0)

    def find(
        self, *, after: int, sops: Sequence[str] = (), types: Sequence[str] = (), limit: int
    ) -> list[Bulletin]:
        wanted = _matching(select(*_BULLETIN, _bulletins.c.position), sops, types)
        wanted = wanted.where(schema.HAS_POSITION, _bulletins.c.position > after)
        with self._reading() as connection:
            found = connection.execute(wanted.order_by(_bulletins.c.position).limit(limit))
            return [_bulletin(row) for row in found]

    def position_at(self, at: datetime) -> int | None:
        first = select(func.min(_bulletins.c.position)).where(
            schema.HAS_POSITION, _bulletins.c.at >= rows.micros(at)
        )
        with self._reading() as connection:
            return connection.execute(first).scalar()

    def waiting(self, subscription: Subscription) -> Waiting:
        wanted = select(func.count(), func.min(_bulletins.c.at)).where(
            or_(schema.HAS_NO_POSITION, _bulletins.c.position > subscription.position)
        )
        with self._reading() as connection:
            found = connection.execute(_matching(wanted, subscription.sops, subscription.types)).one()
        count, oldest = found
        return Waiting(count, None if oldest is None else rows.instant(oldest))

    def prune(self, *, before: datetime, limit: int) -> int:
        with self._writing() as connection:
            return connection.execute(_PRUNE, {"before": rows.micros(before), "limit": limit}).rowcount


def _matching(
    wanted: Select[*tuple[Any, ...]], sops: Sequence[str], types: Sequence[str]
) -> Select[*tuple[Any, ...]]:
    if sops:
        wanted = wanted.where(_bulletins.c.sop.in_(sops))
    return wanted.where(_bulletins.c.type.in_(types)) if types else wanted


def _number(connection: Connection, *, limit: int) -> int:
    return connection.execute(_NUMBER, {"limit": limit}).rowcount


def _lock_numbers(connection: Connection) -> None:
    """On SQLite whoever writes is alone."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_NUMBERING})"))


def _try_lock_numbers(connection: Connection) -> bool:
    if connection.dialect.name != "postgresql":
        return True
    return bool(connection.execute(text(f"SELECT pg_try_advisory_xact_lock({_NUMBERING})")).scalar())


def _values(bulletin: Bulletin) -> Values:
    return (
        *(None, bulletin.case, bulletin.seq, bulletin.sop, bulletin.type),
        *(rows.micros(bulletin.at), bulletin.data.decode()),
    )


def _bulletin(row: AnyRow) -> Bulletin:
    case, seq, type, at, data, position = row
    return Bulletin(case, seq, type, rows.instant(at), data.encode(), position)


def _changing(subscription: Subscription) -> dict[str, object]:
    """Its columns but for those that ``save`` leaves or counts up."""
    return {
        "url": subscription.url,
        "secret": subscription.secret,
        "sops": orjson.dumps(subscription.sops).decode(),
        "types": orjson.dumps(subscription.types).decode(),
        "status": subscription.status.value,
        "position": subscription.position,
        "former": subscription.former,
        "former_until": rows.micros_or_none(subscription.former_until),
        "attempts": subscription.attempts,
        "due": rows.micros_or_none(subscription.due),
        "failing": rows.micros_or_none(subscription.failing),
        "error": subscription.error,
    }


def _subscription(row: AnyRow) -> Subscription:
    name, url, secret, created, sops, types, status, position, former, former_until = row[:10]
    attempts, due, failing, error, lease, revision = row[10:]
    return Subscription(
        name=name,
        url=url,
        secret=bytes(secret),
        created=rows.instant(created),
        sops=tuple(orjson.loads(sops)),
        types=tuple(orjson.loads(types)),
        status=SubscriptionStatus(status),
        position=position,
        former=None if former is None else bytes(former),
        former_until=rows.instant_or_none(former_until),
        attempts=attempts,
        due=rows.instant_or_none(due),
        failing=rows.instant_or_none(failing),
        error=error,
        lease=lease,
        revision=revision,
    )
