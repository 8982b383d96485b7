"""The book of effects: what the simulated world was asked and what it did, by idempotency key and by effect.

A test that kills workers reads here whether anything happened twice. A key has one line; the effect is what
happened in the world, such as ``payment.capture SO-1001 SO-1001-1/1``: two keys with one effect are a fault
of whoever asked.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from adapters.grouping import Group
from adapters.world.purchases import Purchases


@dataclass(frozen=True, slots=True)
class Line:
    """``requested`` counts the calls under ``key`` that came to an end, ``answered`` those of them that did
    not fail before anything happened, ``applied`` how often they had the effect (0 or 1). ``answer`` is the
    first one, if any."""

    key: str
    command: str
    effect: str
    requested: int = 1
    answered: int = 0
    applied: int = 0
    answer: str | None = None


class Book(Protocol):
    """Where effects are counted."""

    async def enter(self, line: Line) -> Line:
        """Count one call; the line as it stands now, with the first answer that was given under this key.
        When it returns, the line survives the death of the process."""
        ...

    def asked(self, effect: str, *, other_than: str) -> bool:
        """Whether ``effect`` was asked for, and answered, under a key ``other_than`` this one."""
        ...

    def find(self, key: str) -> Line | None:
        """What stands under ``key``, if anything."""
        ...

    def lines(self) -> list[Line]: ...

    @property
    def purchases(self) -> Purchases:
        """What limits per customer count."""
        ...


def applied_by_effect(book: Book) -> Counter[str]:
    """How often each effect happened; more than once for a capture or a refund is money lost."""
    counted: Counter[str] = Counter()
    for line in book.lines():
        counted[line.effect] += line.applied
    return counted


def requested_by_command(book: Book) -> Counter[str]:
    """How often each command was asked for, repeats included."""
    counted: Counter[str] = Counter()
    for line in book.lines():
        counted[line.command] += line.requested
    return counted


class MemoryBook:
    """A book that lives as long as its process."""

    def __init__(self) -> None:
        self._lines: dict[str, Line] = {}
        self._answered: dict[str, set[str]] = {}
        self.purchases = Purchases()

    async def enter(self, line: Line) -> Line:
        before = self._lines.get(line.key)
        if before is not None:
            answered = before.answered + line.answered
            line = replace(line, requested=before.requested + 1, answered=answered)
            if before.answer is not None:
                line = replace(line, applied=before.applied, answer=before.answer)
        self._lines[line.key] = line
        if line.answered:
            self._answered.setdefault(line.effect, set()).add(line.key)
        return line

    def asked(self, effect: str, *, other_than: str) -> bool:
        return bool(self._answered.get(effect, set()) - {other_than})

    def find(self, key: str) -> Line | None:
        return self._lines.get(key)

    def lines(self) -> list[Line]:
        return list(self._lines.values())


_TABLE = """
CREATE TABLE IF NOT EXISTS lines (
    key TEXT PRIMARY KEY, command TEXT NOT NULL, effect TEXT NOT NULL,
    requested INTEGER NOT NULL, answered INTEGER NOT NULL, applied INTEGER NOT NULL, answer TEXT
) WITHOUT ROWID
"""
_BY_EFFECT = "CREATE INDEX IF NOT EXISTS lines_effect ON lines (effect)"
_ASKED = "SELECT count(*) FROM lines WHERE effect = ? AND key <> ? AND answered > 0"
_COLUMNS = "key, command, effect, requested, answered, applied, answer"
_FIND = f"SELECT {_COLUMNS} FROM lines WHERE key = ?"
_ENTER = f"""
INSERT INTO lines ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (key) DO UPDATE SET
    requested = requested + 1,
    answered = answered + excluded.answered,
    applied = CASE WHEN answer IS NULL THEN excluded.applied ELSE applied END,
    answer = coalesce(answer, excluded.answer)
RETURNING requested, answered, applied, answer
"""


class SqliteBook:
    """A book in a file of its own, which several workers may share.

    Calls that arrive together are one transaction. WAL with ``synchronous=OFF`` writes into the page cache
    of the kernel, which outlives ``kill -9`` of the process; only a crash of the machine could lose lines.
    """

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = OFF")
        self._connection.execute(_TABLE)
        self._connection.execute(_BY_EFFECT)
        self.purchases = Purchases(self._connection)
        self._group: Group[Line, Line] = Group(self._write, threaded=False)

    async def enter(self, line: Line) -> Line:
        return await self._group.do(line)

    def asked(self, effect: str, *, other_than: str) -> bool:
        with closing(self._connection.execute(_ASKED, (effect, other_than))) as rows:
            return bool(rows.fetchone()[0])

    def find(self, key: str) -> Line | None:
        with closing(self._connection.execute(_FIND, (key,))) as rows:
            row = rows.fetchone()
        return Line(*row) if row else None

    def lines(self) -> list[Line]:
        with closing(self._connection.execute(f"SELECT {_COLUMNS} FROM lines ORDER BY key")) as rows:
            return [Line(*row) for row in rows]

    def close(self) -> None:
        self._connection.close()

    def _write(self, lines: Iterable[Line]) -> list[Line]:
        execute = self._connection.execute
        execute("BEGIN IMMEDIATE")
        try:
            written = [self._count(line) for line in lines]
        except BaseException:
            execute("ROLLBACK")
            raise
        execute("COMMIT")
        return written

    def _count(self, line: Line) -> Line:
        values = (line.key, line.command, line.effect, 1, line.answered, line.applied, line.answer)
        with closing(self._connection.execute(_ENTER, values)) as rows:
            requested, answered, applied, answer = rows.fetchone()
        return replace(line, requested=requested, answered=answered, applied=applied, answer=answer)
