"""``sop cases`` lists cases, ``sop show`` tells the story of one."""

from __future__ import annotations

from typing import Annotated

import orjson
import typer

from adapters.sealing import redact
from adapters.store.base import Step, Store
from deployments.bootstrap import open_installation
from deployments.cli.naming import CaseKey, named
from deployments.cli.output import AsJson, console, plain_errors, print_json, print_table
from deployments.settings import Settings
from machines.kernel.case import Case, Timer


def cases(
    sop: Annotated[str | None, typer.Argument(help="Only this procedure, such as order.")] = None,
    *,
    state: Annotated[str | None, typer.Option(help="Only cases in this state.")] = None,
    all_cases: Annotated[bool, typer.Option("--all", help="Ended cases too.")] = False,
    limit: Annotated[int, typer.Option(help="At most so many.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List cases, latest change first, with their next deadline."""
    with plain_errors(), open_installation(Settings()) as app:
        if sop is not None:
            app.catalogue.procedure(sop)
        found = app.store.cases(sop=sop, state=state, open_only=not all_cases, limit=limit)
        rows = [
            {
                "case": row.id,
                "state": row.state,
                "changed": row.changed,
                "due": row.due,
                "deadline": row.due_name,
                "parent": row.parent,
            }
            for row in found
        ]
        print_table("Cases", rows, as_json=as_json)


def show(
    key: CaseKey,
    *,
    as_json: AsJson = False,
) -> None:
    """Tell the story of one case: where it stands, its deadlines, its steps, its journal."""
    with plain_errors(), open_installation(Settings()) as app:
        for case in named(key, app):
            story = _story(app.store, case)
            if as_json:
                print_json(story)
            else:
                _print(story)


def _story(store: Store, case: Case) -> dict[str, object]:
    """Personal fields are left out, also as sealed."""
    return {
        "case": case.id,
        "state": case.state,
        "version": case.version,
        "parent": case.parent,
        "deadlines": [_timer(timer) for timer in store.case_timers(case.id)],
        "steps": [_step(step) for step in store.steps(case=case.id, limit=500)],
        "journal": [
            {
                "seq": entry.seq,
                "at": entry.at,
                "event": entry.event,
                "from": entry.source,
                "outcome": entry.disposition.value,
                "state": entry.after if entry.after != entry.before else "",
                "reason": entry.reason,
                "body": redact(orjson.loads(body)),
            }
            for entry, body in store.journal(case.id)
        ],
    }


def _timer(timer: Timer) -> dict[str, object]:
    return {"deadline": timer.name, "due": timer.due, "set": timer.set_at, "passed": timer.passed}


def _step(step: Step) -> dict[str, object]:
    return {
        "step": step.key,
        "status": step.status.value,
        "attempts": step.attempts,
        "outcome": step.outcome,
        "error": step.error,
    }


def _print(story: dict[str, object]) -> None:
    console.print(f"[bold]{story['case']}[/bold]  {story['state']}  (version {story['version']})")
    for part in ("deadlines", "steps"):
        rows = story[part]
        assert isinstance(rows, list)
        print_table(part.capitalize(), rows, as_json=False)
    journal = story["journal"]
    assert isinstance(journal, list)
    lines = [{name: value for name, value in row.items() if name != "body"} for row in journal]
    print_table("Journal", lines, as_json=False)
