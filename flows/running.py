"""The running process as flows see it: replay parked steps, submit an event, drive one SOP."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from adapters.store.base import StepStatus, Store
from flows.driver import Driver
from flows.oncall import OnCall
from flows.owner import Owner
from flows.session import Session
from flows.watching import Watching

_POLL = 0.2  #: seconds between looks at what another thread does
_ON_ITS_WAY = (StepStatus.PENDING, StepStatus.RUNNING, StepStatus.RETRYING)

Submit = Callable[[Mapping[str, object]], Mapping[str, object]]
"""Takes an event in and answers with what became of it."""


class Running:
    """Implements ``flows.runtime.Runtime`` on a store and a drive loop."""

    def __init__(
        self,
        *,
        store: Store,
        driver: Driver,
        watching: Watching,
        submit: Submit,
        owner: Owner,
        on_call: OnCall,
    ) -> None:
        self.owner = owner
        self.on_call = on_call
        self._store = store
        self._driver = driver
        self._watching = watching
        self._submit = submit

    async def replay(self, steps: Sequence[str], *, who: str, reason: str) -> Mapping[str, str | None]:
        with self._watching.replaying(steps):
            replaying = self.on_call.replay(steps, who=who, reason=reason, rate=None)
            await asyncio.to_thread(list, replaying.run())
            return await self._settled(steps)

    async def submit(self, event: Mapping[str, object]) -> Mapping[str, object]:
        return await asyncio.to_thread(self._submit, event)

    async def drive(self, sop: str) -> Session:
        session = self._driver.session(sop)
        while not session.closed:  # noqa: ASYNC110 - the drive loop closes it on a thread of its own
            await asyncio.sleep(_POLL)
        return session

    async def _settled(self, steps: Sequence[str]) -> dict[str, str | None]:
        """Wait until none of the steps is on its way any more."""
        while True:
            found = await asyncio.to_thread(self._store.steps, keys=steps, limit=len(steps))
            if not any(step.status in _ON_ITS_WAY for step in found):
                errors = {
                    step.key: step.error if step.status is StepStatus.PARKED else None for step in found
                }
                return dict.fromkeys(steps, "no such step") | errors
            await asyncio.sleep(_POLL)
