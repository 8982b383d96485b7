"""Reading, from tables that the caller keeps others out of: lists for staff, counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from datetime import datetime

from adapters.store import rows
from adapters.store.records import (
    SETTLED,
    Backlog,
    CaseRow,
    InboxStatus,
    Live,
    OpenSteps,
    Standing,
    Step,
    StepFilter,
    StepStatus,
)
from adapters.store.rows import UnreadableCase
from adapters.store.tables import Kept, Tables


def list_cases(
    tables: Tables,
    *,
    sop: str | None,
    state: str | None,
    open_only: bool,
    held_only: bool,
    assignee: str | None,
    parent: str | None,
    limit: int,
) -> list[CaseRow]:
    """Latest change first."""
    found = [
        _row(tables, kept)
        for kept in tables.cases.values()
        if sop in (None, kept.case.sop)
        and state in (None, kept.case.state)
        and not (open_only and kept.ended)
        and not (held_only and kept.held is None)
        and assignee in (None, kept.case.assignee)
        and parent in (None, kept.case.parent)
    ]
    found.sort(key=lambda row: row.id)
    return sorted(found, key=lambda row: row.changed, reverse=True)[:limit]


def _row(tables: Tables, kept: Kept) -> CaseRow:
    case = kept.case
    running = [timer for timer in tables.timers[case.id].values() if not timer.passed]
    due = min(running, key=lambda timer: timer.due, default=None)
    return CaseRow(
        *(case.id, case.sop, case.key, case.state, kept.opened, kept.changed, kept.ended, case.parent),
        due=due.due if due else None,
        due_name=due.name if due else None,
        hold=rows.hold_from(kept.held),
        assignee=case.assignee,
    )


def standing(
    tables: Tables, states: Collection[tuple[str, str]], *, cases: Collection[str] | None, limit: int
) -> list[Standing]:
    found = [
        kept
        for id, kept in tables.cases.items()
        if (kept.case.sop, kept.case.state) in states and (cases is None or id in cases)
    ]
    found.sort(key=lambda kept: (kept.changed, kept.case.id))
    return [stands for kept in found[:limit] if (stands := _standing(tables, kept.case.id))]


def _standing(tables: Tables, id: str) -> Standing | None:
    try:
        case = tables.load(id)
    except UnreadableCase:
        return None
    for values in reversed(tables.journal[id]):
        entry, body = rows.entry_from(values)
        if entry.after == case.state != entry.before:
            return Standing(case, entry, body)
    return None


def list_steps(
    tables: Tables,
    *,
    status: Collection[StepStatus],
    case: str | None,
    command: str | None,
    run: str | None,
    keys: Collection[str],
    of_cases: Collection[str] | None,
    error: str | None,
    only: StepFilter,
    limit: int,
) -> list[Step]:
    """Oldest first."""
    found = [
        step
        for step in tables.steps.values()
        if (not status or step.status in status)
        and case in (None, step.case)
        and command in (None, step.command)
        and run in (None, step.run)
        and (not keys or step.key in keys)
        and (of_cases is None or step.case in of_cases)
        and (not error or error in (step.error or ""))
        and _is_meant(step, only)
    ]
    return sorted(found, key=lambda step: (step.issued, step.key))[:limit]


def _is_meant(step: Step, wanted: StepFilter) -> bool:
    when = step.failed or step.issued
    return (
        (wanted.sop is None or step.case.startswith(f"{wanted.sop}/"))
        and wanted.command in (None, step.command)
        and wanted.code in (None, step.code)
        and (not wanted.error or wanted.error in (step.error or ""))
        and (wanted.since is None or when >= wanted.since)
        and (wanted.until is None or when <= wanted.until)
    )


def backlog(tables: Tables, now: datetime) -> Backlog:
    letters = Counter(row.status for row in tables.inbox.values())
    received = (tables.inbox[number].letter.received for number in tables.new)
    return Backlog(
        new=letters[InboxStatus.NEW],
        oldest=min(received, default=None),
        unmatched=letters[InboxStatus.UNMATCHED],
        dead=letters[InboxStatus.DEAD],
        overdue_timers=sum(due <= now for due, _ in tables.due_timers()),
        overdue_steps=sum(due <= now for due, _ in tables.due_steps()),
        parked=sum(step.status is StepStatus.PARKED for step in tables.steps.values()),
        workers=list_workers(tables),
        leases=Counter(kept.lease for kept in tables.cases.values() if kept.lease),
    )


def open_steps(tables: Tables) -> list[OpenSteps]:
    count = Counter(
        (step.case.partition("/")[0], step.status, step.command, step.code or "")
        for step in tables.steps.values()
        if step.status not in SETTLED
    )
    return [OpenSteps(*which, count[which]) for which in sorted(count)]


def list_workers(tables: Tables) -> list[tuple[str, datetime]]:
    return sorted(tables.workers.items())


def live(tables: Tables) -> list[Live]:
    count: Counter[tuple[str, int, str]] = Counter()
    ended: Counter[tuple[str, int, str]] = Counter()
    for kept in tables.cases.values():
        runs_on = (kept.case.sop, kept.case.version, kept.case.hash)
        count[runs_on] += 1
        ended[runs_on] += kept.ended
    return [Live(*one, count[one] - ended[one], ended[one]) for one in sorted(count)]


def count_all(tables: Tables) -> dict[str, dict[str, int]]:
    return {
        "cases": Counter(f"{kept.case.sop}/{kept.case.state}" for kept in tables.cases.values()),
        "steps": Counter(step.status.value for step in tables.steps.values()),
        "inbox": Counter(row.status.value for row in tables.inbox.values()),
    }
