"""Reads the figures of a period from the store: the cases of which anything was heard since it began, and
their journals a few hundred at a time.

Costs processor time by journal entry, and memory for the keys of those cases only (some hundred bytes each).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from adapters.store.base import Store
from machines.kernel.calendar import Calendar
from machines.kernel.definition import Definition
from machines.report.course import Period
from machines.report.figures import Figures, Tally

_TOGETHER = 200


def period_of(first: date, last: date, *, zone: ZoneInfo) -> Period:
    """From the beginning of one day to the beginning of another, in the time zone of the house."""
    start, end = (datetime(day.year, day.month, day.day, tzinfo=zone) for day in (first, last))
    return Period(start, end)


def last_week(now: datetime, *, zone: ZoneInfo) -> tuple[date, date]:
    """The Monday on which the last whole week began, and the one after."""
    today = now.astimezone(zone).date()
    monday = today - timedelta(days=today.weekday())
    return monday - timedelta(days=7), monday


def read(
    store: Store,
    definitions: Mapping[str, Definition],
    period: Period,
    *,
    sops: Collection[str],
    calendar: Calendar,
) -> dict[str, Figures]:
    """The figures of each of ``sops``; raises ``StoreUnavailable``."""
    found = {}
    for sop in sops:
        tally = Tally(definitions[sop].procedure, period, calendar=calendar)
        ids = store.panorama.changed(sop, since=period.start, opened_before=period.end)
        for start in range(0, len(ids), _TOGETHER):
            some = ids[start : start + _TOGETHER]
            for lines in store.panorama.courses(some, bodies=tally.measures.bodies):
                tally.add(lines)
        found[sop] = tally.figures
    return found
