"""Runs ``decide`` once for each event and what it reads of a case; the answers are kept from walk to walk."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

from machines.check.ageing import age
from machines.check.clocked import timeless
from machines.check.inert import Inert
from machines.check.interning import Interned, itself, written
from machines.check.knowledge import Changes, Knowledge
from machines.check.liveness import Fields, Liveness
from machines.check.quiet import Quiet
from machines.check.remembering import Remembered
from machines.check.ruling import Watched
from machines.check.situation import LATER, NOW, Asked, Core, Frame, Happening, Raised, Timers
from machines.kernel.case import Case, Timer
from machines.kernel.clock_ledger import Ledger
from machines.kernel.command import Command
from machines.kernel.decide import decide
from machines.kernel.decision import Decision
from machines.kernel.event import DeadlinePassed, Event, Facts, Received, SentBack
from machines.kernel.procedure import Procedure
from machines.kernel.rule import Disposition, Send
from machines.kernel.state import DEADLINE

_PARENT = "parent/1"


class Ruled(NamedTuple):
    """What ``decide`` did with one happening, whatever it did not read."""

    state: str
    changes: Changes | None
    timers: tuple[Timers, ...]
    clocks: tuple[tuple[str, Ledger], ...]
    commands: tuple[int, ...]
    idle: tuple[str, ...]  #: names of inert commands, which nothing follows from
    sends: tuple[Send, ...]
    disposition: Disposition
    moved: bool
    reason: str
    passed: timedelta  #: how much older everything is afterwards
    seen: frozenset[str]  #: event types, those that the inert commands end in included
    used: frozenset[int]  #: places of the rules that applied


class Decided(NamedTuple):
    """The numbers of the data and of the frame that a case has then."""

    ruled: Ruled
    data: int
    frame: int


class Decisions:
    """Everything here holds whatever a walk assumes. ``child`` tells whether a parent listens; ``openings``
    numbers the examples that open a case (all if ``None``). The numbers of cores, data, happenings and
    commands are its own."""

    def __init__(
        self, procedure: Procedure, *, child: bool, liveness: Liveness, openings: tuple[int, ...] | None
    ) -> None:
        self.procedure = procedure
        self.inert = Inert(procedure)
        self.quiet = Quiet(procedure, self.inert)
        self.definition = Watched(replace(procedure, clocks=self.quiet.others))
        self.liveness = liveness
        self.cores: Interned[Core] = Interned(itself)
        self.frames: Interned[Frame] = Interned(itself)
        self.data = Knowledge(procedure.data)
        self.happenings: Interned[Happening] = Interned(lambda one: (one.type, written(one.payload), one.at))
        self.asked: Interned[Asked] = Interned(lambda one: (one.name, written(one.arguments)))
        self._until = {name: one.until for name, one in procedure.deadlines.items() if one.until}
        self._of_clocks = {name for clock in procedure.clocks for name in clock.timers}
        self._openings = openings
        self._fields = Fields(procedure.data)
        self._parent = _PARENT if child else None
        self._told: dict[int, tuple[Event, int]] = {}
        self._tried: dict[tuple[str, str], tuple[frozenset[str], frozenset[int]]] = {}
        self._alerted: dict[str, tuple[frozenset[str], frozenset[int]]] = {}
        self._decided: dict[tuple[int, int], Decided | Raised] = {}
        self._ruled: Remembered[Ruled | Raised] = Remembered()
        self._happens: Remembered[tuple[int, ...] | Raised] = Remembered()
        self._possible: dict[int, tuple[int, ...] | Raised] = {}
        self._outside: dict[int, tuple[int, ...] | Raised] = {}
        self._deadlines: dict[int, tuple[int, ...]] = {}

    def __len__(self) -> int:
        return len(self._decided)

    def happening(self, event: Event) -> int:
        return self.happenings.number(Happening(event.type, event, NOW))

    def told(self, event: Event) -> int:
        """``happening`` of an event object that is told again and again, without reading it anew."""
        known = self._told.get(id(event))
        if known is None:  # the event is kept, so that no other gets its id
            known = self._told[id(event)] = (event, self.happening(event))
        return known[1]

    def deadlines(self, core: int) -> tuple[int, ...]:
        """The running deadlines that can pass next: those stated as a duration at any time, those that name
        their instant in the order of these instants."""
        if core not in self._deadlines:
            frame = self.frames[self.cores[core].frame]
            self._deadlines[core] = tuple(self._running(frame.timers))
        return self._deadlines[core]

    def _running(self, timers: tuple[Timers, ...]) -> Iterable[int]:
        running = [timer for timer in timers if not timer.passed]
        first = min((timer.due for timer in running if timer.name in self._until), default=NOW)
        for timer in running:
            if timer.name not in self._until or timer.due <= max(NOW, first):
                at = max(NOW, timer.due) if timer.name in self._until else NOW
                passed = DeadlinePassed(name=timer.name)
                yield self.happenings.number(Happening(DEADLINE + timer.name, passed, at))

    def possible(self, command: int) -> tuple[int, ...] | Raised:
        """Every outcome of a command in flight."""
        if command not in self._possible:
            name, arguments = self.asked[command]
            try:
                events = tuple(self.procedure.commands[name].possible(arguments))
                self._possible[command] = tuple(dict.fromkeys(map(self.happening, events)))
            except Exception as error:
                self._possible[command] = Raised(f"possible outcomes of {name}", error)
        return self._possible[command]

    def outside(self, number: int) -> tuple[int, ...] | Raised:
        """What may happen from outside to a case with data ``number``: without any, what opens one."""
        known = self._outside.get(number)
        if known is None:
            values = self.data.values(number)
            known = self._happens.get(bool(number), values)
            if known is None:
                self._fields.log.reads.clear()
                known = self._numbered(number)
                self._happens.put(bool(number), values, read=self._read(), answer=known)
            self._outside[number] = known
        return known

    def _numbered(self, number: int) -> tuple[int, ...] | Raised:
        try:
            events = (
                self._may_happen(self._fields.watched(self.data.fields(number)))
                if number
                else self._opening()
            )
            return tuple(dict.fromkeys(map(self.happening, events)))
        except Exception as error:
            return Raised("may_happen", error)

    def _opening(self) -> Iterable[Event]:
        for event in self.procedure.opening:
            examples = (
                event.examples if self._openings is None else [event.examples[n] for n in self._openings]
            )
            yield from map(event.model_validate, examples)

    def _may_happen(self, data: Facts) -> Iterable[Event]:
        for one in self.procedure.may_happen(data):
            yield one.event if isinstance(one, Send) else one
        for to in dict.fromkeys(target.name for _, target in self.procedure.ways_back):
            yield SentBack(to=to, who="check", reason="check")

    def decided(self, core: int, happening: int) -> Decided | Raised:
        known = self._decided.get((core, happening))
        if known is None:
            known = self._decided[core, happening] = self._decide(core, happening)
        return known

    def _decide(self, core: int, happening: int) -> Decided | Raised:
        state, frame, data = self.cores[core]
        question, values = (state, frame, happening, not data), self.data.values(data)
        ruled = self._ruled.get(question, values)
        if ruled is None:
            ruled, reads = self._rule(core, happening)
            self._ruled.put(question, values, read=reads, answer=ruled)
        if isinstance(ruled, Raised):
            return ruled
        after = self.data.changed(data, ruled.changes, by=ruled.passed)
        timers = self._aged(ruled.timers, after) if ruled.passed else ruled.timers
        return Decided(ruled, after, self.frames.number(Frame(timers, ruled.clocks)))

    def _rule(self, core: int, happening: int) -> tuple[Ruled | Raised, list[int]]:
        """What becomes of a case, and the places of the fields read for that."""
        case, (kind, payload, at) = self.case(core), self.happenings[happening]
        event = Received("check", "check", kind, payload, at)
        self._fields.log.reads.clear()
        self.definition.used.clear()
        try:
            decision = decide(self.definition, case, event, at)
        except Exception as error:
            # It may have raised because what it read had been forgotten; then the next run tells.
            reads, state = self._fields.log.reads, case.state
            self.liveness.note(state=state, kind=kind, target=state, reads=reads, writes=frozenset())
            return Raised(f"on {kind}", error), self._read()
        read, changes = self._read(), self._note(case.state, kind, decision)
        after = replace(decision.case, data=self._fields.plain(decision.case.data))
        seen, used = {kind}, set(self.definition.used)
        try:
            told, alerting = self._alerts(after, at)
        except Exception as error:
            return Raised(f"a clock alerting in {after.state}", error), read
        seen |= told
        used |= alerting
        idle, flying = [], []
        for command in decision.commands:
            if command.name in self.inert.names:
                idle.append(command.name)
                ends, rules = self._try_inert(after, command, at)
                seen |= ends
                used |= rules
            else:
                flying.append(self.asked.number(Asked(command.name, age(command.arguments, at - NOW))))
        ruled = Ruled(
            state=after.state,
            changes=changes,
            timers=tuple(
                Timers(name, LATER if name in self._of_clocks else timer.due, timer.passed)
                for name, timer in sorted(after.timers.items())
            ),
            clocks=tuple((name, timeless(ledger)) for name, ledger in sorted(after.clocks.items())),
            commands=tuple(flying),
            idle=tuple(idle),
            sends=decision.sends,
            disposition=decision.disposition,
            moved=decision.moved,
            reason=decision.entry.reason,
            passed=at - NOW,
            seen=frozenset(seen),
            used=frozenset(used),
        )
        return ruled, read

    def _read(self) -> list[int]:
        """The places of the fields read, in order."""
        return [self.data.places[name] for name in self._fields.log.reads]

    def _note(self, state: str, kind: str, decision: Decision) -> Changes | None:
        """What was written; with what was read on the way it is remembered."""
        data, writes = decision.case.data, frozenset[str]()
        if decision.moved or decision.disposition is Disposition.HANDLED:
            writes = self._fields.written(data)
        reads = self._fields.log.reads
        self.liveness.note(state=state, kind=kind, target=decision.case.state, reads=reads, writes=writes)
        return self.data.changes(data, sorted(writes)) if data is not None else None

    def _alerts(self, case: Case, at: datetime) -> tuple[frozenset[str], frozenset[int]]:
        """What clocks that only alert may tell a case in its state, looked at once."""
        known = self._alerted.get(case.state)
        if known is None:
            self.definition.used.clear()
            alerts = list(self.quiet.asks(self.definition, case))
            tried = [(frozenset[str](), frozenset(self.definition.used))]
            tried += [self._try_inert(case, alert, at) for alert in alerts]
            known = (
                frozenset().union(*(ends for ends, _ in tried)),
                frozenset().union(*(used for _, used in tried)),
            )
            self._alerted[case.state] = known
        return known

    def _try_inert(self, case: Case, command: Command, at: datetime) -> tuple[frozenset[str], frozenset[int]]:
        """Nothing follows from its outcomes, but what takes them must not fail; once per state will do."""
        known = self._tried.get((case.state, command.name))
        if known is None:
            self.definition.used.clear()
            seen = set[str]()
            for outcome in self.procedure.commands[command.name].possible(command.arguments):
                decide(self.definition, case, Received("check", "check", outcome.type, outcome, at), at)
                seen.add(outcome.type)
            known = frozenset(seen), frozenset(self.definition.used)
            self._tried[case.state, command.name] = known
        return known

    def _aged(self, timers: tuple[Timers, ...], data: int) -> tuple[Timers, ...]:
        """Those that name their instant follow the data, which have grown older."""
        aged, knows = [], self.data.data(data)
        for timer in timers:
            until = self._until.get(timer.name)
            due = until(knows) if until else None
            aged.append(timer._replace(due=due or timer.due))
        return tuple(aged)

    def case(self, core: int) -> Case:
        """One as it may stand at ``core``; reads of its data are watched."""
        state, frame, data = self.cores[core]
        timers, clocks = self.frames[frame]
        procedure = self.procedure
        return Case(
            sop=procedure.name,
            key="1",
            version=procedure.version,
            hash="",
            state=state,
            data=self._fields.watched(self.data.fields(data)) if data else None,
            parent=self._parent,
            timers={
                timer.name: Timer(timer.name, timer.due, set_at=NOW, passed=timer.passed) for timer in timers
            },
            clocks=dict(clocks),
        )
