"""Business time: what is added can be counted back, in every zone and across every clock change."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from holidays.countries.germany import Germany
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from machines.kernel.calendar import Calendar, Span, Weekday
from machines.kernel.duration import Duration, Unit, days, hours, minutes, months, working_days, working_hours
from machines.kernel.errors import NaiveInstant, NeverOpen

BERLIN = ZoneInfo("Europe/Berlin")
MORNING, AFTERNOON = Span.model_validate("09:00-12:30"), Span.model_validate("13:00-17:30")
WEEK = dict.fromkeys(list(Weekday)[:5], (MORNING, AFTERNOON))
OFFICE = Calendar(zone="Europe/Berlin", opening=WEEK, country="DE", subdivision="BE")
SUNDAYS = frozenset(date(2026, 1, 4) + timedelta(weeks=number) for number in range(200))

# Open while the clocks change, in zones that change at 02:00, at midnight and by 30 minutes.
NIGHT = Calendar(
    zone="Europe/Berlin", opening={Weekday.SUNDAY: (Span(opens=60, closes=150), Span(opens=150, closes=240))}
)
HAVANA = Calendar(
    zone="America/Havana",
    opening=dict.fromkeys(Weekday, (Span(opens=0, closes=30), Span(opens=45, closes=1440))),
)
LORD_HOWE = Calendar(
    zone="Australia/Lord_Howe", opening=dict.fromkeys(Weekday, (Span(opens=100, closes=200),))
)
calendars = st.sampled_from((OFFICE, NIGHT, HAVANA, LORD_HOWE))
instants = st.datetimes(
    min_value=datetime(2025, 1, 1),  # noqa: DTZ001
    max_value=datetime(2028, 12, 31),  # noqa: DTZ001
    timezones=st.just(UTC),
)
amounts = st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=40))
durations = st.builds(Duration, st.integers(0, 60), st.sampled_from(Unit))


def berlin(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


@given(calendars, instants, amounts)
@settings(deadline=None, max_examples=300)
def test_added_working_time_is_counted_back(calendar: Calendar, start: datetime, amount: timedelta) -> None:
    end = calendar.add_working(start, amount)
    assert end >= start
    assert calendar.working_time(start, end) == amount
    if amount:  # and it is the earliest such instant
        assert calendar.working_time(start, end - timedelta(microseconds=1)) < amount


@given(calendars, instants, amounts, amounts)
@settings(deadline=None, max_examples=200)
def test_splitting_at_any_instant_loses_nothing(
    calendar: Calendar, start: datetime, first: timedelta, second: timedelta
) -> None:
    middle = start + first
    end = middle + second
    parts = calendar.working_time(start, middle) + calendar.working_time(middle, end)
    assert parts == calendar.working_time(start, end)
    assert calendar.add_working(calendar.add_working(start, first), second) == calendar.add_working(
        start, first + second
    )


@given(calendars, instants, instants, durations)
@settings(deadline=None, max_examples=300)
def test_a_later_start_is_never_due_earlier(
    calendar: Calendar, one: datetime, other: datetime, duration: Duration
) -> None:
    start, later = sorted((one, other))
    assert calendar.due(start, duration) <= calendar.due(later, duration)
    assert calendar.due(start, duration) >= start
    longer = Duration(duration.amount + 1, duration.unit)
    assert calendar.due(start, longer) > calendar.due(start, duration)


@pytest.mark.parametrize(
    ("start", "duration", "due"),
    [
        ("2026-11-20 16:30", working_hours(4), "2026-11-23 12:00"),  # Friday afternoon to Monday
        ("2026-11-20 12:10", working_hours(1), "2026-11-20 13:40"),  # across the break
        ("2026-11-20 08:00", working_hours(8), "2026-11-20 17:30"),  # ends at closing, not next opening
        ("2026-11-21 11:00", working_hours(1), "2026-11-23 10:00"),  # a Saturday
        ("2026-12-24 17:00", working_hours(1), "2026-12-28 09:30"),  # Christmas on Friday
        ("2026-03-06 17:00", working_hours(1), "2026-03-09 09:30"),
        ("2027-03-05 17:00", working_hours(1), "2027-03-09 09:30"),  # 8 March is a holiday in Berlin alone
        ("2026-11-20 10:00", working_days(1), "2026-11-23 17:30"),
        ("2026-11-20 23:00", working_days(3), "2026-11-25 17:30"),
        ("2026-12-23 10:00", working_days(2), "2026-12-28 17:30"),
        ("2026-03-28 10:00", hours(24), "2026-03-29 11:00"),  # the clocks go forward
        ("2026-03-28 10:00", days(1), "2026-03-29 10:00"),
        ("2026-10-24 10:00", hours(24), "2026-10-25 09:00"),  # and back
        ("2026-10-24 10:00", days(1), "2026-10-25 10:00"),
        ("2026-03-28 02:30", days(1), "2026-03-29 03:00"),  # 02:30 does not exist on that day
        ("2026-11-20 10:00", minutes(90), "2026-11-20 11:30"),
        ("2026-01-31 10:00", months(1), "2026-02-28 10:00"),
        ("2028-01-31 10:00", months(1), "2028-02-29 10:00"),
        ("2026-12-31 10:00", months(2), "2027-02-28 10:00"),
        ("2026-02-28 10:00", months(1), "2026-03-28 10:00"),
    ],
)
def test_due(start: str, duration: Duration, due: str) -> None:
    answer = OFFICE.due(berlin(start), duration)
    assert answer == berlin(due)
    assert answer.tzinfo is UTC


def test_working_days_count_from_the_local_day_whatever_was_asked_before() -> None:
    calendar = OFFICE.model_validate(OFFICE.model_dump())
    closings = {
        start: calendar.due(berlin(start), working_days(1))
        for start in ("2026-11-20 23:59", "2026-11-20 10:00", "2026-11-21 00:00", "2026-11-23 10:00")
    }
    assert closings["2026-11-20 10:00"] == closings["2026-11-20 23:59"] == berlin("2026-11-23 17:30")
    assert closings["2026-11-21 00:00"] == berlin("2026-11-23 17:30")
    assert closings["2026-11-23 10:00"] == berlin("2026-11-24 17:30")
    assert calendar.due(berlin("2026-11-20 10:00"), working_days(2)) == berlin("2026-11-24 17:30")
    assert calendar == OFFICE


def test_working_time_on_days_when_the_clocks_change() -> None:
    spring, autumn, plain = date(2026, 3, 29), date(2026, 10, 25), date(2026, 11, 1)
    worked = [
        NIGHT.working_time(berlin(f"{day} 00:00"), berlin(f"{day} 23:59")) for day in (spring, autumn, plain)
    ]
    assert worked == [timedelta(hours=2), timedelta(hours=4), timedelta(hours=3)]


def test_extra_days_override_holidays_and_weekdays() -> None:
    extra = {"2026-11-22": ["10:00-11:00"], "2026-12-25": ["10:00-11:00"]}
    calendar = Calendar.model_validate(OFFICE.model_dump() | {"closed": ["2026-11-23"], "extra_open": extra})
    assert calendar.due(berlin("2026-11-20 17:30"), working_hours(2)) == berlin("2026-11-24 10:00")
    assert calendar.is_open(berlin("2026-12-25 10:30"))
    assert not calendar.is_open(berlin("2026-11-23 10:30"))


@pytest.mark.parametrize(
    "calendar",
    [
        Calendar(opening={}),
        Calendar(opening={}, extra_open={date(2026, 1, 1): (MORNING,)}),
        Calendar(opening={Weekday.SUNDAY: (MORNING,)}, closed=SUNDAYS),
    ],
)
@pytest.mark.parametrize("duration", [working_hours(1), working_days(1)])
def test_a_calendar_that_is_never_open_is_an_error_not_a_loop(calendar: Calendar, duration: Duration) -> None:
    with pytest.raises(NeverOpen, match="give it opening hours"):
        calendar.due(berlin("2026-11-20 10:00"), duration)


def test_naive_datetimes_are_refused() -> None:
    naive = datetime(2026, 11, 20, 10)  # noqa: DTZ001
    for ask in (
        lambda: OFFICE.due(naive, days(1)),
        lambda: OFFICE.add_working(naive, timedelta(hours=1)),
        lambda: OFFICE.working_time(berlin("2026-11-20 10:00"), naive),
    ):
        with pytest.raises(NaiveInstant):
            ask()


def test_negative_durations_are_refused() -> None:
    with pytest.raises(ValueError, match="backwards"):
        OFFICE.due(berlin("2026-11-20 10:00"), days(-1))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"zone": "Europe/Atlantis"}, "no time zone"),
        ({"country": "XX"}, "no public holidays"),
        ({"opening": {"monday": ["9-17"]}}, "09:00-12:30"),
        ({"opening": {"monday": ["17:00-09:00"]}}, "run forwards"),
        ({"opening": {"monday": ["09:00-12:00", "11:00-17:00"]}}, "in order"),
        ({"opening": {"mon": []}}, "monday"),
    ],
)
def test_a_calendar_that_makes_no_sense_says_so(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Calendar.model_validate({"opening": {}, **change})


def test_whoever_asks_while_a_year_of_holidays_is_read_is_not_told_half_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calendar = Calendar(zone="Europe/Berlin", opening=WEEK, country="DE")
    christmas = datetime(2026, 12, 25, 12, tzinfo=UTC)
    real = Germany._populate
    open_on_christmas: list[bool] = []

    def populate(self: Germany, year: int) -> None:
        if not open_on_christmas:
            open_on_christmas.append(True)
            open_on_christmas[0] = calendar.is_open(christmas)
        real(self, year)

    monkeypatch.setattr(Germany, "_populate", populate)
    assert not calendar.is_open(christmas)
    assert open_on_christmas == [False]
