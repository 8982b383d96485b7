"""The running process as flows see it: replay parked steps, submit an event, drive one SOP."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from adapters.correction import Correction
from adapters.dead_letters import Resent
from adapters.store.base import Store
from adapters.store.records import Step, StepStatus
from flows.driver import Driver
from flows.oncall import OnCall
from flows.owner import Owner
from flows.session import Session
from flows.watching import Watching

_POLL = 0.2  #: seconds between looks at what another thread does

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
        owner: Owner,
        on_call: OnCall,
    ) -> None:
        self.owner = owner
        self.on_call = on_call
        self._store = store
        self._driver = driver
        self._watching = watching
        self._submit = submit
        self._resend = resend

    async def replay(self, steps: Sequence[str], *, who: str, reason: str) -> Mapping[str, str | None]:
        with self._watching.replaying(steps):
            replaying = self.on_call.replay(steps, who=who, reason=reason, rate=None)
            await asyncio.to_thread(list, replaying.run())
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
            if not any(step.is_under_way for step in found):
                errors = {step.key: _wrong(step) for step in found}
                return dict.fromkeys(steps, "no such step") | errors
            await asyncio.sleep(_POLL)


def _wrong(step: Step) -> str | None:
    if step.status is StepStatus.HELD:
        return "its case is on hold; the step is performed when that is resumed"
    return step.error if step.status is StepStatus.PARKED else None
