"""What the doctor finds, and that it goes on to the next part where one is out of reach."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy
from typer.testing import CliRunner

from adapters.store.outage import Outage, Phase
from adapters.store.records import Backlog
from deployments.bootstrap import open_application
from deployments.cli import app as sop
from deployments.cli.doctor import leases, skew
from deployments.driving import caution
from deployments.errors import SettingUnusable
from deployments.settings import Settings
from tests.adapters.test_web import ReadableStore, served
from tests.adapters.test_web import app as intake_on

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
SILENT = timedelta(hours=1)

pytestmark = pytest.mark.usefixtures("folder")


def checks() -> dict[str, dict[str, str]]:
    answer = CliRunner().invoke(sop, ["doctor", "--json"])
    assert answer.exit_code == 1, answer.output
    return {row["part"]: row for row in json.loads(answer.stdout)["checks"]}


def test_migrations_that_are_pending_are_named_and_the_rest_is_checked_all_the_same() -> None:
    with open_application(Settings()):
        pass
    with closing(sqlalchemy.create_engine(Settings().url).connect()) as connection:
        connection.execute(sqlalchemy.text("UPDATE alembic_version SET version_num = '0001'"))
        connection.commit()
        connection.engine.dispose()
    found = checks()
    assert found["migrations"][""] == "!!"
    assert found["migrations"]["found"] == "the store's tables are of an older version (0001)"
    assert "brings them up to date" in found["migrations"]["remedy"]
    assert found["migrations"]["runbook"] == "docs/runbook/schema-differs.md"
    assert found["Prefect"][""] == found["web intake"][""] == "!!"
    assert found["Prefect"]["runbook"] == "docs/runbook/prefect-unreachable.md"


def test_a_store_out_of_reach_does_not_keep_the_doctor_from_looking_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SOP_STORE_URL", "postgresql://sop:secret@127.0.0.1:1/sop")
    found = checks()
    assert found["store"][""] == "!!"
    assert found["store"]["found"].startswith("postgresql://sop:***@127.0.0.1:1/sop: ")
    assert found["store"]["runbook"] == "docs/runbook/store-unavailable.md"
    assert "Prefect" in found


def test_what_is_not_approved_is_said_and_is_no_ailment() -> None:
    with open_application(Settings()):
        pass
    found = checks()
    assert found["approvals"][""] == "! "
    assert "order" in found["approvals"]["found"]
    assert found["migrations"]["found"] == "none is pending"
    assert found["leases"]["found"] == "0 cases are in hand"


def test_the_clock_of_prefect_is_read_from_its_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    with open_application(Settings()), served(intake_on(ReadableStore())) as address:
        monkeypatch.setenv("SOP_PREFECT_API_URL", address)
        found = checks()
    assert found["Prefect"][""] == "ok"
    assert found["clock of Prefect"]["part"] == "clock of Prefect"


@pytest.mark.parametrize(
    ("ahead", "found"),
    [
        (1.9, "agrees with that of this machine"),
        (-1.9, "agrees with that of this machine"),
        (90, "90 s ahead of that of this machine"),
        (-90, "90 s behind that of this machine"),
    ],
)
def test_clocks_that_disagree_are_found(ahead: float, found: str) -> None:
    told = skew("Prefect", NOW + timedelta(seconds=ahead), now=NOW)
    assert (told.part, told.found, told.well) == ("clock of Prefect", found, abs(ahead) < 2)


def test_cases_held_by_silent_workers_are_found() -> None:
    workers = [("alive", NOW), ("dead", NOW - SILENT)]
    backlog = Backlog(0, None, 0, 0, 0, 0, 0, workers, {"alive": 5, "dead": 3, "forgotten": 1})
    told = leases(backlog, now=NOW, lease=10)
    assert not told.well
    assert told.found == "held by workers that fell silent: 3 by dead, 1 by forgotten"
    assert told.code == "stale-leases"
    assert leases(Backlog(0, None, 0, 0, 0, 0, 0, workers, {"alive": 5}), now=NOW, lease=10).well


def test_a_provider_that_is_away_is_told_once_with_what_hangs_on_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with open_application(Settings()) as app:
        app.store.outages.change(
            None, Outage("payment.capture", Phase.OUT, NOW, NOW, NOW, error="answered 503"), now=NOW
        )
    monkeypatch.setenv("SOP_OUTAGES", '{"within_hours": 100000000}')
    found = checks()["payment.capture"]
    assert (found[""], found["runbook"]) == ("!!", "docs/runbook/outage.md")
    assert found["found"] == (
        "simulated: since 2026-11-02 09:00 UTC, 0 cases wait, 0 are parked, latest: answered 503; "
        "next probe 09:00:00 UTC; what waits resumes by itself, what is parked too"
    )
    monkeypatch.setenv("SOP_OUTAGES", '{"by_hand": ["payment"]}')
    assert "what is parked is left to staff" in checks()["payment.capture"]["found"]
    listed = CliRunner().invoke(sop, ["steps", "--failed"])
    assert "payment.capture is out: 0 cases, since 2026-11-02" in listed.output


def test_a_replay_where_nothing_is_parked_is_a_probe() -> None:
    later = datetime.now(UTC) + timedelta(hours=1)
    with open_application(Settings()) as app:
        app.store.outages.change(None, Outage("payment.capture", Phase.OUT, NOW, NOW, later), now=NOW)
        ran = CliRunner().invoke(sop, ["replay", "--command", "payment.capture", "--reason", "it is back"])
        assert "nothing is parked; steps wait for payment.capture, which is asked now" in ran.output
        assert app.store.outages.known()[0].due < later
        other = CliRunner().invoke(sop, ["replay", "--command", "payment.void", "--reason", "it is back"])
        assert "nothing parked matches" in other.output


def test_commands_left_to_staff_must_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOP_OUTAGES", '{"by_hand": ["payments"]}')
    with pytest.raises(
        SettingUnusable, match=r"outages\.by_hand: no command payments; write one, or a prefix"
    ):
        caution(Settings())


def test_whom_staff_notices_reach_is_checked_and_their_addresses_are_kept(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_application(Settings()):
        pass
    assert checks()["notices"]["found"] == "nobody is told of anything"
    secret = "hunter2hunter2"
    told = {"oncall": [f"json://ann:{secret}@127.0.0.1:9", f"nosuch://{secret}"], "operations": []}
    monkeypatch.setenv("SOP_NOTIFY", json.dumps(told))
    answer = CliRunner().invoke(sop, ["doctor", "--json"])
    assert secret not in answer.output
    (notices,) = [row for row in json.loads(answer.stdout)["checks"] if row["part"] == "notices"]
    assert (notices[""], notices["found"]) == ("!!", "Apprise knows no such URL: oncall 2 (nosuch)")
    assert notices["runbook"] == "docs/runbook/not-delivered.md"
    tried = CliRunner().invoke(sop, ["notify", "--test", "--json"])
    assert (tried.exit_code, secret in tried.output) == (1, False)
    results = {row["receiver"]: row["result"] for row in json.loads(tried.stdout)}
    assert results.keys() == {"oncall 1 (json)", "oncall 2 (nosuch)"}
    assert results["oncall 2 (nosuch)"] == "Apprise knows no such URL"
    assert CliRunner().invoke(sop, ["notify", "--json"]).stdout.strip() == '{"messages":0}'
