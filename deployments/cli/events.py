"""``sop events`` lists what can be sent in: to which procedure, with which fields, and what becomes of it."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Annotated

import orjson
import typer

from adapters.event_types import EventType, event_types
from deployments.cli.output import AsJson, console, fail, plain_errors, print_json, print_table
from machines.catalogue import CATALOGUE
from machines.kernel.rule import Disposition


def events(
    type: Annotated[
        str | None, typer.Argument(help="One type in full, such as order.cancel; its beginning lists some.")
    ] = None,
    *,
    sop: Annotated[str | None, typer.Option(help="Only what this procedure takes, such as order.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the events that can be sent; for one type its fields, an example and what becomes of it where."""
    with plain_errors():
        known = event_types(CATALOGUE, sop=sop)
    found = [one for one in known if type is None or one.type == type] or [
        one for one in known if type is not None and one.type.startswith(type)
    ]
    if not found:
        near = get_close_matches(type or "", [one.type for one in known], n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else "'sop events' lists all"
        fail(f"no procedure takes {type!r} from outside{f' in {sop}' if sop else ''}; {hint}", code=2)
    if as_json:
        print_json([one.model_dump(mode="json") for one in found])
    elif type is not None and len(found) == 1:
        _print(found[0])
    else:
        print_table("Events", [_row(one) for one in found], as_json=False)


def _row(event: EventType) -> dict[str, object]:
    row: dict[str, object] = {"type": event.type, "sop": event.sop, "opens": "a case" if event.opens else ""}
    for disposition in Disposition:
        states = [
            state for one in event.received if one.disposition == disposition.value for state in one.states
        ]
        row[disposition.value] = f"in {len(states)} states" if len(states) > 3 else ", ".join(states)
    return row


def _print(event: EventType) -> None:
    opens = "opens a case" if event.opens else "kept until its case is there"
    console.print(f"[bold]{event.type}[/bold]  to {event.sop}; {opens}", highlight=False)
    console.print(event.text, highlight=False, markup=False)
    fields = [
        {
            "field": field.name,
            "holds": field.type,
            "": "; ".join(
                word
                for word, holds in (("required", field.required), ("personal, sealed", field.personal))
                if holds
            ),
        }
        for field in event.fields
    ]
    console.print()
    print_table("Fields", fields, as_json=False)
    console.print()
    received = [
        {
            "disposition": one.disposition,
            "in": ", ".join(one.states),
            "otherwise": one.otherwise or "",
            "because": one.because,
        }
        for one in event.received
    ]
    print_table("What becomes of it", received, as_json=False)
    console.print("\nExample", style="italic")
    console.print(orjson.dumps(event.examples[0], option=orjson.OPT_INDENT_2).decode(), markup=False)
