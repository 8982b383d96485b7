"""How many flow runs may be made: so many a second, with a small reserve for a burst."""

from __future__ import annotations

import time


class Budget:
    """Takes a place for one more flow run, or says that there is none now. Not for several threads."""

    def __init__(self, per_second: float, *, burst: int) -> None:
        self._per_second = per_second
        self._burst = float(burst)
        self._left = float(burst)
        self._counted = time.monotonic()

    def take(self) -> bool:
        """Whether one more may be made; if so it counts."""
        now = time.monotonic()
        self._left = min(self._burst, self._left + (now - self._counted) * self._per_second)
        self._counted = now
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True
