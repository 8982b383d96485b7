"""Who has ordered how much of what: the pieces that limits per customer and period count.

An order counts from the moment its restrictions are checked, paid or not, until it is told what the customer
did not get. Counting and claiming are one transaction, so that two orders at once cannot both have the last
pieces.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from weakref import finalize

from machines.between import Pick


@dataclass(frozen=True, slots=True)
class PurchaseLimit:
    """At most so many ``pieces`` of each SKU with this ``ending`` go to one customer within ``period``."""

    ending: str
    pieces: int
    period: timedelta

    def __str__(self) -> str:
        return f"at most {self.pieces} per customer in {self.period.days} days"


LIMITS = (PurchaseLimit("-LIMITED", 5, timedelta(days=30)),)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Pieces of one line of an order; ``key`` is that of the command that asks about them."""

    customer: str
    order: str
    sku: str
    pieces: int
    key: str
    at: datetime


_TABLE = """
CREATE TABLE IF NOT EXISTS purchases (
    order_key TEXT NOT NULL, sku TEXT NOT NULL, customer TEXT NOT NULL, pieces INTEGER NOT NULL,
    at TEXT NOT NULL, key TEXT NOT NULL, PRIMARY KEY (order_key, sku)
) WITHOUT ROWID
"""
_BY_CUSTOMER = "CREATE INDEX IF NOT EXISTS purchases_customer ON purchases (customer, sku)"
_CLAIMED = "SELECT pieces FROM purchases WHERE order_key = ? AND sku = ? AND key = ?"
_OTHERS = """
SELECT coalesce(sum(pieces), 0) FROM purchases WHERE customer = ? AND sku = ? AND order_key <> ? AND at > ?
"""
_CLAIM = "INSERT OR REPLACE INTO purchases VALUES (?, ?, ?, ?, ?, ?)"
_EARLIER = "SELECT count(*) FROM purchases WHERE order_key = ? AND key <> ?"
_COUNTED = "SELECT count(*) FROM purchases WHERE order_key = ?"
_FORGET = "DELETE FROM purchases WHERE order_key = ? AND key <> ?"
_KEEP = "UPDATE purchases SET pieces = ? WHERE order_key = ? AND sku = ?"
_NONE_KEPT = "UPDATE purchases SET pieces = 0 WHERE order_key = ?"


class Purchases:
    """In memory, in the book, or in a file (``in_file``); several workers may share the latter two."""

    def __init__(self, connection: sqlite3.Connection | None = None) -> None:
        if connection is None:
            connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
            finalize(self, connection.close)
        self._connection = connection
        self._connection.execute(_TABLE)
        self._connection.execute(_BY_CUSTOMER)

    @classmethod
    def in_file(cls, path: Path) -> Purchases:
        """As durable as the book: it outlives the process, though not a crash of the machine."""
        connection = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = OFF")
        purchases = cls(connection)
        finalize(purchases, connection.close)
        return purchases

    def forget_earlier(self, order: str, *, key: str) -> None:
        """The order is checked anew: what it wanted before counts no longer."""
        if self._number(_EARLIER, order, key):
            self._connection.execute(_FORGET, (order, key))

    def claim(self, wanted: Wanted, *, limit: PurchaseLimit) -> int:
        """How many of the pieces the limit leaves. They count as ordered from now on; the same key gets the
        same answer."""
        since = (wanted.at - limit.period).isoformat()
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            left = self._claimed(wanted)
            if left is None:
                others = self._number(_OTHERS, wanted.customer, wanted.sku, wanted.order, since)
                left = min(wanted.pieces, max(0, limit.pieces - others))
                row = (wanted.order, wanted.sku, wanted.customer, left, wanted.at.isoformat(), wanted.key)
                self._connection.execute(_CLAIM, row)
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")
        return left

    def keep(self, order: str, items: Iterable[Pick]) -> None:
        """Only ``items`` of the order are with the customer in the end, and count. Most orders have nothing
        that a limit counts, and for them nothing is written."""
        if not self._number(_COUNTED, order):
            return
        self._connection.execute(_NONE_KEPT, (order,))
        for item in items:
            self._connection.execute(_KEEP, (item.quantity, order, item.sku))

    def _claimed(self, wanted: Wanted) -> int | None:
        found = self._connection.execute(_CLAIMED, (wanted.order, wanted.sku, wanted.key))
        with closing(found) as rows:
            row = rows.fetchone()
        return None if row is None else int(row[0])

    def _number(self, statement: str, *values: str) -> int:
        with closing(self._connection.execute(statement, values)) as rows:
            return int(rows.fetchone()[0])
