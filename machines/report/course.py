"""The course of one case up to an instant, as its journal tells it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
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
    """In one state, from one instant to another; ``None`` while it lasts."""

    state: str
    start: datetime
    end: datetime | None


class Period(NamedTuple):
    """From the first instant up to the second, which is no part of it."""

    start: datetime
    end: datetime

    def __contains__(self, at: object) -> bool:
        return isinstance(at, datetime) and self.start <= at < self.end


@dataclass(frozen=True)
class Course:
    """``lines`` are all of a case, in order, and not empty; ``ends`` the names of the final states."""

    lines: Sequence[Line]
    ends: Collection[str]

    @property
    def opened(self) -> datetime:
        return self.lines[0].at

    @cached_property
    def stays(self) -> tuple[Stay, ...]:
        """Where it stood, in order. It comes into being in the state in which it takes its first event."""
        found, state, since = [], self.lines[0].before, self.opened
        for line in self.lines:
            if line.handled and line.after != state:
                found.append(Stay(state, since, line.at))
                state, since = line.after, line.at
        return (*found, Stay(state, since, None))

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

    def body(self, event: str) -> Mapping[str, object]:
        """What it was told by the first such event."""
        return next((line.body for line in self.lines if line.handled and line.event == event), {})

    def runs(self, states: Collection[str], missed: str) -> Iterator[tuple[datetime, bool]]:
        """Each unbroken stay in ``states``, once it is over or has been ``missed``: when, and whether it was
        over before. The event ``missed`` says that it was not, and is counted once."""
        since: datetime | None = None
        misses = [line.at for line in self.lines if line.handled and line.event == missed]
        for stay in self.stays:
            if stay.state in states:
                since = since or stay.start
                if stay.end is not None:
                    continue
            if since is None:
                continue
            over = None if stay.state in states else stay.start
            late = next((at for at in misses if at >= since and (over is None or at <= over)), None)
            if late is not None or over is not None:
                yield late or over or since, late is None
            since = None
