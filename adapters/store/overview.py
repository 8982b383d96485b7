"""What the store knows of all cases at once: how many stand where, what is due, what is late, what came and
went. Lists are cut short, and each says how long it is."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Generic, Protocol, TypeVar

from machines.kernel.case import Timer
from machines.kernel.clock_ledger import Told
from machines.kernel.hold import Hold
from machines.report.course import Line

MOST_NAMED = 3  #: cases of one state that are named by their keys

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Listed(Generic[T]):
    """The ``first`` of ``count``."""

    count: int = 0
    first: tuple[T, ...] = ()

    @classmethod
    def of(cls, found: Iterable[T], *, most: int) -> Listed[T]:
        """Keeps no more than ``most`` of them in memory."""
        coming = iter(found)
        first = tuple(islice(coming, most))
        return cls(len(first) + sum(1 for _ in coming), first)


@dataclass(frozen=True, slots=True)
class InState:
    """The open cases in one state: how many, how many of them on hold, when the one that has been still for
    longest changed, and the keys of those that have been still for longest."""

    count: int
    held: int
    since: datetime
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Limited:
    """An open case with a timer of it."""

    key: str
    state: str
    timer: Timer


@dataclass(frozen=True, slots=True)
class Overrun:
    """An open case with a clock that has used up its budget: its latest threshold, and when it was told."""

    key: str
    state: str
    clock: str
    told: Told


@dataclass(frozen=True, slots=True)
class OnHold:
    key: str
    state: str
    hold: Hold


@dataclass(frozen=True, slots=True)
class Overview:
    """One procedure. ``due`` are timers that come due soon, soonest first; ``passed`` those that have passed
    while the case stays where they run, latest first. ``asked`` counts steps that wait for their provider's
    answer, ``retrying`` others that are tried again. ``opened`` and ``ended`` count by hour (its beginning),
    the latter by final state too: cases of which nothing was heard since are counted when they ended, others
    when they were last heard of."""

    states: Mapping[str, InState] = field(default_factory=dict)
    assignees: Mapping[str, int] = field(default_factory=dict)
    due: Listed[Limited] = field(default_factory=Listed)
    passed: Listed[Limited] = field(default_factory=Listed)
    overrun: Listed[Overrun] = field(default_factory=Listed)
    held: Listed[OnHold] = field(default_factory=Listed)
    asked: int = 0
    retrying: int = 0
    opened: Mapping[datetime, int] = field(default_factory=dict)
    ended: Mapping[tuple[datetime, str], int] = field(default_factory=dict)


class Panorama(Protocol):
    """All methods raise ``StoreUnavailable`` and may be called from any thread."""

    def overview(self, sop: str, *, since: datetime, until: datetime, most: int) -> Overview:
        """One procedure at a glance: what is due ``until`` then, what came and went ``since`` then (the
        beginning of an hour), lists of ``most``. Costs as much as there are open cases and recent changes."""
        ...

    def changed(self, sop: str, *, since: datetime, opened_before: datetime) -> list[str]:
        """The ids of the cases of which anything was heard ``since`` then, ended ones too."""
        ...

    def courses(self, cases: Collection[str], *, bodies: Collection[str]) -> list[list[Line]]:
        """The journals of some cases, each in order; with the content of those types of events only."""
        ...
