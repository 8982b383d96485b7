"""Taking letters in, each (source, id) once, and giving up on those whose case never came."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, literal, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from adapters.store import rows, schema
from adapters.store.base import InboxStatus, Letter, Receipt

_Name = tuple[str, str]

_inbox = schema.inbox
_COLUMNS = tuple(column.name for column in _inbox.c if column.name != "number")
_INSERT = insert(_inbox).on_conflict_do_nothing().returning(_inbox.c.number, _inbox.c.source, _inbox.c.id)
_NUMBERS = select(_inbox.c.number, _inbox.c.source, _inbox.c.id).where(
    tuple_(_inbox.c.source, _inbox.c.id).in_(bindparam("names", expanding=True))
)
_EXPIRE = (
    update(_inbox)
    .where(schema.IS_UNMATCHED, _inbox.c.received < bindparam("before"))
    .values(status=literal(InboxStatus.DEAD.value), reason=literal("no such case came in time"))
)


def receive(connection: Connection, letters: Sequence[Letter]) -> list[Receipt]:
    """One receipt for each letter; of letters with one name the first is kept."""
    first: dict[_Name, Letter] = {}
    for letter in letters:
        first.setdefault((letter.source, letter.id), letter)
    added = _insert(connection, first.values())
    known = _numbers(connection, [name for name in first if name not in added])
    receipts = []
    for letter in letters:
        name = (letter.source, letter.id)
        receipts.append(Receipt(known[name] if name in known else added[name], name in known))
        known.setdefault(name, added.get(name, 0))
    return receipts


def _insert(connection: Connection, letters: Iterable[Letter]) -> dict[_Name, int]:
    """The numbers of those that were not there before."""
    values = [dict(zip(_COLUMNS, rows.letter_values(letter), strict=True)) for letter in letters]
    if not values:
        return {}
    return {(source, id): number for number, source, id in connection.execute(_INSERT, values)}


def expire_unmatched(connection: Connection, *, before: datetime) -> int:
    return connection.execute(_EXPIRE, {"before": rows.micros(before)}).rowcount


def _numbers(connection: Connection, names: Sequence[_Name]) -> dict[_Name, int]:
    if not names:
        return {}
    found = connection.execute(_NUMBERS, {"names": list(names)})
    return {(source, id): number for number, source, id in found}
