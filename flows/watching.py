"""Passes what the drive loop reports on to Prefect, and notes which flow run stands for which step."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

from adapters.store.base import Store
from adapters.store.outage import Outage, Phase
from adapters.store.records import MOST_KEYS, Step, StepStatus
from flows.affected import Affected, affected
from flows.breaker import Caution
from flows.broken import broken
from flows.exhibits import PageOf
from flows.owner import Owner
from flows.parking import ParkedStep
from flows.recording import Recorder
from flows.session import Session

UNSETTLED = (
    StepStatus.PARKED,
    StepStatus.PENDING,
    StepStatus.RUNNING,
    StepStatus.RETRYING,
    StepStatus.HELD,
)
_ALL = 1_000_000


class Watching:
    """A ``flows.reporting.Listener`` that shows sessions and parked steps in the Prefect of this process's
    settings."""

    def __init__(
        self,
        store: Store,
        *,
        owner: Owner,
        flows: Sequence[str],
        page: PageOf | None = None,
        caution: Caution | None = None,
    ) -> None:
        self._store = store
        self._caution = caution or Caution()
        self._replaying: set[str] = set()
        self.on_asked: Callable[[Collection[str]], None] | None = None  #: hears of questions, at once
        self.recorder = Recorder(
            owner=owner,
            flows=flows,
            beating=self._beating,
            on_connected=self.recall,
            on_recorded=self._recorded,
            still_parked=self._still_parked,
            page=page,
            look=self._look,
        )

    def recall(self) -> None:
        """When Prefect is there at first or again: show what is out, and the parked steps that no flow run
        stands for yet."""
        parked = self._store.steps(status=(StepStatus.PARKED,), limit=_ALL)
        self.parked([step for step in parked if step.run is None])
        for outage in self._store.outages.known():
            self.outage(outage, outage.phase is Phase.LEFT)

    @contextmanager
    def replaying(self, steps: Sequence[str]) -> Iterator[None]:
        """While a flow run replays these steps, its own end tells how that went."""
        self._replaying.update(steps)
        try:
            yield
        finally:
            self._replaying.difference_update(steps)

    def opened(self, session: Session) -> None:
        self.recorder.opened(session)

    def parked(self, steps: Sequence[Step]) -> None:
        self.recorder.parked([_parked(step) for step in steps if step.key not in self._replaying])

    def settled(self, step: Step) -> None:
        if step.run is None or step.key in self._replaying:
            return
        others = self._store.steps(run=step.run, status=UNSETTLED, limit=2)
        if all(other.key == step.key for other in others):
            self.recorder.settled(step.run, "skipped" if step.presumed else "replayed")

    def _beating(self) -> list[str]:
        return [name for name, _ in self._store.workers()]

    def asked(self, cases: Collection[str]) -> None:
        if self.on_asked is not None:
            self.on_asked(cases)

    def outage(self, outage: Outage, over: bool) -> None:
        self.recorder.outage(outage, over=over)

    def _look(self, outage: Outage) -> Affected:
        return affected(self._store, outage, caution=self._caution, now=datetime.now(UTC))

    def _still_parked(self, steps: Sequence[str]) -> set[str]:
        parked: set[str] = set()
        for start in range(0, len(steps), MOST_KEYS):
            keys = steps[start : start + MOST_KEYS]
            found = self._store.steps(keys=keys, status=(StepStatus.PARKED,), limit=len(keys))
            parked.update(step.key for step in found)
        return parked - self._replaying

    def _recorded(self, steps: Sequence[str], run: str) -> None:
        self._store.set_run(steps, run)
        # Whoever settled them before they had a run could not end it.
        if not self._store.steps(run=run, status=UNSETTLED, limit=1):
            self.recorder.settled(run, "replayed")


def _parked(step: Step) -> ParkedStep:
    seen = broken(step)
    return ParkedStep(
        step=seen.step,
        sop=seen.sop,
        key=seen.key,
        command=seen.command,
        error=step.error or "",
        attempts=seen.attempts,
        code=seen.code,
        stake=seen.stake,
        run=step.run,
    )
