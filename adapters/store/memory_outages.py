"""Outages in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from adapters.errors import Unavailable
from adapters.store import memory_recovering
from adapters.store.outage import OUTAGE, WHO, Outage, Phase, Release
from adapters.store.records import Step, StepStatus
from adapters.store.tables import Locked, Tables


class MemoryOutages:
    """Implements ``OutageStore``; ``writing`` wakes whoever waits for work."""

    def __init__(self, *, locked: Locked, writing: Locked) -> None:
        self._locked = locked
        self._writing = writing

    def known(self) -> list[Outage]:
        with self._locked() as tables:
            return [tables.outages[command] for command in sorted(tables.outages)]

    def change(
        self,
        before: Outage | None,
        after: Outage | None,
        *,
        now: datetime,
        release: Release | None = None,
    ) -> list[str] | None:
        outage = after or before
        if outage is None:
            return []
        with self._writing() as tables:
            if not _change(tables, outage.command, before, after):
                return None
            return _release(tables, outage.command, release, now=now) if release else []

    def release_forgotten(self, *, now: datetime, most: int) -> int:
        with self._writing() as tables:
            forgotten = _forgotten(tables)[:most]
            return len(_put_back(tables, forgotten, now=now))

    def stranded(self, *, since: datetime) -> Mapping[str, tuple[int, datetime]]:
        with self._locked() as tables:
            return _by_command(tables, since=since)


def _change(tables: Tables, command: str, before: Outage | None, after: Outage | None) -> bool:
    """False if something else than ``before`` is there."""
    if tables.outages.get(command) != before:
        return False
    if after is None:
        del tables.outages[command]
    else:
        tables.outages[command] = replace(after, version=before.version + 1 if before else 1)
    return True


def _release(tables: Tables, command: str, wanted: Release, *, now: datetime) -> list[str]:
    waiting = _waiting(tables, command)[: wanted.most]
    released = _put_back(tables, waiting, now=now)
    if wanted.since is None:
        return released
    parked = _parked(tables, command, since=wanted.since)
    room = wanted.most - len(released)
    return released + memory_recovering.requeue(tables, parked[:room], now=now, who=WHO, reason=wanted.why)


def _waiting(tables: Tables, command: str) -> list[Step]:
    """In the order in which they are released."""
    codes = (OUTAGE, Unavailable.code)
    out = (step for step in tables.steps.values() if step.command == command and step.code in codes)
    retrying = [step for step in out if step.status is StepStatus.RETRYING]
    return sorted(retrying, key=lambda step: (step.attempts, step.issued))


def _forgotten(tables: Tables) -> list[Step]:
    known = {outage.command for outage in tables.outages.values() if outage.phase is not Phase.LEFT}
    held_back = (step for step in tables.steps.values() if step.code == OUTAGE and step.command not in known)
    return [step for step in held_back if step.status is StepStatus.RETRYING]


def _put_back(tables: Tables, steps: Sequence[Step], *, now: datetime) -> list[str]:
    """To work, due now."""
    for step in steps:
        tables.steps[step.key] = replace(step, status=StepStatus.PENDING, due=now)
    return [step.key for step in steps]


def _parked(tables: Tables, command: str, *, since: datetime) -> list[str]:
    """In the order in which they are released."""
    found = [(failed, step.key) for step, failed in _stranded(tables, since=since) if step.command == command]
    return [key for _, key in sorted(found)]


def _by_command(tables: Tables, *, since: datetime) -> Mapping[str, tuple[int, datetime]]:
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
