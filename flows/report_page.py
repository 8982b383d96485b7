"""The report of a period as a page: Markdown for an artifact, HTML for a file, with the same tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from jinja2 import Environment

from adapters.charts import Chart, picture
from flows.markdown import table, text
from machines.kernel.money import CURRENCIES, Money
from machines.report.record import MINOR_UNITS, PERCENT, SECONDS, STARS, Record

_HEADS = {
    "count": "Number",
    "reversed": "Came back",
    "hits": "Of these",
    "share": "Share",
    "sum": "Sum",
    "mean": "Mean",
}
_MOST_BARS = 12

_HTML = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{{ title }}</title><style>
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; }
table { border-collapse: collapse; margin: .5rem 0 1.5rem; }
td, th { border-bottom: 1px solid #e2e8f0; padding: .2rem .8rem .2rem 0; text-align: left; }
td + td, th + th { text-align: right; }
svg { max-width: 100%; height: auto; }
</style></head><body>
<h1>{{ title }}</h1>
{% for part in parts %}<h2>{{ part.title }}</h2>
{% for svg in part.svgs %}{{ svg | safe }}{% endfor %}
{% for one in part.tables %}<h3>{{ one.title }}</h3>
<table><tr>{% for head in one.heads %}<th>{{ head }}</th>{% endfor %}</tr>
{% for row in one.rows %}<tr>{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>
{% endfor %}</table>
{% endfor %}{% endfor %}</body></html>
"""


@dataclass(frozen=True, slots=True)
class Table:
    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Part:
    """One procedure: its records as tables, and its charts."""

    title: str
    tables: Sequence[Table]
    charts: Sequence[Chart]
    svgs: Sequence[str] = ()


def title(first: date, last: date, *, zone: str, until: datetime | None) -> str:
    """``last`` is the day after the last one that counts, ``until`` the instant of a period that is not over,
    up to which it is told."""
    days = f"Report, {first:%Y-%m-%d} to {last - timedelta(days=1):%Y-%m-%d}"
    so_far = f", so far, until {until.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}" if until else ""
    return f"{days}{so_far} ({zone})"


def part(name: str, records: Sequence[Record]) -> Part:
    """``name`` is the title of the procedure that the records are about."""
    groups: dict[str, list[Record]] = {}
    for one in records:
        groups.setdefault(one.group, []).append(one)
    return Part(name, [_table(group, found) for group, found in groups.items()], _charts(groups))


def markdown(heading: str, parts: Sequence[Part]) -> str:
    lines = [f"# {text(heading)}", ""]
    for one in parts:
        lines += [f"## {text(one.title)}", ""]
        for chart, svg in zip(one.charts, one.svgs, strict=True):
            lines += [picture(svg, alt=chart.title), ""]
        for found in one.tables:
            rows = [[text(cell) for cell in row] for row in found.rows]
            lines += [f"### {text(found.title)}", "", *table(found.heads, rows), ""]
    return "\n".join(lines)


def html(heading: str, parts: Sequence[Part]) -> str:
    return Environment(autoescape=True).from_string(_HTML).render(title=heading, parts=parts)


def _table(group: str, found: Sequence[Record]) -> Table:
    stats = list(dict.fromkeys(one.stat for one in found))
    rows: dict[str, dict[str, str]] = {}
    for one in found:
        rows.setdefault(one.name, {})[one.stat] = said(one)
    return Table(
        group,
        ["", *(_HEADS.get(stat, stat) for stat in stats)],
        [[name, *(cells.get(stat, "") for stat in stats)] for name, cells in rows.items()],
    )


def said(one: Record) -> str:
    """A value as people write it."""
    if one.value is None:
        return "–"
    match one.unit:
        case unit if unit == SECONDS:
            return duration(one.value)
        case unit if unit == PERCENT:
            return f"{one.value:.1f} %"
        case unit if unit == MINOR_UNITS and one.name in CURRENCIES:
            return str(Money(amount=int(one.value), currency=one.name))
        case unit if unit == STARS:
            return f"{one.value:.2f}"
        case _:
            return str(int(one.value))


def duration(seconds: float) -> str:
    """In its two largest units."""
    left, told = round(seconds), []
    for size, name in ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")):
        count, left = divmod(left, size)
        if count:
            told.append(f"{count} {name}")
    return " ".join(told[:2]) or "0 s"


def _charts(groups: Mapping[str, Sequence[Record]]) -> list[Chart]:
    drawn = []
    times: dict[str, dict[str, float]] = {}
    for one in groups.get("Cycle times", ()):
        if one.unit == SECONDS and one.value is not None:
            times.setdefault(one.name, {})[one.stat] = round(one.value / 3_600, 2)
    names = sorted(times, key=lambda name: -times[name]["p95"])[:_MOST_BARS]
    if names:
        hours = {stat: [times[name][stat] for name in names] for stat in ("p50", "p95")}
        drawn.append(Chart("The longest cycle times, in hours", names, hours, lying=True))
    shares = {
        one.name.partition(":")[0]: one.value
        for one in groups.get("Service levels kept", ())
        if one.unit == PERCENT and one.value is not None
    }
    if shares:
        names = sorted(shares, key=lambda name: shares[name])[:_MOST_BARS]
        kept = {"percent": [shares[name] for name in names]}
        drawn.append(Chart("Service levels kept, in percent", names, kept, lying=True))
    return drawn
