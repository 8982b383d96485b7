"""Durations as a procedure states them: elapsed, calendar or working time, never a bare number."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Unit(StrEnum):
    MINUTES = "minutes"  #: elapsed
    HOURS = "hours"  #: elapsed
    DAYS = "days"  #: calendar days: the same wall-clock time, n days later
    MONTHS = "months"  #: calendar months: the same day, or the month's last
    WORKING_HOURS = "working hours"  #: counted while the calendar is open
    WORKING_DAYS = "working days"  #: closing time of the n-th open day after


@dataclass(frozen=True, slots=True)
class Duration:
    amount: int
    unit: Unit

    def __str__(self) -> str:
        unit = self.unit.value
        return f"{self.amount} {unit.removesuffix('s') if self.amount == 1 else unit}"


def minutes(amount: int) -> Duration:
    return Duration(amount, Unit.MINUTES)


def hours(amount: int) -> Duration:
    return Duration(amount, Unit.HOURS)


def days(amount: int) -> Duration:
    return Duration(amount, Unit.DAYS)


def months(amount: int) -> Duration:
    return Duration(amount, Unit.MONTHS)


def working_hours(amount: int) -> Duration:
    return Duration(amount, Unit.WORKING_HOURS)


def working_days(amount: int) -> Duration:
    return Duration(amount, Unit.WORKING_DAYS)
