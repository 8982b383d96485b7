"""How values spread: percentiles of times, and shares."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from math import floor, log10

_FIGURES = 4


def rounded(seconds: float) -> float:
    """To four figures: a percentile is off by less than a thousandth, and however many values are counted,
    only so many differ."""
    if seconds <= 0:
        return 0.0
    return round(seconds, _FIGURES - 1 - floor(log10(seconds)))


@dataclass(slots=True)
class Spread:
    """Times, in no order. Needs memory for values that differ, and these are rounded."""

    seconds: Counter[float] = field(default_factory=Counter)

    def add(self, time: timedelta) -> None:
        self.seconds[rounded(time.total_seconds())] += 1

    @property
    def count(self) -> int:
        return self.seconds.total()

    def percentile(self, percent: int) -> timedelta | None:
        """The least time that ``percent`` of all do not exceed (nearest rank); ``None`` without any."""
        rank = -(-self.count * percent // 100)
        for seconds in sorted(self.seconds):
            rank -= self.seconds[seconds]
            if rank <= 0:
                return timedelta(seconds=seconds)
        return None


@dataclass(slots=True)
class Share:
    """``hits`` of ``count``."""

    count: int = 0
    hits: int = 0

    def add(self, hit: bool) -> None:
        self.count += 1
        self.hits += hit

    @property
    def percent(self) -> float | None:
        return round(100 * self.hits / self.count, 1) if self.count else None
