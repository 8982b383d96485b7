"""The handbook says what the definitions say, and the pages in ``docs/handbook`` are those of today."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from adapters.handbook.diagram import diagram
from adapters.handbook.pages import handbook
from machines.approvals import Approval
from machines.catalogue import CATALOGUE
from machines.policy import load, parse
from machines.refund import REFUND
from machines.scenario import load_all
from machines.shown import SHOWN
from tests.toy import LOAN
from tests.toy_clock import PROCEDURE

COMMITTED = Path(__file__).parents[2] / "docs" / "handbook"
SCENARIOS = load_all(COMMITTED.parents[1] / "examples" / "scenarios")
PAGES = handbook(CATALOGUE, policy=load(), approvals=(), scenarios=SCENARIOS)


def test_the_committed_pages_are_not_stale() -> None:
    assert {path.name: path.read_text("utf-8") for path in COMMITTED.glob("*.md")} == PAGES


def test_each_state_deadline_and_obligation_of_each_procedure_is_on_its_page() -> None:
    for procedure in CATALOGUE:
        page = PAGES[f"{procedure.name}.md"]
        for state in procedure.states:
            assert f"### {state.title}\n\n{state.text}" in page
        for limit in procedure.deadlines.values():
            assert limit.text in page
        for id in procedure.fulfils:
            assert f"| {id}: " in page
        assert procedure.responsible in page


def test_limits_are_as_long_as_the_policy_says() -> None:
    assert "| review due | 4 working hours, again and again |" in PAGES["order.md"]
    longer = parse({**load().model_dump(mode="json"), "deadlines": {"order.review_due": "9 working hours"}})
    page = handbook(CATALOGUE, policy=longer, approvals=(), scenarios={})["order.md"]
    assert "| review due | 9 working hours, again and again |" in page


def test_clocks_are_on_the_page_with_their_ladder() -> None:
    page = handbook([PROCEDURE], policy=load(), approvals=(), scenarios={})["question.md"]
    assert (
        "| resolution | The question is answered. | 8 working hours | Awaiting customer | 50 %, 75 %, 90 %, "
        "100 % | agent at 75 %, to be acknowledged within 1 working hour; lead at 100 %, to be acknowledged "
        "within 2 working hours |"
    ) in page
    assert (
        "| statutory | The law wants an answer. | 56 days | never; a hold does not pause it | 100 % | none |"
    ) in page
    assert "## Clocks" not in PAGES["order.md"]


def test_the_approval_of_a_page_is_that_of_the_procedure_as_it_stands() -> None:
    assert "| Approved by | nobody yet: `sop approve refund` |" in PAGES["refund.md"]
    given = Approval(
        procedure="refund",
        version=1,
        hash=REFUND.hash,
        name="Rita Mayer",
        role="Head of finance",
        date=date(2026, 11, 3),
    )
    pages = handbook(CATALOGUE, policy=load(), approvals=[given], scenarios={})
    assert "| Approved by | Rita Mayer, Head of finance, 2026-11-03 |" in pages["refund.md"]
    assert "nobody yet" in pages["order.md"]


def test_the_diagram_shows_ways_between_states_and_marks_one() -> None:
    drawn = diagram(LOAN, current="lent").splitlines()
    assert drawn == [
        "stateDiagram-v2",
        "    [*] --> shelf",
        "    shelf: Shelf",
        "    lent: Lent",
        "    reminding: Reminding",
        "    back: Back",
        "    shelf --> lent: loan.lent",
        "    lent --> reminding: overdue",
        "    lent --> back: loan.returned",
        "    reminding --> back: loan.returned",
        "    back --> [*]",
        "    classDef current stroke-width:4px",
        "    class lent current",
    ]


def test_a_junction_is_drawn_once() -> None:
    drawn = diagram(REFUND)
    assert drawn.count("refund_stands <<choice>>") == 1
    assert "pending --> refund_stands: refund.confirmed, refund.bounced, refund.reversed" in drawn
    assert "refund_stands --> settled\n" in drawn


def test_the_index_says_which_scenario_shows_what() -> None:
    file = "../../examples/scenarios/return/never_arrives.toml"
    row = f"| return.never-comes | The goods never come. | [return/never_arrives]({file}) |"
    assert row in PAGES["README.md"]
    for id in SHOWN:
        assert f"| {id} | " in PAGES["README.md"]


def test_obligations_read_in_both_directions() -> None:
    assert "ORD-5: Orders can be cancelled" in PAGES["README.md"]
    assert "refund.settled" in PAGES["README.md"]
    for procedure in CATALOGUE:
        assert procedure.kpis
        assert "nothing stated yet" not in PAGES[f"{procedure.name}.md"]
    assert "return: return.declined" in PAGES["return.md"]
