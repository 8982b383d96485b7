"""The store in one SQLite file: one writer at a time, readers never wait, commits survive a power cut."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection, create_engine, event

from adapters.errors import StoreUnavailable
from adapters.store.bulletins import Tells, tell_nothing
from adapters.store.failing import translated
from adapters.store.rows import Hydrate
from adapters.store.sql import SqlStore
from adapters.store.turnstile import Turnstile

_BUSY = 5.0  #: seconds to wait for another writer; who sends events by HTTP hears of it before giving up
_GLANCE = 0.02  #: seconds between two looks for changes by other processes
_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    # 16 MiB for each connection; more saved no measurable time, the system caches the file too.
    "cache_size=-16384",
    "temp_store=MEMORY",
    # 32 MiB: a checkpoint every few rounds, not in every one.
    "wal_autocheckpoint=8000",
)


class SqliteStore(SqlStore):
    """``path`` is the file, made when it is missing, in a folder that exists."""

    shared = False

    def __init__(
        self, path: Path, *, hydrate: Hydrate, tells: Tells = tell_nothing, busy: float = _BUSY
    ) -> None:
        engine = create_engine(
            URL.create("sqlite", database=str(path)),
            connect_args={"isolation_level": None, "timeout": busy, "check_same_thread": False},
            execution_options={"preserve_rowcount": True},
            hide_parameters=True,
        )
        event.listen(engine, "connect", _prepare)
        event.listen(engine, "begin", _begin)
        super().__init__(engine, hydrate=hydrate, tells=tells)
        self._path = path
        self._busy = busy
        self._turnstile = Turnstile(path.with_name(path.name + "-turn"))
        self._writer = threading.Lock()
        self._woken = threading.Event()
        self._watch: sqlite3.Connection | None = None
        self._seen = -1

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with ExitStack() as stack:
            with self._turnstile.held(patience=self._busy):
                # SQLite makes writers poll for their turn; threads of one process need not.
                if not self._writer.acquire(timeout=self._busy):
                    raise StoreUnavailable("the database is locked by another thread of this process")
                stack.callback(self._writer.release)
                stack.enter_context(translated())
                connection = stack.enter_context(self._engine.connect())
                connection.begin()
            yield connection
            connection.commit()

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with super()._reading() as connection:
            yield connection.execution_options(reading=True)

    def _lock_schema(self, connection: Connection) -> None:
        """``BEGIN IMMEDIATE`` has done so, before anything was read."""

    def _announce(self, connection: Connection) -> None:
        """The file itself tells: its version changes with every commit."""

    def wake(self) -> None:
        self._woken.set()

    def wait(self, seconds: float) -> bool:
        until = time.monotonic() + seconds
        while not self._changed():
            left = until - time.monotonic()
            if left <= 0:
                return False
            if self._woken.wait(min(left, _GLANCE)):
                self._woken.clear()
                return True
        return True

    def _changed(self) -> bool:
        """Whether any other connection has committed since this was last asked."""
        try:
            if self._watch is None:
                self._watch = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
            (version,) = self._watch.execute("PRAGMA data_version").fetchone()
        except sqlite3.Error as error:
            raise StoreUnavailable(str(error)) from error
        seen, self._seen = self._seen, int(version)
        return seen != self._seen

    def close(self) -> None:
        super().close()
        if self._watch is not None:
            self._watch.close()
            self._watch = None


def _prepare(connection: sqlite3.Connection, _record: object) -> None:
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}").close()


def _begin(connection: Connection) -> None:
    reading = connection.get_execution_options().get("reading", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
