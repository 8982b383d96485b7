"""Writes the changes of one round: a fixed number of statements, each for all rows of its kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, bindparam, select, tuple_

from adapters.errors import Unwritable
from adapters.store import rows, schema
from adapters.store import statements as sql
from adapters.store.records import Changes, Letter
from adapters.store.rows import Values
from adapters.store.spans import Spans

Leases = Mapping[str, str | None]
"""Case id -> the worker that leases it, as committed."""

_cases, _inbox = schema.cases, schema.inbox
_KNOWN = select(*(_inbox.c[name] for name in ("source", "id", "type", "sop", "key"))).where(
    tuple_(_inbox.c.source, _inbox.c.id).in_(bindparam("names", expanding=True))
)
_STANDING = select(_cases.c.id, _cases.c.seq, _cases.c.lease).where(
    _cases.c.id.in_(bindparam("ids", expanding=True))
)


def write(connection: Connection, changes: Changes, *, span: Spans, worker: str, leases: Leases) -> bool:
    """False if a case is not as the round found it; the transaction must then be rolled back.

    ``leases`` are those of the cases taken; every other case must be leased by ``worker``.
    Raises ``Unwritable``.
    """
    if not _write_cases(connection, changes, span=span, worker=worker, leases=leases):
        return False
    sql.ADD_ENTRIES.run(connection, [rows.entry_values(case, entry) for case, entry in changes.entries])
    sql.ADD_STEPS.run(connection, [rows.step_values(step) for step in changes.steps])
    settled = {step.key: rows.settled_values(step) for step in changes.settled}
    sql.SETTLE_STEPS.run(connection, list(settled.values()))
    sql.CLEAR_TIMERS.run(connection, changes.timers_cleared)
    timers = [rows.timer_values(case, timer) for (case, _), timer in changes.timers_set.items()]
    sql.SET_TIMERS.run(connection, timers)
    letters = [(status.value, reason, number) for number, status, reason in changes.letters]
    sql.SETTLE_LETTERS.run(connection, letters)
    if changes.redeliver:
        connection.execute(sql.REDELIVER, {"cases": list(changes.redeliver)})
    if changes.resumed:
        connection.execute(sql.RESUME_STEPS, {"cases": list(changes.resumed)})
    if changes.opened:
        connection.execute(sql.DELIVER_UNMATCHED, {"cases": list(changes.opened)})
    _send(connection, changes.sent)
    return True


def _send(connection: Connection, letters: Sequence[Letter]) -> None:
    """Raises ``Unwritable`` where another letter stands under the name of one of these."""
    values = [rows.letter_values(letter) for letter in letters]
    if sql.ADD_LETTERS.run(connection, values) == len(values):
        return
    wanted = {(letter.source, letter.id) for letter in letters}
    names = {"names": list(wanted)}
    known = {(row[0], row[1]): row for row in connection.execute(_KNOWN, names)}
    for letter in letters:
        if known[letter.source, letter.id] != (letter.source, letter.id, letter.type, letter.sop, letter.key):
            raise Unwritable(another_letter(letter))


def another_letter(letter: Letter) -> str:
    return f"{letter.source} has sent another letter as {letter.id} before"


def _write_cases(
    connection: Connection, changes: Changes, *, span: Spans, worker: str, leases: Leases
) -> bool:
    released, ended = changes.released, changes.ended
    opened = []
    for id, case in changes.opened.items():
        lease = None if id in released else worker
        first, last = (rows.micros(at) for at in span[id])
        opened.append(rows.case_values(case, lease=lease, opened=first, changed=last, ended=id in ended))
    moved = []
    for id, (case, before) in changes.moved.items():
        lease = None if id in released else worker
        values = rows.moved_values(
            case,
            data=id not in changes.unaltered,
            lease=lease,
            changed=rows.micros(span[id][1]),
            ended=id in ended,
        )
        moved.append((*values, before, leases.get(id, worker)))
    other = _leasing(changes, worker=worker, leases=leases)
    return (
        sql.OPEN_CASES.run(connection, opened) == len(opened)
        and sql.MOVE_CASES.run(connection, moved) == len(moved)
        and sql.LEASE_CASES.run(connection, other) == len(other)
    )


def _leasing(changes: Changes, *, worker: str, leases: Leases) -> list[Values]:
    """(lease, case, lease before) of the cases that stand still in this round."""
    touched = {step.case for step in changes.settled} | leases.keys() | changes.released
    standing: list[Values] = []
    for case in touched - changes.moved.keys() - changes.opened.keys():
        after, before = None if case in changes.released else worker, leases.get(case, worker)
        if after is not None or before is not None:
            standing.append((after, case, before))
    return standing


def find_conflicts(connection: Connection, changes: Changes, *, worker: str, leases: Leases) -> set[str]:
    """Which cases are not as the round found them, asked after it was rolled back."""
    standing = [str(values[1]) for values in _leasing(changes, worker=worker, leases=leases)]
    ids = [*changes.opened, *changes.moved, *standing]
    found = {id: (seq, lease) for id, seq, lease in connection.execute(_STANDING, {"ids": ids})}
    conflicts = changes.opened.keys() & found.keys()
    for case in standing:
        if case not in found or found[case][1] != leases.get(case, worker):
            conflicts.add(case)
    for case, (_, before) in changes.moved.items():
        if found.get(case) != (before, leases.get(case, worker)):
            conflicts.add(case)
    return conflicts or set(ids)
