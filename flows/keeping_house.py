"""The flow that keeps house every night: old runs, artifacts and finished cases go by policy."""

from __future__ import annotations

import asyncio
from typing import Annotated, TypeAlias

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed
from pydantic import Field

from adapters.errors import AdapterError
from flows import back_office
from flows.errors import with_page
from flows.prefect_pruning import PrefectPruning, PruningApi

Ended: TypeAlias = State[object]


@flow(
    name="housekeeping",
    description="Lets old flow runs, artifacts and, where the settings say so, finished cases and letters "
    "go, in small batches. Cases are archived first. A dry run only counts.",
    persist_result=False,
    log_prints=False,
)
async def housekeeping(*, dry_run: Annotated[bool, Field(title="Only say what would go")] = False) -> Ended:
    """Keep house."""
    office = back_office.current()
    house, would = office.housekeeping, "would go" if dry_run else "gone"
    ending = house.ending
    try:
        swept = await asyncio.to_thread(house.sweep, dry_run=dry_run, ending=ending)
    except asyncio.CancelledError:
        # The thread goes on otherwise, and the process waits for it.
        ending.set()
        raise
    except AdapterError as error:
        return Failed(message=with_page(error))
    for file in swept.files:
        get_run_logger().info("archived in %s", file)
    async with PruningApi() as api:
        pruning = PrefectPruning(
            api,
            house.store,
            flows=office.flows,
            installation=office.installation,
            retention=house.retention,
        )
        pruned = await pruning.sweep(now=house.clock(), dry_run=dry_run, ending=ending)
    told = (
        f"{would}: {swept.cases} cases, {swept.letters} letters, {pruned.runs} flow runs, "
        f"{pruned.artifacts} artifacts; {pruned.parked} old runs stand for parked steps and stay"
    )
    if ending.is_set():
        return Completed(name="Stopped", message=f"{told}; the worker stops, the next night does the rest")
    return Completed(name="Dry run" if dry_run else "Completed", message=told)
