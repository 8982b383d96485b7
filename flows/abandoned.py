"""Flow runs that say Running although their worker is gone: they end Crashed, and the worker leaves the list
of its work pool. Runs of other installations on the same Prefect server are never touched."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime

from flows.owner import Owner
from flows.prefect_api import PrefectApi, unless_gone
from flows.wording import Badge, LogLine

_LOOK_SECONDS = 1.0
_NOTHING_TO_DO = (
    "Another worker has taken them over, or does so when it starts; nothing need be pressed, and this run "
    "stays as it is. What its cases do now is in their later runs, and in 'sop show'."
)

_log = logging.getLogger(__name__)


class AbandonedRuns:
    """Watches who beats; `beating` names the workers of our store that do, with a `/2` after a relapse."""

    def __init__(
        self, owner: Owner, *, flows: Sequence[str], beating: Callable[[], Collection[str]] | None
    ) -> None:
        self._owner = owner
        self._flows = flows
        self._beating = beating
        self._next_look = 0.0
        # Now, because our own drive loop may recover a dead predecessor before Prefect is there.
        self._seen = self._names(beating) or set()
        self._gone: set[str] = set()
        self._unsure = True

    def connected(self) -> None:
        """Prefect is there at first or again: what happened before may still have to be told."""
        self._unsure = True

    async def close(self, api: PrefectApi) -> None:
        """End what needs to be ended; looks about once a second, and asks Prefect only when somebody left."""
        if time.monotonic() < self._next_look:
            return
        self._next_look = time.monotonic() + _LOOK_SECONDS
        beating = self._names(self._beating)
        if beating is None:
            return
        before, self._seen = self._seen, beating
        if before - beating:
            # One look is not enough: a worker that begins anew is absent for a moment.
            self._gone |= before - beating
            self._unsure = True
        elif self._unsure:
            await self._end(api, beating)
            self._unsure = False

    def _names(self, beating: Callable[[], Collection[str]] | None) -> set[str] | None:
        if beating is None:
            return None
        try:
            return {name.partition("/")[0] for name in beating()} | {self._owner.worker}
        except Exception as error:
            _log.info("the store does not say which workers beat: %s", error)
            return None

    async def _end(self, api: PrefectApi, beating: set[str]) -> None:
        running = await api.running(self._flows)
        # Looked up after the runs: one that began meanwhile beats before it opens a run.
        beating = beating | (self._names(self._beating) or set())
        for run, labels in running.items():
            owner = Owner.of(labels)
            if owner.installation == self._owner.installation and owner.worker not in beating:
                badge = _crashed(owner.worker)
                line = LogLine(datetime.now(UTC), logging.WARNING, f"{badge.message}. {_NOTHING_TO_DO}")
                await api.add_log(run, lines=[line], source=_log.name)
                await api.set_state(run, badge)
                _log.warning("flow run %s ended Crashed: its worker %s is gone", run, owner.worker)
        for worker in self._gone - beating:
            await unless_gone(api.forget_worker(worker))
        self._gone.clear()


def _crashed(worker: str) -> Badge:
    message = f"the worker {worker} was gone before it could say how this went; the cases go on without it"
    return Badge(kind="CRASHED", name="Crashed", message=message)
