"""A week is reported as a page and as files, with the same figures in each."""

from __future__ import annotations

import asyncio
import csv
import json
import os
import sys
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest
from prefect.client.schemas.objects import State
from typer.testing import CliRunner

from adapters.steering import Steering
from deployments.cli import app
from flows import case_desk, report_page
from flows.boards import Boards
from flows.report import report
from machines.catalogue import CATALOGUE
from machines.report.figures import Figures
from machines.report.record import PERCENT, Record, records
from tests.asking import Office, open_office
from tests.conftest_prefect import Json, Prefect, eventually

DAY = timedelta(days=1)
REFUND = CATALOGUE.procedure("refund")


def figures() -> Figures:
    seen = Figures(opened=3, ended=Counter({"settled": 2, "withheld": 1}))
    seen.paid, seen.payments = Counter(EUR=123_456, JPY=500), Counter(EUR=2, JPY=1)
    seen.reversals = Counter(EUR=1)
    seen.reasons = Counter({"parcel | not <received>": 3})
    seen.portions["failed at first"].add(True)
    seen.portions["failed at first"].add(False)
    return seen


def page() -> report_page.Part:
    return report_page.part("Refunds", list(records(REFUND, figures())))


def test_a_page_says_money_in_main_units_and_times_in_words() -> None:
    told = report_page.markdown("Report", [page()])
    for part in (
        "| ended | 3 |",
        "| EUR | 2 | 1 | 1234.56 EUR |",
        "| JPY | 1 | 0 | 500 JPY |",
        "| failed at first | 2 | 1 | 50.0 % |",
        "| from request to settled money | 0 | – | – |",
        r"| parcel \| not \<received\> | 3 |",
    ):
        assert part in told


def test_a_file_escapes_what_systems_wrote() -> None:
    told = report_page.html("Report", [page()])
    assert "<td>parcel | not &lt;received&gt;</td><td>3</td>" in told


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0, "0 s"), (0.4, "0 s"), (59, "59 s"), (3_600, "1 h"), (90_061, "1 d 1 h"), (3_661, "1 h 1 min")],
)
def test_durations_have_two_units(seconds: float, told: str) -> None:
    assert report_page.duration(seconds) == told


def test_records_keep_minor_units_and_shares_for_programs() -> None:
    found = list(records(REFUND, figures()))
    assert Record("refund", "Money back to customers", "EUR", "sum", 123_456, "minor units") in found
    assert Record("refund", "Shares it is judged by", "failed at first", "share", 50.0, PERCENT) in found


def test_the_title_names_the_last_day_that_counts_and_whose_days_they_are() -> None:
    days = date(2026, 11, 23), date(2026, 11, 30)
    told = report_page.title(*days, zone="Europe/Berlin", until=None)
    assert told == "Report, 2026-11-23 to 2026-11-29 (Europe/Berlin)"
    until = datetime(2026, 11, 25, 13, tzinfo=UTC)
    told = report_page.title(*days, zone="Europe/Berlin", until=until)
    assert told == "Report, 2026-11-23 to 2026-11-29, so far, until 2026-11-25 14:00 (Europe/Berlin)"


def run(office: Office, *command: str) -> State[object]:
    """The flow, where ``command`` writes the report."""
    boards = Boards(office.store, office.definitions, clock=office.clock)
    steering = Steering(office.store, office.definitions, clock=office.clock)
    desk = case_desk.CaseDesk(lambda _: None, steering, boards, command)

    async def started() -> State[object]:
        asked = report(first=date(2026, 11, 23), sop="order", return_state=True)
        return cast("State[object]", await asked)

    with case_desk.install(desk):
        return asyncio.run(started())


def test_the_flow_shows_what_the_command_wrote(tmp_path: Path, prefect: Prefect) -> None:
    script = (
        "import json, sys; open(sys.argv[1] + '/report.md', 'w').write(' '.join(sys.argv[2:]));"
        "print(json.dumps({'folder': sys.argv[1], 'heading': 'Report, a week'}))"
    )
    with open_office(driving=False) as office:
        written = run(office, sys.executable, "-c", script, str(tmp_path))
        failed = run(office, sys.executable, "-c", "import sys; sys.exit('the store is away')")
    assert written.is_completed()
    assert str(tmp_path) in str(written.message)
    assert failed.is_failed()
    assert failed.message == "the store is away"
    body = {"artifacts": {"key": {"any_": ["report"]}}}
    (shown,) = cast("list[Json]", prefect.post("/artifacts/filter", body))
    assert shown["data"] == "--from 2026-11-23 --sop order --json"
    assert shown["description"] == "Report, a week"
    assert prefect.run(str(shown["flow_run_id"]))["name"] == "Report, a week"


def test_a_run_that_is_cancelled_leaves_no_process_behind(tmp_path: Path) -> None:
    noted = tmp_path / "pid"
    script = (
        "import os, sys, time; from pathlib import Path; note = Path(sys.argv[1]);"
        "note.with_suffix('.new').write_text(str(os.getpid()));"
        "note.with_suffix('.new').rename(note); time.sleep(120)"
    )
    with open_office(driving=False) as office:
        boards = Boards(office.store, office.definitions, clock=office.clock)
        steering = Steering(office.store, office.definitions, clock=office.clock)
        command = (sys.executable, "-c", script, str(noted))
        desk = case_desk.CaseDesk(lambda _: None, steering, boards, command)

        async def cancelled() -> None:
            running = asyncio.ensure_future(report.fn())
            while not noted.exists():
                assert not running.done(), running.result()
                await asyncio.sleep(0.05)
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running

        with case_desk.install(desk):
            asyncio.run(cancelled())
    with pytest.raises(ProcessLookupError):
        os.kill(int(noted.read_text()), 0)


def test_figures_are_the_same_in_each_file(tmp_path: Path) -> None:
    """The command on a store that the drive loop filled."""
    home = tmp_path / "home"
    home.mkdir()
    with open_office(home) as office:
        office.place("SO-1")
        office.place("SO-2")
        eventually(lambda: {office.state("SO-1"), office.state("SO-2")} == {"awaiting_dispatch"})
        today = office.clock().date()
    runner = CliRunner(env={"SOP_HOME": str(home), "COLUMNS": "200"})
    # The day of the house may be another one than that of UTC.
    asked = ["report", "--from", str(today - DAY), "--sop", "order", "--out", str(tmp_path / "out")]
    told = json.loads(runner.invoke(app, [*asked, "--json"], catch_exceptions=False).stdout)
    folder = Path(told["folder"])
    assert folder.name == f"{today - DAY}_{today + 5 * DAY}_order"
    assert f"{today - DAY} to {today + 5 * DAY}, so far, until 20" in told["heading"]
    assert told["heading"].endswith("(Europe/Berlin)")
    assert datetime.fromisoformat(told["until"]).tzinfo is not None
    for one_day in (["--from", "2026-01-05"], ["--to", "2026-01-12"]):
        past = runner.invoke(app, ["report", *one_day, "--json"], catch_exceptions=False)
        whole = json.loads(past.stdout)
        assert whole["heading"] == "Report, 2026-01-05 to 2026-01-11 (Europe/Berlin)"
        assert whole["until"] is None
    rows = [row for row in told["figures"] if (row["group"], row["name"]) == ("Cases", "opened")]
    assert [row["value"] for row in rows] == [2]
    assert json.loads((folder / "figures.json").read_bytes())["figures"] == told["figures"]
    with (folder / "figures.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == len(told["figures"])
    assert [line["value"] for line in lines if line["name"] == "opened"] == ["2"]
    assert "<td>opened</td><td>2</td>" in (folder / "report.html").read_text()
    assert "| opened | 2 |" in (folder / "report.md").read_text()
    assert told["heading"] in (folder / "report.html").read_text()
    assert "|  | Number |" in (folder / "report.md").read_text()
    shown = runner.invoke(app, asked, catch_exceptions=False).stdout
    assert "authorising" in shown.lower()


def test_days_in_the_wrong_order_are_told_before_the_store_is_opened(tmp_path: Path) -> None:
    runner = CliRunner(env={"SOP_HOME": str(tmp_path / "none"), "COLUMNS": "200", "TERM": "dumb"})
    wrong = runner.invoke(app, ["report", "--from", "2026-11-23", "--to", "2026-11-23"])
    assert wrong.exit_code == 2
    assert "--to" in wrong.output
    assert "2026-11-23 is not after --from 2026-11-23" in wrong.output
    assert "such as 2026-11-24" in wrong.output
    assert not (tmp_path / "none").exists()
