"""A case as it is shown outside: state, deadlines and journal, with everything personal blotted out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import orjson
from pydantic import BaseModel, JsonValue

from adapters.sealing import redact
from adapters.store.base import Store
from machines.explain import Explanation
from machines.kernel.case import Case, Entry

Explain = Callable[[Case], Sequence[Explanation]]
"""Why the deadlines and clocks of a case are due when they are."""


class DeadlineView(BaseModel):
    """``because`` says why it is due then."""

    name: str
    due: datetime
    passed: bool
    because: list[str]


class ClockView(BaseModel):
    """``due`` is null while the clock is paused or stopped; ``because`` says what it has used, and when."""

    name: str
    due: datetime | None
    passed: bool
    because: list[str]


class EntryView(BaseModel):
    seq: int
    at: datetime
    event: str
    source: str
    id: str
    disposition: str
    before: str
    after: str
    reason: str
    body: JsonValue


class CaseView(BaseModel):
    """``seq`` is the number of the latest journal entry."""

    sop: str
    key: str
    state: str
    version: int
    seq: int
    parent: str | None
    deadlines: list[DeadlineView]
    clocks: list[ClockView]
    journal: list[EntryView]


def view_case(store: Store, *, sop: str, key: str, explain: Explain) -> CaseView | None:
    """The case, or ``None``; raises ``StoreUnavailable``."""
    found = store.find_case(key=key, sop=sop)
    if not found:
        return None
    case = found[0]
    explained = explain(case)
    return CaseView(
        sop=case.sop,
        key=case.key,
        state=case.state,
        version=case.version,
        seq=case.seq,
        parent=case.parent,
        deadlines=[
            DeadlineView(name=one.name, due=one.due, passed=one.passed, because=list(one.because))
            for one in explained
            if one.kind == "deadline" and one.due
        ],
        clocks=[
            ClockView(name=one.name, due=one.due, passed=one.passed, because=list(one.because))
            for one in explained
            if one.kind == "clock"
        ],
        journal=[_entry(entry, body) for entry, body in store.journal(case.id)],
    )


def _entry(entry: Entry, body: bytes) -> EntryView:
    return EntryView(
        seq=entry.seq,
        at=entry.at,
        event=entry.event,
        source=entry.source,
        id=entry.event_id,
        disposition=entry.disposition.value,
        before=entry.before,
        after=entry.after,
        reason=str(redact(entry.reason)),
        body=redact(orjson.loads(body)) if body else None,
    )
