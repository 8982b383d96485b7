"""Outages in the tables of the twin in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from adapters.errors import Unavailable
from adapters.store.outage import OUTAGE, Outage, Phase
from adapters.store.records import Step, StepStatus
from adapters.store.tables import Tables


def change(tables: Tables, command: str, before: Outage | None, after: Outage | None) -> bool:
    """False if something else than ``before`` is there."""
    if tables.outages.get(command) != before:
        return False
    if after is None:
        del tables.outages[command]
    else:
        tables.outages[command] = replace(after, version=before.version + 1 if before else 1)
    return True


def waiting(tables: Tables, command: str) -> list[Step]:
    """In the order in which they are released."""
    codes = (OUTAGE, Unavailable.code)
    out = (step for step in tables.steps.values() if step.command == command and step.code in codes)
    retrying = [step for step in out if step.status is StepStatus.RETRYING]
    return sorted(retrying, key=lambda step: (step.attempts, step.issued))


def forgotten(tables: Tables) -> list[Step]:
    known = {outage.command for outage in tables.outages.values() if outage.phase is not Phase.LEFT}
    held_back = (step for step in tables.steps.values() if step.code == OUTAGE and step.command not in known)
    return [step for step in held_back if step.status is StepStatus.RETRYING]


def put_back(tables: Tables, steps: Sequence[Step], *, now: datetime) -> list[str]:
    """To work, due now."""
    for step in steps:
        tables.steps[step.key] = replace(step, status=StepStatus.PENDING, due=now)
    return [step.key for step in steps]


def parked(tables: Tables, command: str, *, since: datetime) -> list[str]:
    """In the order in which they are released."""
    found = [(failed, step.key) for step, failed in _stranded(tables, since=since) if step.command == command]
    return [key for _, key in sorted(found)]


def stranded(tables: Tables, *, since: datetime) -> Mapping[str, tuple[int, datetime]]:
    found: dict[str, tuple[int, datetime]] = {}
    for step, failed in _stranded(tables, since=since):
        count, first = found.get(step.command, (0, failed))
        found[step.command] = (count + 1, min(first, failed))
    return found


def _stranded(tables: Tables, *, since: datetime) -> Iterator[tuple[Step, datetime]]:
    for step in tables.steps.values():
        unavailable = step.status is StepStatus.PARKED and step.code == Unavailable.code
        if unavailable and step.failed is not None and step.failed >= since:
            yield step, step.failed
