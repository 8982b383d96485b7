"""``sop steps`` says what is broken; ``sop replay`` tries it again, never charging twice."""

from __future__ import annotations

import getpass
import time
from typing import Annotated

import typer

from adapters.store.base import Step, StepStatus, Store
from deployments.bootstrap import Installation, open_installation
from deployments.cli.doctor import workers
from deployments.cli.output import AsJson, fail, plain_errors, print_table
from deployments.settings import Settings

_PATIENCE_SECONDS = 60.0
_OPEN = (StepStatus.PENDING, StepStatus.RUNNING, StepStatus.RETRYING)


def steps(
    *,
    failed: Annotated[bool, typer.Option("--failed", help="Only parked and retrying steps.")] = False,
    status: Annotated[StepStatus | None, typer.Option(help="Only steps of this status.")] = None,
    command: Annotated[str | None, typer.Option(help="Only this command, such as payment.capture.")] = None,
    limit: Annotated[int, typer.Option(help="At most so many.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List steps: which case, which command, how often tried, the last error in plain words."""
    wanted = (StepStatus.PARKED, StepStatus.RETRYING) if failed else (status,) if status else ()
    with plain_errors(), open_installation(Settings()) as app:
        found = app.store.steps(status=wanted, command=command, limit=limit)
        shown = [step for step in found if not (failed and step.waits)]
        print_table("Steps", [_row(step) for step in shown], as_json=as_json)


def replay(
    step: Annotated[
        str | None, typer.Argument(help="A step or a case, such as SO-1001 or its full key.")
    ] = None,
    *,
    reason: Annotated[str, typer.Option(help="Why; it is journalled.")],
    command: Annotated[str | None, typer.Option(help="Replay every parked step of this command.")] = None,
    error: Annotated[str | None, typer.Option(help="Only steps whose error contains this.")] = None,
    who: Annotated[str, typer.Option(help="Your name, for the journal.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be replayed.")] = False,
    limit: Annotated[int, typer.Option(help="At most so many.")] = 1000,
    as_json: AsJson = False,
) -> None:
    """Try parked steps again, each under the idempotency key it always had."""
    if step is None and command is None:
        fail("name a step or a case, or give --command", code=2)
    with plain_errors(), open_installation(Settings()) as app:
        chosen = _chosen(app.store, step=step, command=command, error=error, limit=limit)
        if not chosen:
            fail("nothing parked matches; 'sop steps --failed' lists what is", code=2)
        if dry_run:
            print_table("Would be replayed", [_row(one) for one in chosen], as_json=as_json)
            return
        keys = [one.key for one in chosen]
        app.store.requeue(keys, now=app.clock(), who=who or getpass.getuser(), reason=reason)
        _follow(app, keys, as_json=as_json)


def _chosen(
    store: Store, *, step: str | None, command: str | None, error: str | None, limit: int
) -> list[Step]:
    """The parked steps that fit; ``step`` is a step, a case, or a case's key."""
    parked = (StepStatus.PARKED,)
    if step is None:
        return store.steps(status=parked, command=command, error=error, limit=limit)
    return (
        store.steps(status=parked, command=command, error=error, keys=[step], limit=limit)
        or store.steps(status=parked, command=command, error=error, case=step, limit=limit)
        or store.steps(status=parked, command=command, error=error, key_of_case=step, limit=limit)
    )


def _follow(app: Installation, keys: list[str], *, as_json: bool) -> None:
    """Wait for the worker to settle them, a minute at most."""
    now = app.clock()
    if not workers(app.store.backlog(now), now=now, lease=app.settings.lease).well:
        fail(
            "nobody drives this store: start 'sop worker'; "
            + ("the step is queued" if len(keys) == 1 else f"the {len(keys)} steps are queued")
        )
    until = time.monotonic() + _PATIENCE_SECONDS
    found = app.store.steps(keys=keys, limit=len(keys))
    while any(map(_is_open, found)) and time.monotonic() < until:
        time.sleep(0.2)
        found = app.store.steps(keys=keys, limit=len(keys))
    print_table("Replayed", [_row(step) for step in found], as_json=as_json)
    unsettled = sum(map(_is_open, found))
    if unsettled:
        fail(f"{unsettled} of {len(found)} did not settle within a minute; 'sop steps' shows how they go on")
    if any(step.status is StepStatus.PARKED for step in found):
        fail("not all went well: the error stands beside each; those steps are parked again")


def _is_open(step: Step) -> bool:
    """Whether it may still settle within moments; one that its provider has taken on does not."""
    return step.status in _OPEN and not step.waits


def _row(step: Step) -> dict[str, object]:
    return {
        "step": step.key,
        "status": "waiting" if step.waits else step.status.value,
        "attempts": step.attempts,
        "again": step.due,
        "error": step.error,
        "code": step.code,
    }
