"""What German customers read is German: every letter for every reason, every page, and the return policy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from adapters.asking.form import askable, fields
from adapters.asking.wording import wording
from adapters.messages.rendering import Renderer
from adapters.messages.words import known, word
from adapters.return_policy import answered, worded
from machines.catalogue import CATALOGUE
from machines.kernel.event import Event
from machines.kernel.state import Ask
from machines.messages import Channel, Message, MessageType
from machines.returning import Reason, Sold
from machines.returns.eligibility import Question, assess
from machines.returns.events import Condition
from machines.returns.terms import Terms
from machines.returns.wording import in_words
from tests.adapters.messages.correspondence import POLICY, declared, sent
from tests.adapters.messages.reasons import reasons

RENDERER = Renderer(POLICY.house, zone=POLICY.calendar.zone)
ENGLISH = re.compile(
    r"\b(the|is|are|of|and|or|not|no|for|has|have|been|with|that|this|these|your|you|we|our|it|its|to|by|from|"
    r"customer|order|returned|refund|goods|money|received|payment|card|account|sold|within|days|than|more|less|"
    r"cannot|does|worth|wrong|item|desk)\b"
)
FREE = {"explanation", "cause", "question", "survey"}  #: typed by a colleague, who knows the language
TYPED = {  #: what messages quote as a reason that a colleague, a shop or an ombudsman wrote
    "complaint.referred",
    "complaint.outside_decision",
    "complaint.redress_failed",
}
SEALED = "sealed:1:C-1:bmFtZQ"
FOUND = ", ".join(f"1 x KETTLE: {condition}" for condition in Condition)


def english(text: str) -> list[str]:
    """Common English words in ``text``, apart from keys in capitals."""
    return ENGLISH.findall(text)


def letters() -> Iterator[Message]:
    """One of each kind of message that differs in which facts and deadlines it has, in German."""
    kinds = {
        (
            one.template,
            frozenset(name for name, fact in one.facts.items() if fact),
            frozenset(one.deadlines),
        ): one
        for one in sent()
    }
    for one in kinds.values():
        facts = {name: "Freier Text" if name in FREE else fact for name, fact in one.facts.items()}
        to = one.to.model_copy(update={"name": SEALED})
        yield one.model_copy(update={"locale": "de", "facts": facts, "to": to})


def variants(one: Message) -> Iterator[Message]:
    """``one`` with every reason in place of the one it quotes, and all that can be found in a parcel."""
    replaced = [name for name in ("reason", "ground", "remedy", "found") if one.facts.get(name)]
    if "reason" in replaced and one.template in TYPED:
        one = one.model_copy(update={"facts": {**one.facts, "reason": "Freier Text"}})
        replaced.remove("reason")
    yield (
        one
        if "reason" not in replaced
        else one.model_copy(update={"facts": {**one.facts, "reason": "changed mind"}})
    )
    for name in replaced:
        for text in [FOUND] if name == "found" else sorted(reasons()):
            yield one.model_copy(update={"facts": {**one.facts, "reason": "changed mind", name: text}})


LETTERS = sorted(letters(), key=lambda one: one.template)


def test_every_letter_is_looked_at() -> None:
    assert {one.template for one in LETTERS} >= declared() - {"shipment.progress"}


@pytest.mark.parametrize("channel", Channel)
@pytest.mark.parametrize("template", sorted({one.template for one in LETTERS}))
def test_every_letter_is_german_for_every_reason(template: str, channel: Channel) -> None:
    for letter in (one for one in LETTERS if one.template == template):
        for one in variants(letter):
            words = RENDERER.render(one, channel=channel)
            assert english(f"{words.subject}\n{words.text}".replace(one.about, "")) == [], words.text


def test_every_reason_is_known() -> None:
    assert [reason for reason in sorted(reasons()) if not known(reason, locale="de")] == []
    assert len(reasons()) > 50


def test_a_composed_reason_keeps_its_numbers() -> None:
    rule = "VASE-LIMITED: at most 5 per customer in 30 days, other orders included"
    assert word(rule, locale="de-AT") == (
        "VASE-LIMITED: höchstens 5 je Kunde in 30 Tagen, andere Bestellungen mitgezählt"
    )
    assert word(rule, locale="en") == rule
    assert word("KETTLE could be returned until 2026-12-04, 30 days from delivery", locale="de") == (
        "KETTLE konnte bis 4. Dezember 2026 zurückgegeben werden, 30 Tage ab Zustellung"
    )


def test_what_somebody_typed_stays_as_it_is() -> None:
    assert word("a bit of both, really", locale="de") == "a bit of both, really"
    assert not known("a bit of both, really", locale="de")


# -- the pages on which customers answer -----------------------------------------------------------

ASKS = [
    (procedure.name, state)
    for procedure in CATALOGUE
    for state in procedure.states
    if isinstance(state, Ask) and state.role == "customer"
]


@pytest.mark.parametrize(("sop", "ask"), ASKS, ids=lambda one: getattr(one, "name", one))
def test_every_page_asks_in_german(sop: str, ask: Ask) -> None:
    texts = wording("de")
    assert texts.question(ask.form, otherwise="") != ""
    if not askable(ask.form):
        return
    shown = texts.asked(ask.form, told={}, said={}, errors={})
    plain = {field.name: field.plain_label for field in fields(ask.form)}
    for one in shown:
        assert one.label != plain[one.name], f"{sop}: {one.name} has no label"
        assert english(" ".join([one.label, *(label for _, label in one.choices)])) == []


def test_what_a_page_says_is_known_is_german() -> None:
    texts = wording("de")
    asking = {
        (ask.form, command.template)
        for _, ask in ASKS
        for command in ask.does
        if isinstance(command, MessageType)
    }
    for form, letter in (
        (form, one) for form, template in asking for one in LETTERS if one.template == template
    ):
        for one in variants(letter):
            for label, value in texts.facts(form, one.facts):
                assert english(f"{label} {value}") == [], (one.template, label, value)


def test_a_page_does_not_name_a_colleague_by_key() -> None:
    for _, ask in ASKS:
        assert wording("de").facts(ask.form, {"owner": "a.field"}) == []
        assert wording("en").facts(ask.form, {"owner": "a.field"}) == []


# -- the return policy -----------------------------------------------------------------------------

SKUS = ("KETTLE", "LAMP-SALE", "RAZOR-HYGIENE", "BREAD-FRESH", "RADIO-ELECTRO", "SOFA-BULKY")
TODAY = datetime(2026, 11, 25, 12, tzinfo=UTC)


def test_the_policy_is_german_throughout() -> None:
    terms = Terms(fee_percent=5)
    for rule in worded(in_words(terms), "de"):
        assert english(rule) == [], rule


@pytest.mark.parametrize("reason", Reason)
@pytest.mark.parametrize("age", [1, 20, 40, 400])
@pytest.mark.parametrize("country", ["DE", "US", "CH"])
def test_what_it_answers_is_german(reason: Reason, age: int, country: str) -> None:
    items = tuple(Sold(sku=sku, quantity=1, price=4000) for sku in SKUS)
    for asked in (items, *((one,) for one in items)):
        question = Question(
            items=asked,
            country=country,
            currency="EUR",
            delivered=TODAY - timedelta(days=age),
            reason=reason,
        )
        answer = answered(assess(question, terms=Terms(), now=TODAY), "de")
        said = (*answer.reasons, *answer.alternatives, *(line.because for line in answer.lines))
        assert [one for one in said if english(one)] == []
        assert date.fromisoformat(str(answer.last_day))


def test_english_is_found() -> None:
    assert english("es ist the goods") == ["the", "goods"]
    assert issubclass(ASKS[0][1].form, Event)
