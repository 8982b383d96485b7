"""What has become of one clock of one case: when it ran, when it rested and why, and what it has told.

The ledger keeps spans, not an end: when the budget is used up follows from them, whatever the calendar.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from machines.kernel.calendar import Calendar
from machines.kernel.clock import Mode
from machines.kernel.duration import Duration, Unit
from machines.kernel.event import Facts

WORKING = (Unit.WORKING_HOURS, Unit.WORKING_DAYS)
_EXACT = {
    Unit.MINUTES: timedelta(minutes=1),
    Unit.HOURS: timedelta(hours=1),
    Unit.WORKING_HOURS: timedelta(hours=1),
}


class Span(Facts):
    """The clock was ``mode`` from ``start`` to ``end``; ``why`` is the state it was in or the event that
    started it. The last span has no end yet."""

    mode: Mode
    start: datetime
    end: datetime | None = None
    why: str = ""


class Told(Facts):
    """A threshold, and when the case was told of it. It no longer ``stands`` once the end has been moved so
    far that the threshold lies ahead again: it is history then, and is told anew."""

    percent: int
    at: datetime
    stands: bool = True


class Escalation(Facts):
    """The rung at ``percent`` was alerted; ``times`` as in ``ClockReached``. ``by`` has acknowledged it.
    ``again`` says that the same rung is to be told once more, because the case has another owner. ``left`` is
    what was left of the time to acknowledge it when the clock rested last."""

    percent: int
    times: int
    at: datetime
    by: str | None = None
    again: bool = False
    left: timedelta | None = None


class Moved(Facts):
    """Another target, or other working hours: the end was ``before`` and is now ``after``, of which there is
    none while the clock rests. ``budgets`` are those before and after, where the target changed."""

    at: datetime
    before: datetime | None
    after: datetime | None
    why: str
    budgets: tuple[Duration, Duration] | None = None


class Ledger(Facts):
    """``budget`` is the one in force and ``source`` who says so. ``policy`` names the one under which
    ``due`` was found: when the whole budget is used up, or ``None`` where the clock rests before; then
    ``left`` is what was left of it."""

    spans: tuple[Span, ...]
    budget: Duration
    source: str
    policy: str
    due: datetime | None = None
    left: timedelta | None = None
    told: tuple[Told, ...] = ()
    escalation: Escalation | None = None
    owner: str | None = None
    moved: tuple[Moved, ...] = ()

    @property
    def mode(self) -> Mode:
        return self.spans[-1].mode

    @property
    def started(self) -> datetime:
        return self.spans[0].start

    @property
    def reached(self) -> int:
        """The highest percentage told that stands."""
        return max((one.percent for one in self.told if one.stands), default=0)

    def breached(self, now: datetime) -> bool:
        """Whether the whole budget was used up by ``now``, or by when the clock stopped."""
        until = self.spans[-1].start if self.mode is Mode.STOPPED else now
        return self.due is not None and self.due <= until

    def but(self, **changes: Any) -> Ledger:
        """With other values in some fields, which are trusted to fit."""
        return self.model_copy(update=changes)


@dataclass(frozen=True)
class Measure:
    """Counts the time of a ledger: working time for budgets stated in it, elapsed time for others."""

    ledger: Ledger
    calendar: Calendar

    @cached_property
    def working(self) -> bool:
        return self.ledger.budget.unit in WORKING

    def time(self, start: datetime, end: datetime) -> timedelta:
        if self.working:
            return self.calendar.working_time(start, end)
        return max(timedelta(), end - start)

    def used(self, now: datetime) -> timedelta:
        running = (span for span in self.ledger.spans if span.mode is Mode.RUNNING)
        return sum((self.time(span.start, span.end or now) for span in running), timedelta())

    @cached_property
    def whole(self) -> timedelta:
        """The budget as a span of time, were it to run without a pause from the start: what "3 working days"
        or "2 months" amount to depends on when they begin."""
        start, budget = self.ledger.started, self.ledger.budget
        if budget.unit in _EXACT:
            return _EXACT[budget.unit] * budget.amount
        return self.time(start, self.calendar.due(start, budget))

    def left(self, now: datetime) -> timedelta:
        return max(timedelta(), self.whole - self.used(now))

    def until(self, at: datetime, budget: Duration) -> Measure:
        """The same as of ``at``, had the budget been this one."""
        spans = tuple(
            span.model_copy(update={"end": min(span.end or at, at)})
            for span in self.ledger.spans
            if span.start <= at
        )
        return Measure(self.ledger.but(spans=spans, budget=budget), self.calendar)

    def reaches(self, percent: int) -> datetime | None:
        """When ``percent`` of the budget is used; ``None`` if the clock rests before."""
        left = timedelta.resolution * -(-(self.whole // timedelta.resolution) * percent // 100)
        for span in self.ledger.spans:
            if span.mode is not Mode.RUNNING:
                continue
            worked = left if span.end is None else self.time(span.start, span.end)
            if worked >= left:
                return self.calendar.add_working(span.start, left) if self.working else span.start + left
            left -= worked
        return None

    def alerting(self, at: datetime) -> datetime:
        """``at``, or the next working time if the budget is stated in such: nobody is called at midnight."""
        return self.calendar.opening_after(at) if self.working else at
