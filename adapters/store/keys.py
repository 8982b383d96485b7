"""The wrapped keys of customers; destroying one erases everything that was sealed under it, backups
included."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import Connection, bindparam, select, update
from sqlalchemy.dialects.postgresql import insert

from adapters.store import rows, schema

_customers = schema.customers
_KEYS = select(_customers.c.id, _customers.c.wrapped_key).where(
    _customers.c.id.in_(bindparam("ids", expanding=True))
)
_ADD = insert(_customers).on_conflict_do_nothing()
_DESTROY = (
    update(_customers)
    .where(_customers.c.id == bindparam("customer"), _customers.c.wrapped_key.is_not(None))
    .values(wrapped_key=None, destroyed=bindparam("now"))
)

Keys = dict[str, bytes | None]
"""Customer -> wrapped key, ``None`` once destroyed."""


def find_keys(connection: Connection, customers: Collection[str]) -> Keys:
    return dict(connection.execute(_KEYS, {"ids": list(customers)}).all())


def add_keys(connection: Connection, fresh: Mapping[str, bytes], *, wanted: Collection[str]) -> Keys:
    """The keys of all ``wanted``, after those in ``fresh`` were kept where there was none."""
    created = time.time_ns() // 1000
    added = [{"id": customer, "wrapped_key": key, "created": created} for customer, key in fresh.items()]
    connection.execute(_ADD, added)
    return find_keys(connection, wanted)


def destroy_key(connection: Connection, customer: str, *, now: datetime) -> bool:
    done = connection.execute(_DESTROY, {"customer": customer, "now": rows.micros(now)})
    return done.rowcount == 1
