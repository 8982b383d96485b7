"""Forms for operations staff: look at a case, hold it, resume it, cancel it, note something, hand it over.

Each is a deployment. Its run says what became of it, is tagged with the case, and has its page as an
artifact.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeAlias

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from adapters.errors import AdapterError
from adapters.steering import Steered
from flows import case_desk
from flows.exhibits import exhibit
from flows.prefect_api import PrefectApi
from machines.kernel.case import Case

Ended: TypeAlias = State[object]


@flow(
    name="case",
    description="Shows one case: writes its page (timeline, diagram, deadlines and why, messages, linked "
    "cases, runs) as an artifact of the run.",
    persist_result=False,
    log_prints=False,
)
async def case(case: str) -> Ended:
    """Show one case.

    Args:
        case: Its key, such as SO-1001, or order/SO-1001.
    """
    try:
        found = await asyncio.to_thread(case_desk.current().steering.find, case)
    except AdapterError as error:
        return Failed(message=str(error))
    title = await _show(found, what="page")
    return Completed(name=title, message=f"the page of {found.id} is among the artifacts of this run")


@flow(
    name="hold",
    description="Puts a case on hold: its deadlines and clocks rest, but for those that the law sets; "
    "nothing is started, and what comes is kept.",
    persist_result=False,
    log_prints=False,
)
async def hold(case: str, reason: str, your_name: str) -> Ended:
    """Put a case on hold.

    Args:
        case: Its key, such as SO-1001, or order/SO-1001.
        reason: Why. It is journalled and shown, so no names of customers.
        your_name: For the journal.
    """
    desk = case_desk.current().steering
    return await _steer("hold", case, lambda: desk.hold(case, who=your_name, reason=reason))


@flow(
    name="resume",
    description="Lets a case on hold go on where it was, with what was left of its deadlines.",
    persist_result=False,
    log_prints=False,
)
async def resume(case: str, reason: str, your_name: str) -> Ended:
    """Let a case on hold go on.

    Args:
        case: Its key, such as SO-1001, or order/SO-1001.
        reason: Why. It is journalled and shown, so no names of customers.
        your_name: For the journal.
    """
    desk = case_desk.current().steering
    return await _steer("resume", case, lambda: desk.resume(case, who=your_name, reason=reason))


@flow(
    name="cancel",
    description="Cancels a case by its procedure's own event; refused, with the reason, where that has none "
    "or it is too late.",
    persist_result=False,
    log_prints=False,
)
async def cancel(case: str, reason: str, your_name: str) -> Ended:
    """Cancel a case.

    Args:
        case: Its key, such as SO-1001, or order/SO-1001.
        reason: Why. It is journalled and shown, so no names of customers.
        your_name: For the journal.
    """
    desk = case_desk.current().steering
    return await _steer("cancel", case, lambda: desk.cancel(case, who=your_name, reason=reason))


@flow(
    name="note",
    description="Writes a note into the journal of a case.",
    persist_result=False,
    log_prints=False,
)
async def note(case: str, note: str, your_name: str) -> Ended:
    """Note something.

    Args:
        case: Its key, such as SO-1001, or order/SO-1001.
        note: What is worth knowing; no names of customers.
        your_name: For the journal.
    """
    desk = case_desk.current().steering
    return await _steer("note", case, lambda: desk.note(case, who=your_name, text=note))


@flow(
    name="assign",
    description="Hands a case over to a colleague; its procedure is told where that matters to it.",
    persist_result=False,
    log_prints=False,
)
async def assign(case: str, to: str, reason: str, your_name: str) -> Ended:
    """Hand a case over.

    Args:
        case: Its key, such as SO-1001, or order/SO-1001.
        to: Who looks after it from now on, such as m.hill.
        reason: Why. It is journalled and shown, so no names of customers.
        your_name: For the journal.
    """
    desk = case_desk.current().steering
    return await _steer("assign", case, lambda: desk.assign(case, to=to, who=your_name, reason=reason))


async def _steer(what: str, key: str, ask: Callable[[], Steered]) -> Ended:
    """Send an order, and end in a state that says what became of it."""
    try:
        found = await asyncio.to_thread(case_desk.current().steering.find, key)
        became = await asyncio.to_thread(ask)
    except AdapterError as error:
        return Failed(message=str(error))
    await _show(found, what=what)
    if became.refused:
        return Failed(name="Refused", message=f"{became.case} does not take it: {became.reason}")
    if became.waiting:
        return Completed(name="Sent", message=f"{became.case} takes it in its next round")
    title = "On hold" if became.held else became.title
    kept = "" if became.applied else f"{became.reason}; it is kept. "
    law = f"; the law's time runs on: {'; '.join(became.runs_on)}" if became.runs_on else ""
    return Completed(name=title, message=f"{kept}{became.case} stands at: {became.title}{law}")


async def _show(found: Case, *, what: str) -> str:
    """Name and tag this run after the case and write its page; the title of its state."""
    run = str(flow_run.get_id())
    page = await asyncio.to_thread(case_desk.current().page, found.id)
    async with PrefectApi() as api:
        tags = [f"sop:{found.sop}", f"case:{found.key}", "staff"]
        await api.rename(run, name=f"{found.key}: {what}", tags=tags)
        if page is not None:
            await exhibit(api, page, run=run)
    return page.title if page else found.state
