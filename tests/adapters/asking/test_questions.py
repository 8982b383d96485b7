"""What is open, what may be told of it, and what became of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from adapters.asking.answers import Became, source_of
from adapters.asking.questions import Questions
from adapters.intake import InvalidEvents
from machines.catalogue import CATALOGUE
from machines.kernel.definition import Definition
from machines.kernel.state import CUSTOMER, Ask
from machines.messages import MessageType
from tests.asking import FEE, STOLEN, Heard, Office, open_office, renamed
from tests.conftest_prefect import eventually


@pytest.fixture(scope="module")
def office() -> Iterator[Office]:
    with open_office() as opened:
        yield opened


def test_a_question_says_whom_it_asks_until_when_and_why(office: Office) -> None:
    office.place("SO-1", **STOLEN)
    question = office.asked("SO-1", "in_review")
    assert question.id == f"order/SO-1/in_review/{question.cause.seq}"
    assert (question.role, question.for_customer) == ("order desk", False)
    assert question.due is not None
    assert question.due.name == "review_due"
    assert question.known["because of"] == "order.suspicious"
    assert question.known["rule"] == "stolen means of payment"
    assert question.known["lines"] == "sku KETTLE, quantity 1, price 30.00 EUR"


def stands(office: Office, key: str, state: str) -> None:
    """Wait until the complaint has come to that state."""

    def there() -> bool:
        return any(case.state == state for case in office.store.find_case(key=key, sop="complaint"))

    eventually(there)


def test_staff_are_told_by_when_the_service_level_wants_an_answer(office: Office) -> None:
    office.complain("CP-1")
    question = office.asked("CP-1", "acknowledging")
    assert question.due is not None
    assert question.deadline is not None
    assert question.due.name == "acknowledgement.75"
    alerted = "The complaints agent is alerted: a complaint is still to be acknowledged."
    assert question.deadline.text == alerted
    assert office.message("complaint.received", "CP-1").words.text


def test_whoever_a_clock_has_alerted_is_asked_and_who_shows_questions_hears_of_it() -> None:
    with open_office(driving=False) as office:
        heard = Heard()
        driver = office.driver(listener=heard)
        driver.start()
        office.complain("CP-9")
        assert office.asked("CP-9", "acknowledging").role == "complaints agent"
        eventually(lambda: heard.asked_about)
        heard.asked_about.clear()
        office.wait_until_at_work(timedelta(days=6))
        eventually(lambda: office.asked("CP-9", "acknowledging").role == "head of complaints")
        assert "complaint/CP-9" in eventually(lambda: heard.asked_about)
        driver.stop()


def test_what_is_known_reads_as_a_person_needs_it(office: Office) -> None:
    office.complain("CP-3")
    office.asked("CP-3", "acknowledging")
    for form, said in (
        ("taken", {"owner": "a.field"}),
        ("assessed", {"severity": "S2", "nature": "service"}),
        ("found", {"cause": "too few people", "upheld": True}),
        ("proposed", {"remedy": "voucher", "amount": 40_000, "explanation": "for a year of it"}),
    ):
        office.send(f"complaint.{form}", "CP-3", said)
    known = office.asked("CP-3", "awaiting_manager").known
    assert known["amount"] == "400.00 EUR"
    assert "amount 400.00 EUR" in known["offer"]
    assert known["cause"] == "too few people"
    assert not known.keys() & {"locale", "terms"}


def test_a_customer_is_told_of_the_limit_that_closes_the_question_and_of_no_service_level(
    office: Office,
) -> None:
    office.complain("CP-2")
    for state, form, said in (
        ("acknowledging", "taken", {"owner": "a.field"}),
        ("assessing", "assessed", {"severity": "S4", "nature": "service"}),
        ("investigating", "found", {"cause": "too few people", "upheld": True}),
        ("proposing", "proposed", {"remedy": "apology", "explanation": "we should have called"}),
    ):
        office.asked("CP-2", state)
        office.send(f"complaint.{form}", "CP-2", said)
    question = office.asked("CP-2", "awaiting_answer")
    assert question.due is not None
    assert question.due.name == "offer_due"


def test_nothing_personal_and_no_secret_is_known(office: Office) -> None:
    office.place("SO-2", **STOLEN)
    told = str(office.asked("SO-2", "in_review").known)
    for secret in ("Ada", "Sample", "Berlin", "10115", "sealed", "tok_"):
        assert secret not in told


def test_a_customer_is_told_what_the_message_said(office: Office) -> None:
    office.place("SO-3", **FEE)
    question = office.asked("SO-3", "awaiting_choice")
    assert office.questions.told(question)["fee"] == "3.00 EUR"
    assert question.for_customer


def test_a_customer_is_told_what_the_message_that_asks_said_though_another_came_first(office: Office) -> None:
    office.complain("CP-4")
    for state, form, said in (
        ("acknowledging", "taken", {"owner": "a.field"}),
        ("assessing", "assessed", {"severity": "S3", "nature": "service"}),
        ("investigating", "referred", {"body": "the Ombudsman"}),
        ("with_ombudsman", "outside_decision", {"amount": 1500, "reason": "fair"}),
    ):
        stands(office, "CP-4", state)
        office.send(f"complaint.{form}", "CP-4", said)
    question = office.asked("CP-4", "awaiting_answer")
    first, then = (
        office.message(template, "CP-4") for template in ("complaint.outside_decision", "complaint.offer")
    )
    assert then.key == f"{first.key}/1"
    assert office.questions.told(question) == {k: v for k, v in then.message.facts.items() if v}
    assert office.questions.told(question)["amount"] == "15.00 EUR"


def test_the_same_state_entered_again_is_another_question(office: Office) -> None:
    office.place("SO-4", payments=[{"means": "card", "token": "tok_declined"}])
    first = office.asked("SO-4", "awaiting_means")
    again = {"pay_with": {"means": "card", "token": "tok_declined_2"}}
    assert office.answers.give(first, again, source="t").became is Became.TAKEN
    second = eventually(lambda: (found := office.asked("SO-4", "awaiting_means")).id != first.id and found)
    assert office.questions.find(first.id) is None
    assert str(office.questions.closing(first.id)).startswith("order.means_given from t came first, at ")
    assert office.questions.closing(second.id) is None


def test_the_first_answer_wins_and_the_second_is_told_of_it(office: Office) -> None:
    office.place("SO-5", **STOLEN)
    question = office.asked("SO-5", "in_review")
    first = office.answers.give(question, {"accept": False, "reason": "no"}, source="sop-answer:anna")
    assert (first.became, first.title) == (Became.TAKEN, "Rejected")
    second = office.answers.give(question, {"accept": True, "reason": "yes"}, source="sop-answer:bert")
    assert second.became is Became.LATE
    assert second.reason.startswith("order.reviewed from sop-answer:anna came first")
    assert [e.source for e, _ in office.store.journal("order/SO-5") if e.event == "order.reviewed"] == [
        "sop-answer:anna"
    ]


def test_an_answer_under_its_own_name_is_taken_once_however_often_it_is_given(office: Office) -> None:
    office.place("SO-6", **STOLEN)
    question = office.asked("SO-6", "in_review")
    said = {"accept": False, "reason": "no"}
    answers = [office.answers.give_to(question.id, said, source="ui", letter="run/1") for _ in range(3)]
    assert [(one.became, one.title) for one in answers] == [(Became.TAKEN, "Rejected")] * 3
    late = office.answers.give_to(question.id, said, source="ui", letter="run/2")
    assert late.became is Became.LATE


def test_what_does_not_fit_the_form_is_refused_before_it_is_stored(office: Office) -> None:
    office.place("SO-7", **STOLEN)
    question = office.asked("SO-7", "in_review")
    with pytest.raises(InvalidEvents) as error:
        office.answers.give(question, {"accept": "perhaps"}, source="t")
    assert {fault.field for fault in error.value.faults} == {"data.accept", "data.reason"}
    assert office.questions.find(question.id)


def test_questions_are_found_by_key_with_or_without_the_procedure(office: Office) -> None:
    office.place("SO-8", **STOLEN)
    question = office.asked("SO-8", "in_review")
    assert office.questions.of_key("order/SO-8") == office.questions.of_key("SO-8")
    assert office.questions.of_key("refund/SO-8") == []
    assert question.id in {each.id for each in office.questions.open(states=office.questions.of_staff)}
    assert question.id not in {
        each.id for each in office.questions.open(states=office.questions.of_customers)
    }


@pytest.mark.parametrize(
    ("who", "source"), [("J. Berg", "way:J.Berg"), ("", "way"), ("  ", "way"), ("ä b/c\n", "way:ä.b.c")]
)
def test_who_answers_is_part_of_the_source(who: str, source: str) -> None:
    assert source_of("way", who) == source


def test_a_state_that_no_version_knows_any_more_is_told_by_its_name(office: Office) -> None:
    office.place("SO-40", **FEE)
    question = office.asked("SO-40", "awaiting_choice")
    office.answers.give(question, {"choice": "cancel"}, source="t")
    eventually(lambda: office.state("SO-40") == "cancelled")
    newer = renamed(office.definitions["order"], {"cancelled": "void", "cancelling": "voiding"})
    forgetful = Definition(replace(newer.procedure, migrations=()), due=newer.due)
    questions = Questions(office.store, {**office.definitions, "order": forgetful})
    closing = questions.closing(question.id)
    assert closing is not None
    assert closing.title in ("cancelling", "cancelled")
    assert questions.follower(question.id) is None
    assert questions.place("order/SO-40") == "cancelled"


def test_every_state_that_asks_the_customer_puts_its_question_by_one_message() -> None:
    for procedure in CATALOGUE:
        for state in procedure.states:
            if isinstance(state, Ask) and state.role == CUSTOMER:
                assert len([each for each in state.does if isinstance(each, MessageType)]) == 1, state.name
