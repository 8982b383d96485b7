"""``sop notify`` tells staff what is parked or missing and was not told yet; ``--test`` tries all of them."""

from __future__ import annotations

from typing import Annotated

import typer

from adapters.notices.posting import Audience, Notice
from deployments.bootstrap import open_installation
from deployments.cli.output import AsJson, console, fail, plain_errors, print_json, print_table
from deployments.notifying import notifying, posting
from deployments.settings import Settings

_AUDIENCES: tuple[Audience, ...] = ("oncall", "operations")


def notify(
    *,
    test: Annotated[bool, typer.Option("--test", help="Send a test message to every receiver.")] = False,
    as_json: AsJson = False,
) -> None:
    """Tell staff of parked steps and missing workers that nobody was told of yet."""
    with plain_errors():
        settings = Settings()
        if test:
            _test(settings, as_json=as_json)
            return
        with open_installation(settings) as app:
            found = notifying(settings, app.store, clock=app.clock)
            told = found.no_worker() + found.parked()
    if as_json:
        print_json({"messages": told})
    else:
        console.print(f"{told} messages sent" if told else "nothing that was not told before")


def _test(settings: Settings, *, as_json: bool) -> None:
    post = posting(settings)
    sent = [
        (who, fault)
        for audience in _AUDIENCES
        for who, fault in post.send(
            Notice(audience, "sop: a test", f"A test: {audience} would be told of what needs them here.")
        )
    ]
    if not sent:
        fail("nobody is to be told; set notify.oncall in sop.toml (docs/howto/on-call.md) [not-delivered]")
    rows = [{"receiver": who.name, "result": fault or "sent"} for who, fault in dict(sent).items()]
    print_table("Receivers", rows, as_json=as_json)
    if any(fault for _, fault in sent):
        raise typer.Exit(1)
