"""The running process as flows see it: replay parked steps, submit an event, drive one SOP."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from adapters.dead_letters import Resent
from adapters.intake import Correction
from adapters.store.base import Step, StepStatus, Store
from flows.driver import Driver
from flows.owner import Owner
from flows.session import Session
from flows.watching import Watching

_POLL = 0.2  #: seconds between looks at what another thread does
_ON_ITS_WAY = (StepStatus.PENDING, StepStatus.RUNNING, StepStatus.RETRYING)

Submit = Callable[[Mapping[str, object]], Mapping[str, object]]
"""Takes an event in and answers with what became of it."""

Resend = Callable[[int, Correction, str, str], Resent]
"""(letter, changes, who, reason) -> the letter that was sent in its place."""


class Running:
    """Implements ``flows.runtime.Runtime`` on a store and a drive loop."""

    def __init__(
        self,
        *,
        store: Store,
        driver: Driver,
        watching: Watching,
        submit: Submit,
        resend: Resend,
        clock: Callable[[], datetime],
        owner: Owner,
    ) -> None:
        self.owner = owner
        self._store = store
        self._driver = driver
        self._watching = watching
        self._submit = submit
        self._resend = resend
        self._clock = clock

    async def replay(self, steps: Sequence[str], *, who: str, reason: str) -> Mapping[str, str | None]:
        with self._watching.replaying(steps):
            await asyncio.to_thread(self._store.requeue, steps, now=self._clock(), who=who, reason=reason)
            return await self._settled(steps)

    async def submit(self, event: Mapping[str, object]) -> Mapping[str, object]:
        return await asyncio.to_thread(self._submit, event)

    async def resend(self, letter: int, changes: Correction, *, who: str, reason: str) -> Resent:
        return await asyncio.to_thread(self._resend, letter, changes, who, reason)

    async def drive(self, sop: str) -> Session:
        session = self._driver.session(sop)
        while not session.closed:  # noqa: ASYNC110 - the drive loop closes it on a thread of its own
            await asyncio.sleep(_POLL)
        return session

    async def _settled(self, steps: Sequence[str]) -> dict[str, str | None]:
        """Wait until none of the steps is on its way any more; one that its provider has taken on is not."""
        while True:
            found = await asyncio.to_thread(self._store.steps, keys=steps, limit=len(steps))
            if not any(step.status in _ON_ITS_WAY and not step.waits for step in found):
                errors = {step.key: _wrong(step) for step in found}
                return dict.fromkeys(steps, "no such step") | errors
            await asyncio.sleep(_POLL)


def _wrong(step: Step) -> str | None:
    if step.status is StepStatus.HELD:
        return "its case is on hold; the step is performed when that is resumed"
    return step.error if step.status is StepStatus.PARKED else None
