"""``sop migrate`` moves cases to the version of their procedure that is in force."""

from __future__ import annotations

import getpass
from datetime import datetime
from typing import Annotated

import typer

from deployments.bootstrap import open_installation
from deployments.cli.output import AsJson, console, plain_errors, print_json, print_table
from deployments.settings import Settings
from flows.migration import Migrator
from machines.kernel.migrating import Migrated, Stuck

_SHOWN = 200  #: rows of the table; --json has all


def migrate(
    sop: Annotated[str, typer.Argument(help="The procedure, such as order.")],
    *,
    reason: Annotated[str, typer.Option(help="Why; it is journalled.")],
    who: Annotated[str, typer.Option(help="Your name, for the journal.")] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say which cases would be stuck and which timers move.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Move cases of earlier versions to the one in force, as journalled events; some may be stuck."""
    with plain_errors(), open_installation(Settings()) as app:
        app.catalogue.procedure(sop)
        migrator = Migrator(
            app.store, app.definitions[sop], clock=app.clock, who=who or getpass.getuser(), reason=reason
        )
        moved = list(migrator.run(dry=dry_run))
    rows = [_stuck(one) if isinstance(one, Stuck) else _moved(one) for one in moved]
    stuck = sum(isinstance(one, Stuck) for one in moved)
    if as_json:
        print_json({"dry_run": dry_run, "moved": len(moved) - stuck, "stuck": stuck, "cases": rows})
    else:
        print_table("Would be moved" if dry_run else "Moved", rows[:_SHOWN], as_json=False)
        console.print(f"{len(moved) - stuck} moved, {stuck} stuck{' (dry run)' if dry_run else ''}")
    raise typer.Exit(1 if stuck else 0)


def _stuck(one: Stuck) -> dict[str, object]:
    case, reasons = one.case, "; ".join(one.reasons)
    return {"case": case.id, "from": case.version, "state": case.state, "timers": "", "stuck": reasons}


def _moved(one: Migrated) -> dict[str, object]:
    before, after = one.before.state, one.case.state
    timers = [f"{name} {_when(was)} -> {_when(will)}" for name, (was, will) in one.timers_moved.items()]
    return {
        "case": one.case.id,
        "from": one.before.version,
        "state": before if before == after else f"{before} -> {after}",
        "timers": ", ".join(timers),
        "stuck": "",
    }


def _when(due: datetime | None) -> str:
    return f"{due:%Y-%m-%d %H:%M} UTC" if due else "none"
