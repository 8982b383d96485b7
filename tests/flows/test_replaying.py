"""A bulk replay goes in bounded batches, each one transaction, and stops when steps fail again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from adapters.store.memory import MemoryStore
from adapters.store.records import Changes, Letter, Step, StepStatus
from flows.replaying import BATCH, FIRST, Progress, Replay
from machines.kernel.case import Case, Entry
from machines.kernel.rule import Disposition
from tests.toy import Loan

ARGUMENTS = b'{"book":"Emma"}'
NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)


class Bench(MemoryStore):
    """A store with parked steps, in which whatever is replayed ends at once as ``ends`` says."""

    def __init__(self, count: int, *, ends: Callable[[int], StepStatus]) -> None:
        super().__init__(hydrate={"loan": {1: Loan}})
        self.batches: list[int] = []
        self._ends = ends
        case = Case("loan", "L-1", 1, "hash", "lent", Loan(book="Emma"), 1)
        entry = Entry(1, NOW, "loan.lent", "t", "e", Disposition.HANDLED, "", "lent", "", {})
        steps = [
            Step(f"step-{n:04}", case.id, "reminder.send", ARGUMENTS, StepStatus.PARKED, NOW, attempts=3)
            for n in range(count)
        ]
        self.keys = [step.key for step in steps]
        with self.round(worker="w") as round_:
            round_.write(Changes(opened={case.id: case}, entries=[(case.id, entry)], steps=steps))

    def requeue(self, steps: Sequence[str], *, now: datetime, who: str, reason: str) -> list[str]:
        done = super().requeue(steps, now=now, who=who, reason=reason)
        self.batches.append(len(done))
        for key in done:
            step = self._tables.steps[key]
            self._tables.steps[key] = replace(step, status=self._ends(int(key.removeprefix("step-"))))
        return done

    def amend(self, step: Step, *, now: datetime, letter: Letter) -> bool:
        amended = super().amend(step, now=now, letter=letter)
        self._tables.steps[step.key] = step.done("reminder.sent", attempts=3, skipped=True)
        return amended

    def replay(self, **more: float) -> tuple[list[Progress], list[float]]:
        paused: list[float] = []
        replaying = Replay(
            self, self.keys, clock=lambda: NOW, who="J. Berg", reason="back", pause=paused.append, **more
        )
        return list(replaying.run()), paused


def test_many_steps_are_replayed_in_bounded_batches_after_a_first_few() -> None:
    bench = Bench(1_200, ends=lambda n: StepStatus.DONE)
    told, paused = bench.replay()
    assert bench.batches == [FIRST, BATCH, BATCH, 1_200 - FIRST - 2 * BATCH]
    assert (told[-1].done, told[-1].failed, told[-1].stopped) == (1_200, 0, "")
    assert paused == []


def test_a_rate_bounds_the_batches_and_pauses_between_them() -> None:
    bench = Bench(25, ends=lambda n: StepStatus.DONE)
    told, paused = bench.replay(rate=10)
    assert bench.batches == [5, 10, 10]
    assert len(paused) == 2
    assert all(seconds <= 1.0 for seconds in paused)
    assert told[-1].done == 25


@pytest.mark.parametrize(
    ("ends", "asked", "why"),
    [
        (lambda n: StepStatus.PARKED, FIRST, "stopped: 3 failed again one after the other; 1195 left alone"),
        (
            lambda n: StepStatus.PARKED if n in (1, 3) else StepStatus.DONE,
            FIRST,
            "stopped: 2 of 5 failed again",
        ),
        (
            lambda n: StepStatus.PARKED if n > FIRST and n % 3 == 0 else StepStatus.DONE,
            FIRST + BATCH,
            "failed again; 695 left alone",
        ),
        (
            lambda n: StepStatus.RUNNING if n == 2 else StepStatus.DONE,
            FIRST,
            "stopped: 1 did not settle within 0 s",
        ),
    ],
    ids=["in a row", "a share at first", "a share later", "not at all"],
)
def test_it_stops_by_itself_and_says_why(ends: Callable[[int], StepStatus], asked: int, why: str) -> None:
    bench = Bench(1_200, ends=ends)
    told, _ = bench.replay(patience=0)
    assert told[-1].asked == asked
    assert why in told[-1].stopped
    assert sum(bench.batches) == asked


def test_a_few_failures_among_many_do_not_stop_it() -> None:
    bench = Bench(600, ends=lambda n: StepStatus.PARKED if n % 10 == 9 else StepStatus.DONE)
    told, _ = bench.replay()
    assert (told[-1].asked, told[-1].failed, told[-1].stopped) == (600, 60, "")
