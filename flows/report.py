"""The flow that reports a week: one artifact, `report`, and files in the home of the worker.

The figures are read and drawn by `sop report` in a process of its own: adding up a week of journals would
hold up the drive loop of this one, and what it needs of memory is given back at its end.
"""

from __future__ import annotations

import asyncio
import json
from datetime import date
from pathlib import Path
from typing import Annotated, TypeAlias

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed, Failed
from pydantic import Field

from flows import case_desk
from flows.prefect_api import PrefectApi
from flows.wording import REPORT

Ended: TypeAlias = State[object]


@flow(
    name="report",
    description="Reports the last whole week, or other days: cycle times by state, service levels, refunds, "
    "reasons, survey scores, escalations; as an artifact and as files.",
    persist_result=False,
    log_prints=False,
)
async def report(
    first: Annotated[
        date | None,
        Field(
            title="First day",
            description="if empty, a week before the day below; if both are, last week from Monday to Sunday",
        ),
    ] = None,
    last: Annotated[
        date | None, Field(title="Day after the last one", description="if empty, a week after the first day")
    ] = None,
    sop: Annotated[str | None, Field(title="Only this procedure", description="such as order")] = None,
) -> Ended:
    """Report the last whole week, or other days."""
    asked = {"--from": first, "--to": last, "--sop": sop}
    options = [word for name, value in asked.items() if value for word in (name, str(value))]
    answer = await asyncio.create_subprocess_exec(
        *case_desk.current().reporting,
        *options,
        "--json",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        told, errors = await answer.communicate()
    finally:
        # A run that is cancelled leaves nobody to read what it says.
        if answer.returncode is None:
            answer.kill()
            await answer.wait()
    if answer.returncode:
        return Failed(message=errors.decode(errors="replace").strip()[-500:])
    written = json.loads(told)
    folder = Path(written["folder"])
    heading = str(written["heading"])
    get_run_logger().info("files: %s", folder)
    markdown = await asyncio.to_thread((folder / "report.md").read_text, "utf-8")
    run = str(flow_run.get_id())
    async with PrefectApi() as api:
        await api.rename(run, name=heading, tags=["staff"])
        await api.attach(run, "markdown", key=REPORT, description=heading, data=markdown)
    return Completed(message=f"files: {folder}")
