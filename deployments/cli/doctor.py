"""``sop doctor`` looks for what is wrong with an installation and says what to do about it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import typer

from adapters.store.base import InboxStatus, StepStatus
from deployments.bootstrap import Application, open_application
from deployments.cli.output import AsJson, plain_errors, print_table
from deployments.settings import Settings


@dataclass(frozen=True, slots=True)
class Ailment:
    """``remedy`` is empty where all is well."""

    part: str
    well: bool
    found: str
    remedy: str = ""


def doctor(*, as_json: AsJson = False) -> None:
    """Check the store, the backlog, parked steps, dead letters, the web intake and Prefect."""
    settings = Settings()
    with plain_errors(), open_application(settings) as app:
        found = list(_examine(app))
    rows = [
        {"": "ok" if one.well else "!!", "part": one.part, "found": one.found, "remedy": one.remedy}
        for one in found
    ]
    print_table(f"sop doctor ({settings.home.resolve()})", rows, as_json=as_json)
    raise typer.Exit(0 if all(one.well for one in found) else 1)


def _examine(app: Application) -> Iterator[Ailment]:
    store, settings = app.store, app.settings
    began = time.perf_counter()
    waiting = store.inbox(status=(InboxStatus.NEW,), limit=1000)
    spent = (time.perf_counter() - began) * 1000
    yield Ailment("store", True, f"{settings.url.partition('://')[0]} answers in {spent:.0f} ms")
    age = max(((app.clock() - row.letter.received).total_seconds() for row in waiting), default=0.0)
    yield Ailment(
        "backlog",
        age < 60,
        f"{len(waiting)} events wait, the oldest for {age:.0f} s",
        "" if age < 60 else "is a worker running? start one with 'sop worker'",
    )
    parked = store.steps(status=(StepStatus.PARKED,), limit=1000)
    yield Ailment(
        "parked steps",
        not parked,
        f"{len(parked)} parked",
        "'sop steps --failed' lists them; mend the cause, then 'sop replay'" if parked else "",
    )
    dead = store.inbox(status=(InboxStatus.DEAD,), limit=1000)
    yield Ailment(
        "dead letters",
        not dead,
        f"{len(dead)} dead",
        "look at their reasons, send them again mended" if dead else "",
    )
    yield _answers("web intake", f"{settings.web_url}/health", "start it with 'sop web' or 'sop up'")
    remedy = "start it with 'sop up', or set SOP_PREFECT_API_URL; cases go on without it"
    yield _answers("Prefect", f"{settings.prefect_url}/health", remedy)


def _answers(part: str, url: str, remedy: str) -> Ailment:
    try:
        httpx.get(url, timeout=3).raise_for_status()
    except httpx.HTTPError as error:
        return Ailment(part, False, f"{url}: {type(error).__name__}", remedy)
    return Ailment(part, True, f"{url} answers")
