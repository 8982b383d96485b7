"""The flow by which automations have staff told, on our events in Prefect. It may run twice for one event."""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal, TypeAlias

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed, Failed
from pydantic import Field

from adapters.errors import AdapterError
from flows import back_office
from flows.errors import with_page

Ended: TypeAlias = State[object]


@flow(
    name="notify",
    description="Tells staff by mail, chat or pager of what needs them: of parked steps as the store has "
    "them now, of breached clocks and escalations as an event says. Each thing is told once.",
    persist_result=False,
    log_prints=False,
)
async def notify(
    *,
    what: Annotated[Literal["parked", "breached", "escalated"], Field(title="What happened")] = "parked",
    sop: Annotated[str, Field(title="Procedure", description="such as order")] = "",
    cases: Annotated[list[str] | None, Field(title="Keys of the cases")] = None,
    count: Annotated[int, Field(title="How many there are", ge=0)] = 0,
    event: Annotated[str | None, Field(title="Id of the event")] = None,
) -> Ended:
    """Tell staff."""
    telling = back_office.current().notifying
    try:
        if what == "parked":
            told = await asyncio.to_thread(telling.parked)
        else:
            named = cases or []
            id = event or str(flow_run.get_id())
            told = await asyncio.to_thread(
                telling.moved, what, sop=sop, cases=named, count=count or len(named), event=id
            )
    except AdapterError as error:
        return Failed(message=with_page(error))
    return Completed(message="told") if told else Completed(name="Nothing new", message="told already")
