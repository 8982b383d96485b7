"""``sop subscribe`` has a URL told what happens to cases; ``sop subscriptions`` lists who is told and how
far, and pauses, resumes, removes, replays and rotates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from adapters.bulletins.subscribing import OVERLAP, Moved, Subscribed
from deployments.bootstrap import open_application, open_installation
from deployments.cli.output import AsJson, console, plain_errors, print_json, print_table
from deployments.installed import require_installation
from deployments.settings import Settings, without_password

subscriptions = typer.Typer(add_completion=False)

Name = Annotated[str, typer.Argument(help="The subscription's name, as 'sop subscriptions' lists it.")]


def subscribe(
    url: Annotated[str, typer.Argument(help="Where events are posted: https://...")],
    *,
    sop: Annotated[list[str] | None, typer.Option(help="Only this procedure; may be repeated.")] = None,
    type: Annotated[
        list[str] | None, typer.Option(help="Only this type, such as case.ended; may be repeated.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="What to call it; its host if not given.")] = None,
    as_json: AsJson = False,
) -> None:
    """Have a URL told what happens to cases from now on; its secret is shown this once."""
    settings = Settings()
    with plain_errors():
        require_installation(settings)
        with open_application(settings) as app:
            made = app.subscribing.subscribe(url, sops=sop or (), types=type or (), name=name)
    _tell_secret(made, f"{made.subscription.name} is told what happens from now on", as_json=as_json)


@subscriptions.callback(invoke_without_command=True)
def listed(context: typer.Context, *, as_json: AsJson = False) -> None:
    """List who is told what happens to cases: position, what waits, the latest failure."""
    if context.invoked_subcommand is not None:
        return
    with plain_errors(), open_installation(Settings()) as app:
        rows = [_row(one, as_json=as_json) for one in app.subscribing.all()]
    print_table("Subscriptions", rows, as_json=as_json)


@subscriptions.command()
def pause(name: Name, *, as_json: AsJson = False) -> None:
    """Tell it nothing until it is resumed; what happens meanwhile is kept for it."""
    with plain_errors(), open_installation(Settings()) as app:
        _tell(app.subscribing.pause(name), "is paused", as_json=as_json)


@subscriptions.command()
def resume(name: Name, *, as_json: AsJson = False) -> None:
    """Go on at once, after a pause, after it was disabled, or instead of waiting for the next try."""
    with plain_errors(), open_installation(Settings()) as app:
        _tell(app.subscribing.resume(name), "goes on", as_json=as_json)


@subscriptions.command()
def remove(name: Name, *, as_json: AsJson = False) -> None:
    """Forget a subscription, its secret and its position."""
    with plain_errors(), open_installation(Settings()) as app:
        app.subscribing.remove(name)
    if as_json:
        print_json({"name": name, "removed": True})
    else:
        console.print(f"{name} is removed", highlight=False)


@subscriptions.command()
def replay(
    name: Name,
    *,
    since: Annotated[
        str,
        typer.Option("--from", help="The position to be told next, or a time such as 2026-12-03T10:20:00Z."),
    ],
    as_json: AsJson = False,
) -> None:
    """Tell it again from a position or a time on, or skip what comes before a later position."""
    with plain_errors(), open_installation(Settings()) as app:
        moved = app.subscribing.replay(name, since=since)
        _tell(moved, f"is told from position {moved.subscription.position + 1} on", as_json=as_json)


@subscriptions.command()
def rotate(name: Name, *, as_json: AsJson = False) -> None:
    """Give it a new secret, shown this once; for a day events are signed with the former one too."""
    settings = Settings()
    with plain_errors():
        require_installation(settings)
        with open_application(settings) as app:
            made = app.subscribing.rotate(name)
    hours = f"{OVERLAP.total_seconds() / 3600:g} h"
    _tell_secret(made, f"{name} has a new secret; the former one is good for {hours}", as_json=as_json)


def _tell_secret(made: Subscribed, told: str, *, as_json: bool) -> None:
    if as_json:
        subscription = made.subscription
        print_json({"name": subscription.name, "url": subscription.url, "secret": made.secret})
        return
    console.print(f"{told}\nsecret, shown this once: {made.secret}", highlight=False, soft_wrap=True)


def _tell(moved: Moved, told: str, *, as_json: bool) -> None:
    if as_json:
        print_json(_row(moved, as_json=True) | {"lost": moved.lost})
        return
    lost = f"; {moved.lost} positions before that are kept no longer" if moved.lost else ""
    waits = f"{moved.waiting.count} events wait for it"
    console.print(f"{moved.subscription.name} {told}; {waits}{lost}", highlight=False, soft_wrap=True)


def _row(moved: Moved, *, as_json: bool) -> dict[str, object]:
    one = moved.subscription

    def several(names: Sequence[str]) -> object:
        return names if as_json else ", ".join(names) or "all"

    return {
        "name": one.name,
        "url": without_password(one.url),
        "status": one.status.value,
        "procedures": several(one.sops),
        "types": several(one.types),
        "position": one.position,
        "waiting": moved.waiting.count,
        "oldest": moved.waiting.oldest,
        "attempts": one.attempts,
        "next_try": one.due,
        "error": one.error,
    }
