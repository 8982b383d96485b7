"""Every situation that a case can get into, breadth first, so that the way to each is the shortest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from machines.check.automaton import Automaton
from machines.check.report import Kind
from machines.check.situation import SAME_IN_FLIGHT, Child, Raised, Situation
from machines.check.stepping import Stepper
from machines.kernel.event import Event
from machines.kernel.procedure import Procedure
from machines.kernel.rule import Disposition, Send

LIMIT = 400_000  #: situations after which one procedure counts as too large


class Label(NamedTuple):
    """What leads from one situation to the next: a happening, and who brought it about."""

    who: str
    happening: int


class Edge(NamedTuple):
    to: int
    says: tuple[Event, ...]  #: reports to the parent, in order


class Trouble(NamedTuple):
    """Something wrong with one step, found on the way; ``label`` is that step, taken at ``situation``."""

    kind: Kind
    at: str
    text: str
    situation: int
    label: Label | None


@dataclass(slots=True)
class Between:
    """Which events cases send one another, as (receiver, event type, who sends it).

    What is ``known`` does not come from outside as well. ``learnt`` and ``offered`` fill during a run; a run
    that offered from outside what turned out to be sent by a case has to be repeated.
    """

    known: frozenset[tuple[str, str, str]] = frozenset()
    learnt: set[tuple[str, str, str]] = field(default_factory=set)
    offered: set[tuple[str, str, str]] = field(default_factory=set)

    @property
    def again(self) -> bool:
        return not self.offered.isdisjoint(self.learnt)


class Explorer:
    """One procedure and, as automata, the children it opens. As a ``child`` it opens and is told things by a
    parent only; else the examples of its opening events open it."""

    def __init__(
        self, sop: str, *, procedures: Mapping[str, Procedure], between: Between, child: bool
    ) -> None:
        self.sop = sop
        self.procedure = procedures[sop]
        self.procedures = procedures
        self.between = between
        self.child = child
        self.stepper = Stepper(self.procedure, child=child)
        self.situations: list[Situation] = []
        self.came: list[tuple[int, Label] | None] = []
        self.edges: list[list[Edge]] = []
        self.troubles: dict[tuple[object, ...], Trouble] = {}
        self.seen: set[str] = set()
        self.used: set[int] = set()
        self.truncated = False
        self._index: dict[Situation, int] = {}
        self._automata: dict[str, Automaton] = {}
        self._last = Situation(self.stepper.start, (), (), (), ())
        self._ends = {state.name for state in self.procedure.states if state.kind == "end"}
        self._rules = {(state.name, rule.event) for rule in self.procedure.rules for state in rule.at}
        self.root = self._reach(self._last, None)

    @property
    def steps(self) -> int:
        return sum(map(len, self.edges))

    def state(self, number: int) -> str:
        return self.stepper.state(self.situations[number].core)

    def ended(self, number: int) -> bool:
        return self.state(number) in self._ends

    def busy(self, number: int) -> bool:
        """Whether commands are in flight, or children can still say or be told something."""
        situation = self.situations[number]
        return bool(situation.flight) or any(
            child.inbox or self.automaton(child.sop).reports(child.at) for child in situation.children
        )

    def path(self, number: int, *, then: Label | None = None) -> tuple[str, ...]:
        steps = [self._tell(then, self.state(number))] if then else []
        at: int = number
        while (came := self.came[at]) is not None:
            steps.append(f"{self._tell(came[1], self.state(came[0]))} -> {self.state(at)}")
            at = came[0]
        return tuple(reversed(steps))

    def explore(self, start: int) -> None:
        """Walk through everything that can follow from ``start``."""
        frontier = [start]
        for number in frontier:
            if self.edges[number]:
                continue
            if len(self.situations) > LIMIT:
                self.truncated = True
                return
            known = len(self.situations)
            for edge in self._successors(number):
                if edge not in self.edges[number]:
                    self.edges[number].append(edge)
            frontier.extend(range(known, len(self.situations)))

    def take(self, number: int, event: Event) -> Edge | None:
        """What a case does with one more event, from its parent; everything after it is explored, too."""
        edge = self._take(number, self.situations[number], Label("parent", self.stepper.happening(event)))
        if edge is not None:
            self.explore(edge.to)
        return edge

    def automaton(self, sop: str) -> Automaton:
        if sop not in self._automata:
            explorer = Explorer(sop, procedures=self.procedures, between=self.between, child=True)
            self._automata[sop] = Automaton(explorer)
        return self._automata[sop]

    def _successors(self, number: int) -> Iterator[Edge]:
        situation = self.situations[number]
        edges = [
            *self._outcomes(number, situation),
            *(
                self._take(number, situation, Label("deadline", happening))
                for happening in self.stepper.deadlines(situation.core)
            ),
            *self._from_outside(number, situation),
            *self._from_children(number, situation),
        ]
        return (edge for edge in edges if edge is not None)

    def _outcomes(self, number: int, situation: Situation) -> Iterator[Edge | None]:
        for command in dict.fromkeys(situation.flight):
            possible = self.stepper.possible(command)
            name = self.stepper.asked[command].name
            if isinstance(possible, Raised):
                self._raised(number, possible, None)
                continue
            left = list(situation.flight)
            left.remove(command)
            rest = situation._replace(flight=tuple(left))
            for outcome in possible:
                yield self._take(number, rest, Label(name, outcome))

    def _from_outside(self, number: int, situation: Situation) -> Iterator[Edge | None]:
        outside = self.stepper.outside(situation.core)
        if isinstance(outside, Raised):
            self._raised(number, outside, None)
            return
        sender = "parent" if self.child else "child"
        for happening in outside:
            pair = (self.sop, self.stepper.happenings[happening].type, sender)
            if happening not in situation.kept and pair not in self.between.known:
                self.between.offered.add(pair)
                yield self._take(number, situation, Label("outside", happening))

    def _from_children(self, number: int, situation: Situation) -> Iterator[Edge | None]:
        for place, child in enumerate(situation.children):
            automaton = self.automaton(child.sop)
            moves = [(child, says, at) for says, at in automaton.reports(child.at)]
            if child.inbox:
                event = self.stepper.happenings[child.inbox[0]].payload
                told = child._replace(inbox=child.inbox[1:])
                moves += [(told, says, at) for says, at in automaton.receives(child.at, event)]
            for before, says, at in moves:
                children = list(situation.children)
                children[place] = before._replace(at=at)
                yield self._hear(number, situation._replace(children=tuple(children)), child, says)

    def _hear(self, number: int, situation: Situation, child: Child, says: tuple[Event, ...]) -> Edge | None:
        """One child moves and says any number of events."""
        who, told = f"{child.sop} {child.key}", list[Event]()
        if not says:
            label = Label(f"{who} takes", child.inbox[0])
            return Edge(self._reach(situation, (number, label)), ())
        edge: Edge | None = None
        for position, event in enumerate(says):
            self.between.learnt.add((self.sop, event.type, "child"))
            label = Label(who, self.stepper.happening(event))
            edge = self._take(number, situation, label, reach=position == len(says) - 1)
            if edge is None:
                return None
            told += edge.says
            situation = self._last
        assert edge is not None
        return Edge(edge.to, tuple(told))

    def _take(self, number: int, situation: Situation, label: Label, *, reach: bool = True) -> Edge | None:
        """Let the case take one happening, and after it every deferred one that a move makes worth a try."""
        says: list[Event] = []
        waiting = [(label.happening, True)]
        while waiting:
            happening, fresh = waiting.pop(0)
            step = self.stepper.step(situation.core, happening)
            if isinstance(step, Raised):
                self._raised(number, step, label)
                return None
            kind, payload, _ = self.stepper.happenings[happening]
            state = self.stepper.state(situation.core)
            self.seen.add(kind)
            if step.rule is not None:
                self.used.add(id(step.rule))
            elif fresh:
                self._inspect(number, label, state=state, kind=kind, disposition=step.disposition, why=step.reason)
            fact = label.who not in {"outside", "deadline", "parent"}
            ledger = situation.ledger
            if (fresh and fact) or (not fact and step.disposition is Disposition.HANDLED):
                ledger = _post(ledger, payload)
            kept = situation.kept
            if step.disposition is Disposition.DEFERRED and happening not in kept:
                kept = (*kept, happening)
            if step.moved and kept:
                waiting += [(one, False) for one in kept]
                kept = ()
            situation = Situation(
                step.core, self._fly(situation.flight, step.commands), situation.children, kept, ledger
            )
            for send in step.sends:
                if send.to is None:
                    says.append(send.event)
                else:
                    situation = self._send(number, situation, send, label)
        self._last = situation
        return Edge(self._reach(situation, (number, label)) if reach else -1, tuple(says))

    def _fly(self, flight: tuple[int, ...], commands: tuple[int, ...]) -> tuple[int, ...]:
        flying = [command for command in commands if self.stepper.possible(command)]
        if not flying:
            return flight
        together = sorted((*flight, *flying))
        return tuple(
            command
            for place, command in enumerate(together)
            if place < SAME_IN_FLIGHT or together[place - SAME_IN_FLIGHT] != command
        )

    def _send(self, number: int, situation: Situation, send: Send, label: Label) -> Situation:
        assert send.to is not None
        sop, key = send.to
        kind, event = send.event.type, self.stepper.happening(send.event)
        if sop not in self.procedures:
            self._trouble(Kind.NO_RECEIVER, kind, f"there is no procedure {sop!r}", number, label)
            return situation
        self.between.learnt.add((sop, kind, "parent"))
        known = [place for place, one in enumerate(situation.children) if one[:2] == (sop, key)]
        if known:
            child = situation.children[known[0]]
            if child.inbox.count(event) >= SAME_IN_FLIGHT:
                return situation
            changed = child._replace(inbox=(*child.inbox, event))
            others = situation.children[: known[0]] + situation.children[known[0] + 1 :]
        elif send.event.opens:
            automaton = self.automaton(sop)
            opened = automaton.receives(automaton.unopened, send.event)
            silent = len(opened) == 1 and not opened[0][0]
            changed = Child(sop, key, opened[0][1] if silent else automaton.unopened, () if silent else (event,))
            others = situation.children
        else:
            self._trouble(Kind.NO_RECEIVER, kind, f"{sop}/{key} has not been opened", number, label)
            return situation
        return situation._replace(children=tuple(sorted((*others, changed))))

    def _reach(self, situation: Situation, came: tuple[int, Label] | None) -> int:
        number = self._index.get(situation)
        if number is None:
            number = self._index[situation] = len(self.situations)
            self.situations.append(situation)
            self.came.append(came)
            self.edges.append([])
        return number

    def _inspect(
        self, number: int, label: Label, *, state: str, kind: str, disposition: Disposition, why: str
    ) -> None:
        """Look at an event that no rule handled."""
        declared = (state, kind) in self._rules
        if label.who in {"outside", "parent"}:
            return  # the static table of states and events covers these
        if disposition is Disposition.DEFERRED:
            self._trouble(Kind.DEFERRED_OUTCOME, state, f"{kind} ({label.who})", number, label)
        elif not declared or (disposition is Disposition.REFUSED and label.who != "deadline"):
            text = f"{kind} ({label.who})" + (f" is refused: {why}" if declared else " has no rule")
            self._trouble(Kind.LATE_OUTCOME, state, text, number, label)

    def _raised(self, number: int, raised: Raised, label: Label | None) -> None:
        text = f"{raised.where}: {type(raised.error).__name__}: {str(raised.error).splitlines()[0:1]}"
        self._trouble(Kind.RAISES, self.state(number), text, number, label)

    def _trouble(self, kind: Kind, at: str, text: str, number: int, label: Label | None) -> None:
        self.troubles.setdefault((kind, at, text), Trouble(kind, at, text, number, label))

    def _tell(self, label: Label, state: str) -> str:
        kind = self.stepper.happenings[label.happening].type
        match label.who:
            case "outside" | "deadline" | "parent":
                return f"{state}: {kind}"
            case who:
                return f"{state}: {who} {kind}" if " " in who else f"{state}: {who} ends in {kind}"


def _post(ledger: tuple[tuple[str, int], ...], event: Event) -> tuple[tuple[str, int], ...]:
    postings = event.postings()
    if not postings:
        return ledger
    sums = dict(ledger)
    for account, amount in postings.items():
        sums[account] = sums.get(account, 0) + amount
    return tuple(sorted((account, amount) for account, amount in sums.items() if amount))

