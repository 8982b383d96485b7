"""Runs ``decide`` once for each distinct case and event; the answers are kept from one walk to the next."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

from machines.check.ageing import age
from machines.check.clocked import timeless
from machines.check.inert import Inert
from machines.check.interning import Interned, itself, written
from machines.check.liveness import Fields, Liveness
from machines.check.quiet import Quiet
from machines.check.situation import LATER, NOW, Asked, Core, Happening, Raised, Timers
from machines.kernel.case import Case, Timer
from machines.kernel.clock_ledger import Ledger
from machines.kernel.command import Command
from machines.kernel.decide import decide
from machines.kernel.decision import Decision
from machines.kernel.definition import Definition, Firing
from machines.kernel.event import DeadlinePassed, Event, Facts, Received, SentBack
from machines.kernel.procedure import Procedure
from machines.kernel.rule import Disposition, Send
from machines.kernel.state import DEADLINE, Deadline

_PARENT = "parent/1"


class Watched(Definition):
    """A definition that remembers which rules it chose since ``used`` was last cleared."""

    def __init__(self, procedure: Procedure) -> None:
        super().__init__(procedure, due=_later)
        self.used: set[int] = set()
        self._numbers = {id(rule): number for number, rule in enumerate(procedure.rules)}

    def fire(self, firing: Firing) -> None:
        super().fire(firing)
        if firing.rule is not None:
            self.used.add(self._numbers[id(firing.rule)])


class Decided(NamedTuple):
    """What ``decide`` did with one happening, with all that the case knows then."""

    state: str
    data: int
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
        self.data: Interned[Facts | None] = Interned(written)
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
            self._deadlines[core] = tuple(self._running(self.cores[core]))
        return self._deadlines[core]

    def _running(self, core: Core) -> Iterable[int]:
        running = [timer for timer in core.timers if not timer.passed]
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
        if number not in self._outside:
            data = self.data[number]
            try:
                events = self._opening() if data is None else self._may_happen(data)
                self._outside[number] = tuple(dict.fromkeys(map(self.happening, events)))
            except Exception as error:
                self._outside[number] = Raised("may_happen", error)
        return self._outside[number]

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
        case, (kind, payload, at) = self._case(core), self.happenings[happening]
        event = Received("check", "check", kind, payload, at)
        self._fields.log.reads.clear()
        self.definition.used.clear()
        try:
            decision = decide(self.definition, case, event, at)
        except Exception as error:
            # It may have raised because what it read had been forgotten; then the next run tells.
            reads, state = self._fields.log.reads, case.state
            self.liveness.note(state=state, kind=kind, target=state, reads=reads, writes=frozenset())
            return Raised(f"on {kind}", error)
        after = self._note(case.state, kind, decision)
        seen, used = {kind}, set(self.definition.used)
        try:
            told, alerting = self._alerts(after, at)
        except Exception as error:
            return Raised(f"a clock alerting in {after.state}", error)
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
        data, timers = self._aged(after, at - NOW)
        return Decided(
            state=after.state,
            data=self.data.number(data),
            timers=timers,
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

    def _note(self, state: str, kind: str, decision: Decision) -> Case:
        """The case as decided; what was read and written on the way is remembered."""
        if not decision.moved and decision.disposition is not Disposition.HANDLED:
            writes: frozenset[str] = frozenset()
            data = self._fields.plain(decision.case.data)[0]
        else:
            data, writes = self._fields.plain(decision.case.data)
        case = replace(decision.case, data=data)
        reads = self._fields.log.reads
        self.liveness.note(state=state, kind=kind, target=case.state, reads=reads, writes=writes)
        return case

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

    def _aged(self, case: Case, by: timedelta) -> tuple[Facts | None, tuple[Timers, ...]]:
        """What ``case`` knows and waits for after ``by`` has passed."""
        data = age(case.data, by) if by else case.data
        timers = []
        for name, timer in sorted(case.timers.items()):
            until = self._until.get(name)
            due = until(data) if until and by else None
            due = LATER if name in self._of_clocks else due
            timers.append(Timers(name, due or timer.due, timer.passed))
        return data, tuple(timers)

    def _case(self, core: int) -> Case:
        state, data, timers, clocks = self.cores[core]
        procedure = self.procedure
        return Case(
            sop=procedure.name,
            key="1",
            version=procedure.version,
            hash="",
            state=state,
            data=self._fields.watched(self.data[data]),
            parent=self._parent,
            timers={
                timer.name: Timer(timer.name, timer.due, set_at=NOW, passed=timer.passed) for timer in timers
            },
            clocks=dict(clocks),
        )


def _later(_: Deadline, __: Facts, ___: datetime) -> datetime:
    return LATER
