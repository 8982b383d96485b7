"""What a wake-up did, as the flow run that stands for it shows it: a task run per command with its true
times, a table where there are many cases, and the log."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC
from uuid import UUID, uuid5

from flows import wording
from flows.prefect_api import PrefectApi
from flows.session import CommandTally, Snapshot


async def show_work(api: PrefectApi, run: str, *, seen: Snapshot) -> None:
    """Give a run its task runs, its table and its log; telling a task run twice changes nothing."""
    tags = wording.run_tags(seen)
    if seen.commands:
        await api.emit([_task_event(run, tally=tally, tags=tags) for tally in seen.commands])
    if seen.count > 1:
        description = f"{seen.count} cases of the {seen.sop} procedure"
        rows = wording.case_rows(seen)
        await api.add_table(run, key=f"{seen.sop}-cases", description=description, rows=rows)
    await api.add_log(run, lines=wording.log_lines(seen), source=f"sop.{seen.sop}")


def _task_event(run: str, *, tally: CommandTally, tags: Sequence[str]) -> dict[str, object]:
    """The event Prefect's own task engine emits when a task ends, from which its server makes the task run.

    Task runs have no other way in that takes times: `POST /task_runs` stamps its own.
    """
    badge = wording.task_badge(tally)
    name = wording.task_name(tally)
    started, ended = tally.started.astimezone(UTC), tally.ended.astimezone(UTC)
    task_id = uuid5(UUID(run), tally.command)
    return {
        "id": str(uuid5(task_id, f"{badge.name} {tally.count}")),
        "occurred": ended.isoformat(),
        "event": f"prefect.task-run.{badge.name}",
        "resource": {
            "prefect.resource.id": f"prefect.task-run.{task_id}",
            "prefect.resource.name": name,
            "prefect.run-count": "1",
            "prefect.state-message": badge.message,
            "prefect.state-name": badge.name,
            "prefect.state-timestamp": ended.isoformat(),
            "prefect.state-type": badge.kind,
            "prefect.orchestration": "client",
        },
        "related": [{"prefect.resource.id": f"prefect.flow-run.{run}", "prefect.resource.role": "flow-run"}],
        "payload": {
            "intended": {"from": "RUNNING", "to": badge.kind},
            "initial_state": None,
            "validated_state": {"type": badge.kind, "name": badge.name, "message": badge.message},
            "task_run": {
                "name": name,
                "task_key": tally.command,
                "dynamic_key": "0",
                "run_count": 1,
                "tags": list(tags),
                "expected_start_time": started.isoformat(),
                "start_time": started.isoformat(),
                "end_time": ended.isoformat(),
                "total_run_time": (ended - started).total_seconds(),
            },
        },
    }
