"""The documents for integrators: OpenAPI and AsyncAPI agree with what the intake takes."""

from __future__ import annotations

import re
from collections.abc import Iterator

import orjson
import pytest
from fastapi import FastAPI
from jsonschema import Draft202012Validator

from adapters.bulletins.happening import TYPES as BULLETINS
from adapters.envelope import BATCH, STRUCTURED
from adapters.event_types import Schema, event_types
from machines.catalogue import CATALOGUE
from tests.adapters.test_web import app, ask
from tests.adapters.toys import ToyStore, real

TYPES = sorted(CATALOGUE.outside)
TOLD = sorted(BULLETINS)


@pytest.fixture(scope="module")
def house() -> FastAPI:
    """Takes the events of all procedures."""
    return app(intake=real())


@pytest.fixture(scope="module")
def asyncapi(house: FastAPI) -> Schema:
    found: Schema = ask(house, "GET", "/asyncapi.json").json()
    return found


@pytest.fixture(scope="module")
def openapi(house: FastAPI) -> Schema:
    found: Schema = ask(house, "GET", "/openapi.json").json()
    return found


def references(part: object) -> Iterator[str]:
    if isinstance(part, dict):
        yield from ([part["$ref"]] if isinstance(part.get("$ref"), str) else [])
        for inner in part.values():
            yield from references(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from references(inner)


def resolve(document: Schema, reference: str) -> object:
    found: object = document
    for step in reference.removeprefix("#/").split("/"):
        assert isinstance(found, dict)
        found = found[step]
    return found


def test_every_reference_leads_somewhere(asyncapi: Schema, openapi: Schema) -> None:
    for document in (asyncapi, openapi):
        found = set(references(document))
        assert len(found) > 20
        assert all(resolve(document, reference) is not None for reference in found)


def test_asyncapi_has_a_message_for_each_type_and_an_operation_for_each_procedure(asyncapi: Schema) -> None:
    assert asyncapi["asyncapi"] == "3.0.0"
    assert asyncapi["servers"]["web"] == {"host": "sop", "protocol": "http"}
    assert sorted(asyncapi["channels"]["events"]["messages"]) == TYPES
    assert sorted(asyncapi["components"]["messages"]) == sorted([*TYPES, *TOLD])
    assert all(re.fullmatch(r"[\w.-]+", name) for name in asyncapi["components"]["messages"])
    assert list(asyncapi["operations"]) == [*(procedure.name for procedure in CATALOGUE), "subscriber"]
    sent = [part["$ref"] for each in asyncapi["operations"].values() for part in each["messages"]]
    assert sorted(reference.rpartition("/")[2] for reference in sent) == sorted([*TYPES, *TOLD])


@pytest.mark.parametrize("name", TOLD)
def test_asyncapi_shows_what_subscribers_are_told(name: str, asyncapi: Schema) -> None:
    message = asyncapi["components"]["messages"][name]
    schema = {**message["payload"], "components": asyncapi["components"]}
    for example in message["examples"]:
        Draft202012Validator(schema).validate(example["payload"])
        data = example["payload"]["data"]
        state = {one.name: one for one in CATALOGUE.procedure(data["procedure"]).states}[data["state"]]
        assert (state.title, getattr(state, "outcome", None), getattr(state, "role", None)) == (
            *(data["title"], data["outcome"], data["role"]),
        )


def test_asyncapi_says_what_becomes_of_an_event_in_which_state(asyncapi: Schema) -> None:
    received = asyncapi["components"]["messages"]["order.cancel"]["x-received"]
    by_state = {state: one for one in received for state in one["states"]}
    assert by_state["confirmed"]["disposition"] == "deferred"
    assert by_state["delivered"]["because"].startswith("the goods have been delivered")


@pytest.mark.parametrize("name", TYPES)
def test_every_example_fits_its_schema_and_is_taken(name: str, asyncapi: Schema, house: FastAPI) -> None:
    message = asyncapi["components"]["messages"][name]
    schema = {**message["payload"], "components": asyncapi["components"]}
    assert message["examples"]
    for example in message["examples"]:
        Draft202012Validator(schema).validate(example["payload"])
    body = orjson.dumps([example["payload"] for example in message["examples"]])
    answer = ask(house, "POST", "/events", content=body, headers={"content-type": BATCH})
    assert answer.status_code == 202, answer.text


def test_openapi_shows_every_example_of_every_type(openapi: Schema, asyncapi: Schema) -> None:
    content = openapi["paths"]["/events"]["post"]["requestBody"]["content"]
    shown = [example["value"] for example in content[STRUCTURED]["examples"].values()]
    messages = [asyncapi["components"]["messages"][name] for name in TYPES]
    assert shown == [example["payload"] for message in messages for example in message["examples"]]
    assert sorted({example["type"] for example in shown}) == TYPES


def test_the_examples_of_the_other_modes_are_taken_too(openapi: Schema) -> None:
    operation = openapi["paths"]["/events"]["post"]
    content = operation["requestBody"]["content"]
    headers = {one["name"]: one["example"] for one in operation["parameters"] if "example" in one}
    for media_type, extra in ((BATCH, {}), ("application/json", headers)):
        body = orjson.dumps(content[media_type]["example"])
        answer = ask(
            app(intake=real()), "POST", "/events", content=body, headers={"content-type": media_type, **extra}
        )
        assert answer.status_code == 202, answer.text


def test_the_documents_lead_to_one_another(house: FastAPI, openapi: Schema) -> None:
    assert "/asyncapi.json" in openapi["info"]["description"]
    assert ask(house, "GET", "/docs").status_code == 200


def test_types_can_be_asked_for_by_procedure() -> None:
    assert {one.sop for one in event_types(CATALOGUE, sop="refund")} == {"refund"}
    assert sorted(one.type for one in event_types(CATALOGUE)) == TYPES


def test_fields_are_told_in_words() -> None:
    (placed,) = (one for one in event_types(CATALOGUE) if one.type == "order.placed")
    told = {field.name: field for field in placed.fields}
    assert told["lines"].type == "list of {sku: text, quantity: integer, price: integer}"
    assert told["deliver_by"].type == "date"
    assert (told["buyer"].personal, told["order"].personal) == (True, False)
    assert (told["order"].required, told["channel"].required) == (True, False)


def test_no_two_examples_are_the_same_event() -> None:
    store = ToyStore()
    samples = [sample for one in event_types(CATALOGUE) for sample in one.examples]
    assert len(real(store).accept(samples)) == len(samples) == len(store.letters)
