"""A case as it is shown outside: state, deadlines and journal, with everything personal blotted out."""

from __future__ import annotations

from datetime import datetime

import orjson
from pydantic import BaseModel, JsonValue

from adapters.sealing import redact
from adapters.store.base import Store
from machines.kernel.case import Entry


class DeadlineView(BaseModel):
    name: str
    due: datetime
    passed: bool


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
    journal: list[EntryView]


def view_case(store: Store, *, sop: str, key: str) -> CaseView | None:
    """The case, or ``None``; raises ``StoreUnavailable``."""
    found = store.find_case(key=key, sop=sop)
    if not found:
        return None
    case = found[0]
    return CaseView(
        sop=case.sop,
        key=case.key,
        state=case.state,
        version=case.version,
        seq=case.seq,
        parent=case.parent,
        deadlines=[
            DeadlineView(name=timer.name, due=timer.due, passed=timer.passed)
            for timer in store.case_timers(case.id)
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
