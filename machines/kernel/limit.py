"""Limits: sums of money up to which a rule applies, stated by the procedure and set by the policy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from machines.kernel.money import Money, exponent


@dataclass(frozen=True, slots=True)
class Limit:
    """``of(data, event)`` is the sum that must not be above it, ``text`` says what being above it means.
    ``usual`` counts main units, in every currency that the policy does not name."""

    name: str
    text: str
    of: Callable[[Any, Any], Money]
    usual: int


LimitOf = Callable[[Limit, str], int]
"""(limit, currency) -> the highest sum allowed, in minor units."""


def as_stated(limit: Limit, currency: str) -> int:
    """The limit where no policy says otherwise."""
    return int(limit.usual * 10 ** exponent(currency))
