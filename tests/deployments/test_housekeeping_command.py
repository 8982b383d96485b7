"""``sop housekeeping`` does what it can of the store while Prefect is away, and says so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deployments.bootstrap import open_application
from deployments.cli import app as sop
from deployments.settings import Settings


def test_the_store_is_swept_while_prefect_is_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SOP_PREFECT_API_URL", "http://127.0.0.1:1/api")
    monkeypatch.setenv("PREFECT_CLIENT_MAX_RETRIES", "0")
    with open_application(Settings()):
        pass
    told = CliRunner().invoke(sop, ["housekeeping", "--json"])
    assert told.exit_code == 1, told.output
    assert json.loads(told.stdout) == {
        "dry_run": False,
        "cases": 0,
        "letters": 0,
        "files": [],
        "runs": None,
        "artifacts": None,
        "parked": None,
    }
    assert "prefect-unreachable" in told.stderr
    monkeypatch.setenv("SOP_KEEP", '{"cases": 30}')
    refused = CliRunner().invoke(sop, ["housekeeping"])
    assert refused.exit_code == 2
    assert "keep.cases" in refused.output
