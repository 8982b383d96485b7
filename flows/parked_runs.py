"""Parked steps on their way to Prefect: each is kept until a Failed run stands for it."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace

from flows.budget import Budget
from flows.parking import Incident, ParkedStep, incidents
from flows.prefect_api import PREFECT_ERRORS, PrefectApi, refused
from flows.wording import Badge

#: The flow whose Retry button replays steps.
STEP_FLOW = "step"

_log = logging.getLogger(__name__)


class ParkedRuns:
    """Told of parked and settled steps by any thread; shows them on the recorder's."""

    def __init__(self, on_recorded: Callable[[Sequence[str], str], None] | None) -> None:
        self._on_recorded = on_recorded
        self._waiting: dict[str, ParkedStep] = {}
        self._settled: deque[tuple[str, str]] = deque()
        self._lock = threading.Lock()

    @property
    def idle(self) -> bool:
        """Whether everything told so far is shown."""
        return not (self._waiting or self._settled)

    def tell(self, steps: Sequence[ParkedStep]) -> None:
        """These steps are parked."""
        with self._lock:
            self._waiting.update({step.step: step for step in steps})

    def settle(self, run: str, message: str) -> None:
        """All steps of this run are settled."""
        self._settled.append((run, message))

    async def show(self, api: PrefectApi, *, budget: Budget) -> None:
        """Make and end runs as far as the budget goes; what it does not reach waits for the next call."""
        await self._end_settled(api)
        await self._show_waiting(api, budget)

    async def _end_settled(self, api: PrefectApi) -> None:
        while self._settled:
            run, message = self._settled[0]
            try:
                await api.set_state(run, Badge(kind="COMPLETED", name="Completed", message=message))
            except PREFECT_ERRORS as error:
                if not refused(error):
                    raise
                _log.info("flow run %s is gone", run)
            self._settled.popleft()

    async def _show_waiting(self, api: PrefectApi, budget: Budget) -> None:
        with self._lock:
            waiting = list(self._waiting.values())
        again = [Incident(steps=(step,)) for step in waiting if step.run is not None]
        for incident in [*again, *incidents(step for step in waiting if step.run is None)]:
            if not budget.take():
                return
            try:
                run = await _show_incident(api, incident)
            except PREFECT_ERRORS as error:
                if not refused(error):
                    raise
                # Most likely staff deleted the run that stood for the step: the next look makes a new one.
                _log.warning("flow run of parked steps refused: %s", error)
                self._forget(incident, retell=incident.steps[0].run is not None)
                continue
            self._forget(incident)
            self._say_recorded(incident, run)

    def _say_recorded(self, incident: Incident, run: str) -> None:
        if self._on_recorded is None:
            return
        try:
            self._on_recorded(incident.step_ids, run)
        except Exception:
            _log.exception("the flow run of parked steps could not be noted")

    def _forget(self, incident: Incident, *, retell: bool = False) -> None:
        with self._lock:
            for step in incident.steps:
                # A step that parked again meanwhile is another value and stays.
                if self._waiting.get(step.step) == step:
                    del self._waiting[step.step]
                    if retell:
                        self._waiting[step.step] = replace(step, run=None)


async def _show_incident(api: PrefectApi, incident: Incident) -> str:
    run = incident.steps[0].run
    if run is None:
        run = await api.create_run(
            STEP_FLOW,
            name=incident.name,
            tags=incident.tags,
            state=incident.badge,
            once=incident.once,
            parameters={"steps": incident.step_ids},
        )
        if len(incident.steps) > 1:
            description = f"{len(incident.steps)} parked steps; Retry replays all of them"
            await api.add_table(run, key="parked-steps", description=description, rows=incident.rows)
    else:
        await api.set_state(run, incident.badge)
    await api.add_log(run, lines=incident.log, source=f"sop.{incident.steps[0].sop}")
    return run
