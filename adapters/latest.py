"""What the store says, asked of it seldom however often it is wanted, and never waited for long."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from time import monotonic
from typing import Generic, TypeVar

from adapters.errors import StoreUnavailable

T = TypeVar("T")


class Latest(Generic[T]):
    """``ask`` answers or raises ``StoreUnavailable``. It runs at most once in ``fresh`` seconds, one at a
    time, and nobody waits for it longer than ``patience``."""

    def __init__(self, ask: Callable[[], T], *, fresh: float = 2.0, patience: float = 3.0) -> None:
        self._ask = ask
        self._fresh = fresh
        self._patience = patience
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="latest")
        self._latest: Future[T] | None = None
        self._begun = 0.0
        self._lock = Lock()

    def get(self) -> T:
        """Raises ``StoreUnavailable`` with the reason. From any thread."""
        try:
            return self._current().result(timeout=self._patience)
        except TimeoutError:
            raise self._too_late() from None

    async def wait(self) -> T:
        """As ``get``, without holding a thread while it waits."""
        try:
            latest = asyncio.shield(asyncio.wrap_future(self._current()))
            return await asyncio.wait_for(latest, self._patience)
        except TimeoutError:
            raise self._too_late() from None

    def _too_late(self) -> StoreUnavailable:
        return StoreUnavailable(f"the store had not done it within {self._patience:g} seconds")

    def _current(self) -> Future[T]:
        with self._lock:
            latest = self._latest
            if latest is None or (latest.done() and monotonic() - self._begun >= self._fresh):
                self._begun = monotonic()
                latest = self._latest = self._thread.submit(self._ask)
            return latest
