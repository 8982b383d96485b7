"""What a receiver did not get while others did: kept in memory until it has it, or an hour is over."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Sequence
from typing import Generic, TypeVar

from adapters.notices.receivers import Receiver

_MOST = 20  #: for one receiver; older ones are forgotten

T = TypeVar("T")


class Owing(Generic[T]):
    """``pause`` passes between two tries of a receiver, ``longest`` until something is given up, in seconds.
    Any thread may call."""

    def __init__(self, *, pause: float, longest: float) -> None:
        self._pause = pause
        self._longest = longest
        self._owed: dict[Receiver, deque[tuple[float, T]]] = {}
        self._due: dict[Receiver, float] = {}
        self._lock = threading.Lock()

    def add(self, to: Receiver, what: T) -> None:
        now = time.monotonic()
        with self._lock:
            self._owed.setdefault(to, deque(maxlen=_MOST)).append((now + self._longest, what))
            self._due[to] = now + self._pause

    def due(self) -> Sequence[tuple[Receiver, T]]:
        """Who may be tried now, with the oldest of what each is owed. Nobody else is given it for a pause."""
        now = time.monotonic()
        with self._lock:
            for owed in self._owed.values():
                while owed and owed[0][0] < now:
                    owed.popleft()
            found = [(to, owed[0][1]) for to, owed in self._owed.items() if owed and self._due[to] <= now]
            self._due.update({to: now + self._pause for to, _ in found})
        return found

    def settle(self, to: Receiver, what: T) -> None:
        """It has it; the next one may follow at once."""
        with self._lock:
            owed = self._owed[to]
            if owed and owed[0][1] is what:
                owed.popleft()
            self._due[to] = 0.0
