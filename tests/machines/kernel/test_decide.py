"""``decide`` is total, deterministic and leaves no gap in the journal, whatever happens in whatever order."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from machines.kernel.case import Case
from machines.kernel.decide import decide, open_case
from machines.kernel.definition import Definition
from machines.kernel.event import Facts, Received
from machines.kernel.rule import Disposition, Send
from tests.toy import DEFINITION, EVENTS, LOAN, Lent, Loan, LoanEnded

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class LoanTerms(Facts):
    already_renewed: int = 1


def received(kind: str, *, n: int = 1) -> Received:
    return Received(str(n), "test", kind, EVENTS[kind], NOW)


def run(*kinds: str, parent: str | None = None) -> Case:
    case = open_case(DEFINITION, key="L-1", parent=parent)
    for kind in kinds:
        case = decide(DEFINITION, case, received(kind), NOW).case
    return case


def test_the_opening_event_gives_the_case_its_data_and_its_deadline() -> None:
    decision = decide(DEFINITION, open_case(DEFINITION, key="L-1"), received("loan.lent"), NOW)
    assert decision.case.state == "lent"
    assert decision.case.data == Loan(book="Emma")
    assert [(timer.name, timer.due) for timer in decision.timers_set] == [
        ("overdue", NOW + timedelta(hours=24))
    ]


def test_the_opening_event_meets_the_terms_of_the_house() -> None:
    def lend_on(terms: LoanTerms, event: Lent, _: datetime) -> Loan:
        return Loan(book=event.book, renewals=terms.already_renewed)

    opening = replace(LOAN.rules[0], then=lend_on)
    procedure = replace(LOAN, rules=(opening, *LOAN.rules[1:]), terms=LoanTerms)
    for terms, renewals in ((None, 1), (LoanTerms(already_renewed=2), 2)):
        definition = Definition(procedure, due=DEFINITION.due, terms=terms)
        decision = decide(definition, open_case(definition, key="L-1"), received("loan.lent"), NOW)
        assert decision.case.data == Loan(book="Emma", renewals=renewals)


def test_a_rule_may_explain_itself_from_what_the_case_then_knows() -> None:
    renewing = next(rule for rule in LOAN.rules if rule.event == "loan.renewed")
    telling = replace(renewing, explains=lambda loan: f"renewal {loan.renewals} of {loan.book}")
    rules = tuple(telling if rule is renewing else rule for rule in LOAN.rules)
    definition = Definition(replace(LOAN, rules=rules), due=DEFINITION.due)
    decision = decide(definition, run("loan.lent"), received("loan.renewed"), NOW)
    assert decision.entry.reason == "renewal 1 of Emma"


def test_a_guard_that_refuses_gives_its_reason_and_changes_nothing_but_the_journal() -> None:
    before = run("loan.lent", "loan.renewed", "loan.renewed")
    decision = decide(DEFINITION, before, received("loan.renewed"), NOW)
    assert decision.disposition is Disposition.REFUSED
    assert decision.entry.reason == "a loan is renewed twice at most"
    assert (decision.case.state, decision.case.data) == (before.state, before.data)
    assert decision.case.seq == before.seq + 1


def test_entering_a_state_again_starts_its_deadline_anew() -> None:
    case = run("loan.lent")
    later = NOW + timedelta(hours=5)
    decision = decide(DEFINITION, case, received("loan.renewed"), later)
    assert decision.case.timers["overdue"].due == later + timedelta(hours=24)


def test_leaving_a_state_clears_its_deadline_and_entering_performs_its_commands() -> None:
    decision = decide(DEFINITION, run("loan.lent"), received("deadline.overdue"), NOW)
    assert decision.timers_cleared == ("overdue",)
    assert [command.key for command in decision.commands] == ["loan/L-1/reminder.send/2"]


def test_a_repeating_deadline_is_set_anew_each_time_it_passes() -> None:
    case = run("loan.lent", "deadline.overdue")
    later = NOW + timedelta(hours=1)
    decision = decide(DEFINITION, case, received("deadline.nagged"), later)
    assert [(timer.due, timer.passed) for timer in decision.timers_set] == [
        (later + timedelta(hours=1), False)
    ]
    assert [command.key for command in decision.commands] == ["loan/L-1/reminder.send/3"]


def test_a_deferred_event_is_counted_until_the_case_moves() -> None:
    waiting = run("loan.lent", "loan.noted")
    assert waiting.deferred == 1
    moved = decide(DEFINITION, waiting, received("deadline.overdue"), NOW)
    assert moved.moved
    assert moved.case.deferred == 0


def test_an_end_reports_to_the_case_that_opened_it_and_to_nobody_else() -> None:
    with_parent = decide(DEFINITION, run("loan.lent", parent="club/C-1"), received("loan.returned"), NOW)
    assert with_parent.sends == (Send(LoanEnded(book="Emma")),)
    alone = decide(DEFINITION, run("loan.lent"), received("loan.returned"), NOW)
    assert alone.sends == ()


def test_an_event_without_any_rule_is_refused_in_words() -> None:
    decision = decide(DEFINITION, run("loan.lent", "loan.returned"), received("loan.renewed"), NOW)
    assert decision.disposition is Disposition.REFUSED
    assert decision.entry.reason == "loan.renewed means nothing while back"


@given(st.lists(st.sampled_from(sorted(EVENTS)), max_size=30))
def test_every_event_makes_exactly_one_entry_and_the_same_history_gives_the_same_case(
    kinds: list[str],
) -> None:
    case = open_case(DEFINITION, key="L-1")
    for number, kind in enumerate(kinds, 1):
        event = received(kind, n=number)
        first, second = (decide(DEFINITION, case, event, NOW) for _ in range(2))
        assert first == second
        assert first.entry.seq == number == first.case.seq
        assert first.entry.before == case.state
        assert first.entry.after == first.case.state
        if first.disposition is not Disposition.HANDLED:
            assert (first.case.state, first.case.data, first.commands) == (case.state, case.data, ())
        case = first.case


@given(st.lists(st.sampled_from(sorted(EVENTS)), max_size=30))
def test_running_timers_are_those_of_the_state_and_the_differences_add_up(kinds: list[str]) -> None:
    case = open_case(DEFINITION, key="L-1")
    kept: dict[str, datetime] = {}
    for kind in kinds:
        decision = decide(DEFINITION, case, received(kind), NOW)
        kept |= {timer.name: timer.due for timer in decision.timers_set}
        for name in decision.timers_cleared:
            del kept[name]
        case = decision.case
        assert kept == {name: timer.due for name, timer in case.timers.items()}
        allowed = {deadline.name for deadline in DEFINITION.state(case.state).deadlines}
        assert set(case.timers) <= allowed
