"""Shop, carrier and customers as an installation meets them: what it could not take is sent again until it
has, under the name it always had."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import NullPool, Row, Select, bindparam, create_engine, func, select, tuple_

from adapters.errors import StoreUnavailable
from adapters.store.failing import translated
from adapters.store.schema import IS_NEW, cases, inbox
from deployments.bootstrap import Application

_PATIENCE = 120.0
_AGAIN = 0.2

_THERE = tuple_(cases.c.sop, cases.c.state).in_(bindparam("places", expanding=True))
_STANDING = select(cases.c.sop, cases.c.state, cases.c.key).where(_THERE)
_COUNTED = select(cases.c.sop, cases.c.state, func.count()).where(_THERE).group_by(cases.c.sop, cases.c.state)
_NEW = select(func.count()).select_from(inbox).where(IS_NEW)

Place = tuple[str, str]  #: procedure and state

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

    # The next three by queries of their own: who looks so often must not take much from what is measured.

    def standing(self, places: Collection[Place]) -> list[tuple[str, str, str]]:
        """(procedure, state, key) of the cases there."""
        return [(sop, state, key) for sop, state, key in self._ask(_STANDING, places=list(places))]

    def counted(self, places: Collection[Place]) -> Counter[Place]:
        """How many cases there are."""
        found = self._ask(_COUNTED, places=list(places))
        return Counter({(sop, state): number for sop, state, number in found})

    def new(self) -> int:
        """How many events no worker has taken yet."""
        return int(self._ask(_NEW)[0][0])

    def _ask(self, query: Select[Any], **given: object) -> Sequence[Row[*tuple[Any, ...]]]:
        def ask() -> Sequence[Row[*tuple[Any, ...]]]:
            with translated(), self._engine.connect() as connection:
                return connection.execute(query, given).all()

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
