"""The end of what is over: the part of the store's contract that housekeeping needs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

Document = Mapping[str, object]
"""A case as it is exported: its row under ``case``, and its rows of ``journal``, ``steps``, ``timers`` and
``inbox``, each a mapping of the table's columns."""

Place = tuple[datetime, str]
"""Where a search goes on: after the case of that id, which changed then."""


@dataclass(frozen=True, slots=True)
class Family:
    """A case that no other one has opened, which changed last at ``changed``, and all that descend from it,
    itself first; nothing is left to do in any of them."""

    root: str
    changed: datetime
    cases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Finished:
    """``last`` is where the search goes on; ``None`` when there is nothing more."""

    families: Sequence[Family]
    last: Place | None


class Upkeep(Protocol):
    """All methods raise ``StoreUnavailable`` and may be called from any thread."""

    def finished(self, *, before: datetime, after: Place | None, limit: int) -> Finished:
        """Of the next ``limit`` cases that have ended, changed last before ``before`` and were opened by
        nobody who is still here: the families in which every case has ended and changed last before then, is
        leased by nobody and not on hold, and has no step, timer or letter left to deal with."""
        ...

    def export(self, cases: Collection[str]) -> list[Document]:
        """Everything that ``prune`` would delete of them, by their ids; personal fields stay sealed."""
        ...

    def prune(self, families: Sequence[Family], *, before: datetime) -> list[str]:
        """In one transaction: delete those of the families that are as ``finished`` found them, with all that
        is theirs. The ids of the cases deleted. What comes for one of them later finds no case."""
        ...

    def stray_letters(self, *, before: datetime, after: int, limit: int) -> tuple[list[int], int | None]:
        """Of the next ``limit`` letters after that number, those received before ``before`` that are dead, or
        dealt with while their case is gone; and the last number looked at, ``None`` at the end."""
        ...

    def drop_letters(self, numbers: Collection[int], *, before: datetime) -> int:
        """Delete those that are as ``stray_letters`` found them; how many. One of the same source and id is
        a new one then."""
        ...
