"""What must hold of a house at rest, whatever happened to its processes."""

from __future__ import annotations

from benchmarks import audit
from tests.acceptance.house import House


def flaws(house: House, *, resting: bool = True) -> list[str]:
    """In words, with the first rows that show each; ``resting``: nothing is left to do."""
    return audit.flaws(house.rows, house.book(), resting=resting)


def repeated(house: House) -> int:
    """Calls to the world beyond the first under the same key, those after a failure included."""
    return sum(line.requested - 1 for line in house.book())
