"""The Prefect flows by which on-call staff replay many steps, skip or change one, or send a case back. Their
forms are those of the deployments; who and why are journalled in the case."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from datetime import datetime
from typing import Annotated, TypeAlias

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State
from prefect.flows import Flow
from prefect.runtime import flow_run
from prefect.states import Completed, Failed
from pydantic import Field

from adapters.errors import AdapterError
from adapters.store.records import InboxStatus, Letter, StepFilter, StepStatus
from flows import runtime
from flows.broken import broken
from flows.forgetting import FORGOTTEN
from flows.oncall import OnCall
from flows.prefect_api import PrefectApi
from flows.replaying import Progress
from flows.wording import MOST_ROWS
from machines.kernel.errors import Unfit
from machines.stake import sums

Ended: TypeAlias = State[object]
_LOOK = 0.2
_PATIENCE = 60.0
_TYPE_AGAIN = "what was typed is forgotten; start a new run and fill in its form again"

Who = Annotated[str, Field(title="Your name", min_length=1, max_length=100)]
Reason = Annotated[str, Field(title="Why", min_length=1, max_length=1000)]
StepName = Annotated[str, Field(title="Step or case", description="such as SO-1001, or a step's full key")]


@flow(
    name="replay",
    description="Tries many parked steps again, each under its idempotency key, in batches; stops by itself "
    "when they fail again. A dry run lists them and the money in them.",
    persist_result=False,
    log_prints=False,
)
async def replay(
    *,
    who: Who,
    reason: Reason,
    sop: Annotated[str | None, Field(title="Procedure", description="such as order")] = None,
    command: Annotated[str | None, Field(description="such as payment.capture")] = None,
    code: Annotated[str | None, Field(title="Error code", description="such as unavailable")] = None,
    error: Annotated[str | None, Field(title="Part of the error's text")] = None,
    since: Annotated[datetime | None, Field(title="Failed then or later")] = None,
    until: Annotated[datetime | None, Field(title="Failed then or earlier")] = None,
    rate: Annotated[float | None, Field(title="At most so many a second", gt=0)] = None,
    limit: Annotated[int, Field(title="At most so many", gt=0, le=100_000)] = 1000,
    dry_run: Annotated[bool, Field(title="Only say what would be replayed")] = True,
) -> Ended:
    """Replay what matches; a dry run unless told otherwise."""
    on_call = runtime.current().on_call
    only = StepFilter(sop, command, code, error, since, until)
    chosen = await asyncio.to_thread(on_call.parked, None, only=only, limit=limit)
    hastened = [] if chosen or dry_run else await asyncio.to_thread(on_call.hasten, None, only=only)
    if hastened:
        return Completed(name="Probed", message=f"{', '.join(hastened)}: asked now whether it answers")
    seen = [broken(step) for step in chosen]
    money = " and ".join(map(str, sums(one.stake for one in seen))) or "no money"
    summary = f"{len(seen)} steps, {money} at stake"
    get_run_logger().info("%s", summary)
    rows = [{name: str(value or "") for name, value in one.row.items()} for one in seen[:MOST_ROWS]]
    if dry_run or not seen:
        await _table(rows, description=f"Would be replayed: {summary}")
        return Completed(name="Dry run" if seen else "Nothing parked", message=summary)
    replaying = on_call.replay([step.key for step in chosen], who=who, reason=reason, rate=rate)
    batches = replaying.run()
    latest, failed = Progress(0, 0, 0, 0, ()), list[dict[str, str]]()
    while (progress := await asyncio.to_thread(next, batches, None)) is not None:
        latest = progress
        again = [broken(step).row for step in progress.latest if step.status is StepStatus.PARKED]
        failed += [{name: str(value or "") for name, value in row.items()} for row in again]
        get_run_logger().info(
            "%d of %d: %d done, %d failed again", latest.asked, len(seen), latest.done, latest.failed
        )
    if failed:
        await _table(failed[:MOST_ROWS], description="Failed again")
    told = f"{latest.done} of {len(seen)} done, {latest.failed} failed again"
    if latest.stopped or latest.failed or latest.pending:
        return Failed(message="; ".join(part for part in (told, latest.stopped) if part))
    return Completed(message=told)


@flow(
    name="skip",
    description="Gives a parked step the outcome that it has had, without performing it. A provider that can "
    "be asked is asked first, and what it says counts.",
    persist_result=False,
    log_prints=False,
)
async def skip(
    *,
    step: StepName,
    outcome: Annotated[str, Field(description="such as payment.captured")],
    who: Who,
    reason: Reason,
    data: Annotated[dict[str, object] | None, Field(title="Fields of the outcome that differ")] = None,
) -> Ended:
    """Skip a step."""
    if data == FORGOTTEN:
        return Failed(message=_TYPE_AGAIN)
    try:
        on_call = runtime.current().on_call
        amended = await asyncio.to_thread(
            on_call.skip, step, outcome=outcome, data=data or {}, who=who, reason=reason
        )
        return await _became(on_call, amended.key)
    except (AdapterError, Unfit) as error:
        return Failed(message=str(error))
    finally:
        kept = {"step": step, "outcome": outcome, "who": who, "reason": reason}
        await _forget(kept | ({"data": FORGOTTEN} if data else {}))


@flow(
    name="retry",
    description="Changes the arguments of a parked step and tries it again. The provider is asked first "
    "whether anything was done under the old ones; if so, that counts.",
    persist_result=False,
    log_prints=False,
)
async def retry(
    *,
    step: StepName,
    changes: Annotated[dict[str, object], Field(title="New values by field")],
    who: Who,
    reason: Reason,
) -> Ended:
    """Edit and retry a step."""
    if changes == FORGOTTEN:
        return Failed(message=_TYPE_AGAIN)
    try:
        on_call = runtime.current().on_call
        amended = await asyncio.to_thread(on_call.retry, step, changes=changes, who=who, reason=reason)
        return await _became(on_call, amended.key)
    except (AdapterError, Unfit) as error:
        return Failed(message=str(error))
    finally:
        await _forget({"step": step, "changes": FORGOTTEN, "who": who, "reason": reason})


@flow(
    name="send-back",
    description="Returns a case to an earlier state, where its procedure allows it.",
    persist_result=False,
    log_prints=False,
)
async def send_back(
    *,
    case: Annotated[str, Field(description="such as SO-1001 or order/SO-1001")],
    to: Annotated[str, Field(title="Back to", description="the name of the state")],
    who: Who,
    reason: Reason,
) -> Ended:
    """Send a case back."""
    on_call = runtime.current().on_call
    try:
        letter = await asyncio.to_thread(on_call.send_back, case, to=to, who=who, reason=reason)
    except AdapterError as error:
        return Failed(message=str(error))
    status, why = await _taken(on_call, letter)
    if status is InboxStatus.APPLIED:
        return Completed(message=f"{letter.case} is back in {to}")
    return Failed(message=f"{status.value}: {why}")


INTERVENTIONS: dict[str, Flow[..., Coroutine[object, object, Ended]]] = {
    "replay": replay,
    "skip": skip,
    "retry": retry,
    "send-back": send_back,
}


async def _became(on_call: OnCall, key: str) -> Ended:
    """How the step has settled, a minute later at most."""
    for _ in range(int(_PATIENCE / _LOOK)):
        (step,) = await asyncio.to_thread(on_call.store.steps, keys=[key])
        if not step.is_under_way:
            break
        await asyncio.sleep(_LOOK)
    if step.status is StepStatus.PARKED:
        return Failed(message=f"parked again: {broken(step).error}")
    if step.status is StepStatus.HELD:
        return Completed(name="Held", message="its case is on hold; done when that is resumed")
    return Completed(name=step.status.value.capitalize(), message=step.outcome or "still under way")


async def _taken(on_call: OnCall, letter: Letter) -> tuple[InboxStatus, str]:
    for _ in range(int(_PATIENCE / _LOOK)):
        row = await asyncio.to_thread(on_call.store.letter, source=letter.source, id=letter.id)
        if row is not None and row.status is not InboxStatus.NEW:
            return row.status, row.reason
        await asyncio.sleep(_LOOK)
    return InboxStatus.NEW, "the worker has not taken it within a minute"


async def _table(rows: list[dict[str, str]], *, description: str) -> None:
    async with PrefectApi() as api:
        await api.add_table(str(flow_run.get_id()), key="replay", description=description, rows=rows)


async def _forget(kept: Mapping[str, object]) -> None:
    async with PrefectApi() as api:
        await api.forget_parameters(str(flow_run.get_id()), kept=kept)
