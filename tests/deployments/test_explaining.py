"""``sop explain`` and ``sop retime`` on an installation, and what a worker does at its start when the policy
changed."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from adapters.store.records import Changes, InboxStatus
from deployments.bootstrap import open_application
from deployments.cli import app as sop
from deployments.driving import open_runtime
from deployments.settings import Settings
from machines.catalogue import CATALOGUE
from machines.kernel.case import Case, Entry, Timer
from machines.kernel.clock import Mode
from machines.kernel.clock_ledger import Ledger, Span
from machines.kernel.duration import working_hours
from machines.kernel.rule import Disposition
from machines.refund import REFUND

FRIDAY = datetime(2026, 11, 20, 14, tzinfo=UTC)  #: three o'clock in Berlin
(APPROVAL_DUE,) = [one for one in REFUND.deadlines.values() if one.name == "approval_due"]


@pytest.fixture(autouse=True)
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.setenv("SOP_PREFECT_API_URL", "http://127.0.0.1:1/api")  # nobody is there
    for name in ("SOP_HOME", "SOP_STORE_URL", "SOP_MASTER_KEY"):
        monkeypatch.delenv(name, raising=False)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(sop, list(arguments))


def put(*, clocks: dict[str, Ledger] | None = None) -> None:
    """A refund that waits for approval since Friday afternoon."""
    procedure = CATALOGUE.procedure("refund")
    with open_application(Settings()) as app:
        due = app.definitions["refund"].due(APPROVAL_DUE, REFUND.data.model_construct(), FRIDAY)
        state = next(state.name for state in procedure.states if APPROVAL_DUE in state.deadlines)
        case = Case("refund", "R-1", procedure.version, procedure.hash, state, None, 1, clocks=clocks or {})
        entry = Entry(1, FRIDAY, "refund.requested", "t", "e-1", Disposition.HANDLED, "", state, "", {})
        timer = Timer(APPROVAL_DUE.name, due, set_at=FRIDAY)
        with app.store.round(worker="w") as current:
            current.write(
                Changes(
                    opened={case.id: case},
                    released={case.id},
                    entries=[(case.id, entry)],
                    timers_set={(case.id, timer.name): timer},
                )
            )


def stale() -> dict[str, Ledger]:
    """A clock that was started under a policy that is no more."""
    span = Span(mode=Mode.RUNNING, start=FRIDAY)
    return {"x": Ledger(spans=(span,), budget=working_hours(8), source="", policy="gone")}


def test_a_deadline_is_explained_to_people_and_to_programs() -> None:
    put()
    said = run("explain", "R-1")
    assert said.exit_code == 0
    assert f"deadline approval_due: {APPROVAL_DUE.text}" in said.stdout
    assert f"{APPROVAL_DUE.after} from Fri 2026-11-20 15:00, as the procedure states" in said.stdout
    assert "nobody works on Sat 2026-11-21" in said.stdout
    answer = json.loads(run("explain", "refund/R-1", "--json").stdout)
    (told,) = answer["due"]
    assert (answer["case"], told["name"], told["kind"]) == ("refund/R-1", "approval_due", "deadline")
    assert told["because"][0].startswith("due ")


def test_a_case_that_is_not_there_is_said_so() -> None:
    put()
    said = run("explain", "R-2")
    assert said.exit_code == 2
    assert "no case 'R-2'" in said.stderr


def test_retiming_tells_each_case_under_another_policy() -> None:
    put(clocks=stale())
    assert json.loads(run("retime", "--json").stdout) == {"told": 1}
    with open_application(Settings()) as app:
        (row,) = app.store.inbox(status=[InboxStatus.NEW])
    assert (row.letter.type, row.letter.case) == ("policy.changed", "refund/R-1")


def test_a_worker_tells_them_when_it_starts() -> None:
    put(clocks=stale())

    async def work() -> None:
        give_up = time.monotonic() + 10
        async with open_runtime():
            with open_application(Settings()) as app:
                while not app.store.inbox(status=[InboxStatus.APPLIED]):
                    assert time.monotonic() < give_up, "the case was not told in time"
                    await asyncio.sleep(0.05)
                events = [entry.event for entry, _ in app.store.journal("refund/R-1")]
        assert "policy.changed" in events

    asyncio.run(work())
