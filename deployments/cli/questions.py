"""``sop asks`` lists open questions, ``sop answer`` answers one, ``sop token`` makes a customer's link."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path
from typing import Annotated

import orjson
import typer

from adapters.asking import sums
from adapters.asking.answers import Became, source_of
from adapters.asking.form import FormField, Kind, UnknownField, fields, payload
from adapters.asking.questions import CUSTOMER, Question, Questions
from adapters.intake import InvalidEvents
from deployments.bootstrap import open_application, open_installation
from deployments.cli.naming import CaseKey
from deployments.cli.output import AsJson, console, fail, plain_errors, print_json, print_table
from deployments.installed import require_installation
from deployments.settings import Settings


def asks(
    *,
    role: Annotated[str | None, typer.Option(help="Only what this role is asked, such as finance.")] = None,
    case: Annotated[str | None, typer.Option(help="Only what this case asks.")] = None,
    limit: Annotated[int, typer.Option(help="At most so many.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List the questions that wait for an answer, the oldest first: who is asked, since when, until when."""
    with plain_errors(), open_installation(Settings()) as app:
        found = app.questions.of_key(case) if case else app.questions.open()
        chosen = [question for question in found if role in (None, question.role)][:limit]
        rows = [_row(question) for question in chosen]
        if as_json:
            forms = [{"form": question.form.type} for question in chosen]
            print_json([row | form for row, form in zip(rows, forms, strict=True)])
        else:
            print_table("Questions", rows, as_json=False)


def answer(
    key: CaseKey,
    *,
    form: Annotated[
        list[str] | None,
        typer.Option(
            help="A field of the form, as field=value; once for each. Sums in main units: amount=12.50."
        ),
    ] = None,
    json: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The whole payload as JSON, sums in minor units; - reads it from standard input.",
        ),
    ] = None,
    who: Annotated[str, typer.Option(help="Your name, for the journal.")] = "",
) -> None:
    """Answer the open question of a case; without a field or file it says what is asked."""
    settings = Settings()
    with plain_errors():
        require_installation(settings)
        with open_application(settings) as app:
            question = _only(app.questions, key)
            if not form and json is None:
                _explain(question)
                return
            source = source_of("sop-answer", who or getpass.getuser())
            try:
                data = _from_file(json) if json is not None else _from_fields(question, form or ())
                became = app.answers.give(question, data, source=source)
            except InvalidEvents as error:
                fail(_faults(error), code=2)
    if became.became in (Became.REFUSED, Became.LATE):
        fail(f"not taken: {became.reason}")
    if became.became is Became.WAITING:
        console.print(f"{question.case.id}: kept; no worker has decided yet, see 'sop doctor'")
    else:
        console.print(f"{question.case.id}: taken; the case stands at: {became.title}", highlight=False)


def token(key: CaseKey, *, as_json: AsJson = False) -> None:
    """Print a new link with which the customer answers the open question of a case."""
    settings = Settings()
    with plain_errors():
        require_installation(settings)
        with open_application(settings) as app:
            question = _only(app.questions, key, customer=True)
            link = app.links.url(question.id)
    if as_json:
        print_json({"case": question.case.id, "question": question.id, "link": link})
    else:
        sys.stdout.write(f"{link}\n")


def _only(questions: Questions, key: str, *, customer: bool | None = None) -> Question:
    found = [question for question in questions.of_key(key) if customer in (None, question.for_customer)]
    if not found:
        whom = f" the {CUSTOMER}" if customer else ""
        fail(f"{key} asks{whom} nothing; 'sop asks' lists every open question", code=2)
    if len(found) > 1:
        names = " or ".join(question.case.id for question in found)
        fail(f"{key} names several cases that ask something; say {names}", code=2)
    return found[0]


def _row(question: Question) -> dict[str, object]:
    return {
        "case": question.case.id,
        "question": question.ask.title,
        "asks": question.role,
        "since": question.since,
        "deadline": question.due.due if question.due else None,
        "then": question.deadline.text if question.deadline else "",
    }


def _explain(question: Question) -> None:
    shape = [
        {
            "field": field.name,
            "kind": _kind(field, question.currency),
            "values": ", ".join(field.choices),
            "required": field.required,
            "personal": field.personal,
        }
        for field in _fields(question)
    ]
    console.print(f"[bold]{question.case.id}[/bold]  {question.ask.title}: {question.ask.text}")
    console.print(f"Answered by {question.form.type}", highlight=False)
    known = [{"known": label, "is": value} for label, value in question.known.items()]
    console.print()
    print_table("What is known", known, as_json=False)
    console.print()
    print_table("Fields of the answer", shape, as_json=False)


def _kind(field: FormField, currency: str) -> str:
    is_sum = currency and field.kind is Kind.SUM
    return f"{field.kind.value} {sums.how(currency)}" if is_sum else field.kind.value


def _from_fields(question: Question, said: list[str] | tuple[str, ...]) -> dict[str, object]:
    pairs = []
    for one in said:
        field, equals, value = one.partition("=")
        if not equals:
            fail(f"--form {one}: write it as field=value", code=2)
        pairs.append((field, value))
    personal = {field.name for field in _fields(question) if field.personal} & {field for field, _ in pairs}
    if personal:
        fail(
            f"{', '.join(sorted(personal))} may be personal and the command line is no place for it: "
            "give --json FILE, or --json - and the payload on standard input",
            code=2,
        )
    try:
        return payload(question.form, pairs, currency=question.currency)
    except UnknownField as error:
        fail(str(error), code=2)


def _fields(question: Question) -> tuple[FormField, ...]:
    try:
        return fields(question.form)
    except TypeError:
        fail(f"{question.form.type} has lists: give its payload with --json FILE", code=2)


def _from_file(path: Path) -> dict[str, object]:
    try:
        text = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
        parsed = orjson.loads(text)
    except (OSError, orjson.JSONDecodeError) as error:
        fail(f"--json {path}: {error}", code=2)
    if not isinstance(parsed, dict):
        fail(f"--json {path}: write the payload as a JSON object", code=2)
    return parsed


def _faults(error: InvalidEvents) -> str:
    return "; ".join(f"{fault.field.removeprefix('data.')}: {fault.remedy}" for fault in error.faults)
