"""Between the store's values and the rows of its tables: tuples in the order of the columns, and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json
from sqlalchemy import Row

from adapters.store.records import Behind, InboxRow, InboxStatus, Letter, Step, StepStatus
from machines.kernel.case import Case, Entry, Timer
from machines.kernel.clock_ledger import Ledger
from machines.kernel.event import Facts
from machines.kernel.hold import Hold
from machines.kernel.rule import Disposition

Values = tuple[object, ...]
AnyRow = Row[*tuple[Any, ...]] | tuple[Any, ...]
Hydrate = Mapping[str, Mapping[int, type[Facts]]]
"""Procedure name -> version -> the model of its cases' data."""

_LEDGERS: TypeAdapter[dict[str, Ledger]] = TypeAdapter(dict[str, Ledger])
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class UnreadableCase(Exception):
    """The data of a case does not fit its procedure, or that version of it is not known here; ``case`` is all
    that can be read."""

    def __init__(self, reason: str, *, case: Case) -> None:
        super().__init__(reason)
        self.case = case


def micros(instant: datetime) -> int:
    """Microseconds since 1970 UTC; raises ``TypeError`` for a datetime without time zone."""
    return (instant - _EPOCH) // _MICROSECOND


def instant(value: int) -> datetime:
    return _EPOCH + timedelta(microseconds=value)


def micros_or_none(value: datetime | None) -> int | None:
    return None if value is None else (value - _EPOCH) // _MICROSECOND


def instant_or_none(value: int | None) -> datetime | None:
    return None if value is None else instant(value)


def json_text(body: Mapping[str, Any] | Facts) -> str:
    return (body.to_json() if isinstance(body, Facts) else to_json(body)).decode()


def clocks_text(case: Case) -> str | None:
    return _LEDGERS.dump_json(dict(case.clocks)).decode() if case.clocks else None


def hold_text(case: Case) -> str | None:
    return case.hold.to_json().decode() if case.hold else None


def hold_from(held: str | None) -> Hold | None:
    return None if held is None else Hold.model_validate_json(held)


def case_values(case: Case, *, lease: str | None, opened: int, changed: int, ended: bool) -> Values:
    """In the order of the table's columns."""
    data = None if case.data is None else json_text(case.data)
    return (
        *(case.id, case.sop, case.key, case.version, case.hash, case.state, data, case.seq, case.parent),
        *(case.deferred, lease, opened, changed, ended, clocks_text(case), case.policy),
        *(hold_text(case), case.assignee),
    )


def moved_values(case: Case, *, data: bool, lease: str | None, changed: int, ended: bool) -> Values:
    """What may change in a case, without its data unless ``data``, then its id."""
    text = json_text(case.data) if data and case.data is not None else None
    return (
        *(case.version, case.hash, case.state, text, case.seq, case.deferred, lease, changed, ended),
        *(clocks_text(case), case.policy, hold_text(case), case.assignee, case.id),
    )


def case_from(row: AnyRow, *, timers: Mapping[str, Timer], hydrate: Hydrate) -> Case:
    """From sop, key, version, hash, state, data, seq, parent, deferred, clocks, held, assignee. Raises
    ``UnreadableCase``."""
    case, data, clocks = _bare(row, timers=timers)
    model = hydrate.get(case.sop, {}).get(case.version)
    if model is None:
        raise UnreadableCase(_unknown(case.sop, case.version, hydrate), case=case)
    try:
        facts = None if data is None else model.model_validate_json(data)
        return replace(case, data=facts, clocks=_ledgers(clocks))
    except ValidationError as error:
        # Only where and what kind: the message itself would quote the data.
        faults = ", ".join(f"{'.'.join(map(str, e['loc']))}: {e['type']}" for e in error.errors())
        reason = f"the data does not fit {case.sop} version {case.version}: {faults}"
        raise UnreadableCase(reason, case=case) from None


def behind_from(row: AnyRow, *, timers: Mapping[str, Timer], ended: bool, under_way: Iterable[str]) -> Behind:
    """From the columns of ``case_from``."""
    case, data, clocks = _bare(row, timers=timers)
    body = None if data is None else data.encode()
    return Behind(replace(case, clocks=_ledgers(clocks)), body, ended, frozenset(under_way))


def _bare(row: AnyRow, *, timers: Mapping[str, Timer]) -> tuple[Case, str | None, str | None]:
    """The case without data and clocks, and both as JSON."""
    sop, key, version, hash, state, data, seq, parent, deferred, clocks, held, assignee = row
    case = Case(
        *(sop, key, version, hash, state, None, seq, parent, timers, deferred),
        hold=hold_from(held),
        assignee=assignee,
    )
    return case, data, clocks


def _ledgers(clocks: str | None) -> dict[str, Ledger]:
    return {} if clocks is None else _LEDGERS.validate_json(clocks)


def _unknown(sop: str, version: int, hydrate: Hydrate) -> str:
    if sop not in hydrate:
        return f"no procedure {sop} is known here"
    known = ", ".join(map(str, hydrate[sop]))
    return f"it runs on version {version} of {sop}, known here is {known}; migrate it or run that version"


def letter_values(letter: Letter) -> Values:
    return (
        *(letter.source, letter.id, letter.type, letter.sop, letter.key, letter.case),
        *(letter.body.decode(), micros(letter.received), letter.opens, letter.parent),
        *(InboxStatus.NEW.value, ""),
    )


def inbox_from(row: AnyRow) -> InboxRow:
    """From number, source, id, type, sop, key, body, received, opens, parent, status, reason."""
    number, source, id, type, sop, key, body, received, opens, parent, status, reason = row
    letter = Letter(source, id, type, sop, key, body.encode(), instant(received), bool(opens), parent)
    return InboxRow(number, letter, InboxStatus(status), reason)


def entry_values(case: str, entry: Entry) -> Values:
    return (
        *(case, entry.seq, micros(entry.at), entry.event, entry.source, entry.event_id),
        *(entry.disposition.value, entry.before, entry.after, entry.reason, json_text(entry.body)),
    )


def entry_from(row: AnyRow) -> tuple[Entry, bytes]:
    """From seq, at, event, source, event_id, disposition, before, after, reason, body."""
    seq, at, event, source, event_id, disposition, before, after, reason, body = row
    entry = Entry(
        *(seq, instant(at), event, source, event_id, Disposition(disposition), before, after, reason),
        body=orjson.loads(body),
    )
    return entry, body.encode()


def step_values(step: Step) -> Values:
    return (
        *(step.key, step.case, step.command, step.arguments.decode(), step.status.value),
        *(micros(step.issued), step.attempts, micros_or_none(step.due), step.error, step.code),
        *(step.outcome, step.run, micros_or_none(step.failed), _earlier(step), _text_or_none(step.presumed)),
    )


def _earlier(step: Step) -> str | None:
    return orjson.dumps([each.decode() for each in step.earlier]).decode() if step.earlier else None


def _text_or_none(value: bytes | None) -> str | None:
    return None if value is None else value.decode()


def step_from(row: AnyRow) -> Step:
    key, case, command, arguments, status, issued, attempts, due, error, code, outcome, run = row[:12]
    failed, earlier, presumed = row[12:]
    return Step(
        *(key, case, command, arguments.encode(), StepStatus(status), instant(issued), attempts),
        *(instant_or_none(due), error, code, outcome, run, instant_or_none(failed)),
        earlier=tuple(each.encode() for each in orjson.loads(earlier)) if earlier else (),
        presumed=presumed.encode() if presumed else None,
    )


def settled_values(step: Step) -> Values:
    """What may change in a step as it goes on, then its key."""
    return (
        *(step.status.value, step.attempts, micros_or_none(step.due), step.error, step.code),
        *(step.outcome, step.run, micros_or_none(step.failed), _text_or_none(step.presumed), step.key),
    )


def amended_values(step: Step, *, now: datetime) -> Values:
    """What ``amend`` changes, then what the step must still be."""
    return (
        *(step.arguments.decode(), StepStatus.PENDING.value, micros(now), _earlier(step)),
        *(_text_or_none(step.presumed), step.key, step.attempts, StepStatus.PARKED.value),
    )


def timer_values(case: str, timer: Timer) -> Values:
    return (case, timer.name, micros(timer.due), micros(timer.set_at), timer.passed)


def timer_from(row: AnyRow) -> Timer:
    """From name, due, set_at, passed."""
    name, due, set_at, passed = row
    return Timer(name, instant(due), instant(set_at), bool(passed))
