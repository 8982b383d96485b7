"""``sop send`` puts an event in the inbox, just as HTTP would."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated
from uuid import uuid4

import orjson
import typer

from adapters.personal import personal_in
from deployments.bootstrap import open_application
from deployments.cli.output import AsJson, console, fail, plain_errors, print_json
from deployments.settings import Settings
from machines.catalogue import CATALOGUE


def send(
    type: Annotated[str | None, typer.Argument(help="Event type, such as order.cancel_requested.")] = None,
    subject: Annotated[str | None, typer.Argument(help="Key of the case, such as SO-1001.")] = None,
    data: Annotated[str, typer.Argument(help="Payload as JSON; - reads it from standard input.")] = "{}",
    *,
    id: Annotated[
        str | None, typer.Option(help="Identity of the event; the same again does nothing.")
    ] = None,
    source: Annotated[str, typer.Option(help="Who says so.")] = "sop-send",
    file: Annotated[Path | None, typer.Option(help="A file of CloudEvents instead, one per line.")] = None,
    as_json: AsJson = False,
) -> None:
    """Send one event, or every CloudEvent of a file in one transaction."""
    if file is not None:
        events = [
            _parse(line, where=f"line {n}") for n, line in enumerate(file.open("rb"), 1) if line.strip()
        ]
    elif type is None or subject is None:
        fail("give TYPE and SUBJECT, or --file; 'sop send --help' shows how", code=2)
    else:
        payload = read_payload(data, type=type)
        envelope = {"specversion": "1.0", "id": id or str(uuid4()), "source": source}
        events = [{**envelope, "type": type, "subject": subject, "data": payload}]
    with plain_errors(), open_application(Settings()) as app:
        accepted = app.intake.accept(events)
        rows = [
            {"id": one.id, "type": one.type, "subject": one.subject, "duplicate": one.duplicate}
            for one in accepted
        ]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        again = " (received before)" if row["duplicate"] else ""
        console.print(f"accepted {row['type']} for {row['subject']}, id {row['id']}{again}", highlight=False)


def read_payload(data: str, *, type: str) -> dict[str, object]:
    """The payload in ``data``, or on standard input if that is a dash; ends the command if it is none, or if
    it may be personal and stands on the command line."""
    payload = _parse(sys.stdin.buffer.read() if data == "-" else data.encode(), where="DATA")
    if data != "-":
        _refuse_personal(type, payload)
    return payload


def _refuse_personal(type: str, payload: dict[str, object]) -> None:
    """The command line stays in the shell's history, and every user of the machine can list it."""
    kind = CATALOGUE.outside.get(type)
    personal = personal_in(kind, payload) if kind else []
    if personal:
        fail(
            f"{', '.join(personal)} of {type} may be personal and the command line is no place for it: "
            "give - as DATA and the payload on standard input, or --file",
            code=2,
        )


def _parse(text: bytes, *, where: str) -> dict[str, object]:
    try:
        parsed = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        fail(f"{where} is not JSON ({error})", code=2)
    if not isinstance(parsed, dict):
        fail(f"{where} is not a JSON object", code=2)
    return parsed
