"""Parked steps on their way to Prefect: each is kept until a Failed run stands for it."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from flows.budget import Budget
from flows.owner import Owner
from flows.parking import Incident, ParkedStep, incidents
from flows.prefect_api import PREFECT_ERRORS, PrefectApi, refused, unless_gone
from flows.wording import Badge

#: The flow whose Retry button replays steps.
STEP_FLOW = "step"

#: After a refusal the same steps are tried again, at first after so many seconds, in the end every so many.
_AGAIN_SECONDS = 10.0
_SELDOM_SECONDS = 600.0

_log = logging.getLogger(__name__)


class ParkedRuns:
    """Told of parked and settled steps by any thread; shows them on the recorder's.

    `on_recorded` hears which run stands for which steps, `on_shown` after that; `still_parked` says which of
    these steps are parked at this moment, so that no run is made for one that was replayed meanwhile. Runs
    are labelled with their `owner`.
    """

    def __init__(
        self,
        *,
        on_recorded: Callable[[Sequence[str], str], None] | None,
        still_parked: Callable[[Sequence[str]], Collection[str]] | None,
        on_shown: Callable[[Incident, str], None],
        owner: Owner,
    ) -> None:
        self._on_recorded = on_recorded
        self._still_parked = still_parked
        self._on_shown = on_shown
        self._owner = owner
        self._held: dict[str, tuple[float, float]] = {}
        self._waiting: dict[str, ParkedStep] = {}
        self._settled: deque[tuple[str, str]] = deque()
        self._lock = threading.Lock()

    @property
    def idle(self) -> bool:
        """Whether everything told so far is shown, but for what Prefect refuses for the time being."""
        return not (self._settled or self._due())

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
            completed = Badge(kind="COMPLETED", name="Completed", message=message)
            await unless_gone(api.set_state(run, completed))
            self._settled.popleft()

    async def _show_waiting(self, api: PrefectApi, budget: Budget) -> None:
        if not self._due() or not budget.take():
            return
        waiting = self._recheck(self._due())
        again = [Incident(steps=(step,)) for step in waiting if step.run is not None]
        new = incidents(step for step in waiting if step.run is None)
        for number, incident in enumerate([*again, *new]):
            if number and not budget.take():
                return
            try:
                run = await _show_incident(api, incident, owner=self._owner)
            except PREFECT_ERRORS as error:
                if not refused(error):
                    raise
                self._keep(incident, error)
                continue
            self._forget(incident.steps)
            self._say_recorded(incident, run)
            self._on_shown(incident, run)

    def _due(self) -> list[ParkedStep]:
        now = time.monotonic()
        with self._lock:
            return [step for step in self._waiting.values() if self._held.get(step.step, (0, 0))[0] <= now]

    def _recheck(self, waiting: list[ParkedStep]) -> list[ParkedStep]:
        """Those of ``waiting`` that are parked still; the others are forgotten."""
        if self._still_parked is None:
            return waiting
        try:
            parked = self._still_parked([step.step for step in waiting])
        except Exception as error:
            _log.warning("parked steps wait to be shown, the store does not say how they stand: %s", error)
            self._hold(waiting)
            return []
        self._forget([step for step in waiting if step.step not in parked])
        return [step for step in waiting if step.step in parked]

    def _keep(self, incident: Incident, error: BaseException) -> None:
        """Prefect refused the run: most likely staff deleted the one that stood for the step."""
        first = incident.steps[0]
        if first.run is not None:
            _log.info("flow run %s of %s is gone, a new one is made", first.run, first.step)
            with self._lock:
                if self._waiting.get(first.step) == first:
                    self._waiting[first.step] = replace(first, run=None)
            return
        _log.warning(
            "flow run of %d parked steps refused, trying again later: %s", len(incident.steps), error
        )
        self._hold(incident.steps)

    def _hold(self, steps: Sequence[ParkedStep]) -> None:
        now = time.monotonic()
        for step in steps:
            before = self._held.get(step.step, (0.0, _AGAIN_SECONDS / 2))[1]
            pause = min(2 * before, _SELDOM_SECONDS)
            self._held[step.step] = (now + pause, pause)

    def _say_recorded(self, incident: Incident, run: str) -> None:
        if self._on_recorded is None:
            return
        try:
            self._on_recorded(incident.step_ids, run)
        except Exception:
            _log.exception("the flow run of parked steps could not be noted")

    def _forget(self, steps: Sequence[ParkedStep]) -> None:
        with self._lock:
            for step in steps:
                self._held.pop(step.step, None)
                # A step that parked again meanwhile is another value and stays.
                if self._waiting.get(step.step) == step:
                    del self._waiting[step.step]


async def _show_incident(api: PrefectApi, incident: Incident, *, owner: Owner) -> str:
    run = incident.steps[0].run
    if run is None:
        run = await api.create_run(
            STEP_FLOW,
            name=incident.name,
            tags=incident.tags,
            state=incident.badge,
            once=incident.once,
            parameters={"steps": incident.step_ids},
            labels=owner.labels,
        )
        many = len(incident.steps) > 1
        description = (
            f"{len(incident.steps)} parked steps; Retry replays all of them"
            if many
            else "A parked step; Retry replays it"
        )
        await api.add_table(run, key="parked-steps", description=description, rows=incident.rows)
    else:
        await api.set_state(run, incident.badge)
    await api.add_log(run, lines=incident.log, source=f"sop.{incident.steps[0].sop}")
    return run
