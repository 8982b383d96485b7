"""Every journal that an earlier version decided is decided the same way today, to the last word."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from machines.definitions import definitions
from machines.kernel.definition import Definition
from machines.kernel.event import Facts
from machines.kernel.migration import Migration
from machines.kernel.procedure import Procedure
from machines.policy import load as load_policy
from machines.refund import REFUND, commands
from machines.refund.states import PAYING_OUT, WITHHELD
from tests.golden import journals
from tests.golden.journals import KEPT, again, differences, read, scenarios
from tests.machines.test_check_faults import with_state

POLICY = load_policy()
BUILT = definitions(POLICY)
FILES = sorted(KEPT.rglob("*.jsonl"))
TO_A_BANK = KEPT / "order" / "refund_goes_to_a_bank_account.jsonl"
REFUSED = KEPT / "order" / "finance_refuses_a_large_refund.jsonl"


@pytest.mark.parametrize("kept", FILES, ids=[str(file.relative_to(KEPT)) for file in FILES])
def test_a_kept_journal_is_decided_the_same_way(kept: Path) -> None:
    lines = read(kept)
    assert differences(lines, list(again(lines, BUILT))) == []


def test_every_scenario_has_its_journal_and_every_journal_its_scenario() -> None:
    wanted = {kept for _, kept in scenarios()}
    assert wanted - set(FILES) == set(), "python -m tests.golden.journals"
    assert set(FILES) - wanted == set(), "delete the journal of a scenario that is gone"


def test_a_payout_without_the_account_is_seen() -> None:
    def nameless(*asked: object) -> list[Facts]:
        return [one.model_copy(update={"account": None}) for one in commands.PAY_OUT.arguments(*asked)]

    careless = replace(commands.PAY_OUT, arguments=nameless)
    found = decided_by(with_state(REFUND, PAYING_OUT, does=(careless,)), TO_A_BANK)
    assert found
    assert all(" asks account: " in one for one in found)


def test_another_letter_than_the_one_that_was_sent_is_seen() -> None:
    found = decided_by(with_state(REFUND, WITHHELD, does=(commands.TELL_SETTLED,)), REFUSED)
    assert any(one.endswith('asks template: "refund.withheld" -> "refund.settled"') for one in found)


def test_a_version_that_decides_the_same_differs_in_nothing() -> None:
    raised = replace(REFUND, version=2, migrations=(Migration(1, "only the number"),))
    assert decided_by(raised, REFUSED) == []


def test_journals_are_written_anew_where_that_is_meant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(journals, "KEPT", tmp_path)
    scenario, kept = next(scenarios())
    journals.main([str(scenario)])
    assert capsys.readouterr().out == f"{kept.relative_to(tmp_path)}: new\n"
    written = kept.read_text("utf-8")
    kept.write_text(written.replace('"disposition":"handled"', '"disposition":"ignored"', 1), "utf-8")
    journals.main([str(kept)])
    assert capsys.readouterr().out.endswith('disposition: "ignored" -> "handled"\n')
    assert kept.read_text("utf-8") == written


def test_a_journal_that_nobody_keeps_cannot_be_written_anew() -> None:
    with pytest.raises(SystemExit, match="order/lost is neither a scenario nor a kept journal"):
        journals.main(["order/lost"])


def decided_by(refund: Procedure, kept: Path) -> list[str]:
    """What differs in a kept journal if refunds go by that procedure."""
    known = BUILT["refund"]
    definition = Definition(refund, due=known.due, timing=known.timing, terms=known.terms)
    lines = read(kept)
    return differences(lines, list(again(lines, {**BUILT, "refund": definition})))
