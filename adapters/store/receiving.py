"""Taking letters in, each (source, id) once, and giving up on those whose case never came or that nobody
can read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import orjson
from sqlalchemy import (
    Connection,
    and_,
    bindparam,
    case,
    exists,
    func,
    literal,
    literal_column,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from adapters.store import rows, schema
from adapters.store.records import RESENDABLE, RESENT, InboxRow, InboxStatus, Letter, Receipt

TOO_LATE = "no such case came in time"
UNREAD = "no worker could read it; send it again corrected, or as it is once one of its version runs"

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
    .values(
        status=case((_inbox.c.type == RESENT, InboxStatus.IGNORED.value), else_=InboxStatus.DEAD.value),
        reason=literal(TOO_LATE),
    )
)
_IS_UNREAD = and_(
    schema.IS_NEW,
    _inbox.c.opens,
    _inbox.c.case_id.in_(select(schema.unreadable.c.case_id)),
    ~exists().where(schema.cases.c.id == _inbox.c.case_id),
)
_FIRST_UNREAD = select(func.min(_inbox.c.number)).where(_IS_UNREAD).group_by(_inbox.c.case_id)
_EXPIRE_UNREAD = (
    update(_inbox)
    # Asked again on the row itself: a worker may just have taken it.
    .where(schema.IS_NEW, _inbox.c.number.in_(_FIRST_UNREAD), _inbox.c.received < bindparam("before"))
    .values(status=literal(InboxStatus.DEAD.value), reason=literal(UNREAD))
    .returning(_inbox.c.case_id)
)
_RESEND = (
    update(_inbox)
    .where(
        _inbox.c.number == bindparam("resent"),
        _inbox.c.status.in_([literal_column(f"'{status.value}'") for status in RESENDABLE]),
    )
    .values(status=literal(InboxStatus.RESENT.value), reason=bindparam("why"))
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


def expire_unread(connection: Connection, *, before: datetime) -> Sequence[str]:
    """The cases whose opening letter is dead now."""
    return connection.execute(_EXPIRE_UNREAD, {"before": rows.micros(before)}).scalars().all()


def resend(connection: Connection, number: int, letter: Letter, *, note: Letter, why: str) -> int | None:
    """The number of ``letter``; None if the one numbered is not there to be sent again."""
    if connection.execute(_RESEND, {"resent": number, "why": why}).rowcount != 1:
        return None
    _insert(connection, [note])
    return _insert(connection, [letter])[letter.source, letter.id]


def resent_note(old: InboxRow, letter: Letter, *, who: str, reason: str) -> Letter:
    """What the journal of the case of ``letter`` is told; it names the old letter, not what is in it."""
    was = old.letter
    told = {"source": was.source, "id": was.id, "type": was.type, "subject": was.key}
    return Letter(
        source="staff",
        id=f"note-{old.number}",
        type=RESENT,
        sop=letter.sop,
        key=letter.key,
        body=orjson.dumps({"letter": old.number, **told, "who": who, "reason": reason}),
        received=letter.received,
    )


def resent_reason(*, who: str, reason: str) -> str:
    """What the old letter says from then on."""
    return f"sent again by {who}: {reason}"


def _known(connection: Connection, names: Sequence[_Name]) -> tuple[dict[_Name, int], list[_Name]]:
    """The numbers of letters that are there, and the names of the dead among them, in order."""
    if not names:
        return {}, []
    found = sorted(connection.execute(_KNOWN, {"names": list(names)}).all())
    known = {(source, id): number for number, source, id, _ in found}
    return known, [(source, id) for _, source, id, status in found if status == InboxStatus.DEAD]
