"""Whether the store takes writes, found out by a write: reading goes on when a disk is full."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from time import monotonic

from adapters.errors import StoreUnavailable


class Health:
    """``probe`` writes and raises ``StoreUnavailable`` where it cannot. It runs at most once in ``fresh``
    seconds however often it is asked for, one at a time, and nobody waits for it longer than ``patience``."""

    def __init__(self, probe: Callable[[], None], *, fresh: float = 2.0, patience: float = 3.0) -> None:
        self._probe = probe
        self._fresh = fresh
        self._patience = patience
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="health")
        self._latest: Future[None] | None = None
        self._begun = 0.0
        self._lock = Lock()

    def check(self) -> None:
        """Raises ``StoreUnavailable`` with the reason. From any thread."""
        try:
            self._current().result(timeout=self._patience)
        except TimeoutError:
            raise StoreUnavailable(f"a write was not done within {self._patience:g} seconds") from None

    def _current(self) -> Future[None]:
        with self._lock:
            latest = self._latest
            if latest is None or (latest.done() and monotonic() - self._begun >= self._fresh):
                self._begun = monotonic()
                latest = self._latest = self._thread.submit(self._probe)
            return latest
