"""What procedures and providers say in English, such as the reason for a refusal, as customers read it.

Each language has a ``words.toml``. A key with places, such as ``limit of {most} pieces per customer``, stands
for whatever is said that way; what stands in the places is put into words, and days into dates, as well.
Several sayings may be listed with commas or semicolons. What nobody foresaw, such as what a colleague typed,
stays as it is.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache, lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

from babel.dates import format_date, get_timezone_location

FOLDER = Path(__file__).parent / "templates"
LOCALES = ("en", "de")
DAY = {"en": "d MMMM y", "de": "d. MMMM y"}
_TIME = {"en": "{hour} ({zone})", "de": "{hour} Uhr ({zone})"}
_ZONE = {"en": "{city} time", "de": "Ortszeit {city}"}
_KEPT = 4_096  #: days and sayings that need not be put into words again
_PLACE = re.compile(r"\\{(\w+)\\}")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")


def language(locale: str) -> str:
    """The language we have that comes nearest to ``locale`` (``de-AT`` -> ``de``); English for all others."""
    wanted = locale.replace("_", "-").partition("-")[0].lower()
    return wanted if wanted in LOCALES else LOCALES[0]


def word(text: str, *, locale: str) -> str:
    """``text`` as customers of that language read it."""
    found = _said(text, language(locale))
    return text if found is None else found


def known(text: str, *, locale: str) -> bool:
    """Whether the language has words for ``text``."""
    return _said(text, language(locale)) is not None


@lru_cache(maxsize=_KEPT)
def written_day(day: date, locale: str) -> str:
    return format_date(day, DAY[locale], locale=locale)


def written_time(at: datetime, *, zone: ZoneInfo, locale: str) -> str:
    """``23:30 (Berlin time)``: whoever reads it may live by another clock."""
    return _TIME[locale].format(hour=f"{at.astimezone(zone):%H:%M}", zone=written_zone(zone, locale))


@cache
def written_zone(zone: ZoneInfo, locale: str) -> str:
    """``Berlin time``."""
    return _ZONE[locale].format(city=get_timezone_location(zone, locale=locale, return_city=True))


@dataclass(frozen=True, slots=True)
class _Pattern:
    saying: re.Pattern[str]
    words: str

    def __call__(self, text: str, locale: str) -> str | None:
        match = self.saying.fullmatch(text)
        if match is None:
            return None
        places = {name: _in_place(value, locale) for name, value in match.groupdict().items()}
        return self.words.format(**places)


def _in_place(value: str, locale: str) -> str:
    if _DATE.fullmatch(value):
        return written_day(date.fromisoformat(value), locale)
    found = _said(value, locale)
    return value if found is None else found


@lru_cache(maxsize=_KEPT)
def _said(text: str, locale: str) -> str | None:
    words, patterns = _words(locale)
    if (found := words.get(text)) is not None:
        return found
    for between in ("; ", ", "):
        parts = text.split(between)
        found_parts = [_said(part, locale) for part in parts] if len(parts) > 1 else [None]
        said_parts = [part for part in found_parts if part is not None]
        if len(said_parts) == len(parts):
            return between.join(said_parts)
    for pattern in patterns:
        if (said := pattern(text, locale)) is not None:
            return said
    return None


@cache
def _words(locale: str) -> tuple[Mapping[str, str], tuple[_Pattern, ...]]:
    read: dict[str, str] = tomllib.loads((FOLDER / locale / "words.toml").read_text("utf-8"))
    plain = {key: words for key, words in read.items() if "{" not in key}
    return plain, tuple(_patterns(read))


def _patterns(read: Mapping[str, str]) -> Iterator[_Pattern]:
    """The longest first: it says most."""
    for key in sorted((key for key in read if "{" in key), key=len, reverse=True):
        yield _Pattern(re.compile(_PLACE.sub(r"(?P<\1>[^;]+?)", re.escape(key))), read[key])
