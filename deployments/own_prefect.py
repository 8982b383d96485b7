"""The Prefect that ``sop up`` runs itself: a server, and PostgreSQL out of a wheel for its database. What
ends of them is started again."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from adapters.postgres import EmbeddedPostgres, PostgresUnavailable
from deployments.prefect_server import PrefectServer
from deployments.settings import Settings

_AGAIN_SECONDS = 10.0  #: between two attempts with something that ends at once


class OwnPrefect:
    """A context manager, which does not wait for the server to answer: see ``came_up``.

    ``say`` hears what is being started, ``warn`` what went wrong.
    """

    def __init__(
        self, settings: Settings, *, say: Callable[[str], None], warn: Callable[[str], None]
    ) -> None:
        self._settings = settings
        self._say = say
        self._warn = warn
        self._stack = ExitStack()
        self._postgres: EmbeddedPostgres | None = None
        self._server: PrefectServer | None = None
        self._tried = float("-inf")

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._start_postgres(stack)
            self._say("Starting Prefect's server ...")
            database = self._postgres.url("prefect") if self._postgres else None
            folder, port = self._settings.home / "prefect", self._settings.prefect_port
            self._server = PrefectServer(folder, port=port, database=database)
            stack.callback(self._server.stop)
            self._server.launch()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def _start_postgres(self, stack: ExitStack) -> None:
        if self._settings.prefect_database != "postgres":
            return
        self._say("Starting PostgreSQL for Prefect ...")
        try:
            self._postgres = stack.enter_context(EmbeddedPostgres(self._settings.home / "postgres"))
        except PostgresUnavailable as error:
            self._warn(f"{error} Prefect's server runs on SQLite instead: slower, with pauses under load.")

    def came_up(self) -> bool:
        """Whether the server answers by now; raises ``PrefectServerUnavailable`` if it has ended."""
        return self._server is not None and self._server.came_up()

    def revive(self) -> None:
        """Start again what ended; call it every second or so. Does not wait for the server to answer."""
        if time.monotonic() - self._tried < _AGAIN_SECONDS:
            return
        if self._postgres is not None and not self._postgres.alive:
            self._tried = time.monotonic()
            self._revive_postgres(self._postgres)
        if self._server is not None and not self._server.alive:
            self._tried = time.monotonic()
            self._server.launch()
            self._warn(f"Prefect's server ended and was started again; see {self._server.log}")

    def _revive_postgres(self, postgres: EmbeddedPostgres) -> None:
        try:
            postgres.start()
        except PostgresUnavailable as error:
            self._warn(f"Prefect's PostgreSQL ended and does not start, trying again: {error}")
            return
        self._warn(f"Prefect's PostgreSQL ended and was started again; see {postgres.log}")
        database = postgres.url("prefect")
        if self._server is not None and self._server.database != database:
            # Another program has taken the port meanwhile.
            self._server.stop()
            self._server.database = database
