"""``sop steps`` says what is broken; ``sop replay``, ``skip``, ``retry`` and ``send-back`` mend it, never
charging twice."""

from __future__ import annotations

import getpass
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated

import typer

from adapters.store.records import InboxStatus, Step, StepFilter, StepStatus
from deployments.bootstrap import Installation, open_installation
from deployments.cli.doctor import workers
from deployments.cli.output import AsJson, console, fail, plain_errors, print_json, print_table
from deployments.driving import caution
from deployments.settings import Settings
from flows.affected import affected
from flows.broken import broken
from flows.oncall import OnCall
from flows.replaying import Progress
from machines.amending import parse
from machines.stake import sums

_PATIENCE_SECONDS = 60.0
_SETTLED = (StepStatus.DONE, StepStatus.SKIPPED)
_COLUMNS = ("step", "status", "attempts", "again", "error", "code", "at_stake", "outcome")
_ON_HOLD = "on hold: performed when the case is resumed"
_NOBODY = "nobody drives this store: start 'sop worker'; "

Name = Annotated[str, typer.Argument(help="A step or a case, such as SO-1001 or its full key.")]
Reason = Annotated[str, typer.Option(help="Why; it is journalled.")]
Who = Annotated[str, typer.Option(help="Your name, for the journal.")]
Sop = Annotated[str | None, typer.Option(help="Only this procedure, such as order.")]
Command = Annotated[str | None, typer.Option(help="Only this command, such as payment.capture.")]
Code = Annotated[str | None, typer.Option(help="Only this error code, such as unavailable.")]
ErrorText = Annotated[str | None, typer.Option(help="Only steps whose error contains this.")]
Since = Annotated[datetime | None, typer.Option(help="Only steps that failed then or later, in UTC.")]
Until = Annotated[datetime | None, typer.Option(help="Only steps that failed then or earlier, in UTC.")]


def steps(
    *,
    failed: Annotated[bool, typer.Option("--failed", help="Only parked and retrying steps.")] = False,
    status: Annotated[StepStatus | None, typer.Option(help="Only steps of this status.")] = None,
    sop: Sop = None,
    command: Command = None,
    code: Code = None,
    error: ErrorText = None,
    since: Since = None,
    until: Until = None,
    limit: Annotated[int, typer.Option(help="At most so many.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List steps: which case, which command, how often tried, the last error in plain words, what money hangs
    on it, and what a replay would do."""
    wanted = (StepStatus.PARKED, StepStatus.RETRYING) if failed else (status,) if status else ()
    only = _filter(sop=sop, command=command, code=code, error=error, since=since, until=until)
    with plain_errors(), open_installation(Settings()) as app:
        found = app.store.steps(status=wanted, only=only, limit=limit)
        _print("Steps", [step for step in found if not (failed and step.waits)], as_json=as_json)
        if failed and not as_json:
            _print_outages(app)


def replay(
    step: Annotated[
        str | None, typer.Argument(help="A step or a case, such as SO-1001 or its full key.")
    ] = None,
    *,
    reason: Reason,
    sop: Sop = None,
    command: Command = None,
    code: Code = None,
    error: ErrorText = None,
    since: Since = None,
    until: Until = None,
    who: Who = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be replayed, and the money in it.")
    ] = False,
    rate: Annotated[float | None, typer.Option(help="At most so many a second.", min=0.1)] = None,
    limit: Annotated[int, typer.Option(help="At most so many.")] = 1000,
    as_json: AsJson = False,
) -> None:
    """Try parked steps again, each under the idempotency key it always had. Many are tried in batches, and no
    further once they fail again. Where steps wait for a provider that is away, it is probed at once."""
    only = _filter(sop=sop, command=command, code=code, error=error, since=since, until=until)
    if step is None and only == StepFilter():
        fail(
            "name a step or a case, or say which: --sop, --command, --code, --error, --since, --until", code=2
        )
    with plain_errors(), open_installation(Settings()) as app:
        chosen = _on_call(app).parked(step, only=only, limit=limit)
        hastened = [] if chosen or dry_run else _on_call(app).hasten(step, only=only)
        if hastened:
            _say_hastened(app, hastened)
            return
        if not chosen:
            fail("nothing parked matches; 'sop steps --failed' lists what is", code=2)
        if dry_run:
            _print("Would be replayed", chosen, as_json=as_json)
            return
        keys = [one.key for one in chosen]
        if not _driven(app):
            if len(keys) > 1:
                fail(f"{_NOBODY}none of the {len(keys)} steps is queued")
            app.store.requeue(keys, now=app.clock(), who=who or getpass.getuser(), reason=reason)
            fail(f"{_NOBODY}the step is queued")
        _run(app, keys, who=who or getpass.getuser(), reason=reason, rate=rate, as_json=as_json)


def skip(
    step: Name,
    *,
    outcome: Annotated[str, typer.Option(help="What it has ended in, such as payment.captured.")],
    data: Annotated[str, typer.Option(help="The outcome's fields as JSON, those that differ.")] = "{}",
    reason: Reason,
    who: Who = "",
    as_json: AsJson = False,
) -> None:
    """Give a parked step the outcome that it has had, without performing it. A provider that can be asked is
    asked first, and what it says counts."""
    given = parse(data)
    if not isinstance(given, dict):
        fail('--data: write a JSON object, such as \'{"reason": "paid by bank"}\'', code=2)
    with plain_errors(), open_installation(Settings()) as app:
        amended = _on_call(app).skip(
            step, outcome=outcome, data=given, who=who or getpass.getuser(), reason=reason
        )
        _follow(app, amended, title="Skipped", as_json=as_json)


def retry(
    step: Name,
    *,
    changes: Annotated[list[str], typer.Option("--set", help="field=value; again for another field.")],
    reason: Reason,
    who: Who = "",
    as_json: AsJson = False,
) -> None:
    """Change the arguments of a parked step and try it again. The provider is asked first whether anything
    was done under the old ones; if so, that counts."""
    told = {}
    for change in changes:
        field, equals, value = change.partition("=")
        if not equals:
            fail(f"--set {change}: write field=value", code=2)
        told[field] = parse(value)
    with plain_errors(), open_installation(Settings()) as app:
        amended = _on_call(app).retry(step, changes=told, who=who or getpass.getuser(), reason=reason)
        _follow(app, amended, title="Tried again", as_json=as_json)


def send_back(
    case: Annotated[str, typer.Argument(help="A case, such as SO-1001 or order/SO-1001.")],
    *,
    to: Annotated[str, typer.Option(help="The earlier state; none lists those allowed.")] = "",
    reason: Annotated[str, typer.Option(help="Why; it is journalled.")] = "",
    who: Who = "",
    as_json: AsJson = False,
) -> None:
    """Return a case to an earlier state, where its procedure allows it."""
    with plain_errors(), open_installation(Settings()) as app:
        on_call = _on_call(app)
        if not to:
            found = on_call.case(case)
            ways = on_call.ways_back(found)
            if as_json:
                print_json(ways)
            else:
                console.print(f"{found.id} is {found.state}; back to: {', '.join(ways) or 'nowhere'}")
            return
        if not reason:
            fail("say why: --reason", code=2)
        letter = on_call.send_back(case, to=to, who=who or getpass.getuser(), reason=reason)
        if not _driven(app):
            fail(_NOBODY + "the case is sent back then")

        def took() -> bool:
            row = app.store.letter(source=letter.source, id=letter.id)
            return row is not None and row.status is not InboxStatus.NEW

        _wait(took)
        row = app.store.letter(source=letter.source, id=letter.id)
        state = on_call.case(letter.case).state
        if row is None or row.status is InboxStatus.NEW:
            fail("the worker has not taken it within a minute; 'sop show' tells later")
        if row.status is not InboxStatus.APPLIED:
            fail(f"{row.status.value}: {row.reason}")
        if as_json:
            print_json({"case": letter.case, "state": state})
        else:
            console.print(f"{letter.case} is {state}", highlight=False)


def _on_call(app: Installation) -> OnCall:
    return OnCall(app.store, app.definitions, clock=app.clock)


def _filter(
    *,
    sop: str | None,
    command: str | None,
    code: str | None,
    error: str | None,
    since: datetime | None,
    until: datetime | None,
) -> StepFilter:
    return StepFilter(sop, command, code, error, _utc(since), _utc(until))


def _utc(instant: datetime | None) -> datetime | None:
    return instant.replace(tzinfo=UTC) if instant and instant.tzinfo is None else instant


def _driven(app: Installation) -> bool:
    now = app.clock()
    return workers(app.store.backlog(now), now=now, lease=app.settings.lease).well


def _run(
    app: Installation, keys: list[str], *, who: str, reason: str, rate: float | None, as_json: bool
) -> None:
    replaying = _on_call(app).replay(keys, who=who, reason=reason, rate=rate, patience=_PATIENCE_SECONDS)
    found: list[Step] = []
    progress: Progress | None = None
    for progress in replaying.run():
        found += progress.latest
        if not as_json and len(keys) > len(progress.latest):
            told = f"{progress.asked} of {len(keys)}: {progress.done} done, {progress.failed} failed again"
            console.print(told, highlight=False)
    assert progress is not None
    _print("Replayed", found, as_json=as_json)
    if progress.stopped:
        fail(progress.stopped)
    if progress.pending:
        text = f"{progress.pending} of {len(keys)} did not settle within a minute"
        fail(f"{text}; 'sop steps' shows how they go on")
    if progress.failed:
        fail("not all went well: the error stands beside each; those steps are parked again")
    held = sum(step.status is StepStatus.HELD for step in found)
    if held:
        fail(f"{held} of {len(keys)} {_ON_HOLD}")


def _follow(app: Installation, amended: Step, *, title: str, as_json: bool) -> None:
    """Wait for the worker to settle it, a minute at most."""
    if not _driven(app):
        fail(_NOBODY + "the step is queued")

    def step() -> Step:
        return app.store.steps(keys=[amended.key])[0]

    _wait(lambda: not step().is_under_way)
    found = step()
    _print(title, [found], as_json=as_json)
    if found.is_under_way:
        fail("it did not settle within a minute; 'sop steps' shows how it goes on")
    if found.status is StepStatus.PARKED:
        fail("it is parked again; the error stands beside it")
    if found.status is StepStatus.HELD:
        fail(_ON_HOLD)


def _wait(done: Callable[[], bool]) -> None:
    until = time.monotonic() + _PATIENCE_SECONDS
    while not done() and time.monotonic() < until:
        time.sleep(0.2)


def _say_hastened(app: Installation, commands: list[str]) -> None:
    told = f"nothing is parked; steps wait for {', '.join(commands)}, which is asked now whether it answers"
    if not _driven(app):
        fail(f"{_NOBODY}{told}")
    console.print(told, highlight=False)


def _print_outages(app: Installation) -> None:
    """Each once, and not as often as there are steps that wait for it."""
    careful = caution(app.settings)
    for outage in app.store.outages.known():
        seen = affected(app.store, outage, caution=careful, now=app.clock())
        console.print(f"{seen.name}, {seen.told}", highlight=False)


def _print(title: str, found: list[Step], *, as_json: bool) -> None:
    seen = [broken(step) for step in found]
    rows = [one.row | {"outcome": step.outcome} for one, step in zip(seen, found, strict=True)]
    if as_json:
        exact = [{"at_stake": one.stake.model_dump() if one.stake else None} for one in seen]
        print_json([row | money for row, money in zip(rows, exact, strict=True)])
        return
    for row, one in zip(rows, seen, strict=True):
        row["at_stake"] = "" if one.status in _SETTLED else one.money
    print_table(title, [{name: row[name] for name in _COLUMNS} for row in rows], as_json=False)
    open_ones = [one for one in seen if one.status not in _SETTLED]
    for code, one in {one.code: one for one in open_ones if one.code}.items():
        console.print(f"{code}: {one.on_replay} {one.runbook}".rstrip(), highlight=False)
    money = sums(one.stake for one in open_ones)
    if money:
        count = "1 step" if len(open_ones) == 1 else f"{len(open_ones)} steps"
        console.print(f"{count}, {' and '.join(map(str, money))} at stake", highlight=False)
