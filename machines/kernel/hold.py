"""A case on hold: nothing of it goes on, and no time of it is used up but what the law sets, until staff
resume it."""

from __future__ import annotations

from datetime import datetime, timedelta

from machines.kernel.calendar import Calendar
from machines.kernel.event import Facts


class Waiting(Facts):
    """A deadline that rests with its case: ``left`` of it remains, in ``working`` time or by the wall; with
    ``None`` it stays ``due`` as it was: the case itself names that instant, or it had come already."""

    name: str
    due: datetime
    set_at: datetime
    left: timedelta | None = None
    working: bool = False

    def due_after(self, now: datetime, *, calendar: Calendar) -> datetime:
        """When it is due if it goes on at ``now``."""
        if self.left is None:
            return self.due
        return calendar.add_working(now, self.left) if self.working else now + self.left


class Hold(Facts):
    """Who put a case on hold, when and why, and the deadlines that wait meanwhile."""

    since: datetime
    who: str
    reason: str
    waiting: tuple[Waiting, ...] = ()
