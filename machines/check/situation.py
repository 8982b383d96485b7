"""One situation of a case as the check sees it: one symbolic instant, no keys and no counters."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from machines.check.report import Kind
from machines.kernel.clock_ledger import Ledger
from machines.kernel.event import Event, Facts
from machines.kernel.rule import Disposition, Send

NOW = datetime(2026, 1, 5, 10, tzinfo=UTC)
"""The instant at which everything happens; when a deadline passes later than that, the data grow older."""
PAST = NOW - timedelta(days=365)
LATER = NOW + timedelta(hours=1)
"""When a deadline stated as a duration is due."""
DEFERRED = 2  #: events deferred at one time; that a third is deferred as well is not explored
SAME_IN_FLIGHT = 2  #: of equal commands or messages on their way, more are not told apart


class Timers(NamedTuple):
    name: str
    due: datetime
    passed: bool


class Frame(NamedTuple):
    """What runs: the timers and the ledgers of clocks."""

    timers: tuple[Timers, ...] = ()
    clocks: tuple[tuple[str, Ledger], ...] = ()


class Core(NamedTuple):
    """What ``decide`` sees: the state, and the numbers of the frame and of the data."""

    state: str
    frame: int
    data: int


class Child(NamedTuple):
    """A case opened by this one: where its automaton stands, and which events are on their way."""

    sop: str
    key: str
    at: int
    inbox: tuple[int, ...]


class Kept(NamedTuple):
    """A deferred event; a ``fact`` posted to the ledger when it arrived, the others do when handled."""

    happening: int
    fact: bool


Sums = tuple[tuple[str, int], ...]
"""(account, amount) of every account that is not even."""


class Situation(NamedTuple):
    """``flight`` holds the numbers of commands in flight, ``kept`` the deferred events."""

    core: int
    flight: tuple[int, ...]
    children: tuple[Child, ...]
    kept: tuple[Kept, ...]
    ledger: Sums


class Happening(NamedTuple):
    """An event as ``decide`` receives it; ``type`` differs from the payload's for deadlines."""

    type: str
    payload: Event
    at: datetime


class Asked(NamedTuple):
    """A command in flight."""

    name: str
    arguments: Facts


class Step(NamedTuple):
    """What ``decide`` did with one happening."""

    core: int
    commands: tuple[int, ...]
    idle: tuple[str, ...]  #: names of inert commands, which nothing follows from
    sends: tuple[Send, ...]
    disposition: Disposition
    moved: bool
    reason: str
    passed: timedelta  #: how much older everything is afterwards


class Raised(NamedTuple):
    """A guard, an effect or a builder raised instead of answering."""

    where: str
    error: Exception


class Label(NamedTuple):
    """What leads from one situation to the next: a happening, and who brought it about."""

    who: str
    happening: int


class Edge(NamedTuple):
    to: int
    label: Label
    says: tuple[Event, ...]  #: reports to the parent, in order


class Trouble(NamedTuple):
    """Something wrong with one step, found on the way; ``label`` is that step, taken at ``situation``."""

    kind: Kind
    at: str
    text: str
    situation: int
    label: Label | None
