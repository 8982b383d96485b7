"""Opens the store that a URL names."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import make_url

from adapters.store.base import Store
from adapters.store.bulletins import Tells, tell_nothing
from adapters.store.memory import MemoryStore
from adapters.store.rows import Hydrate
from adapters.store.sqlite import SqliteStore


def open_store(url: str, *, hydrate: Hydrate, tells: Tells = tell_nothing) -> Store:
    """``sqlite:///path``, ``postgresql://...`` or ``memory:``; ``tells`` writes what subscribers are told.

    Raises ``ValueError`` for anything else. Nothing is connected yet; ``migrate`` makes the tables.
    """
    if url in ("memory:", "memory://"):
        return MemoryStore(hydrate=hydrate, tells=tells)
    address = make_url(url)
    if address.get_backend_name() == "sqlite" and address.database not in (None, "", ":memory:"):
        path = Path(str(address.database))
        path.parent.mkdir(parents=True, exist_ok=True)
        return SqliteStore(path, hydrate=hydrate, tells=tells)
    if address.get_backend_name() == "postgresql":
        # Its driver is 10 MB of memory that a store on SQLite should not cost.
        from adapters.store.postgres import PostgresStore

        return PostgresStore(address, hydrate=hydrate, tells=tells)
    raise ValueError(f"no store at {address}: write sqlite:///path/to/file, postgresql://... or memory:")
