"""The end of what is over, in memory."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from adapters.store import rows, schema
from adapters.store.pruning import OVER, named
from adapters.store.records import SETTLED, InboxRow, InboxStatus
from adapters.store.tables import Locked, Tables
from adapters.store.upkeep import Document, Family, Finished, Place


class MemoryUpkeep:
    """Implements ``Upkeep``."""

    def __init__(self, *, locked: Locked) -> None:
        self._locked = locked

    def finished(self, *, before: datetime, after: Place | None, limit: int) -> Finished:
        with self._locked() as tables:
            return _finished(tables, before=before, after=after, limit=limit)

    def export(self, cases: Collection[str]) -> list[Document]:
        with self._locked() as tables:
            return _export(tables, cases)

    def prune(self, families: Sequence[Family], *, before: datetime) -> list[str]:
        with self._locked() as tables:
            return _prune(tables, families, before=before)

    def stray_letters(self, *, before: datetime, after: int, limit: int) -> tuple[list[int], int | None]:
        with self._locked() as tables:
            return _stray(tables, before=before, after=after, limit=limit)

    def drop_letters(self, numbers: Collection[int], *, before: datetime) -> int:
        with self._locked() as tables:
            return _drop_letters(tables, numbers, before=before)


def _finished(tables: Tables, *, before: datetime, after: Place | None, limit: int) -> Finished:
    roots = sorted(
        (kept.changed, id)
        for id, kept in tables.cases.items()
        if kept.ended and kept.changed < before and kept.case.parent not in tables.cases
    )
    roots = [place for place in roots if after is None or place > after][:limit]
    families = (Family(root, changed, _members(tables, root)) for changed, root in roots)
    whole = [family for family in families if _is_over(tables, family, before=before)]
    return Finished(whole, roots[-1] if roots else None)


def _members(tables: Tables, root: str) -> tuple[str, ...]:
    found = [root]
    for member in found:
        found += [id for id, kept in tables.cases.items() if kept.case.parent == member and id not in found]
    return tuple(found)


def _is_over(tables: Tables, family: Family, *, before: datetime) -> bool:
    cases = set(family.cases)
    kept = [tables.cases[id] for id in cases]
    return (
        all(one.ended and one.changed < before and one.lease is None and one.held is None for one in kept)
        and all(step.status in SETTLED for step in tables.steps.values() if step.case in cases)
        and all(timer.passed for id in cases for timer in tables.timers[id].values())
        and all(row.status in OVER for row in tables.inbox.values() if row.letter.case in cases)
    )


def _export(tables: Tables, cases: Collection[str]) -> list[Document]:
    return [_document(tables, id) for id in sorted(cases) if id in tables.cases]


def _document(tables: Tables, id: str) -> Document:
    kept, case = tables.cases[id], tables.readable(id)
    times = {"opened": rows.micros(kept.opened), "changed": rows.micros(kept.changed)}
    values = rows.case_values(case, lease=kept.lease, ended=kept.ended, **times)
    document = named(schema.cases, values) | {"data": kept.data, "clocks": kept.clocks, "held": kept.held}
    steps = sorted((step for step in tables.steps.values() if step.case == id), key=lambda step: step.key)
    timers = sorted(tables.timers[id].values(), key=lambda timer: timer.name)
    return {
        "case": document,
        "journal": [named(schema.journal, (id, *entry)) for entry in tables.journal[id]],
        "steps": [named(schema.steps, rows.step_values(step)) for step in steps],
        "timers": [named(schema.timers, rows.timer_values(id, timer)) for timer in timers],
        "inbox": [_inbox(tables.inbox[number]) for number in _numbers(tables, id)],
    }


def _numbers(tables: Tables, id: str) -> list[int]:
    names = {(str(entry[3]), str(entry[4])) for entry in tables.journal[id]}
    found = (tables.numbers[name] for name in names if name in tables.numbers)
    return sorted(number for number in found if tables.inbox[number].letter.case == id)


def _inbox(row: InboxRow) -> Document:
    values = (row.number, *rows.letter_values(row.letter)[:-2], row.status.value, row.reason)
    return named(schema.inbox, values)


def _prune(tables: Tables, families: Sequence[Family], *, before: datetime) -> list[str]:
    gone = [
        case
        for family in families
        if family.root in tables.cases
        and set(_members(tables, family.root)) == set(family.cases)
        and _is_over(tables, family, before=before)
        for case in family.cases
    ]
    for id in gone:
        for number in _numbers(tables, id):
            _drop(tables, number)
        for key in [step.key for step in tables.steps.values() if step.case == id]:
            del tables.steps[key]
        for table in (tables.journal, tables.timers):
            table.pop(id, None)
        del tables.cases[id]
    tables.unreadable = {mark for mark in tables.unreadable if mark[0] not in gone}
    return gone


def _drop(tables: Tables, number: int) -> None:
    letter = tables.inbox.pop(number).letter
    del tables.numbers[letter.source, letter.id]


def _stray(tables: Tables, *, before: datetime, after: int, limit: int) -> tuple[list[int], int | None]:
    numbers = [number for number in tables.inbox if number > after][:limit]
    return [one for one in numbers if _is_stray(tables, one, before)], numbers[-1] if numbers else None


def _is_stray(tables: Tables, number: int, before: datetime) -> bool:
    row = tables.inbox[number]
    homeless = row.status is InboxStatus.DEAD or row.letter.case not in tables.cases
    return homeless and row.status in OVER and row.letter.received < before


def _drop_letters(tables: Tables, numbers: Collection[int], *, before: datetime) -> int:
    gone = [number for number in numbers if number in tables.inbox and _is_stray(tables, number, before)]
    for number in gone:
        _drop(tables, number)
    return len(gone)
