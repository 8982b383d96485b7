"""An approval counts for a procedure as it was read, and for nothing that came after."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from machines.approvals import Approval, approval_of, load, unapproved
from machines.kernel.errors import ApprovalError
from machines.order import ORDER
from machines.refund import REFUND


def approval(*, hash: str = REFUND.hash, day: int = 3, name: str = "Rita Mayer") -> Approval:
    return Approval(
        procedure="refund", version=1, hash=hash, name=name, role="Head of finance", date=date(2026, 11, day)
    )


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "approvals.toml"
    assert load(file) == ()
    given = (approval(), approval(name="Jo O'Neill (deputy)", day=4))
    file.write_text("\n".join(one.toml for one in given))
    assert load(file) == given


def test_a_change_undoes_the_approval() -> None:
    assert approval_of(REFUND, [approval(hash="0123456789abcdef")]) is None
    assert unapproved([ORDER, REFUND], [approval()]) == ["order"]


def test_the_latest_approval_is_told() -> None:
    later = approval(day=5, name="Ann Lee")
    assert approval_of(REFUND, [later, approval()]) == later
    assert str(later) == "Ann Lee, Head of finance, 2026-11-05"
    assert approval_of(replace(REFUND, name="other"), [later]) is None


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("[[approval]", "TOML"),
        ('[[approval]]\nprocedure = "refund"', r"approval.0.version: .*'sop approve' writes"),
        (approval().toml + 'signature = "x"', r"signature"),
    ],
)
def test_a_file_that_cannot_be_read_says_where(tmp_path: Path, written: str, message: str) -> None:
    file = tmp_path / "approvals.toml"
    file.write_text(written)
    with pytest.raises(ApprovalError, match=message):
        load(file)
