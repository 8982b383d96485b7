"""``sop return-policy``: the policy in words, and what it answers for given goods."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from deployments.cli import app as sop


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("SOP_POLICY", raising=False)
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(sop, ["return-policy", *arguments])


def test_without_goods_it_prints_the_policy_and_makes_no_files(folder: Path) -> None:
    found = run()
    assert found.exit_code == 0
    assert "within 30 days from the day of delivery" in found.output
    assert list(folder.iterdir()) == []


def test_the_answer_says_why_and_how_else() -> None:
    found = run("--sku", "RAZOR-HYGIENE", "--delivered", "2026-11-01", "--on", "2026-11-02")
    assert found.exit_code == 0
    assert "declined: RAZOR-HYGIENE cannot be sold again for reasons of hygiene" in found.output
    assert "complaint" in found.output


def test_as_json_it_is_the_same_answer_as_everywhere() -> None:
    found = run(
        *("--sku", "RADIO-ELECTRO", "--price", "4000", "--country", "US"),
        *("--delivered", "2026-11-01", "--on", "2026-11-20", "--json"),
    )
    answer = json.loads(found.output)
    assert (answer["ruling"], answer["fee"], answer["refund"]) == ("allowed with fee", 600, 3400)


def test_the_policy_of_the_house_counts(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opening = '[calendar.opening]\nmonday = ["09:00-17:00"]\n'
    (folder / "policy.toml").write_text(f"{opening}[terms.return]\nwindow_days = 77\n")
    monkeypatch.setenv("SOP_POLICY", str(folder / "policy.toml"))
    assert "within 77 days" in run().output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--sku", "MUG"], "--sku needs --delivered"),
        (["--sku", "MUG", "--delivered", "2026-11-01", "--currency", "XYZ"], "currency:"),
        (["--sku", "MUG", "--delivered", "2026-11-01", "--price", "-5"], "price:"),
        (["--sku", "MUG", "--delivered", "soon"], "soon"),
    ],
)
def test_what_makes_no_sense_is_said(arguments: list[str], message: str) -> None:
    found = run(*arguments)
    assert found.exit_code == 2
    assert message in found.output
