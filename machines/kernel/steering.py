"""What staff may do to any case, whatever its procedure: hold it, resume it, hand it over, note something.

Pure, as ``decide`` is; no procedure needs to know. On hold a case keeps what is left of each deadline and its
clocks pause, but for those that the law sets; ``decide`` keeps whatever comes. Resumed, everything goes on
with what was left.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Annotated

from pydantic import Field

from machines.kernel.case import Case, Timer
from machines.kernel.clock_ledger import WORKING
from machines.kernel.decide import clocks_in, entry_of, timers_changed
from machines.kernel.decision import Decision
from machines.kernel.definition import Definition, Firing
from machines.kernel.duration import Duration
from machines.kernel.event import CLEAN, WRITTEN, Event, Key, Received
from machines.kernel.hold import Hold, Waiting
from machines.kernel.rule import Disposition
from machines.kernel.state import End
from machines.kernel.timekeeping import Moment

Who = Annotated[str, Field(min_length=1, max_length=100, pattern=CLEAN)]
Words = Annotated[str, Field(min_length=1, max_length=1000, pattern=WRITTEN)]


class Order(Event):
    """Something that a colleague wants done to a case; ``who`` and ``reason`` are journalled."""

    who: Who
    reason: Words


class PutOnHold(Order, type="staff.hold"):
    """The case is to rest until it is resumed."""


class Resumed(Order, type="staff.resume"):
    """The case is to go on where it was."""


class Noted(Order, type="staff.note"):
    """Something worth knowing, for the journal alone."""


class CancelAsked(Order, type="staff.cancel"):
    """Says why; the procedure's own event, which cancels, follows it."""


class Assigned(Order, type="staff.assign"):
    """``to`` looks after the case from now on."""

    to: Key


ORDERS: Mapping[str, type[Order]] = {
    order.type: order for order in (PutOnHold, Resumed, Noted, CancelAsked, Assigned)
}


def steer(definition: Definition, case: Case, event: Received, now: datetime) -> Decision:
    """Do what an order says. Raises ``TypeError`` for any other event, and ``UnknownState``."""
    match event.payload:
        case PutOnHold() as order:
            return _hold(definition, case, event, order, now)
        case Resumed():
            return _resume(definition, case, event, now)
        case Assigned(to=to):
            return _journal(replace(case, assignee=to), event, now, reason=f"to {to}: {event.payload.reason}")
        case Order(reason=reason):
            return _journal(case, event, now, reason=reason)
    raise TypeError(f"{event.type} is no order of staff")


def _hold(definition: Definition, case: Case, event: Received, order: PutOnHold, now: datetime) -> Decision:
    state = definition.state(case.state)
    if case.hold is not None:
        return _refuse(case, event, now, f"it is on hold already, by {case.hold.who}: {case.hold.reason}")
    if isinstance(state, End):
        return _refuse(case, event, now, f"it has ended: {state.outcome}")
    clocks = case.clocks
    timers: Mapping[str, Timer] = {name: timer for name, timer in case.timers.items() if timer.passed}
    if case.data is not None:
        moment = Moment(now=now, state=state, data=case.data, event=event.type, held=True)
        clocks, timers = clocks_in(definition, case, moment, timers)
    hold = Hold(since=now, who=order.who, reason=order.reason, waiting=tuple(_waiting(definition, case, now)))
    after = replace(case, clocks=clocks, timers=timers, hold=hold)
    return _journal(after, event, now, reason=order.reason, running=case.timers)


def _resume(definition: Definition, case: Case, event: Received, now: datetime) -> Decision:
    state, hold = definition.state(case.state), case.hold
    if hold is None:
        return _refuse(case, event, now, "it is not on hold")
    calendar = definition.timing.calendar
    waited = {
        one.name: Timer(name=one.name, due=one.due_after(now, calendar=calendar), set_at=one.set_at)
        for one in hold.waiting
    }
    timers: Mapping[str, Timer] = {**case.timers, **waited}
    clocks = case.clocks
    if case.data is not None:
        moment = Moment(now=now, state=state, data=case.data, event=event.type)
        clocks, timers = clocks_in(definition, replace(case, timers=timers), moment, timers)
    after = replace(case, clocks=clocks, timers=timers, hold=None, deferred=0)
    decision = _journal(
        after, event, now, reason=str(getattr(event.payload, "reason", "")), running=case.timers
    )
    return replace(decision, moved=True)


def _waiting(definition: Definition, case: Case, now: datetime) -> Iterator[Waiting]:
    """What is left of each deadline. Whatever clocks tell follows from their ledgers."""
    for name, timer in case.timers.items():
        if timer.passed or name in definition.clock_timers:
            continue
        length = _length(definition, case, name)
        waiting = Waiting(name=name, due=timer.due, set_at=timer.set_at)
        if length is None or timer.due <= now:
            yield waiting
        elif length.unit in WORKING:
            left = definition.timing.calendar.working_time(now, timer.due)
            yield waiting.model_copy(update={"left": left, "working": True})
        else:
            yield waiting.model_copy(update={"left": timer.due - now})


def _length(definition: Definition, case: Case, name: str) -> Duration | None:
    deadline = definition.procedure.deadlines.get(name)
    if deadline is None or deadline.until is not None or case.data is None:
        return None
    return definition.timing.length(deadline, case.data)


def _journal(
    after: Case,
    event: Received,
    now: datetime,
    *,
    reason: str,
    running: Mapping[str, Timer] | None = None,
    disposition: Disposition = Disposition.HANDLED,
) -> Decision:
    """One entry; ``running`` are the timers before, where these may have changed."""
    firing = Firing(state=after.state, data=after.data, event=event, now=now)
    entry = entry_of(after, firing, disposition=disposition, after=after.state, reason=reason)
    before = after.timers if running is None else running
    return Decision(
        case=replace(after, seq=entry.seq),
        entry=entry,
        timers_set=timers_changed(after.timers, before),
        timers_cleared=tuple(name for name in before if name not in after.timers),
    )


def _refuse(case: Case, event: Received, now: datetime, reason: str) -> Decision:
    return _journal(case, event, now, reason=reason, disposition=Disposition.REFUSED)
