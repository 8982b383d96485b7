"""The flow that keeps the dashboards: one artifact per SOP, `dashboard-order` and so on, on a schedule."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from typing import TypeAlias

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from adapters.charts import draw
from adapters.errors import AdapterError
from flows import board_page, case_desk
from flows.boards import Board, Boards
from flows.errors import with_page
from flows.prefect_api import PrefectApi
from machines.kernel.definition import Definition

Ended: TypeAlias = State[object]
KEPT = 300  #: versions of each dashboard: a day and an hour at one every five minutes

_STAMP = re.compile(r"^As of .*$", re.MULTILINE)


@flow(
    name="dashboard",
    description="Writes the dashboard of each procedure as an artifact (dashboard-order, ...): open cases by "
    "state, what is due within the hour, what is late, who is waited for, what is parked, the last 24 hours.",
    persist_result=False,
    log_prints=False,
)
async def dashboard() -> Ended:
    """Write the dashboard of each procedure."""
    try:
        boards = await asyncio.to_thread(read, case_desk.current().boards)
    except AdapterError as error:
        return Failed(message=with_page(error))
    run = str(flow_run.get_id())
    async with PrefectApi() as api:
        await api.rename(run, name="dashboard", tags=["staff"])
        known = await api.latest_markdown([key_of(definition) for definition, _, _ in boards])
        for definition, board, markdown in boards:
            await _show(api, definition, markdown, known=known, run=run, open=board.open)
    total = sum(board.open for _, board, _ in boards)
    return Completed(message=f"{total} open cases in {len(boards)} procedures")


def read(boards: Boards) -> list[tuple[Definition, Board, str]]:
    """Every procedure with its dashboard, and this as Markdown; raises ``StoreUnavailable``."""
    found = list(boards.all())
    wanted = [board_page.charts(board, definition) for definition, board in found]
    drawn = iter(draw([chart for charts in wanted for chart in charts]))
    return [
        (definition, board, board_page.page(board, definition, list(_next(drawn, len(charts)))))
        for (definition, board), charts in zip(found, wanted, strict=True)
    ]


def _next(drawn: Iterator[str], count: int) -> Iterator[str]:
    return (next(drawn) for _ in range(count))


def key_of(definition: Definition) -> str:
    return f"dashboard-{definition.procedure.name}"


async def _show(
    api: PrefectApi,
    definition: Definition,
    markdown: str,
    *,
    known: dict[str, tuple[str, str]],
    run: str,
    open: int,
) -> None:
    """A new version where anything is new, else the latest with the time of today: quiet nights leave no
    trail of equal pages."""
    key = key_of(definition)
    description = f"{definition.procedure.title}: {open} open"
    latest, said = known.get(key, ("", ""))
    if latest and _STAMP.sub("", said) == _STAMP.sub("", markdown):
        await api.rewrite(latest, description=description, data=markdown)
        return
    await api.attach(run, "markdown", key=key, description=description, data=markdown)
    await api.forget_versions(key, keep=KEPT)
