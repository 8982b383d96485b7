"""Replays many parked steps: slowly if need be, in bounded batches, and not for long if they fail again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from adapters.store.base import Store
from adapters.store.records import SETTLED, Step, StepStatus

BATCH = 500  #: steps in one transaction
FIRST = 5  #: steps that are tried before the others, since most causes show at once
MOST_IN_A_ROW = 3  #: failures one after the other
MOST_SHARE = 0.2  #: of failures among at least ``FIRST``
PATIENCE = 60.0  #: seconds that a batch may take
_LOOK = 0.2

Pause = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Progress:
    """After each batch: how many steps were asked for, ``done``, ``failed`` again and are still under way
    (``pending``); ``stopped`` says why the rest are left alone. ``latest`` are the steps of this batch. Those
    that wait for their provider's answer or for their case to be resumed are in none of the counts."""

    asked: int
    done: int
    failed: int
    pending: int
    latest: Sequence[Step]
    stopped: str = ""


class Replay:
    """One replay of ``steps`` by ``who`` for a ``reason``; ``rate`` steps a second at most (``None``: as fast
    as they go). ``pause`` waits some seconds."""

    def __init__(
        self,
        store: Store,
        steps: Sequence[str],
        *,
        clock: Callable[[], datetime],
        who: str,
        reason: str,
        rate: float | None = None,
        patience: float = PATIENCE,
        pause: Pause = time.sleep,
    ) -> None:
        self._store = store
        self._steps = steps
        self._clock = clock
        self._who = who
        self._reason = reason
        self._rate = rate
        self._patience = patience
        self._pause = pause

    def run(self) -> Iterator[Progress]:
        """Batch after batch, until all are done or too many have failed again."""
        asked = done = failed = pending = row = 0
        for batch in self._batches():
            began = time.monotonic()
            self._store.requeue(batch, now=self._clock(), who=self._who, reason=self._reason)
            asked += len(batch)
            found = self._settled(batch)
            for step in found:
                parked = step.status is StepStatus.PARKED
                row = row + 1 if parked else 0
                failed += parked
                pending += step.is_under_way
                done += step.status in SETTLED
                if row >= MOST_IN_A_ROW:
                    break
            left = len(self._steps) - asked
            why = self._why_stop(row=row, failed=failed, settled=done + failed, pending=pending)
            stopped = f"stopped: {why}; {left} left alone" if why and left else ""
            yield Progress(asked, done, failed, pending, found, stopped)
            if stopped:
                return
            if self._rate and left:
                self._pause(max(0.0, len(batch) / self._rate - (time.monotonic() - began)))

    def _batches(self) -> Iterator[Sequence[str]]:
        size = BATCH if self._rate is None else max(1, min(BATCH, int(self._rate)))
        yield self._steps[: min(FIRST, size)]
        for start in range(min(FIRST, size), len(self._steps), size):
            yield self._steps[start : start + size]

    def _settled(self, batch: Sequence[str]) -> list[Step]:
        """The steps of the batch in its order, once none is under way or patience is at an end."""
        until = time.monotonic() + self._patience
        while True:
            found = {step.key: step for step in self._store.steps(keys=batch, limit=len(batch))}
            under_way = any(step.is_under_way for step in found.values())
            if not under_way or time.monotonic() >= until:
                return [found[key] for key in batch if key in found]
            self._pause(_LOOK)

    def _why_stop(self, *, row: int, failed: int, settled: int, pending: int) -> str:
        if row >= MOST_IN_A_ROW:
            return f"{row} failed again one after the other"
        if settled >= FIRST and failed > MOST_SHARE * settled:
            return f"{failed} of {settled} failed again"
        if pending:
            return f"{pending} did not settle within {self._patience:g} s"
        return ""
