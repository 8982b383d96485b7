"""The kernel: ``decide(definition, case, event, now)`` says what one event does to one case.

Pure and total. Every event ends up in exactly one journal entry: handled, deferred, ignored or refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from machines.kernel import timekeeping
from machines.kernel.case import Case, Entry, Timer
from machines.kernel.clock import Acknowledged, ClockReached
from machines.kernel.clock_ledger import Ledger
from machines.kernel.command import Command, CommandType
from machines.kernel.decision import Decision
from machines.kernel.definition import Definition, Firing
from machines.kernel.event import Facts, Received, SentBack
from machines.kernel.rule import Disposition, Junction, Rule, Send
from machines.kernel.state import DEADLINE, End, State


def open_case(definition: Definition, *, key: str, parent: str | None = None) -> Case:
    """A case that nothing has happened to yet; its opening event gives it data."""
    procedure = definition.procedure
    return Case(
        sop=procedure.name,
        key=key,
        version=procedure.version,
        hash=procedure.hash,
        state=procedure.initial.name,
        parent=parent,
    )


def decide(definition: Definition, case: Case, event: Received, now: datetime) -> Decision:
    """Apply ``event`` to ``case`` at ``now`` (aware, UTC).

    Raises ``UnknownState`` when the case stands in a state that the definition does not have, and whatever a
    guard or an effect raises; the caller parks such a case.
    """
    definition.state(case.state)
    if case.hold is not None and not _runs_on(definition, event):
        return _rest(case, event, now)
    running = case.timers
    if event.type in definition.telling:
        held = _held(definition, case, event, now)
        if held is not None:
            return held
        event = _telling(definition, case, event)
    case = _mark_passed(case, event)
    data = definition.terms if case.data is None else case.data
    firing = Firing(state=case.state, data=data, event=event, now=now)
    definition.fire(firing)
    if firing.rule is None:
        return _stand(definition, case, firing, running)
    return _follow(definition, case, firing, firing.rule, running)


def _runs_on(definition: Definition, event: Received) -> bool:
    """What a statutory clock tells does not wait until its case is resumed."""
    clock = definition.telling.get(event.type)
    return clock is not None and clock.statutory


def _rest(case: Case, event: Received, now: datetime) -> Decision:
    """On hold nothing happens to a case; whatever comes is kept until it is resumed."""
    firing = Firing(state=case.state, data=case.data, event=event, now=now)
    reason = "the case is on hold"
    entry = entry_of(case, firing, disposition=Disposition.DEFERRED, after=case.state, reason=reason)
    return Decision(case=replace(case, seq=entry.seq, deferred=case.deferred + 1), entry=entry)


def _stand(definition: Definition, case: Case, firing: Firing, running: Mapping[str, Timer]) -> Decision:
    rule = definition.fallback.get((case.state, firing.event.type))
    if firing.refusal is not None and (rule is None or not rule.because):
        disposition = rule.disposition if rule else Disposition.REFUSED
        reason = firing.refusal.reason
    elif rule is not None:
        disposition, reason = rule.disposition, rule.because
    else:
        disposition, payload = Disposition.REFUSED, firing.event.payload
        if isinstance(payload, SentBack):
            reason = _no_way_back(definition, case, payload.to)
        else:
            reason = f"{firing.event.type} means nothing while {definition.states[case.state].title.lower()}"
    entry = entry_of(case, firing, disposition=disposition, after=case.state, reason=reason)
    deferred = case.deferred + (disposition is Disposition.DEFERRED)
    after = replace(case, seq=entry.seq, deferred=deferred)
    if definition.clocks:
        state = definition.states[case.state]
        clocks, timers = _clocks(definition, case, firing, timers=case.timers, state=state, data=case.data)
        after = replace(after, clocks=clocks, timers=timers)
    return Decision(
        case=after,
        entry=entry,
        timers_set=timers_changed(after.timers, running),
        timers_cleared=tuple(name for name in running if name not in after.timers),
    )


def _no_way_back(definition: Definition, case: Case, to: str) -> str:
    known = [target.name for state, target in definition.procedure.ways_back if state.name == case.state]
    may = f"from there it may go back to {' or '.join(known)}" if known else "from there no way leads back"
    return f"{case.sop} may not be sent back from {case.state} to {to}; {may}"


def _follow(
    definition: Definition, case: Case, firing: Firing, rule: Rule, running: Mapping[str, Timer]
) -> Decision:
    event, now = firing.event, firing.now
    data = rule.then(firing.data, event.payload, now) if rule.then else case.data
    target, moved = _target(definition, case, rule, data)
    reason = rule.explains(data) if rule.explains else rule.because
    if isinstance(event.payload, SentBack):
        reason = event.payload.reason
    entry = entry_of(case, firing, disposition=Disposition.HANDLED, after=target.name, reason=reason)
    does, sends = rule.does, list(rule.sends(data, event.payload)) if rule.sends else []
    if moved:
        does += target.does
        if target.reports and case.parent:
            sends.append(Send(event=target.reports(data)))
        if isinstance(target, End) and target.sends:
            sends += target.sends(data)
    again = moved and target.name == case.state
    timers, clocks = case.timers, case.clocks
    if case.hold is None:
        timers = timers_in(definition, case, target, data, now, again=again)
    if definition.clocks:
        clocks, timers = _clocks(
            definition, case, firing, timers=timers, state=target, data=data, handled=True
        )
    return Decision(
        case=Case(
            sop=case.sop,
            key=case.key,
            version=case.version,
            hash=case.hash,
            state=target.name,
            data=data,
            seq=entry.seq,
            parent=case.parent,
            timers=timers,
            deferred=0 if moved else case.deferred,
            clocks=clocks,
            hold=case.hold,
            assignee=case.assignee,
        ),
        entry=entry,
        commands=_commands(case, does, data, event, entry.seq, timers=timers) if does else (),
        sends=tuple(sends),
        timers_set=timers_changed(timers, running),
        timers_cleared=tuple(name for name in running if name not in timers),
        moved=moved,
    )


def retime(definition: Definition, case: Case, event: Received, now: datetime) -> Decision:
    """Find anew when the clocks of ``case`` are due, after the policy changed; ``event`` says so."""
    state, firing = (
        definition.state(case.state),
        Firing(state=case.state, data=case.data, event=event, now=now),
    )
    clocks, timers = _clocks(definition, case, firing, timers=case.timers, state=state, data=case.data)
    moves = [
        f"{name} is due {moved.after.isoformat()} and no longer {moved.before.isoformat()}: {moved.why}"
        if moved.after and moved.before and moved.after != moved.before
        else f"{name}: {moved.why}"
        for name, ledger in clocks.items()
        for moved in ledger.moved[len(case.clocks[name].moved) if name in case.clocks else 0 :]
    ]
    reason = "; ".join(moves) or "every clock is due when it was"
    entry = entry_of(case, firing, disposition=Disposition.HANDLED, after=case.state, reason=reason)
    return Decision(
        case=replace(case, seq=entry.seq, clocks=clocks, timers=timers),
        entry=entry,
        timers_set=timers_changed(timers, case.timers),
        timers_cleared=tuple(name for name in case.timers if name not in timers),
    )


def _clocks(
    definition: Definition,
    case: Case,
    firing: Firing,
    *,
    timers: Mapping[str, Timer],
    state: State,
    data: Facts | None,
    handled: bool = False,
) -> tuple[Mapping[str, Ledger], Mapping[str, Timer]]:
    """The ledgers after the event, and ``timers`` with those of the clocks as they are then."""
    if data is None:
        return case.clocks, timers
    event, payload = firing.event, firing.event.payload
    moment = timekeeping.Moment(
        now=firing.now,
        state=state,
        data=data,
        event=event.type,
        told=payload if isinstance(payload, ClockReached) else None,
        acknowledged=payload if handled and isinstance(payload, Acknowledged) else None,
        held=case.hold is not None,
    )
    return clocks_in(definition, case, moment, timers)


def clocks_in(
    definition: Definition, case: Case, moment: timekeeping.Moment, timers: Mapping[str, Timer]
) -> tuple[Mapping[str, Ledger], Mapping[str, Timer]]:
    """The ledgers at ``moment``, and ``timers`` with those of the clocks as they are then."""
    ledgers, ticking = timekeeping.keep(definition.clocks, case, moment, timing=definition.timing)
    others = {name: timer for name, timer in timers.items() if name not in definition.clock_timers}
    return ledgers, {**others, **ticking}


def _held(definition: Definition, case: Case, event: Received, now: datetime) -> Decision | None:
    """The case with an alert put off until we are at work, if it comes outside working time."""
    clock, name = definition.telling[event.type], event.type.removeprefix(DEADLINE)
    until = timekeeping.held_until(clock, case, timing=definition.timing, timer=name, now=now)
    if until is None:
        return None
    firing = Firing(state=case.state, data=case.data, event=event, now=now)
    reason = f"nobody is at work; told again {until.isoformat()}"
    entry = entry_of(case, firing, disposition=Disposition.IGNORED, after=case.state, reason=reason)
    timer = Timer(name=name, due=until, set_at=now)
    after = replace(case, seq=entry.seq, timers={**case.timers, name: timer})
    return Decision(case=after, entry=entry, timers_set=(timer,))


def _telling(definition: Definition, case: Case, event: Received) -> Received:
    """``event`` with what the clock tells in place of the bare passing of a timer."""
    told = timekeeping.telling(definition.telling[event.type], case, timer=event.type.removeprefix(DEADLINE))
    return event if told is None else replace(event, payload=told)


def _target(definition: Definition, case: Case, rule: Rule, data: Facts | None) -> tuple[State, bool]:
    """Where the case goes, and whether that means entering a state."""
    if rule.to is None:
        return definition.states[case.state], False
    if isinstance(rule.to, Junction):
        target = rule.to.choose(data)
        return target, target.name != case.state
    return rule.to, True


def entry_of(case: Case, firing: Firing, *, disposition: Disposition, after: str, reason: str) -> Entry:
    event = firing.event
    return Entry(
        seq=case.seq + 1,
        at=firing.now,
        event=event.type,
        source=event.source,
        event_id=event.id,
        disposition=disposition,
        before=case.state,
        after=after,
        reason=reason,
        body=event.payload,
    )


def _commands(
    case: Case,
    does: tuple[CommandType, ...],
    data: Facts | None,
    event: Received,
    seq: int,
    *,
    timers: Mapping[str, Timer],
) -> tuple[Command, ...]:
    commands: list[Command] = []
    deadlines = {name: timer.due for name, timer in timers.items() if not timer.passed}
    for kind in does:
        for arguments in kind.ask(data, event.payload, deadlines):
            before = sum(command.name == kind.name for command in commands)
            suffix = f"/{before}" if before else ""
            commands.append(Command(kind.name, f"{case.id}/{kind.name}/{seq}{suffix}", arguments))
    return tuple(commands)


def _mark_passed(case: Case, event: Received) -> Case:
    if not event.type.startswith(DEADLINE):
        return case
    name = event.type.removeprefix(DEADLINE)
    timer = case.timers.get(name)
    if timer is None:
        return case
    return replace(case, timers={**case.timers, name: replace(timer, passed=True)})


def timers_changed(timers: Mapping[str, Timer], running: Mapping[str, Timer]) -> tuple[Timer, ...]:
    if timers is running:
        return ()
    return tuple(timer for name, timer in timers.items() if running.get(name) is not timer)


def timers_in(
    definition: Definition,
    case: Case,
    target: State,
    data: Facts | None,
    now: datetime,
    *,
    again: bool = False,
) -> Mapping[str, Timer]:
    """The timers that run in ``target``: those already running go on, new ones are set."""
    if not target.deadlines or data is None:
        return case.timers if not case.timers else {}
    timers: dict[str, Timer] = {}
    for deadline in target.deadlines:
        running = case.timers.get(deadline.name)
        if deadline.runs_if is not None and not deadline.runs_if(data):
            continue
        if deadline.until is not None:
            due = deadline.until(data)
            if due is None:
                continue
            keep = running is not None and running.due == due
        else:
            keep = running is not None and not again and not (deadline.repeats and running.passed)
            due = running.due if running and keep else definition.due(deadline, data, now)
        timers[deadline.name] = (
            running if running and keep else Timer(name=deadline.name, due=due, set_at=now)
        )
    return timers
