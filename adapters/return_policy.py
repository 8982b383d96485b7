"""The return policy over HTTP: in plain words, and as the explained answer to a question about given goods.

Read-only, and computed by the same object that decides about real returns.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated

from fastapi import FastAPI, Query
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from adapters.messages.words import language, word
from adapters.problems import Problem
from machines.between import Sku
from machines.kernel.money import Amount, Currency
from machines.returning import Reason, Sold
from machines.returns.eligibility import Answer, Question, assess
from machines.returns.terms import Terms
from machines.returns.wording import in_words

Country = Annotated[str, Query(pattern=r"^[A-Z]{2}$", description="ISO 3166 code of where the goods are")]


Locale = Annotated[str, Query(max_length=35, description="language of the sentences, such as de-AT")]


class Policy(BaseModel):
    """``rules`` are for people, ``terms`` the numbers behind them."""

    rules: tuple[str, ...]
    terms: Terms


def add_return_policy(app: FastAPI, *, terms: Terms, clock: Callable[[], datetime]) -> None:
    app.add_exception_handler(RequestValidationError, _invalid)

    @app.get("/policy/returns", tags=["policy"], summary="The return policy")
    def show_policy(locale: Locale = "en") -> Policy:
        return Policy(rules=worded(in_words(terms), locale), terms=terms)

    @app.get("/policy/returns/eligibility", tags=["policy"], summary="May these goods come back?")
    def show_eligibility(
        *,
        sku: Sku,
        delivered: date,
        country: Country,
        price: Amount = 0,
        quantity: Annotated[int, Query(ge=1, le=10_000)] = 1,
        currency: Currency = "EUR",
        reason: Reason = Reason.CHANGED_MIND,
        locale: Locale = "en",
        on: Annotated[date | None, Query(description="the day of the request; today if not given")] = None,
    ) -> Answer:
        question = Question(
            items=(Sold(sku=sku, quantity=quantity, price=price),),
            country=country,
            currency=currency,
            delivered=terms.noon(delivered),
            reason=reason,
        )
        answer = assess(question, terms=terms, now=terms.noon(on) if on else clock())
        return answered(answer, locale)


def worded(sayings: tuple[str, ...], locale: str) -> tuple[str, ...]:
    """In English as the policy says them, which procedures and journals do too."""
    return sayings if language(locale) == "en" else tuple(word(one, locale=locale) for one in sayings)


def answered(answer: Answer, locale: str) -> Answer:
    lines = tuple(
        line.model_copy(update={"because": worded((line.because,), locale)[0]}) for line in answer.lines
    )
    reasons, alternatives = worded(answer.reasons, locale), worded(answer.alternatives, locale)
    return answer.model_copy(update={"reasons": reasons, "alternatives": alternatives, "lines": lines})


async def _invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    wrong = "; ".join(f"{one['loc'][-1]}: {one['msg']}" for one in error.errors())
    return Problem("invalid-query", wrong).response()
