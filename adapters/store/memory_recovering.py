"""Steps and cases that are put back to work, in memory."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from adapters.store.records import Letter, Step, StepStatus
from adapters.store.recovering import replay_letter
from adapters.store.tables import Tables


def free(tables: Tables, workers: Collection[str], *, now: datetime) -> int:
    """The cases that these workers lease, with the steps that run in them; how many cases."""
    freed = [id for id, kept in tables.cases.items() if kept.lease in workers]
    for id in freed:
        tables.cases[id] = replace(tables.cases[id], lease=None)
    for step in list(tables.steps.values()):
        if step.status is StepStatus.RUNNING and step.case in freed:
            status = StepStatus.RETRYING if step.code else StepStatus.PENDING
            tables.steps[step.key] = replace(step, status=status, due=now)
    tables.unreadable = {mark for mark in tables.unreadable if mark[1] not in workers}
    return len(freed)


def requeue(tables: Tables, steps: Sequence[str], *, now: datetime, who: str, reason: str) -> list[str]:
    found = (tables.steps[key] for key in dict.fromkeys(steps) if key in tables.steps)
    parked = [step for step in found if step.status is StepStatus.PARKED]
    for step in parked:
        tables.steps[step.key] = replace(step, status=StepStatus.PENDING, due=now)
        tables.add_letter(replay_letter(step.key, step.case, now=now, who=who, reason=reason))
    return [step.key for step in parked]


def amend(tables: Tables, step: Step, *, now: datetime, letter: Letter) -> bool:
    kept = tables.steps.get(step.key)
    if kept is None or (kept.status, kept.attempts) != (StepStatus.PARKED, step.attempts):
        return False
    tables.steps[step.key] = replace(
        kept,
        status=StepStatus.PENDING,
        due=now,
        arguments=step.arguments,
        earlier=step.earlier,
        presumed=step.presumed,
    )
    tables.add_letter(letter)
    return True
