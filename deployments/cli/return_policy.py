"""``sop return-policy`` says what the return policy is, and what it answers for given goods."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer
from pydantic import ValidationError

from deployments.bootstrap import utc_now
from deployments.cli.output import AsJson, console, fail, plain_errors, print_json, print_table
from deployments.settings import Settings
from machines.catalogue import CATALOGUE
from machines.kernel.money import Money
from machines.policy import DEFAULT
from machines.policy import load as load_policy
from machines.returning import Reason, Sold
from machines.returns.eligibility import Answer, Question, assess
from machines.returns.terms import Terms
from machines.returns.wording import in_words

Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"])]


def return_policy(
    *,
    sku: Annotated[list[str] | None, typer.Option(help="An article; give it again for several.")] = None,
    delivered: Day = None,
    on: Day = None,
    country: Annotated[str, typer.Option(help="Where the goods are, as ISO 3166 code.")] = "DE",
    price: Annotated[int, typer.Option(help="Of each piece, in minor units.")] = 0,
    currency: Annotated[str, typer.Option(help="ISO 4217 code.")] = "EUR",
    reason: Annotated[Reason, typer.Option(help="Why the goods come back.")] = Reason.CHANGED_MIND,
    as_json: AsJson = False,
) -> None:
    """Print the return policy; with --sku and --delivered, whether those goods may come back, and why."""
    with plain_errors():
        terms = load_policy(Settings().policy or DEFAULT).terms_of(CATALOGUE.procedure("return"))
    assert isinstance(terms, Terms)
    if not sku:
        _print_rules(in_words(terms), as_json=as_json)
        return
    if delivered is None:
        fail("--sku needs --delivered, the day on which the goods came, such as 2026-11-01", code=2)
    try:
        question = Question(
            items=tuple(Sold(sku=one, quantity=1, price=price) for one in sku),
            country=country,
            currency=currency,
            delivered=terms.noon(delivered.date()),
            reason=reason,
        )
    except ValidationError as error:
        fail("; ".join(f"{one['loc'][-1]}: {one['msg']}" for one in error.errors()), code=2)
    now = terms.noon(on.date()) if on else utc_now()
    _print_answer(assess(question, terms=terms, now=now), as_json=as_json)


def _print_rules(rules: tuple[str, ...], *, as_json: bool) -> None:
    if as_json:
        print_json({"rules": rules})
        return
    for rule in rules:
        console.print(f"- {rule}", highlight=False, markup=False)


def _print_answer(answer: Answer, *, as_json: bool) -> None:
    if as_json:
        print_json(answer.model_dump(mode="json"))
        return

    def money(amount: int) -> str:
        return str(Money(amount=amount, currency=answer.currency))

    console.print(answer.explained, highlight=False, markup=False, soft_wrap=True)
    rows = [
        {
            "sku": line.sku,
            "group": line.group,
            "answer": line.ruling,
            "until": line.last_day.isoformat(),
            "fee": f"{line.fee_percent} %",
            "goes back": money(line.refund),
        }
        for line in answer.lines
    ]
    print_table("Return", rows, as_json=False)
    for alternative in answer.alternatives:
        console.print(f"instead: {alternative}", highlight=False, markup=False)
