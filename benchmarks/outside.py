"""Shop, carrier and customers as an installation meets them: what it could not take is sent again until it
has, under the name it always had."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TypeVar

from sqlalchemy import NullPool, bindparam, create_engine, select, tuple_

from adapters.errors import StoreUnavailable
from adapters.store.failing import translated
from adapters.store.schema import cases
from deployments.bootstrap import Application

_PATIENCE = 120.0
_AGAIN = 0.2

_STANDING = select(cases.c.sop, cases.c.state, cases.c.key).where(
    tuple_(cases.c.sop, cases.c.state).in_(bindparam("places", expanding=True))
)

T = TypeVar("T")


class Outside:
    """Raises ``StoreUnavailable`` only when the store stays away for two minutes."""

    def __init__(self, app: Application) -> None:
        self._app = app
        self._engine = create_engine(app.settings.url, poolclass=NullPool)

    def send(self, events: Sequence[object]) -> None:
        if events:
            self.patiently(lambda: self._app.intake.accept(events))

    def counts(self) -> Mapping[str, Mapping[str, int]]:
        return self.patiently(self._app.store.summary)

    def standing(self, places: Collection[tuple[str, str]]) -> list[tuple[str, str, str]]:
        """(procedure, state, key) of the cases there. By a query of its own: who looks so often must not take
        much from what is measured."""

        def ask() -> list[tuple[str, str, str]]:
            with translated(), self._engine.connect() as connection:
                return [
                    (row[0], row[1], row[2])
                    for row in connection.execute(_STANDING, {"places": list(places)})
                ]

        return self.patiently(ask)

    def patiently(self, ask: Callable[[], T]) -> T:
        until = time.monotonic() + _PATIENCE
        while True:
            try:
                return ask()
            except StoreUnavailable:
                if time.monotonic() > until:
                    raise
            time.sleep(_AGAIN)
