"""Shop, carrier and customers as an installation meets them: what it could not take is sent again until it
has, under the name it always had."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from adapters.errors import StoreUnavailable
from adapters.store.records import CaseRow
from deployments.bootstrap import Application

_PATIENCE = 120.0
_AGAIN = 0.2

T = TypeVar("T")


class Outside:
    """Raises ``StoreUnavailable`` only when the store stays away for two minutes."""

    def __init__(self, app: Application) -> None:
        self._app = app

    def send(self, events: Sequence[object]) -> None:
        if events:
            self.patiently(lambda: self._app.intake.accept(events))

    def counts(self) -> Mapping[str, Mapping[str, int]]:
        return self.patiently(self._app.store.summary)

    def waiting(self, sop: str, state: str, *, limit: int) -> Sequence[CaseRow]:
        return self.patiently(lambda: self._app.store.cases(sop=sop, state=state, limit=limit))

    def patiently(self, ask: Callable[[], T]) -> T:
        until = time.monotonic() + _PATIENCE
        while True:
            try:
                return ask()
            except StoreUnavailable:
                if time.monotonic() > until:
                    raise
            time.sleep(_AGAIN)
