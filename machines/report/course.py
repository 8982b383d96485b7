"""The course of one case up to an instant, as its journal tells it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from functools import cached_property
from itertools import groupby
from typing import NamedTuple


class Line(NamedTuple):
    """A line of a journal; ``body`` is filled in only where figures need it."""

    at: datetime
    event: str
    handled: bool
    before: str
    after: str
    body: Mapping[str, object] = {}


class Stay(NamedTuple):
    """In one state, or in several of them, from one instant to another, and the event by which the case
    left; ``None`` while it lasts."""

    state: str
    start: datetime
    end: datetime | None
    left: str | None


class Period(NamedTuple):
    """From the first instant up to the second, which is no part of it."""

    start: datetime
    end: datetime

    def __contains__(self, at: object) -> bool:
        return isinstance(at, datetime) and self.start <= at < self.end


@dataclass(frozen=True)
class Course:
    """``lines`` are all of a case, in order, and not empty; ``ends`` the names of the final states, ``zone``
    the house's, by which its days begin."""

    lines: Sequence[Line]
    ends: Collection[str]
    zone: tzinfo

    @property
    def opened(self) -> datetime:
        return self.lines[0].at

    @cached_property
    def stays(self) -> tuple[Stay, ...]:
        """Where it stood, in order. It comes into being in the state in which it takes its first event."""
        found, state, since = [], self.lines[0].before, self.opened
        for line in self.lines:
            if line.handled and line.after != state:
                found.append(Stay(state, since, line.at, line.event))
                state, since = line.after, line.at
        return (*found, Stay(state, since, None, None))

    @property
    def ended(self) -> Stay | None:
        """The end at which it stands."""
        return self.stays[-1] if self.stays[-1].state in self.ends else None

    def first(self, *events: str) -> datetime | None:
        """When it first took one of these."""
        return next((line.at for line in self.lines if line.handled and line.event in events), None)

    def reached(self, *states: str) -> datetime | None:
        """When it first came to one of these."""
        return next((stay.start for stay in self.stays if stay.state in states), None)

    def day(self, at: datetime) -> date:
        """The day of the house on which that was."""
        return at.astimezone(self.zone).date()

    def body(self, event: str) -> Mapping[str, object]:
        """What it was told by the first such event."""
        return next((line.body for line in self.lines if line.handled and line.event == event), {})

    def spells(self, states: Collection[str]) -> Iterator[Stay]:
        """Each unbroken stay in ``states``; it bears the name of the last of them."""
        for inside, stays in groupby(self.stays, key=lambda stay: stay.state in states):
            if inside:
                first, *others = stays
                yield (others or [first])[-1]._replace(start=first.start)
