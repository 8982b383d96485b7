"""Commands that their provider does not answer: one row for each, shared by all workers of a store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

OUTAGE = "outage"
"""Code of a step that is not sent because its command is out: retrying, released when that answers again."""

WHO = "sop"
"""Who has parked steps tried again after an outage, as the journal names it."""


class Phase(StrEnum):
    OUT = "out"  #: nothing is sent but a probe now and then
    RESUMING = "resuming"  #: it answers again; what waits goes out turn by turn
    LEFT = "left"  #: it is over; steps that are parked still are left to staff


@dataclass(frozen=True, slots=True)
class Outage:
    """``changed`` is when the phase began, ``due`` when the next probe or turn is. ``tries`` counts the
    probes that failed, ``turn`` the turns of resuming. ``error`` is the latest failure, ``halted`` why parked
    steps are not tried again, if they are not. ``version`` is the store's."""

    command: str
    phase: Phase
    since: datetime
    changed: datetime
    due: datetime
    tries: int = 0
    turn: int = 0
    error: str = ""
    halted: str = ""
    version: int = 1


@dataclass(frozen=True, slots=True)
class Release:
    """Put up to ``most`` steps of a command back to work: those first that wait for it, or to be tried again
    by themselves, what was tried least before the rest; then those that are parked as unavailable and failed
    ``since``, what failed long ago before the rest; none of these without. ``why`` is journalled."""

    most: int
    since: datetime | None
    why: str


class OutageStore(Protocol):
    """All methods raise ``StoreUnavailable`` and may be called from any thread."""

    def known(self) -> list[Outage]:
        """In the order of their commands."""
        ...

    def change(
        self,
        before: Outage | None,
        after: Outage | None,
        *,
        now: datetime,
        release: Release | None = None,
    ) -> list[str] | None:
        """In one transaction: ``after`` takes the place of ``before`` (``None``: there is no row) and steps
        are released, pending and due now. The keys of these steps, or ``None`` if something else than
        ``before`` is there, and nothing happens."""
        ...

    def release_forgotten(self, *, now: datetime, most: int) -> int:
        """Release up to ``most`` steps that wait for the end of an outage although their command is neither
        out nor resuming: a worker held them back that had not heard of the end. How many there were."""
        ...

    def stranded(self, *, since: datetime) -> Mapping[str, tuple[int, datetime]]:
        """Command -> how many of its steps are parked as unavailable and failed ``since``, and when the first
        of them did."""
        ...
