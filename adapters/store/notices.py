"""What staff have been told: the part of the store's contract that is about notices. Each is known by a key
that says what is told, and has an instant until which nobody need tell it again."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from adapters.store.records import Step


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


class Notices(Protocol):
    """All methods raise ``StoreUnavailable`` and may be called from any thread."""

    def untold_causes(self) -> Mapping[Cause, datetime]:
        """Why steps are parked whose notice by ``notice_of`` nobody has noted; since when the first is."""
        ...

    def untold(self, cause: Cause, *, limit: int) -> list[Step]:
        """Such steps of that cause, in the order in which they failed."""
        ...

    def claim(self, key: str, *, now: datetime, until: datetime) -> bool:
        """Take it upon oneself to tell this; False if somebody has, until later than ``now``."""
        ...

    def note(self, notices: Mapping[str, datetime]) -> None:
        """These need not be told again before the instants given."""
        ...

    def noted(self, keys: Collection[str]) -> set[str]:
        """Those of ``keys`` that were ever claimed or noted."""
        ...

    def forget(self, key: str) -> bool:
        """False if there is none; of several who ask at once one is told True."""
        ...

    def drop(self, *, before: datetime) -> int:
        """Forget those whose time was over before; how many."""
        ...
