"""The store on PostgreSQL: many workers on many machines, sharing the cases by leases."""

from __future__ import annotations

import select
import socket
from contextlib import suppress
from datetime import datetime
from typing import Any

import psycopg
from sqlalchemy import URL, Connection, create_engine, text

from adapters.store.bulletins import Tells, tell_nothing
from adapters.store.rows import Hydrate
from adapters.store.sql import SqlStore

_CHANNEL = "sop_work"
_MIGRATING = 7_003_618  #: advisory lock of the process that migrates
_BLIND = 0.2  #: seconds between two looks while nobody can tell us
# A peer that vanishes without a word is noticed within half a minute, idle or in the middle of a statement.
_CONNECTING: dict[str, Any] = {
    "connect_timeout": 10,
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}


class PostgresStore(SqlStore):
    """``address`` is any PostgreSQL URL; the driver is always psycopg 3."""

    shared = True

    def __init__(self, address: URL, *, hydrate: Hydrate, tells: Tells = tell_nothing) -> None:
        # Plain positional parameters, so that statements for many rows can be run on tuples.
        self._address = address.set(drivername="postgresql+psycopg")
        engine = create_engine(
            self._address,
            paramstyle="format",
            isolation_level="READ COMMITTED",
            execution_options={"preserve_rowcount": True},
            # Planned once for all, a statement would not know which cases are named, and read each deadline.
            connect_args={
                "options": "-c synchronous_commit=on -c plan_cache_mode=force_custom_plan",
                **_CONNECTING,
            },
            hide_parameters=True,
        )
        super().__init__(engine, hydrate=hydrate, tells=tells)
        self._bell, self._button = socket.socketpair()
        self._bell.setblocking(False)
        self._button.setblocking(False)
        self._listener: psycopg.Connection | None = None

    def _lock_schema(self, connection: Connection) -> None:
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_MIGRATING})"))

    def _announce(self, connection: Connection) -> None:
        connection.execute(text(f"NOTIFY {_CHANNEL}"))

    def time(self) -> datetime | None:
        with self._reading() as connection:
            told: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
        return told

    def wake(self) -> None:
        with suppress(BlockingIOError):  # full only when nobody has answered for long
            self._button.send(b"!")

    def wait(self, seconds: float) -> bool:
        try:
            listener = self._listener or self._listen()
            heard = self._hear(listener, seconds)
        except (psycopg.Error, OSError):
            self._stop_listening()
            self._rung(min(seconds, _BLIND))
            return True
        return heard

    def close(self) -> None:
        super().close()
        self._stop_listening()
        self._bell.close()
        self._button.close()

    def _listen(self) -> psycopg.Connection:
        address = self._address.set(drivername="postgresql").render_as_string(hide_password=False)
        listener = psycopg.connect(address, autocommit=True, **_CONNECTING)
        self._listener = listener
        listener.execute(f"LISTEN {_CHANNEL}")
        # Whatever was announced before has been missed.
        self.wake()
        return listener

    def _stop_listening(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def _hear(self, listener: psycopg.Connection, seconds: float) -> bool:
        """Until the bell rings or a notification comes."""
        if self._rung(0) or any(True for _ in listener.notifies(timeout=0)):
            return True
        ready, _, _ = select.select([self._bell.fileno(), listener.fileno()], [], [], seconds)
        if self._bell.fileno() in ready:
            self._rung(0)
            return True
        return any(True for _ in listener.notifies(timeout=0)) if ready else False

    def _rung(self, seconds: float) -> bool:
        ready, _, _ = select.select([self._bell], [], [], seconds)
        if not ready:
            return False
        self._bell.recv(4096)
        return True
