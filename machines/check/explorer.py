"""Every situation that a case can get into, breadth first, so that the way to each is the shortest."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from heapq import heappop, heappush
from math import inf

from machines.check.automaton import Answer, Automaton
from machines.check.report import Met
from machines.check.situation import DEFERRED, Child, Edge, Label, Raised, Situation
from machines.check.taking import Taken, Taking
from machines.check.traffic import Traffic
from machines.kernel.event import Event
from machines.kernel.procedure import Procedure
from machines.kernel.rule import Disposition
from machines.kernel.state import Ask

LIMIT = 400_000  #: situations after which one procedure counts as too large


Move = Callable[[], Edge | None]


class Explorer:
    """One procedure and, as automata, the children it opens. As a ``child`` it opens and is told things by a
    parent only; else the examples of its opening events open it.

    In every situation one thing is ordinary: the first outcome of the oldest kind of command in flight, else
    what a child ordinarily says next, else the form or event waited for, else the next deadline. Everything
    else is a deviation, and a path may have so many of them.
    """

    def __init__(
        self, sop: str, *, procedures: Mapping[str, Procedure], traffic: Traffic, child: bool
    ) -> None:
        self.sop = sop
        self.procedure = procedures[sop]
        self.child = child
        self.traffic = traffic
        self.children: list[Explorer] = []  #: walks of the procedures that it opens
        self._procedures = procedures
        self.taking = Taking(
            self.procedure,
            procedures=procedures,
            traffic=traffic,
            child=child,
            open_automaton=self._open,
        )
        self.stepper = self.taking.stepper
        self.situations: list[Situation] = []
        self.came: list[tuple[int, Label] | None] = []
        self.cost: list[float] = []  #: deviations on the way to it
        self.depth: list[int] = []
        self.cut: set[int] = set()  #: where further deviations were left out
        self.edges: list[list[Edge]] = []
        self.issued: dict[str, dict[int, tuple[int, Label]]] = {}  #: where inert commands were issued
        self.truncated = False
        self.deviations = traffic.deviations
        self.bounded = self.deviations < inf
        self._outside: dict[int, tuple[tuple[int, tuple[str, str, str]], ...]] = {}
        self._noted: set[tuple[str, tuple[int, ...]]] = set()
        self._index: dict[Situation, int] = {}
        self._met: set[str] = set()
        self._expanded: dict[int, float] = {}
        self._forms = {
            state.name: state.form.type for state in self.procedure.states if isinstance(state, Ask)
        }
        self._ends = {state.name for state in self.procedure.states if state.kind == "end"}
        self.root = self._reach(Situation(self.stepper.start, (), (), (), ()), None)

    def _open(self, sop: str) -> Automaton:
        walk = Explorer(sop, procedures=self._procedures, traffic=self.traffic, child=True)
        self.children.append(walk)
        return Automaton(walk)

    def all(self) -> Iterator[Explorer]:
        """This walk, and those of all procedures that are opened on it."""
        yield self
        for child in self.children:
            yield from child.all()

    @property
    def steps(self) -> int:
        return sum(map(len, self.edges))

    def state(self, number: int) -> str:
        return self.stepper.state(self.situations[number].core)

    @property
    def met(self) -> Met:
        return Met(frozenset(self._met), frozenset(self.stepper.seen), frozenset(self.stepper.used))

    def ended(self, number: int) -> bool:
        return self.state(number) in self._ends

    def busy(self, number: int) -> bool:
        """Whether commands are in flight, or children can still say or be told something."""
        situation = self.situations[number]
        return bool(situation.flight) or any(
            child.inbox or self.taking.automaton(child.sop).reports(child.at) for child in situation.children
        )

    def path(self, number: int, *, then: Label | None = None) -> tuple[str, ...]:
        """The shortest way to a situation, one line per event; ``then`` is one more event in it."""
        steps = [self.tell(then, number)] if then else []
        at: int = number
        while (came := self.came[at]) is not None:
            steps.append(f"{self.tell(came[1], came[0])} -> {self.state(at)}")
            at = came[0]
        return tuple(reversed(steps))

    def tell(self, label: Label, number: int) -> str:
        kind, state = self.stepper.happenings[label.happening].type, self.state(number)
        match label.who:
            case "outside" | "deadline" | "parent":
                return f"{state}: {kind}"
            case who:
                return f"{state}: {who} {kind}" if " " in who else f"{state}: {who} ends in {kind}"

    def explore(self, start: int) -> None:
        """Walk through what can follow from ``start``, cheapest in deviations first, then shortest."""
        frontier = [(self.cost[start], self.depth[start], start)]
        while frontier:
            cost, depth, number = heappop(frontier)
            if self._expanded.get(number, self.deviations + 1) <= cost:
                continue
            if len(self.situations) > LIMIT or self.traffic.late():
                self.truncated = True
                return
            self._expanded[number] = cost
            self.cut.discard(number)
            for place, (deviates, move) in enumerate(self._moves(number, self.situations[number])):
                price = cost + (max(deviates, place > 0 and number != self.root) if self.bounded else 0)
                if price > self.deviations:
                    self.cut.add(number)
                    if place and number != self.root and cost + 1 > self.deviations:
                        break  # nor can any of the others be afforded
                    continue
                edge = move()
                if edge is None:
                    if self.taking.beyond:
                        self.cut.add(number)
                        self.taking.beyond = False
                    continue
                if edge not in self.edges[number]:
                    self.edges[number].append(edge)
                if (price, depth + 1) < (self.cost[edge.to], self.depth[edge.to]):
                    self._improve(edge.to, price, depth + 1, (number, edge.label))
                    if edge.to not in self._expanded:
                        heappush(frontier, (price, depth + 1, edge.to))

    def take(self, number: int, event: Event) -> Edge | None:
        """What a case does with one more event, from its parent; everything after it is explored, too."""
        edge = self._take(number, self.situations[number], Label("parent", self.stepper.told(event)))
        if edge is not None:
            price, depth = self.cost[number], self.depth[number] + 1
            if price < self.cost[edge.to]:
                self._improve(edge.to, price, depth, (number, edge.label))
            self.explore(edge.to)
        return edge

    def _improve(self, number: int, cost: float, depth: int, came: tuple[int, Label]) -> None:
        self.cost[number], self.depth[number], self.came[number] = cost, depth, came

    def _moves(self, number: int, situation: Situation) -> Iterator[tuple[float, Move]]:
        """All that can happen next, the ordinary thing first, with the deviations that it takes at least."""
        yield from ((0, move) for move in self._outcomes(number, situation))
        yield from self._from_children(number, situation)
        over = int(self.ended(number))
        yield from ((over, move) for move in self._from_outside(number, situation))
        for happening in self.stepper.deadlines(situation.core):
            if self.stepper.happenings[happening].type in self.traffic.scope.without:
                continue
            yield 0, partial(self._take, number, situation, Label("deadline", happening))

    def _outcomes(self, number: int, situation: Situation) -> Iterator[Move]:
        for command in dict.fromkeys(situation.flight):
            name = self.stepper.asked[command].name
            left = list(situation.flight)
            left.remove(command)
            rest = situation._replace(flight=tuple(left))
            for outcome in self.taking.possible(number, command):
                if self.stepper.happenings[outcome].type in self.traffic.scope.without:
                    continue
                yield partial(self._take, number, rest, Label(name, outcome))

    def _from_outside(self, number: int, situation: Situation) -> Iterator[Move]:
        worth = self._outside.get(situation.core)
        if worth is None:
            worth = self._outside[situation.core] = tuple(self._worth_trying(number, situation.core))
        for happening, pair in worth:
            if situation.kept and self._enough_kept(situation, happening):
                continue
            self.traffic.offered.add(pair)
            yield partial(self._take, number, situation, Label("outside", happening))

    def _enough_kept(self, situation: Situation, happening: int) -> bool:
        step = self.stepper.step(situation.core, happening)
        if isinstance(step, Raised) or step.disposition is not Disposition.DEFERRED:
            return False
        return len(situation.kept) >= DEFERRED or any(one.happening == happening for one in situation.kept)

    def _worth_trying(self, number: int, core: int) -> Iterator[tuple[int, tuple[str, str, str]]]:
        """What may happen from outside and changes anything, the form that is waited for first."""
        state, _, data = self.stepper.cores[core]
        outside = self.stepper.outside(data)
        if isinstance(outside, Raised):
            self.taking.raised(number, state, outside, None)
            return
        kinds = {happening: self.stepper.happenings[happening].type for happening in outside}
        concerning = self.stepper.concerning(state, outside)
        if (state, outside) not in self._noted:
            self._noted.add((state, outside))
            noted = (kinds[happening] for happening in outside if happening not in concerning)
            self.stepper.seen.update(kind for kind in noted if kind not in self.traffic.scope.without)
        form, sender = self._forms.get(state), "parent" if self.child else "child"
        for happening in sorted(concerning, key=lambda one: kinds[one] != form):
            kind = kinds[happening]
            if kind not in self.traffic.scope.without and self._moves_on(number, core, happening):
                pair = (self.sop, kind, sender)
                if pair not in self.traffic.known:
                    yield happening, pair

    def _moves_on(self, number: int, core: int, happening: int) -> bool:
        step = self.stepper.step(core, happening)
        if isinstance(step, Raised) or step.commands or step.sends or step.core != core:
            return True
        for name in step.idle:
            label = Label("outside", happening)
            self.issued.setdefault(name, {}).setdefault(number, (number, label))
        posts = step.disposition is Disposition.HANDLED and bool(self.stepper.postings(happening))
        return posts or step.disposition is Disposition.DEFERRED

    def _from_children(self, number: int, situation: Situation) -> Iterator[tuple[float, Move]]:
        for place, child in enumerate(situation.children):
            if child.inbox:
                event = self.stepper.happenings[child.inbox[0]].payload
                told = child._replace(inbox=child.inbox[1:])
                for answer in self.taking.automaton(child.sop).receives(child.at, event):
                    yield answer.deviations, partial(self._hear, number, situation, place, told, answer)
        for place, child in enumerate(situation.children):
            for answer in self.taking.automaton(child.sop).reports(child.at):
                if (
                    self.traffic.reduced
                    and situation.flight
                    and all(self._can_wait(situation, said) for said in answer.says)
                ):
                    continue
                yield answer.deviations, partial(self._hear, number, situation, place, child, answer)

    def _can_wait(self, situation: Situation, said: Event) -> bool:
        """Whether a report would only be kept. While the case has answers to wait for, it may as well come
        after them: it is then taken up where it would have been, and cannot be forgotten in between."""
        step = self.stepper.step(situation.core, self.stepper.told(said))
        deferred = not isinstance(step, Raised) and step.disposition is Disposition.DEFERRED
        return deferred and all(amount >= 0 for amount in said.postings().values())

    def _hear(
        self, number: int, situation: Situation, place: int, child: Child, answer: Answer
    ) -> Edge | None:
        """One child moves and says any number of events."""
        says, at, _ = answer
        inbox = situation.children[place].inbox
        children = (*situation.children[:place], child._replace(at=at), *situation.children[place + 1 :])
        situation = situation._replace(children=children)
        who, told = f"{child.sop} {child.key}", list[Event]()
        label = Label(f"{who} takes", inbox[0] if inbox else 0)
        for event in says:
            self.traffic.learnt.add((self.sop, event.type, "child"))
            label = Label(who, self.stepper.told(event))
            taken = self.taking.take(number, situation, label)
            if taken is None:
                return None
            situation = taken[0]
            told += taken[1]
        return self._arrive(number, label, (situation, tuple(told)))

    def _take(self, number: int, situation: Situation, label: Label) -> Edge | None:
        taken = self.taking.take(number, situation, label)
        return self._arrive(number, label, taken) if taken else None

    def _arrive(self, number: int, label: Label, taken: Taken) -> Edge:
        situation, says = taken
        to = self._reach(situation, (number, label))
        for name in self.taking.idle:
            self.issued.setdefault(name, {}).setdefault(to, (number, label))
        self.taking.idle.clear()
        return Edge(to, label, says)

    def _reach(self, situation: Situation, came: tuple[int, Label] | None) -> int:
        number = self._index.get(situation)
        if number is None:
            number = self._index[situation] = len(self.situations)
            self.situations.append(situation)
            self.came.append(came)
            self.cost.append(self.deviations + 1 if came else 0)
            self.depth.append(self.depth[came[0]] + 1 if came else 0)
            self.edges.append([])
            self._met.add(self.stepper.state(situation.core))
        return number
