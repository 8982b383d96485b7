"""``sop events``: what can be sent, to which procedure, and what becomes of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from deployments.cli import app as sop
from machines.catalogue import CATALOGUE


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "300")
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(sop, ["events", *arguments])


def test_every_type_is_listed_and_nothing_is_made(folder: Path) -> None:
    listed = json.loads(run("--json").stdout)
    assert [one["type"] for one in listed] == sorted(CATALOGUE.outside)
    assert list(folder.iterdir()) == []
    assert "order.placed" in run().stdout


def test_one_type_is_told_in_full() -> None:
    told = run("order.cancel").stdout
    assert "order.cancel  to order; kept until its case is there" in told
    assert "The customer, or a colleague for the customer, wants the order cancelled." in told
    assert "personal, sealed" in told
    (one,) = json.loads(run("order.cancel", "--json").stdout)
    assert one["examples"][0]["subject"] == "SO-1001"
    by_state = {state: part["disposition"] for part in one["received"] for state in part["states"]}
    assert (by_state["confirmed"], by_state["delivered"]) == ("deferred", "refused")
    (because,) = {part["because"] for part in one["received"] if "delivered" in part["states"]}
    assert because == "the goods have been delivered; they can be sent back instead"
    assert set(because.split()) <= set(told.split())  # folded


def test_some_are_listed_by_procedure_or_by_the_beginning_of_their_type() -> None:
    by_sop = json.loads(run("--sop", "refund", "--json").stdout)
    by_type = json.loads(run("refund.", "--json").stdout)
    assert by_sop == by_type
    assert {one["sop"] for one in by_sop} == {"refund"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["order.canel"], "did you mean order.cancel or"),
        (["order.cancel", "--sop", "refund"], "no procedure takes 'order.cancel' from outside in refund"),
        (["zzz"], "'sop events' lists all"),
        (["--sop", "ordr"], "did you mean order?"),
    ],
)
def test_what_cannot_be_sent_is_said_so(arguments: list[str], words: str) -> None:
    answer = run(*arguments)
    assert (answer.exit_code, words in answer.stderr) == (2, True), answer.stderr
