"""How much of a procedure one run looks at; within that, everything, unless a bound is named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

CHILDREN = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Scope:
    """Cases opened by the examples numbered ``openings`` (all if ``None``), to which the outside events,
    outcomes and deadlines ``without`` do not happen, with at most so many ``children`` of
    the procedures named there, and two of any other.

    ``deviations`` bounds the path: how often something other than the ordinary thing happens on it (``None``:
    as often as can be). ``title`` says all this to a reader.
    """

    title: str = "all that can happen"
    openings: tuple[int, ...] | None = None
    without: frozenset[str] = frozenset()
    children: Mapping[str, int] = field(default_factory=dict)
    deviations: int | None = None
