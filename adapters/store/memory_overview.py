"""All cases at once, in memory."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection
from datetime import datetime

import orjson

from adapters.store import rows
from adapters.store.overseeing import overruns
from adapters.store.overview import MOST_NAMED, InState, Limited, Listed, OnHold, Overview
from adapters.store.records import StepStatus
from adapters.store.tables import Kept, Locked, Tables
from machines.kernel.rule import Disposition
from machines.report.course import Line


class MemoryPanorama:
    """Implements ``Panorama``."""

    def __init__(self, *, locked: Locked) -> None:
        self._locked = locked

    def overview(self, sop: str, *, since: datetime, until: datetime, most: int) -> Overview:
        with self._locked() as tables:
            return _overview(tables, sop, since=since, until=until, most=most)

    def changed(self, sop: str, *, since: datetime, opened_before: datetime) -> list[str]:
        with self._locked() as tables:
            return [
                id
                for id, kept in tables.cases.items()
                if kept.case.sop == sop and kept.changed >= since and kept.opened < opened_before
            ]

    def courses(self, cases: Collection[str], *, bodies: Collection[str]) -> list[list[Line]]:
        with self._locked() as tables:
            found = [[rows.entry_from(values) for values in tables.journal[id]] for id in cases]
        return [
            [
                Line(
                    *(entry.at, entry.event, entry.disposition is Disposition.HANDLED),
                    *(entry.before, entry.after),
                    orjson.loads(body) if entry.event in bodies else {},
                )
                for entry, body in journal
            ]
            for journal in found
            if journal
        ]


def _overview(tables: Tables, sop: str, *, since: datetime, until: datetime, most: int) -> Overview:
    kept = [one for one in tables.cases.values() if one.case.sop == sop]
    still = sorted((one for one in kept if not one.ended), key=lambda one: (one.changed, one.case.key))
    limits = [
        Limited(one.case.key, one.case.state, timer)
        for one in still
        for timer in tables.timers[one.case.id].values()
    ]
    due = [one for one in limits if not one.timer.passed and one.timer.due <= until]
    passed = [one for one in limits if one.timer.passed]
    timed = sorted((one for one in still if one.policy is not None), key=lambda one: one.case.id)
    retrying = [
        step
        for step in tables.steps.values()
        if step.status is StepStatus.RETRYING and step.case.startswith(f"{sop}/")
    ]
    asked = sum(step.waits for step in retrying)
    recent = [one for one in kept if one.changed >= since]
    return Overview(
        states=_states(still),
        assignees=Counter(one.case.assignee for one in still if one.case.assignee is not None),
        due=Listed.of(sorted(due, key=lambda one: (one.timer.due, one.key)), most=most),
        passed=Listed.of(sorted(passed, key=lambda one: (-rows.micros(one.timer.due), one.key)), most=most),
        overrun=Listed.of(
            (each for one in timed for each in overruns(one.case.key, one.case.state, one.clocks)), most=most
        ),
        held=Listed.of(
            (
                OnHold(one.case.key, one.case.state, hold)
                for one in still
                if (hold := rows.hold_from(one.held)) is not None
            ),
            most=most,
        ),
        asked=asked,
        retrying=len(retrying) - asked,
        opened=Counter(_hour(one.opened) for one in recent if one.opened >= since),
        ended=Counter((_hour(one.changed), one.case.state) for one in recent if one.ended),
    )


def _states(still: list[Kept]) -> dict[str, InState]:
    by_state: defaultdict[str, list[Kept]] = defaultdict(list)
    for one in still:
        by_state[one.case.state].append(one)
    return {
        state: InState(
            len(found),
            sum(one.held is not None for one in found),
            found[0].changed,
            tuple(one.case.key for one in found[:MOST_NAMED]),
        )
        for state, found in by_state.items()
    }


def _hour(instant: datetime) -> datetime:
    return instant.replace(minute=0, second=0, microsecond=0)
