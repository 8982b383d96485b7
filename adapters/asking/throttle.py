"""How often something may be tried: so many times a minute for each name."""

from __future__ import annotations

import time
from collections import OrderedDict
from threading import Lock

_MOST = 10_000  #: names remembered; whoever tries least recently is forgotten first


class Throttle:
    """Safe to share between threads; counts in this process alone."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = Lock()

    def allows(self, name: str) -> bool:
        """Whether one more try is allowed; if so it counts."""
        now = time.monotonic()
        with self._lock:
            left, counted = self._left.pop(name, (float(self._per_minute), now))
            left = min(float(self._per_minute), left + (now - counted) * self._per_minute / 60)
            allowed = left >= 1
            self._left[name] = (left - 1 if allowed else left, now)
            if len(self._left) > _MOST:
                self._left.popitem(last=False)
            return allowed
