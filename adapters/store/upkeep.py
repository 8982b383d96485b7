"""What the store offers beside the drive loop: what staff have been told, and the end of what is over."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from adapters.store.records import Step

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


@dataclass(frozen=True, slots=True)
class Cause:
    """What parked steps have in common. ``code`` is of their error, empty where it has none."""

    sop: str
    command: str
    code: str


def cause_of(step: Step) -> Cause:
    return Cause(step.case.partition("/")[0], step.command, step.code or "")


def notice_of(step: Step) -> str:
    """That a step is parked: another one each time."""
    return f"step {step.key} {step.attempts}"


class Upkeep(Protocol):
    """The part of ``adapters.store.base.Store`` that staff and housekeeping need."""

    # telling staff
    def untold_causes(self) -> Mapping[Cause, datetime]:
        """Why steps are parked whose notice by ``notice_of`` nobody has noted; since when the first is."""
        ...

    def untold(self, cause: Cause, *, limit: int) -> list[Step]:
        """Such steps of that cause, in the order in which they failed."""
        ...

    def claim_notice(self, key: str, *, now: datetime, until: datetime) -> bool:
        """Take it upon oneself to tell this; False if somebody has, until later than ``now``."""
        ...

    def note_notices(self, notices: Mapping[str, datetime]) -> None:
        """These need not be told again before the instants given."""
        ...

    def noted_notices(self, keys: Collection[str]) -> set[str]:
        """Those of ``keys`` that were ever claimed or noted."""
        ...

    def forget_notice(self, key: str) -> bool:
        """False if there is none; of several who ask at once one is told True."""
        ...

    def drop_notices(self, *, before: datetime) -> int:
        """Forget those whose time was over before; how many."""
        ...

    # housekeeping
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
