"""The return policy over HTTP: the answer of the very object that decides, and errors that name the field."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import cast

import httpx
import pytest
from fastapi import FastAPI

from adapters.return_policy import add_return_policy
from adapters.store.base import Store
from adapters.web import create_app
from machines.returning import Reason, Sold
from machines.returns.eligibility import Answer, Question, assess
from machines.returns.terms import Terms
from tests.adapters.toys import ToyStore, intake

NOW = datetime(2026, 11, 25, 9, tzinfo=UTC)
TERMS = Terms(window_days=20)


def app() -> FastAPI:
    store = ToyStore()
    application = create_app(intake(store), store=cast(Store, store), explain=lambda _: [])
    add_return_policy(application, terms=TERMS, clock=lambda: NOW)
    return application


def get(path: str, **query: str) -> httpx.Response:
    async def asking() -> httpx.Response:
        transport = httpx.ASGITransport(app=app())
        async with httpx.AsyncClient(transport=transport, base_url="http://sop") as client:
            return await client.get(path, params=query)

    return asyncio.run(asking())


def test_the_policy_is_there_to_read() -> None:
    answer = get("/policy/returns")
    assert answer.status_code == 200
    assert answer.json()["rules"][0] == "Goods can be returned within 20 days from the day of delivery."
    assert Terms.model_validate(answer.json()["terms"]) == TERMS


@pytest.mark.parametrize(
    ("query", "now"),
    [
        ({"delivered": "2026-11-03"}, NOW),
        ({"delivered": "2026-11-24", "reason": "defective"}, NOW),
        ({"delivered": "2026-10-01", "on": "2026-10-02"}, datetime(2026, 10, 2, 10, tzinfo=UTC)),
    ],
)
def test_the_answer_is_that_of_the_policy_object(query: dict[str, str], now: datetime) -> None:
    found = get("/policy/returns/eligibility", sku="RADIO-ELECTRO", country="DE", price="4000", **query)
    question = Question(
        items=(Sold(sku="RADIO-ELECTRO", quantity=1, price=4000),),
        country="DE",
        currency="EUR",
        delivered=datetime.fromisoformat(f"{query['delivered']}T11:00:00Z"),
        reason=Reason(query.get("reason", Reason.CHANGED_MIND)),
    )
    expected = assess(question, terms=TERMS, now=now)
    answer = Answer.model_validate(found.json())
    assert answer.model_copy(update={"refund_by": None}) == expected.model_copy(update={"refund_by": None})
    assert (answer.refund_by is None) == (expected.refund_by is None)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"country": "DE", "delivered": "2026-11-03"}, "sku"),
        ({"sku": "MUG", "country": "DE", "delivered": "yesterday"}, "delivered"),
        ({"sku": "MUG", "country": "Germany", "delivered": "2026-11-03"}, "country"),
        ({"sku": "MUG", "country": "DE", "delivered": "2026-11-03", "currency": "XYZ"}, "currency"),
        ({"sku": "MUG", "country": "DE", "delivered": "2026-11-03", "reason": "ugly"}, "reason"),
        ({"sku": "MUG", "country": "DE", "delivered": "2026-11-03", "price": "-1"}, "price"),
    ],
)
def test_a_question_that_makes_no_sense_names_the_field(query: dict[str, str], field: str) -> None:
    answer = get("/policy/returns/eligibility", **query)
    assert answer.status_code == 422
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert f"{field}:" in answer.json()["detail"]


def test_both_addresses_are_in_the_api_documents() -> None:
    assert {"/policy/returns", "/policy/returns/eligibility"} <= set(app().openapi()["paths"])


def test_policy_and_answer_are_given_in_the_language_asked_for() -> None:
    rules = get("/policy/returns", locale="de-AT").json()["rules"]
    assert rules[0] == "Ware kann innerhalb von 20 Tagen ab dem Tag der Zustellung zurückgegeben werden."
    query = {"sku": "RAZOR-HYGIENE", "country": "DE", "delivered": "2026-11-03"}
    answer = Answer.model_validate(get("/policy/returns/eligibility", locale="de", **query).json())
    said = "RAZOR-HYGIENE kann aus Gründen der Hygiene nicht wieder verkauft werden"
    assert (answer.reasons, answer.lines[0].because) == ((said,), said)
    assert "bitten Sie uns, noch einmal hinzusehen (eine Beschwerde)" in answer.alternatives
