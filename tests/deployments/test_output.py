"""What commands answer fits the terminal: a table as long as one fits, and no key is ever broken."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import pytest

from deployments.cli import output

AT = datetime(2026, 12, 2, 2, 45, 46, tzinfo=UTC)
LONG = "the customer has not answered, and what was not delivered by then is given up " * 2
CASE: Mapping[str, object] = {
    "case": "order/SO-1001",
    "due": AT,
    "held": None,
    "passed": False,
    "because": LONG,
    "runbook": "docs/runbook/prefect-server-unavailable.md",
}


def printed(
    rows: Sequence[Mapping[str, object]],
    width: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *,
    breaking: Sequence[str] = (),
) -> list[str]:
    monkeypatch.setattr(output.console, "_width", width)
    output.print_table("Cases", rows, as_json=False, breaking=breaking)
    return [line.rstrip() for line in capsys.readouterr().out.splitlines()]


def test_times_name_their_zone_and_empty_columns_are_left_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    title, head, row, more = printed([CASE, {**CASE, "due": None}], 300, monkeypatch, capsys)
    assert (title, head.split("  ")[0]) == ("Cases", "case")
    assert "due (UTC)" in head
    assert "held" not in head
    assert "2026-12-02 02:45:46" in row
    assert "False" not in row + more


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_keys_stay_whole_and_nothing_is_lost(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = printed([CASE, CASE], width, monkeypatch, capsys)
    assert max(map(len, lines)) <= width
    for value in ("order/SO-1001", "2026-12-02 02:45:46", "docs/runbook/prefect-server-unavailable.md"):
        assert sum(value in line for line in lines) == 2
    assert sum(line.count("answered,") for line in lines) == 4
    assert len(lines) <= 2 + 2 * 7


def test_what_has_no_room_beside_stands_under_its_row(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [{"case": "order/SO-1001", "state": "awaiting_dispatch", "parent": "order/SO-1000", "then": LONG}]
    _, head, row, *under = printed(rows, 50, monkeypatch, capsys)
    assert head.split() == ["case", "state", "parent"]
    assert row.split() == ["order/SO-1001", "awaiting_dispatch", "order/SO-1000"]
    assert under[0].startswith("    then: the customer")


def test_words_are_broken_only_where_that_is_allowed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [{"setting": "home", "value": "/" + "x" * 100, "from": "default"}]
    _, head, *_ = printed(rows, 80, monkeypatch, capsys, breaking=("value",))
    assert head.split() == ["setting", "value", "from"]
    _, head, *_ = printed(rows, 80, monkeypatch, capsys)
    assert head.split() == ["setting"]


def test_ctrl_c_while_the_command_is_loaded_shows_no_traceback() -> None:
    pressed = """
import importlib.abc, os, signal, sys
class Pressing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "deployments.cli.output":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Pressing())
signal.signal(signal.SIGINT, signal.default_int_handler)
from deployments.entry import main
main()
"""
    done = subprocess.run(
        [sys.executable, "-c", pressed], capture_output=True, text=True, check=False, env={**os.environ}
    )
    assert (done.returncode, done.stderr) == (-2, "")
