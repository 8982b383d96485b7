"""``sop report``: the figures of a period, on the terminal and as files."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from adapters.report_reading import last_week
from deployments.bootstrap import Installation, open_installation
from deployments.cli.output import AsJson, console, plain_errors, print_json, print_table
from deployments.report_files import Report, read_report, write_report
from deployments.settings import Settings
from flows.report_page import part

_WEEK = timedelta(days=7)
_DAY = timedelta(days=1)
_FORM = ["%Y-%m-%d"]


def report(
    *,
    first: Annotated[
        datetime | None,
        typer.Option("--from", formats=_FORM, help="The first day. Default: a week before --to."),
    ] = None,
    last: Annotated[
        datetime | None,
        typer.Option("--to", formats=_FORM, help="The day after the last one. Default: a week after --from."),
    ] = None,
    sop: Annotated[str | None, typer.Option(help="Only this procedure, such as order.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the files; else reports in SOP_HOME.")] = None,
    as_json: AsJson = False,
) -> None:
    """Report a week, or any days: cycle times, service levels, refunds, reasons, scores, escalations.

    Without days it is the last whole week from Monday to Sunday. Writes report.html, report.md, figures.csv
    and figures.json into a folder named after the days.
    """
    asked = _days(first, last)
    with plain_errors(), open_installation(Settings()) as app:
        begin, end = asked or last_week(app.clock(), zone=ZoneInfo(app.policy.calendar.zone))
        sops = [app.catalogue.procedure(sop).name] if sop else list(app.definitions)
        found = read_report(app, first=begin, last=end, sops=sops)
        name = f"{begin}_{end - _DAY}" + (f"_{sop}" if sop else "")
        folder = (out or app.settings.home / "reports") / name
        write_report(app, found, folder=folder)
        if as_json:
            print_json({"folder": str(folder), **found.document})
        else:
            _print(app, found, folder)


def _days(first: datetime | None, last: datetime | None) -> tuple[date, date] | None:
    """The first day, and the one after the last; ``None`` if neither is named."""
    begin, end = first and first.date(), last and last.date()
    if begin is not None and end is not None and end <= begin:
        raise typer.BadParameter(
            f"{end} is not after --from {begin}; write the day after the last one, such as {begin + _DAY}",
            param_hint="--to",
        )
    if begin is not None:
        return begin, end or begin + _WEEK
    return (end - _WEEK, end) if end is not None else None


def _print(app: Installation, found: Report, folder: Path) -> None:
    for sop, records in found.told.items():
        page = part(app.definitions[sop].procedure.title, records)
        console.rule(f"{page.title}. {found.heading}", align="left")
        for each in page.tables:
            print_table(
                each.title, [dict(zip(each.heads, row, strict=True)) for row in each.rows], as_json=False
            )
    console.print(f"files: {folder}", markup=False, highlight=False)
