"""What staff are asked in Prefect, and how it becomes the event."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.asking.staff import in_short, payload, schema
from adapters.intake import InvalidEvents
from adapters.personal import personal_fields
from machines.catalogue import CATALOGUE
from machines.complaint.events import CauseFound, ComplaintAssessed, ResolutionProposed
from machines.kernel.state import Ask
from machines.order.events import ReviewDecided
from machines.refund.events import AlternativeChosen
from machines.returns.events import ReturnInspected

ASKS = [state for procedure in CATALOGUE for state in procedure.states if isinstance(state, Ask)]


def test_staff_choose_between_yes_and_no_and_see_nothing_personal() -> None:
    review: Any = schema(ReviewDecided, currency="EUR")
    assert review["properties"]["accept"]["enum"] == ["yes", "no"]
    assert review["required"] == ["accept", "reason"]
    assert ReviewDecided.model_validate({"accept": "yes", "reason": "-"}).accept is True
    alternative: Any = schema(AlternativeChosen, currency="EUR")
    assert set(alternative["properties"]) == {"means", "wording"}
    assert alternative["properties"]["means"]["enum"] == ["card", "store credit", "bank transfer"]


@pytest.mark.parametrize("ask", ASKS, ids=lambda ask: ask.name)
def test_every_form_of_staff_is_a_schema_without_anything_personal(ask: Ask) -> None:
    form: Any = schema(ask.form, currency="EUR")
    names = set(form["properties"])
    assert names.isdisjoint({name.partition(".")[0] for name in personal_fields(ask.form)})
    assert set(form["required"]) <= names
    assert "$ref" not in str(form) or "#/definitions/" in str(form)


@pytest.mark.parametrize("ask", ASKS, ids=lambda ask: ask.name)
def test_what_stands_in_a_form_at_first_fits_it(ask: Ask) -> None:
    """Prefect checks what nobody has touched, too."""
    form: Any = schema(ask.form, currency="EUR")
    for name, part in form["properties"].items():
        usual = part.get("default")
        assert usual is None or usual in part.get("enum", [usual]), name
        assert usual is None or isinstance(usual, str) is (part.get("type") == "string"), name


def test_every_choice_is_explained_beside_it() -> None:
    form: Any = schema(ComplaintAssessed, currency="EUR")
    severity = form["properties"]["severity"]
    assert severity["enum"] == ["S1", "S2", "S3", "S4"]
    assert "S1: safety or law" in severity["description"]
    assert form["properties"]["action"]["title"] == "Done at once"


@pytest.mark.parametrize(
    ("currency", "written", "minor"),
    [("EUR", 400, 40000), ("EUR", 12.5, 1250), ("EUR", 0.1, 10), ("JPY", 400, 400), ("KWD", 1.25, 1250)],
)
def test_money_is_written_in_main_units(currency: str, written: float, minor: int) -> None:
    form: Any = schema(ResolutionProposed, currency=currency)
    assert form["properties"]["amount"]["type"] == "number"
    assert form["properties"]["amount"]["description"].startswith(f"In {currency}, such as 1")
    said = payload(ResolutionProposed, {"amount": written}, currency=currency, who="")
    assert said == {"amount": minor}


@pytest.mark.parametrize("written", [12.345, "a lot", float("nan"), float("inf"), True, None])
def test_what_is_no_sum_is_refused_with_an_example(written: object) -> None:
    with pytest.raises(InvalidEvents) as refused:
        payload(ResolutionProposed, {"amount": written}, currency="EUR", who="")
    assert "is no sum in EUR; write it like 12.50" in refused.value.faults[0].remedy


def test_who_answers_is_asked_once() -> None:
    form: Any = schema(ReturnInspected, currency="EUR")
    assert set(form["properties"]) == {"found"}
    assert payload(ReturnInspected, {"found": []}, currency="EUR", who="M. Mill")["by"] == "M. Mill"
    assert "by" not in payload(CauseFound, {"cause": "-"}, currency="EUR", who="M. Mill")


def test_what_was_said_before_stands_in_the_form() -> None:
    form: Any = schema(CauseFound, currency="EUR", said={"cause": "a seal", "upheld": "yes", "other": 1})
    defaults = {name: part.get("default") for name, part in form["properties"].items()}
    assert defaults == {"cause": "a seal", "upheld": "yes", "without_answers": "no"}


def test_an_answer_in_short_has_choices_and_sums_and_no_texts() -> None:
    proposed = {"remedy": "voucher", "amount": 1500, "explanation": "Ada waited"}
    assert in_short(ResolutionProposed, proposed, currency="EUR") == "remedy: voucher, amount: 15.00 EUR"
    found = [{"sku": "KETTLE", "quantity": 2, "condition": "worth less", "worth": 60}]
    inspected = in_short(ReturnInspected, {"by": "M. Mill", "found": found}, currency="EUR")
    assert inspected == "found: 2 x KETTLE, worth less (60 %)"
    assert in_short(CauseFound, {"cause": "-", "upheld": "no"}, currency="EUR") == "upheld: no"
    assert in_short(ResolutionProposed, {"remedy": "nothing"}, currency="EUR") == ""
