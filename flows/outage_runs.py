"""Outages on their way to Prefect: each has one Failed run while it lasts, whose Retry tries its parked steps
again, and an event for each change, which automations may act on."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID, uuid5

from adapters.errors import StoreUnavailable
from adapters.store.outage import Outage, Phase
from flows.affected import Affected
from flows.budget import Budget
from flows.prefect_api import PREFECT_ERRORS, PrefectApi, refused
from flows.wording import Badge, LogLine

#: The flow whose Retry button tries parked steps again.
REPLAY_FLOW = "replay"

_BADGES = {Phase.OUT: "Out", Phase.RESUMING: "Resuming", Phase.LEFT: "Left to staff"}
_log = logging.getLogger(__name__)

Look = Callable[[Outage], Affected]
"""How many cases an outage concerns, and the like; asks the store, on a thread beside the recorder's loop."""


class OutageRuns:
    """Told by any thread; shows on the recorder's. Only the latest of each command matters."""

    def __init__(self, look: Look | None) -> None:
        self._look = look
        self._waiting: dict[str, tuple[Outage, bool]] = {}
        self._lock = threading.Lock()

    @property
    def idle(self) -> bool:
        return not self._waiting

    def tell(self, outage: Outage, *, over: bool) -> None:
        """It began, changed, or is over."""
        if self._look is not None:
            with self._lock:
                self._waiting[outage.command] = (outage, over)

    async def show(self, api: PrefectApi, *, budget: Budget) -> None:
        """As far as the budget goes; the rest waits for the next call."""
        for command, told in list(self._waiting.items()):
            if self._look is None or not budget.take():
                return
            try:
                seen = await asyncio.to_thread(self._look, told[0])
                await _show(api, seen, over=told[1])
            except StoreUnavailable as error:
                _log.warning(
                    "an outage waits to be shown, the store does not say whom it concerns: %s", error
                )
                return
            except PREFECT_ERRORS as error:
                if not refused(error):
                    raise
                _log.warning("the flow run of an outage is refused: %s", error)
            with self._lock:
                if self._waiting.get(command) == told:
                    del self._waiting[command]


async def _show(api: PrefectApi, seen: Affected, *, over: bool) -> None:
    outage = seen.outage
    left = over and outage.phase is Phase.LEFT
    ended = over and not left
    badge = (
        Badge("COMPLETED", "Completed", f"nothing waits any more; it was out {_since(outage)}")
        if ended
        else Badge("FAILED", _BADGES[outage.phase], seen.told)
    )
    tags = [f"command:{outage.command}", "code:outage", "attention:outage"]
    name = f"{outage.command} was out" if ended else seen.name
    run = await api.create_run(
        REPLAY_FLOW,
        name=name,
        tags=tags,
        state=badge,
        once=f"outage-{outage.command}-{outage.since.isoformat()}",
        parameters={
            "who": "Prefect UI",
            "reason": f"Retry: {outage.command} was out {_since(outage)}",
            "command": outage.command,
            "code": "unavailable",
            "dry_run": False,
        },
    )
    await api.rename(run, name=name, tags=tags)
    await api.set_state(run, badge)
    level = logging.INFO if over or outage.phase is Phase.RESUMING else logging.ERROR
    await api.add_log(run, lines=[LogLine(datetime.now(UTC), level, badge.message)], source="sop.outage")
    await api.emit([_event(outage, run=run, cases=seen.cases, over=over)])


def _event(outage: Outage, *, run: str, cases: int, over: bool) -> dict[str, object]:
    """The same for the same change of an outage, however often it is told."""
    event = f"sop.outage.{'over' if over else outage.phase.value}"
    return {
        "id": str(uuid5(UUID(run), f"{event} {outage.version}")),
        "occurred": datetime.now(UTC).isoformat(),
        "event": event,
        "resource": {"prefect.resource.id": f"sop.command.{outage.command}"},
        "related": [{"prefect.resource.id": f"prefect.flow-run.{run}", "prefect.resource.role": "flow-run"}],
        "payload": {"command": outage.command, "since": outage.since.isoformat(), "cases": cases},
    }


def _since(outage: Outage) -> str:
    return f"since {outage.since:%Y-%m-%d %H:%M} UTC"
