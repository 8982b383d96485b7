"""How fast a client may send events: a bucket each, that fills at a steady rate and may go into debt once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from time import monotonic

_BURST_SECONDS = 10.0
_MOST_CLIENTS = 10_000


class RateLimit:
    """``per_second`` events for each client, ten seconds' worth at once after a pause; 0 means no limit.

    A request is let in while there is anything left, and what it brought is charged afterwards: so a batch
    is never too large to be taken at all, and the next request waits the longer. For one thread.
    """

    def __init__(self, per_second: float, *, clock: Callable[[], float] = monotonic) -> None:
        self._per_second = per_second
        self._burst = max(per_second * _BURST_SECONDS, 1.0)
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, client: str) -> float:
        """Seconds until the client may send again; 0 if it may now."""
        if not self._per_second:
            return 0.0
        missing = 1.0 - self._level(client)
        return max(0.0, missing / self._per_second)

    def charge(self, client: str, events: int) -> None:
        """The client has sent so many."""
        if not self._per_second:
            return
        self._left[client] = (self._level(client) - events, self._clock())
        self._left.move_to_end(client)
        # Whoever was silent for longest has most likely a full bucket, as one that is not known has.
        while len(self._left) > _MOST_CLIENTS:
            self._left.popitem(last=False)

    def _level(self, client: str) -> float:
        left, since = self._left.get(client, (self._burst, 0.0))
        return min(self._burst, left + (self._clock() - since) * self._per_second)
