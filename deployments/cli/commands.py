"""``sop commands`` says what a provider is asked, and what it may answer."""

from __future__ import annotations

from typing import Annotated

import typer

from adapters.http_command.document import DISCLOSURES
from deployments.cli.output import AsJson, fail, plain_errors, print_json, print_table
from deployments.providers import commands as all_commands
from deployments.providers import performers
from deployments.settings import Settings
from machines.catalogue import CATALOGUE
from machines.kernel.command import CommandType


def commands(
    prefix: Annotated[
        str | None, typer.Argument(help="Only those of one prefix, such as warehouse, or one command.")
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """List the commands that providers perform: who asks, who performs, how each can end; --json has the
    schemas of what is sent and answered."""
    with plain_errors():
        who = performers(Settings())
    found = {
        name: (one, kind)
        for one, kinds in sorted(all_commands().items())
        for name, kind in sorted(kinds.items())
        if prefix in (None, one, name)
    }
    if not found:
        fail(f"no command is called {prefix}; prefixes are {', '.join(sorted(all_commands()))}", code=2)
    if as_json:
        print_json([_document(name, kind) for name, (_, kind) in found.items()])
        return
    rows = [
        {
            "command": name,
            "asked by": ", ".join(_askers(name)),
            "performed by": who[one],
            "ends in": ", ".join(outcome.type for outcome in kind.outcomes),
        }
        for name, (one, kind) in found.items()
    ]
    print_table("Commands", rows, as_json=False)


def _askers(name: str) -> list[str]:
    return [procedure.name for procedure in CATALOGUE if name in procedure.commands]


def _document(name: str, kind: CommandType) -> dict[str, object]:
    given = DISCLOSURES.get(name)
    return {
        "command": name,
        "procedures": _askers(name),
        "arguments": kind.takes.model_json_schema(),
        "personal": {"purpose": given.purpose, "fields": sorted(given.fields)} if given else None,
        "outcomes": [
            {
                "type": outcome.type,
                "text": (outcome.__doc__ or "").strip().partition("\n")[0],
                "data": outcome.model_json_schema(),
            }
            for outcome in kind.outcomes
        ],
        "attempts": kind.retry.attempts,
        "timeout": kind.timeout,
    }
