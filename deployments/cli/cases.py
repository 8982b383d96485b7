"""``sop cases`` lists cases, ``sop show`` tells the story of one."""

from __future__ import annotations

from typing import Annotated

import typer

from adapters.case_view import CaseView, ClockView, DeadlineView, view_of
from deployments.bootstrap import open_installation
from deployments.cli.naming import CaseKey, named
from deployments.cli.output import AsJson, console, plain_errors, print_json, print_table
from deployments.settings import Settings
from machines.kernel.rule import Disposition


def cases(
    sop: Annotated[str | None, typer.Argument(help="Only this procedure, such as order.")] = None,
    *,
    state: Annotated[str | None, typer.Option(help="Only cases in this state.")] = None,
    all_cases: Annotated[bool, typer.Option("--all", help="Ended cases too.")] = False,
    held: Annotated[bool, typer.Option("--held", help="Only cases on hold, with who, when and why.")] = False,
    assignee: Annotated[str | None, typer.Option(help="Only cases that this colleague looks after.")] = None,
    limit: Annotated[int, typer.Option(help="At most so many.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List cases, latest change first, with their next deadline."""
    with plain_errors(), open_installation(Settings()) as app:
        if sop is not None:
            app.catalogue.procedure(sop)
        found = app.store.cases(
            sop=sop,
            state=state,
            open_only=not all_cases,
            held_only=held,
            assignee=assignee,
            limit=limit,
        )
        rows = [
            {
                "case": row.id,
                "state": row.state,
                "changed": row.changed,
                "due": row.due,
                "deadline": row.due_name,
                "parent": row.parent,
                "assignee": row.assignee,
                "held": row.hold.since if row.hold else None,
                "by": row.hold.who if row.hold else None,
                "because": row.hold.reason if row.hold else None,
            }
            for row in found
        ]
        print_table("Cases", rows, as_json=as_json)


def show(
    key: CaseKey,
    *,
    as_json: AsJson = False,
) -> None:
    """Tell the story of one case: where it stands, its deadlines and why, messages, linked cases, journal."""
    with plain_errors(), open_installation(Settings()) as app:
        for case in named(key, app):
            view = view_of(app.store, case, explain=app.explain)
            if as_json:
                print_json(_story(view))
            else:
                _print(view)


def _story(view: CaseView) -> dict[str, object]:
    """Personal fields are left out, also as sealed."""
    return {
        "case": view.id,
        "state": view.state,
        "version": view.version,
        "parent": view.parent,
        "assignee": view.assignee,
        "hold": view.hold.model_dump() if view.hold else None,
        "deadlines": [_due("deadline", one) for one in view.deadlines],
        "clocks": [_due("clock", one) for one in view.clocks],
        "steps": [one.model_dump() for one in view.steps],
        "messages": [one.model_dump() for one in view.messages],
        "children": [one.model_dump() for one in view.children],
        "journal": [
            {
                "seq": entry.seq,
                "at": entry.at,
                "event": entry.event,
                "from": entry.source,
                "outcome": entry.disposition,
                "state": entry.after if entry.after != entry.before else "",
                "reason": entry.reason,
                "body": entry.body,
            }
            for entry in view.journal
        ],
    }


def _shown(part: str, row: dict[str, object]) -> dict[str, object]:
    """A row of the story for a terminal: what goes without saying is not said."""
    row = {name: value for name, value in row.items() if name != "body"}
    if "passed" in row:
        row["passed"] = row["passed"] or None
    if part == "journal":
        outcome = row.pop("outcome")
        row["state"] = row["state"] if outcome == Disposition.HANDLED else outcome
    return row


def _due(kind: str, one: DeadlineView | ClockView) -> dict[str, object]:
    """The first line says in one sentence why; ``sop explain`` says the rest."""
    return {kind: one.name, "due": one.due, "passed": one.passed, "because": next(iter(one.because), "")}


def _print(view: CaseView) -> None:
    console.print(f"[bold]{view.id}[/bold]  {view.state}  (version {view.version})")
    if view.hold:
        held = f"on hold since {view.hold.since:%Y-%m-%d %H:%M} UTC, by {view.hold.by}: {view.hold.reason}"
        console.print(held, markup=False, highlight=False)
    for what, who in (("looked after by", view.assignee), ("opened by", view.parent)):
        if who:
            console.print(f"{what} {who}", markup=False, highlight=False)
    story = _story(view)
    for part in ("deadlines", "clocks", "steps", "messages", "children", "journal"):
        rows = story[part]
        assert isinstance(rows, list)
        if rows or part in _ALWAYS:
            console.print()
            lines = [_shown(part, row) for row in rows]
            print_table("Linked cases" if part == "children" else part.capitalize(), lines, as_json=False)


_ALWAYS = ("deadlines", "steps", "journal")
