"""``sop hold``, ``resume``, ``cancel``, ``note`` and ``assign``: what staff ask of a case, journalled with
who and why."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from typing import Annotated

import typer

from adapters.steering import Steered, Steering
from deployments.bootstrap import open_installation
from deployments.cli.naming import CaseKey
from deployments.cli.output import AsJson, console, fail, plain_errors, print_json
from deployments.settings import Settings

Reason = Annotated[str, typer.Option(help="Why; it is journalled, so no names of customers.")]
Who = Annotated[str, typer.Option(help="Your name, for the journal.")]


def hold(key: CaseKey, *, reason: Reason, who: Who = "", as_json: AsJson = False) -> None:
    """Put a case on hold: its deadlines and clocks rest, but for those that the law sets; nothing is started,
    what comes is kept."""
    _steer(lambda desk: desk.hold(key, who=_who(who), reason=reason), "is on hold", as_json=as_json)


def resume(key: CaseKey, *, reason: Reason, who: Who = "", as_json: AsJson = False) -> None:
    """Let a case on hold go on where it was, with what was left of its deadlines."""
    _steer(lambda desk: desk.resume(key, who=_who(who), reason=reason), "goes on", as_json=as_json)


def cancel(key: CaseKey, *, reason: Reason, who: Who = "", as_json: AsJson = False) -> None:
    """Cancel a case by its procedure's own event; refused where the procedure has none."""
    _steer(lambda desk: desk.cancel(key, who=_who(who), reason=reason), "takes it", as_json=as_json)


def note(
    key: CaseKey,
    text: Annotated[str, typer.Argument(help="What is worth knowing; no names of customers.")],
    *,
    who: Who = "",
    as_json: AsJson = False,
) -> None:
    """Write a note into the journal of a case."""
    _steer(lambda desk: desk.note(key, who=_who(who), text=text), "has the note", as_json=as_json)


def assign(
    key: CaseKey,
    to: Annotated[str, typer.Argument(help="Who looks after it from now on, such as m.hill.")],
    *,
    reason: Reason,
    who: Who = "",
    as_json: AsJson = False,
) -> None:
    """Hand a case over to a colleague; its procedure is told where that matters to it."""
    _steer(
        lambda desk: desk.assign(key, to=to, who=_who(who), reason=reason),
        f"is looked after by {to}",
        as_json=as_json,
    )


def _who(said: str) -> str:
    return said or getpass.getuser()


def _steer(ask: Callable[[Steering], Steered], done: str, *, as_json: bool) -> None:
    with plain_errors(), open_installation(Settings()) as app:
        became = ask(app.steering)
    if as_json:
        print_json(
            {
                "case": became.case,
                "status": became.status.value,
                "reason": became.reason,
                "state": became.title,
                "held": became.held,
                "runs_on": list(became.runs_on),
            }
        )
    elif not became.refused:
        console.print(told(became, done=done), markup=False, highlight=False, soft_wrap=True)
    if became.refused:
        fail(f"{became.case} does not take it: {became.reason}")


def running_on(became: Steered) -> str:
    """What the law does not let rest, to be added to a sentence."""
    return f"; the law's time runs on: {'; '.join(became.runs_on)}" if became.runs_on else ""


def told(became: Steered, *, done: str) -> str:
    """In one sentence."""
    if became.waiting:
        return f"{became.case} will be told when a worker runs; 'sop worker' starts one"
    if became.applied:
        return f"{became.case} {done}; it stands at: {became.title}{running_on(became)}"
    return f"{became.case} has it, {became.status.value}: {became.reason}; it stands at: {became.title}"
