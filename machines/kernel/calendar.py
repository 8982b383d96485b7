"""Business calendars: opening hours with breaks, holidays and daylight saving, and time counted in them.

A calendar answers when a duration ends and how much working time lies between two instants. All instants
are aware; answers are UTC.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import cached_property
from itertools import islice, pairwise
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import holidays
from pydantic import BaseModel, ConfigDict, field_validator, model_validator

from machines.kernel.duration import Duration, Unit
from machines.kernel.errors import NaiveInstant, NeverOpen

Open = tuple[tuple[datetime, datetime], ...]
"""The open spans of one local day, in UTC and in order."""

_NOTHING = timedelta()
_DAY = timedelta(days=1)
_ANY_YEAR = 2026
_SEARCH = 400  #: days without opening after which a calendar counts as never open


class Weekday(StrEnum):
    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"


_WEEK = tuple(Weekday)


class Span(BaseModel):
    """Open from ``opens`` to ``closes``, minutes after local midnight; written ``"09:00-12:30"``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    opens: int
    closes: int

    @model_validator(mode="before")
    @classmethod
    def _parse(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        found = re.fullmatch(r"(\d\d):([0-5]\d)-(\d\d):([0-5]\d)", value.replace(" ", ""))
        if not found:
            raise ValueError(f"{value!r} is not an opening span; write it as '09:00-12:30'")
        hour, minute, to_hour, to_minute = map(int, found.groups())
        return {"opens": hour * 60 + minute, "closes": to_hour * 60 + to_minute}

    @model_validator(mode="after")
    def _forwards(self) -> Span:
        if not 0 <= self.opens < self.closes <= 24 * 60:
            raise ValueError(f"{self} does not run forwards within one day (00:00-24:00)")
        return self

    def __str__(self) -> str:
        return f"{_clock(self.opens)}-{_clock(self.closes)}"


Spans = tuple[Span, ...]


class Calendar(BaseModel):
    """When we are at work. ``zone`` is an IANA name. A day listed in ``extra_open`` has those hours and no
    others, a day in ``closed`` none; otherwise we close on public holidays of ``country`` (ISO 3166, with
    ``subdivision``) and keep the weekday's hours."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    zone: str = "UTC"
    opening: Mapping[Weekday, Spans]
    country: str | None = None
    subdivision: str | None = None
    closed: frozenset[date] = frozenset()
    extra_open: Mapping[date, Spans] = {}

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, zone: str) -> str:
        if zone not in available_timezones():
            raise ValueError(f"no time zone {zone!r}; use an IANA name such as 'Europe/Berlin'")
        return zone

    @field_validator("opening", "extra_open")
    @classmethod
    def _in_order(cls, days: Mapping[Any, Spans]) -> Mapping[Any, Spans]:
        for day, spans in days.items():
            for earlier, later in pairwise(spans):
                if later.opens < earlier.closes:
                    raise ValueError(f"{day}: {later} begins before {earlier} ends; list spans in order")
        return days

    @model_validator(mode="after")
    def _known_country(self) -> Calendar:
        try:
            self._holidays_of(_ANY_YEAR)
        except NotImplementedError:  # what the library raises for a country that it does not know
            where = "/".join(filter(None, (self.country, self.subdivision)))
            raise ValueError(f"no public holidays known for {where!r}; use ISO 3166 codes") from None
        return self

    # Cached, not private, attributes: pydantic's private ones cost a microsecond each time they are read.

    @cached_property
    def _tz(self) -> ZoneInfo:
        return ZoneInfo(self.zone)

    def _holidays(self, year: int) -> Mapping[date, str]:
        """Those of a whole year, never a part: ``holidays`` adds a year while others look at it already."""
        if year not in self._years:
            self._years[year] = self._holidays_of(year)
        return self._years[year]

    def _holidays_of(self, year: int) -> Mapping[date, str]:
        if self.country is None:
            return {}
        named: Mapping[date, str] = holidays.country_holidays(
            self.country, subdiv=self.subdivision, years=year, expand=False, language="en_US"
        )
        return named

    @cached_property
    def _years(self) -> dict[int, Mapping[date, str]]:
        return {}

    @cached_property
    def _days(self) -> dict[date, Open]:
        return {}

    @cached_property
    def _closings(self) -> dict[tuple[date, int], datetime]:
        return {}

    def due(self, start: datetime, duration: Duration) -> datetime:
        """When ``duration`` is over if it begins at ``start``; each ``Unit`` says how it counts.

        Raises ``NaiveInstant``, and ``NeverOpen`` for working time in a calendar without any.
        """
        begin, amount = _utc(start), duration.amount
        if amount < 0:
            raise ValueError(f"a duration of {duration} runs backwards; use zero or more")
        if amount == 0:
            return begin
        match duration.unit:
            case Unit.MINUTES:
                return begin + timedelta(minutes=amount)
            case Unit.HOURS:
                return begin + timedelta(hours=amount)
            case Unit.WORKING_HOURS:
                return self.add_working(begin, timedelta(hours=amount))
            case Unit.WORKING_DAYS:
                return self._closing(begin, amount)
        wall = begin.astimezone(self._tz).replace(tzinfo=None, fold=0)
        return self._instant(
            wall + amount * _DAY if duration.unit is Unit.DAYS else _months_later(wall, amount)
        )

    def add_working(self, start: datetime, amount: timedelta) -> datetime:
        """The earliest instant by which ``amount`` of working time has passed since ``start``."""
        begin = _utc(start)
        if amount < _NOTHING:
            raise ValueError(f"{amount} runs backwards; use zero or more")
        left = amount
        if left == _NOTHING:
            return begin
        for day in self._open_days(begin):
            for opens, closes in self._spans(day):
                available = closes - max(opens, begin)
                if available >= left:
                    return closes - (available - left)
                left -= max(available, _NOTHING)
        raise AssertionError("unreachable: open days end only by NeverOpen")

    def working_time(self, start: datetime, end: datetime) -> timedelta:
        """How long we are open between ``start`` and ``end``; nothing when ``end`` is the earlier one."""
        begin, until = _utc(start), _utc(end)
        worked = _NOTHING
        if until <= begin:
            return worked
        day, last = self._date(begin), self._date(until)
        while day <= last:
            for opens, closes in self._spans(day):
                if closes > begin and opens < until:
                    worked += min(closes, until) - max(opens, begin)
            day += _DAY
        return worked

    def is_open(self, at: datetime) -> bool:
        instant = _utc(at)
        return any(opens <= instant < closes for opens, closes in self._spans(self._date(instant)))

    def opening_after(self, at: datetime) -> datetime:
        """``at`` if we are open then, else when we next open. Raises ``NeverOpen``."""
        instant = _utc(at)
        if self.is_open(instant):
            return instant
        return self.add_working(instant, timedelta.resolution) - timedelta.resolution

    def days(self, start: datetime, end: datetime) -> Iterator[tuple[date, timedelta, str]]:
        """Each local day from ``start`` to ``end``: how long we are open between them, and why not, if at all
        we are closed all day: the holiday's name, "closed" for a day off of ours, or the weekday."""
        begin, until = _utc(start), _utc(end)
        day, last = self._date(begin), self._date(until)
        while day <= last:
            spans = self._spans(day)
            worked = (max(_NOTHING, min(closes, until) - max(opens, begin)) for opens, closes in spans)
            yield day, sum(worked, _NOTHING), "" if spans else self._why_closed(day)
            day += _DAY

    def _why_closed(self, day: date) -> str:
        if day in self.closed or day in self.extra_open:
            return "closed"
        return self._holidays(day.year).get(day) or _WEEK[day.weekday()].value

    def _closing(self, begin: datetime, amount: int) -> datetime:
        """What begins on the same day ends at the same closing, so it is looked up once a day."""
        today = self._date(begin)
        if (today, amount) not in self._closings:
            after = self._instant(datetime.combine(today + _DAY, time()))
            last = next(islice(self._open_days(after), amount - 1, None))
            self._closings[today, amount] = self._spans(last)[-1][1]
        return self._closings[today, amount]

    def _open_days(self, begin: datetime) -> Iterator[date]:
        """Days with opening hours from the local day of ``begin`` on, without end.

        Raises ``NeverOpen`` after so many closed days in a row that no real calendar has them.
        """
        day, found = self._date(begin), self._date(begin)
        while True:
            if self._spans(day):
                found = day
                yield day
            elif (day - found).days > _SEARCH:
                raise NeverOpen(
                    f"the calendar ({self.zone}, {self.country or 'no holidays'}) is not open on any of the "
                    f"{_SEARCH} days after {found}; give it opening hours"
                )
            day += _DAY

    def _date(self, instant: datetime) -> date:
        return instant.astimezone(self._tz).date()

    def _spans(self, day: date) -> Open:
        try:
            return self._days[day]
        except KeyError:
            bounds = [
                tuple(self._instant(_wall(day, minute)) for minute in (span.opens, span.closes))
                for span in self._hours(day)
            ]
            spans = tuple((opens, closes) for opens, closes in bounds if opens < closes)
            self._days[day] = spans
            return spans

    def _hours(self, day: date) -> Spans:
        if day in self.extra_open:
            return self.extra_open[day]
        if day in self.closed or day in self._holidays(day.year):
            return ()
        return self.opening.get(_WEEK[day.weekday()], ())

    def _instant(self, wall: datetime) -> datetime:
        """The first instant at which clocks in the zone show ``wall`` or, if they skip it, a later time."""
        first = wall.replace(tzinfo=self._tz).astimezone(UTC)
        second = wall.replace(tzinfo=self._tz, fold=1).astimezone(UTC)
        if second >= first:
            return first
        instant = second  # a gap: its end lies between the two readings, on a whole minute
        while instant.astimezone(self._tz).replace(tzinfo=None) < wall:
            instant = instant.replace(second=0, microsecond=0) + timedelta(minutes=1)
        return instant


def _utc(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise NaiveInstant(f"{instant.isoformat()} has no time zone; give an aware datetime")
    return instant.astimezone(UTC)


def _wall(day: date, minute: int) -> datetime:
    return datetime.combine(day, time()) + timedelta(minutes=minute)


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _months_later(wall: datetime, amount: int) -> datetime:
    year, month = divmod(wall.year * 12 + wall.month - 1 + amount, 12)
    return wall.replace(year=year, month=month + 1, day=min(wall.day, monthrange(year, month + 1)[1]))
