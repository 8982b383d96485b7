"""``sop letters`` lists what came in and why it did not get further, ``sop letter`` explains one of them, and
``sop resend`` sends one again, corrected if need be. Personal fields are never shown."""

from __future__ import annotations

import getpass
from typing import Annotated

import orjson
import typer

from adapters.correction import Correction
from adapters.dead_letters import NotResendable
from adapters.sealing import redact
from adapters.store.records import InboxRow, InboxStatus
from deployments.bootstrap import open_application, open_installation
from deployments.cli.output import AsJson, console, plain_errors, print_json, print_table
from deployments.cli.send import read_payload
from deployments.installed import require_installation
from deployments.settings import Settings

Number = Annotated[int, typer.Argument(help="The letter's number, as 'sop letters' lists it.")]


def letters(
    *,
    dead: Annotated[bool, typer.Option("--dead", help="Those that no case could take.")] = False,
    unmatched: Annotated[
        bool, typer.Option("--unmatched", help="Those that wait for their case to open.")
    ] = False,
    refused: Annotated[bool, typer.Option("--refused", help="Those that their case refused.")] = False,
    limit: Annotated[int, typer.Option(help="At most so many.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List events that came in, latest first: what became of them, why, and what they would need."""
    asked = {InboxStatus.DEAD: dead, InboxStatus.UNMATCHED: unmatched, InboxStatus.REFUSED: refused}
    wanted = tuple(status for status, chosen in asked.items() if chosen)
    with plain_errors(), open_installation(Settings()) as app:
        found = app.store.inbox(status=wanted, limit=limit)
        dead_letters = app.dead_letters
        rows = [_row(row) | {"needs": dead_letters.needed(row)} for row in found]
        print_table("Letters", rows, as_json=as_json)


def letter(number: Number, *, as_json: AsJson = False) -> None:
    """Explain one letter: what it says, what became of it, why, and what it would need."""
    with plain_errors(), open_installation(Settings()) as app:
        row = app.store.numbered(number)
        if row is None:
            raise NotResendable(f"there is no letter {number}; 'sop letters' lists all")
        dead_letters = app.dead_letters
        successor = dead_letters.successor(row)
        told = _row(row) | {
            "needs": dead_letters.needed(row),
            "sent_again_as": successor.number if successor else None,
            "data": redact(orjson.loads(row.letter.body)),
        }
    if as_json:
        print_json(told)
        return
    shown = told | {
        "received": f"{row.letter.received:%Y-%m-%d %H:%M:%S} UTC",
        "data": orjson.dumps(told["data"], option=orjson.OPT_INDENT_2).decode(),
    }
    fields = [{"field": name.replace("_", " "), "is": value} for name, value in shown.items() if value]
    print_table("Letter", fields, as_json=False)


def resend(
    number: Number,
    *,
    reason: Annotated[str, typer.Option(help="Why; it is journalled.")],
    who: Annotated[str, typer.Option(help="Your name, for the journal.")] = "",
    subject: Annotated[str | None, typer.Option(help="The key of another case.")] = None,
    type: Annotated[str | None, typer.Option(help="Another event type.")] = None,
    data: Annotated[
        str, typer.Option(help="Fields to change, as JSON; null takes one out; - reads standard input.")
    ] = "{}",
    customer: Annotated[str | None, typer.Option(help="Whose personal fields these are.")] = None,
    as_json: AsJson = False,
) -> None:
    """Send a dead, unmatched or refused letter again, as it is or corrected; the old one is kept."""
    settings = Settings()
    with plain_errors():
        require_installation(settings)
        with open_application(settings) as app:
            row = app.store.numbered(number)
            payload = read_payload(data, type=type or (row.letter.type if row else ""))
            changes = Correction(subject, type, payload, customer)
            sent = app.resend(number, changes, who or getpass.getuser(), reason)
    told = {
        "letter": number,
        "sent_again_as": sent.number,
        "type": sent.letter.type,
        "case": sent.letter.case,
    }
    if as_json:
        print_json(told)
        return
    console.print(
        f"letter {number} is sent again as {sent.number}: {sent.letter.type} for {sent.letter.case}; "
        f"'sop letter {sent.number}' tells what becomes of it",
        highlight=False,
        soft_wrap=True,
    )


def _row(row: InboxRow) -> dict[str, object]:
    letter = row.letter
    return {
        "number": row.number,
        "source": letter.source,
        "id": letter.id,
        "type": letter.type,
        "case": letter.case,
        "received": letter.received,
        "status": row.status.value,
        "reason": row.reason,
    }
