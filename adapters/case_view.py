"""A case as it is shown outside: state, deadlines, messages, linked cases and journal, with everything
personal blotted out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

import orjson
from pydantic import BaseModel, JsonValue

from adapters.sealing import redact
from adapters.store.base import Store
from adapters.store.records import CaseRow, Step
from machines.explain import Explanation
from machines.kernel.case import Case, Entry
from machines.messages import MessageSent, MessageUndeliverable

Explain = Callable[[Case], Sequence[Explanation]]
"""Why the deadlines and clocks of a case are due when they are."""

_MOST_CHILDREN = 100
_MOST_STEPS = 500


class DeadlineView(BaseModel):
    """``due`` is null while the case is on hold; ``because`` says why it is due then."""

    name: str
    text: str
    due: datetime | None
    passed: bool
    because: list[str]


class ClockView(BaseModel):
    """``due`` is null while the clock is paused or stopped; ``because`` says what it has used, and when."""

    name: str
    text: str
    due: datetime | None
    passed: bool
    because: list[str]


class HoldView(BaseModel):
    since: datetime
    by: str
    reason: str


class StepView(BaseModel):
    step: str
    status: str
    attempts: int
    outcome: str | None
    error: str | None


class MessageView(BaseModel):
    """Which message went to the customer, when and how; not what it said. ``sent`` is false where it could
    not be delivered."""

    at: datetime
    template: str
    channel: str | None
    sent: bool


class LinkView(BaseModel):
    """Another case: ``ended`` tells whether it is over."""

    case: str
    state: str
    ended: bool


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
    """``seq`` is the number of the latest journal entry, ``assignee`` who looks after the case, if anybody is
    named; ``parent`` opened it, and it opened the ``children``."""

    sop: str
    key: str
    state: str
    version: int
    seq: int
    parent: str | None
    assignee: str | None
    hold: HoldView | None
    deadlines: list[DeadlineView]
    clocks: list[ClockView]
    steps: list[StepView]
    messages: list[MessageView]
    children: list[LinkView]
    journal: list[EntryView]

    @property
    def id(self) -> str:
        return f"{self.sop}/{self.key}"


def view_case(store: Store, *, sop: str, key: str, explain: Explain) -> CaseView | None:
    """The case, or ``None``; raises ``StoreUnavailable``."""
    found = store.find_case(key=key, sop=sop)
    return view_of(store, found[0], explain=explain) if found else None


def view_of(store: Store, case: Case, *, explain: Explain) -> CaseView:
    """Raises ``StoreUnavailable``."""
    explained = explain(case)
    hold = case.hold
    journal = [_entry(entry, body) for entry, body in store.journal(case.id)]
    return CaseView(
        sop=case.sop,
        key=case.key,
        state=case.state,
        version=case.version,
        seq=case.seq,
        parent=case.parent,
        assignee=looked_after_by(case),
        hold=HoldView(since=hold.since, by=hold.who, reason=hold.reason) if hold else None,
        deadlines=[DeadlineView(**_told(one)) for one in explained if one.kind == "deadline"],
        clocks=[ClockView(**_told(one)) for one in explained if one.kind == "clock"],
        steps=[_step(step) for step in store.steps(case=case.id, limit=_MOST_STEPS)],
        messages=list(_messages(journal)),
        children=[_link(row) for row in store.cases(parent=case.id, limit=_MOST_CHILDREN)],
        journal=journal,
    )


def looked_after_by(case: Case) -> str | None:
    """Whom its procedure says where it knows of such a thing, else whom staff have named."""
    owner = getattr(case.data, "owner", None)
    return owner if isinstance(owner, str) else case.assignee


def _told(one: Explanation) -> dict[str, object]:
    told = {"name": one.name, "text": one.text, "due": one.due, "passed": one.passed}
    return {**told, "because": list(one.because)}


def _step(step: Step) -> StepView:
    return StepView(
        step=step.key,
        status=step.status.value,
        attempts=step.attempts,
        outcome=step.outcome,
        error=None if step.error is None else str(redact(step.error)),
    )


def _messages(journal: Iterable[EntryView]) -> Iterable[MessageView]:
    for entry in journal:
        if (
            entry.event not in (MessageSent.type, MessageUndeliverable.type)
            or entry.disposition == "deferred"
        ):
            continue
        said = entry.body if isinstance(entry.body, dict) else {}
        channel = said.get("channel")
        yield MessageView(
            at=entry.at,
            template=str(said.get("template", "")),
            channel=str(channel) if channel else None,
            sent=entry.event == MessageSent.type,
        )


def _link(row: CaseRow) -> LinkView:
    return LinkView(case=row.id, state=row.state, ended=row.ended)


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
