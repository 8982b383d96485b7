"""How much of a procedure one run looks at; within that, everything, unless a bound is named."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Scope:
    """Cases opened by the examples numbered ``openings`` (all if ``None``), to which the outside events and
    outcomes ``without`` do not happen, with at most ``children`` cases of one procedure opened by each.

    ``deviations`` bounds the path: how often something other than the ordinary thing happens on it (``None``:
    as often as can be). ``title`` says all this to a reader.
    """

    title: str = "all that can happen"
    openings: tuple[int, ...] | None = None
    without: frozenset[str] = frozenset()
    children: int = 2
    deviations: int | None = None
