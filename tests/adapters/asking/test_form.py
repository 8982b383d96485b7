"""Forms are read off the event models of every procedure."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from adapters.asking import wording as wording_module
from adapters.asking.form import FormField, Kind, UnknownField, askable, fields, payload
from adapters.asking.wording import wording
from adapters.intake import InvalidEvents
from machines.catalogue import CATALOGUE
from machines.kernel.event import Event, Facts
from machines.kernel.state import Ask
from machines.order.events import AddressCorrected, ChoiceMade, DelayAnswered, MeansGiven, ReviewDecided

ASKS = [state for procedure in CATALOGUE for state in procedure.states if isinstance(state, Ask)]
TEXTS = Path(wording_module.__file__).with_name("texts")


def test_fields_are_asked_one_by_one_in_their_order() -> None:
    assert fields(ChoiceMade) == (
        FormField("choice", Kind.CHOICE, True, False, ("accept", "substitute", "wait", "cancel")),
        FormField("sku", Kind.TEXT, False, False, (), 64),
    )
    assert [(f.name, f.kind, f.required) for f in fields(MeansGiven)] == [
        ("pay_with.means", Kind.CHOICE, True),
        ("pay_with.token", Kind.TEXT, True),
        ("pay_with.up_to", Kind.SUM, False),
    ]
    assert fields(DelayAnswered)[0].choices == ("true", "false")


def test_the_customer_is_known_and_not_asked_and_personal_fields_are_marked() -> None:
    assert "customer" not in {field.name for field in fields(AddressCorrected)}
    personal = {field.name for field in fields(AddressCorrected) if field.personal}
    assert personal == {"ship_to.street", "ship_to.city", "ship_to.postcode"}


def test_what_is_filled_in_becomes_the_payload() -> None:
    said = [("pay_with.means", "card"), ("pay_with.token", "tok_1"), ("pay_with.up_to", "")]
    filled = payload(MeansGiven, said, currency="EUR")
    assert filled == {"pay_with": {"means": "card", "token": "tok_1"}}
    assert MeansGiven.model_validate(filled).pay_with.up_to is None
    with pytest.raises(UnknownField, match=r"has no field 'color'; it has pay_with.means"):
        payload(MeansGiven, [("color", "red")], currency="EUR")


@pytest.mark.parametrize(("currency", "minor"), [("EUR", 1500), ("JPY", 15), ("KWD", 15_000)])
def test_a_sum_is_filled_in_in_main_units(currency: str, minor: int) -> None:
    said = [("pay_with.means", "card"), ("pay_with.up_to", "15")]
    assert payload(MeansGiven, said, currency=currency) == {"pay_with": {"means": "card", "up_to": minor}}
    with pytest.raises(InvalidEvents, match="is no sum"):
        payload(MeansGiven, [("pay_with.up_to", "15 or so")], currency=currency)


def test_a_form_with_lists_is_not_asked_field_by_field() -> None:
    class Listed(Event, type="listed"):
        lines: tuple[str, ...]

    assert not askable(Listed)
    assert askable(ReviewDecided)


def _keys(value: object, way: str = "") -> set[str]:
    if not isinstance(value, dict):
        return {way}
    return {key for name, part in value.items() for key in _keys(part, f"{way}/{name}")}


def test_both_languages_say_the_same_things() -> None:
    english, german = (tomllib.loads((TEXTS / f"{name}.toml").read_text("utf-8")) for name in ("en", "de"))
    assert _keys(english) == _keys(german)


def test_texts_speak_of_forms_fields_and_values_that_exist() -> None:
    forms = {ask.form.type: ask.form for ask in ASKS}
    for name, texts in tomllib.loads((TEXTS / "en.toml").read_text("utf-8"))["forms"].items():
        known = {field.name: field for field in fields(forms[name])}
        assert {*texts.get("fields", {}), *texts.get("hidden", ()), *texts.get("fixed", {})} <= set(known)
        for field, labels in texts.get("fields", {}).items():
            values = set(labels) - {"label", "options", "autocomplete", "when"}
            assert values == set(known[field].choices), field


def test_every_question_to_customers_has_words_of_its_own() -> None:
    asked = {ask.form.type for ask in ASKS if ask.role == "customer"}
    assert asked <= set(tomllib.loads((TEXTS / "de.toml").read_text("utf-8"))["forms"])


def test_a_form_without_words_is_shown_by_its_names() -> None:
    class Unheard(Event, type="toy.unheard_of"):
        new_colour: str
        sure: bool

    words = wording("fr-FR")
    assert words.language == "en"
    shown = words.asked(Unheard, told={}, said={}, errors={})
    assert [(each.label, each.choices) for each in shown] == [
        ("New colour", ()),
        ("Sure", (("true", "Yes"), ("false", "No"))),
    ]
    assert words.question(Unheard, otherwise="What now?") == "What now?"
    assert issubclass(Unheard, Facts)


def test_the_options_of_a_field_may_be_what_the_customer_was_told() -> None:
    told = {"similar": "CUP-RED, CUP-BLUE"}
    _, sku = wording("en").asked(ChoiceMade, told=told, said={}, errors={})
    assert [value for value, _ in sku.choices] == ["CUP-RED", "CUP-BLUE"]
