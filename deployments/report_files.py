"""Writes the report of a period as files: a page (HTML; Markdown for Prefect) and its figures (CSV, JSON)."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import orjson

from adapters.charts import draw
from adapters.report_reading import period_of, read
from deployments.bootstrap import Installation
from flows import report_page
from machines.report.course import Period
from machines.report.record import Record, records

PAGE = "report.md"  #: what the flow `report` shows


@dataclass(frozen=True, slots=True)
class Report:
    """The figures of each procedure from the ``first`` day up to the ``last``, which does not count, by days
    of the time zone of the house; ``until`` an instant if the period was not over then."""

    first: date
    last: date
    zone: str
    until: datetime | None
    told: Mapping[str, Sequence[Record]]

    @property
    def heading(self) -> str:
        return report_page.title(self.first, self.last, zone=self.zone, until=self.until)

    @property
    def document(self) -> dict[str, object]:
        rows = [one._asdict() for each in self.told.values() for one in each]
        return {
            "heading": self.heading,
            "from": str(self.first),
            "to": str(self.last),
            "zone": self.zone,
            "until": self.until.isoformat() if self.until else None,
            "figures": rows,
        }


def read_report(app: Installation, *, first: date, last: date, sops: Sequence[str]) -> Report:
    """Raises ``StoreUnavailable``."""
    calendar = app.policy.calendar
    period = period_of(first, last, zone=ZoneInfo(calendar.zone))
    now = app.clock()
    until = now if now < period.end else None
    if until is not None:
        period = Period(period.start, until)
    found = read(app.store, app.definitions, period, sops=sops, calendar=calendar)
    told = {sop: list(records(app.definitions[sop].procedure, figures)) for sop, figures in found.items()}
    return Report(first, last, calendar.zone, until, told)


def write_report(app: Installation, report: Report, *, folder: Path) -> None:
    """Into ``folder``, in place of what it holds of these files."""
    parts = [
        report_page.part(app.definitions[sop].procedure.title, found) for sop, found in report.told.items()
    ]
    svgs = iter(draw([chart for part in parts for chart in part.charts]))
    parts = [replace(part, svgs=[next(svgs) for _ in part.charts]) for part in parts]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.html").write_text(report_page.html(report.heading, parts), "utf-8")
    (folder / PAGE).write_text(report_page.markdown(report.heading, parts), "utf-8")
    (folder / "figures.json").write_bytes(orjson.dumps(report.document, option=orjson.OPT_INDENT_2))
    with (folder / "figures.csv").open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(Record._fields)
        lines.writerows(one for each in report.told.values() for one in each)
