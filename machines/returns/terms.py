"""The numbers of the return policy, which the house may set under ``[terms.return]`` of its policy file.

What stands here is what the procedure itself says. Where a law gives the number it stands in
``eligibility.py`` and cannot be set.
"""

from __future__ import annotations

from collections.abc import Container
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

import holidays
from pydantic import Field, field_validator

from machines.kernel.event import Facts

_EUROPE = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK"
EUROPE = frozenset(_EUROPE.split())
"""The European Economic Area, where goods bought at a distance may be withdrawn from within 14 days."""


class Exclusion(StrEnum):
    FINAL_SALE = "final sale"
    HYGIENE = "hygiene"
    PERISHABLE = "perishable"


class Group(Facts):
    """A product group: ``skus`` are patterns such as ``*-SALE``. What it does not say is as for all goods."""

    name: str
    skus: tuple[str, ...]
    window_days: int | None = Field(default=None, ge=0)
    fee_percent: int | None = Field(default=None, ge=0, le=100)
    excluded: Exclusion | None = None


class Region(Facts):
    """Countries (ISO 3166) with a window of their own."""

    name: str
    countries: tuple[str, ...]
    window_days: int = Field(ge=0)


ALL_OTHER = Group(name="all other goods", skus=("*",))


class Terms(Facts):
    """What the house may set for returns."""

    zone: str = Field(default="Europe/Berlin", description="time zone in which days count")
    window_days: int = Field(default=30, ge=0, description="from delivery")
    fee_percent: int = Field(default=0, ge=0, le=100, description="restocking, after the days of withdrawal")
    keep_below: int = Field(
        default=10,
        ge=0,
        description="main units; faulty goods of less value are paid back without being sent",
    )
    postage_most: int = Field(
        default=20,
        ge=1,
        description="main units; paid back of the customer's postage where the carrier gives no label",
    )
    advance: bool = Field(default=True, description="a replacement may leave before the original has come")
    groups: tuple[Group, ...] = (
        Group(name="final sale", skus=("*-SALE",), excluded=Exclusion.FINAL_SALE),
        Group(name="hygiene", skus=("*-HYGIENE",), excluded=Exclusion.HYGIENE),
        Group(name="perishable", skus=("*-FRESH",), excluded=Exclusion.PERISHABLE),
        Group(name="electronics", skus=("*-ELECTRO",), fee_percent=15),
        Group(name="large goods", skus=("*-BULKY", "*-HEAVY"), window_days=14, fee_percent=10),
    )
    regions: tuple[Region, ...] = (
        Region(name="overseas", countries=("AU", "CA", "JP", "NZ", "US"), window_days=45),
    )
    withdrawal_countries: frozenset[str] = EUROPE

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, zone: str) -> str:
        if zone not in available_timezones():
            raise ValueError(f"no time zone {zone!r}; use an IANA name such as 'Europe/Berlin'")
        return zone

    def noon(self, day: date) -> datetime:
        """An instant of ``day`` for the policy, which counts whole days in its own time zone."""
        return datetime.combine(day, time(12), tzinfo=ZoneInfo(self.zone))

    def group(self, sku: str) -> Group:
        """The first group with a pattern that fits."""
        fitting = (group for group in self.groups if any(fnmatchcase(sku, pattern) for pattern in group.skus))
        return next(fitting, ALL_OTHER)

    def window_days_for(self, group: Group, country: str) -> int:
        """That of the product group, else of the region, else the general one."""
        if group.window_days is not None:
            return group.window_days
        found = (region.window_days for region in self.regions if country in region.countries)
        return next(found, self.window_days)

    def fee_for(self, group: Group) -> int:
        return self.fee_percent if group.fee_percent is None else group.fee_percent


def next_working_day(day: date, *, country: str) -> date:
    """``day``, or the first day after it that is neither weekend nor public holiday in ``country``."""
    while day.weekday() >= 5 or day in _public_holidays(country, day.year):
        day += timedelta(days=1)
    return day


@cache
def _public_holidays(country: str, year: int) -> Container[date]:
    known = country in holidays.list_supported_countries()
    return holidays.country_holidays(country, years=year, expand=False) if known else ()
