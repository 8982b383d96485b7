"""``sop letters`` lists what came in and why it did not get further; never what is in it."""

from __future__ import annotations

from typing import Annotated

import typer

from adapters.store.base import InboxRow, InboxStatus
from deployments.bootstrap import open_installation
from deployments.cli.output import AsJson, plain_errors, print_table
from deployments.settings import Settings


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
    """List events that came in, latest first, with what became of them and why."""
    asked = {InboxStatus.DEAD: dead, InboxStatus.UNMATCHED: unmatched, InboxStatus.REFUSED: refused}
    wanted = tuple(status for status, chosen in asked.items() if chosen)
    with plain_errors(), open_installation(Settings()) as app:
        found = app.store.inbox(status=wanted, limit=limit)
        print_table("Letters", [_row(row) for row in found], as_json=as_json)


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
