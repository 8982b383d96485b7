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
_GIVEN = tuple(name for name in _COLUMNS if name not in ("source", "id"))
_INSERT = insert(_inbox).on_conflict_do_nothing().returning(_inbox.c.number, _inbox.c.source, _inbox.c.id)
_KNOWN = select(_inbox.c.number, _inbox.c.source, _inbox.c.id, _inbox.c.status).where(
    tuple_(_inbox.c.source, _inbox.c.id).in_(bindparam("names", expanding=True))
)
_REPLACE = (
    update(_inbox)
    .where(schema.IS_DEAD, _inbox.c.number == bindparam("dead"))
    .values({name: bindparam(f"new_{name}") for name in _GIVEN})
)
_EXPIRE = (
    update(_inbox)
    .where(schema.IS_UNMATCHED, _inbox.c.received < bindparam("before"))
    .values(status=literal(InboxStatus.DEAD.value), reason=literal("no such case came in time"))
)


def receive(connection: Connection, letters: Sequence[Letter]) -> list[Receipt]:
    """One receipt for each letter; of letters with one name the first is kept, unless it is dead. Raises
    ``Unwritable``."""
    first: dict[_Name, Letter] = {}
    for letter in letters:
        first.setdefault((letter.source, letter.id), letter)
    added = _insert(connection, first.values())
    known, dead = _known(connection, [name for name in first if name not in added])
    for name in dead:
        if _replace(connection, known[name], first[name]):
            added[name] = known.pop(name)
    receipts = []
    for letter in letters:
        name = (letter.source, letter.id)
        receipts.append(Receipt(known[name] if name in known else added[name], name in known))
        known.setdefault(name, added.get(name, 0))
    return receipts


def _insert(connection: Connection, letters: Iterable[Letter]) -> dict[_Name, int]:
    """The numbers of those that were not there before."""
    values = [_named(letter) for letter in letters]
    if not values:
        return {}
    return {(source, id): number for number, source, id in connection.execute(_INSERT, values)}


def _named(letter: Letter) -> dict[str, object]:
    return dict(zip(_COLUMNS, rows.letter_values(letter), strict=True))


def _replace(connection: Connection, number: int, letter: Letter) -> bool:
    """False if somebody else was first."""
    values = _named(letter)
    given = {"dead": number, **{f"new_{name}": values[name] for name in _GIVEN}}
    return connection.execute(_REPLACE, given).rowcount == 1


def expire_unmatched(connection: Connection, *, before: datetime) -> int:
    return connection.execute(_EXPIRE, {"before": rows.micros(before)}).rowcount


def _known(connection: Connection, names: Sequence[_Name]) -> tuple[dict[_Name, int], list[_Name]]:
    """The numbers of letters that are there, and the names of the dead among them, in order."""
    if not names:
        return {}, []
    found = sorted(connection.execute(_KNOWN, {"names": list(names)}).all())
    known = {(source, id): number for number, source, id, _ in found}
    return known, [(source, id) for _, source, id, status in found if status == InboxStatus.DEAD]
