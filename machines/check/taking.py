"""One case taking one happening: what becomes of the situation, what is said, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from machines.check.automaton import Automaton
from machines.check.course import Course
from machines.check.liveness import Liveness
from machines.check.report import Kind
from machines.check.scope import Scope
from machines.check.situation import SAME_IN_FLIGHT, Child, Kept, Label, Raised, Situation, Step, Trouble
from machines.check.stepping import Stepper
from machines.kernel.event import Event
from machines.kernel.procedure import Procedure
from machines.kernel.rule import Disposition, Send

if TYPE_CHECKING:
    from machines.check.explorer import Explorer

Taken = tuple[Situation, tuple[Event, ...]]
"""The situation afterwards, and what was said to the parent."""


@dataclass(slots=True)
class Traffic:
    """Which events cases send one another, as (receiver, event type, who sends it).

    What is ``known`` does not come from outside as well. ``learnt`` and ``offered`` fill during a run; a run
    that offered from outside what turned out to be sent by a case has to be repeated. ``late`` tells when to
    stop. Only to prove the reductions they are switched off with ``reduced``.
    """

    scope: Scope
    deviations: float
    late: Callable[[], bool]
    reduced: bool
    known: frozenset[tuple[str, str, str]] = frozenset()
    liveness: dict[str, Liveness] = field(default_factory=dict)
    courses: dict[str, Course] = field(default_factory=dict)
    learnt: set[tuple[str, str, str]] = field(default_factory=set)
    offered: set[tuple[str, str, str]] = field(default_factory=set)

    @property
    def again(self) -> bool:
        return not self.offered.isdisjoint(self.learnt)

    def longer(self, deviations: float) -> Traffic:
        """For the next run, which assumes what this one observed."""
        known = self.known | self.learnt
        return replace(self, deviations=deviations, known=known, learnt=set(), offered=set())

    def alive(self, procedure: Procedure) -> Liveness:
        return self.liveness.setdefault(procedure.name, Liveness(procedure, forgets=self.reduced))

    def course(self, procedure: Procedure) -> Course:
        return self.courses.setdefault(procedure.name, Course(procedure, forgets=self.reduced))


class Taking:
    """One procedure at work. ``open_automaton`` gives the automaton of a child's procedure."""

    def __init__(
        self,
        procedure: Procedure,
        *,
        procedures: Mapping[str, Procedure],
        traffic: Traffic,
        child: bool,
        open_automaton: Callable[[str], Automaton],
    ) -> None:
        self.procedures = procedures
        self.traffic = traffic
        self.stepper = Stepper(
            procedure,
            child=child,
            liveness=traffic.alive(procedure),
            course=traffic.course(procedure),
            openings=None if child else traffic.scope.openings,
        )
        self.troubles: dict[tuple[object, ...], Trouble] = {}
        self.idle: set[str] = set()  #: inert commands issued since the caller last looked
        self.beyond = False  #: whether something led out of the scope since the caller last looked
        self._automata: dict[str, Automaton] = {}
        self._open_automaton = open_automaton
        self._rules = {(state.name, rule.event) for rule in procedure.rules for state in rule.at}

    def automaton(self, sop: str) -> Automaton:
        if sop not in self._automata:
            self._automata[sop] = self._open_automaton(sop)
        return self._automata[sop]

    def children(self) -> Iterator[Explorer]:
        """Those of the procedures that it opens, and of those that they open."""
        for automaton in self._automata.values():
            yield automaton.explorer
            yield from automaton.explorer.taking.children()

    def take(self, number: int, situation: Situation, label: Label) -> Taken | None:
        """Let the case take one happening, and after it every deferred one that a move makes worth a try."""
        says: list[Event] = []
        first = Kept(label.happening, label.who not in {"outside", "deadline", "parent"})
        waiting = [first]
        while waiting:
            one = waiting.pop(0)
            step = self.stepper.step(situation.core, one.happening)
            if isinstance(step, Raised):
                self.raised(number, self.stepper.state(situation.core), step, label)
                return None
            self._note(number, situation, label, one.happening, step)
            ledger, kept = situation.ledger, situation.kept
            if (one is first) if one.fact else (step.disposition is Disposition.HANDLED):
                ledger = _post(ledger, self.stepper.happenings[one.happening].payload)
            if step.disposition is Disposition.DEFERRED and one not in kept:
                kept = (*kept, one)
            if step.moved:
                waiting += kept
                kept = ()
            flight = self._fly(situation, step)
            situation = Situation(step.core, flight, situation.children, kept, ledger)
            for send in step.sends:
                if send.to is None:
                    says.append(send.event)
                elif self._beyond(situation, send):
                    self.beyond = True
                    return None
                else:
                    situation = self._send(number, situation, send, label)
        return situation, tuple(says)

    def _beyond(self, situation: Situation, send: Send) -> bool:
        """Whether it would open more cases than the scope has."""
        alike = [child for child in situation.children if send.to and child.sop == send.to[0]]
        new = send.event.opens and all((child.sop, child.key) != send.to for child in alike)
        return new and len(alike) >= self.traffic.scope.children

    def _fly(self, situation: Situation, step: Step) -> tuple[int, ...]:
        """Put the commands of ``step`` in flight, except those from which nothing can follow any more."""
        self.idle.update(step.idle)
        flying = [command for command in step.commands if self.stepper.possible(command)]
        if not flying and step.core == situation.core:
            return situation.flight
        older = (self.stepper.older(command, step.passed, flying) for command in situation.flight)
        spent, silent = self.stepper.spent(step.core), self.stepper.course.silent
        left, counted = list[int](), dict[object, int]()
        for command in (*sorted(flying), *sorted(older, reverse=True)):
            name = self.stepper.asked[command].name
            if name in spent:
                self.idle.add(name)
                self.stepper.come(command)
                continue
            alike = name if name in silent else command
            counted[alike] = counted.get(alike, 0) + 1
            if counted[alike] <= SAME_IN_FLIGHT:
                left.append(command)
        return tuple(sorted(left))

    def _send(self, number: int, situation: Situation, send: Send, label: Label) -> Situation:
        assert send.to is not None
        sop, key = send.to
        kind, event = send.event.type, self.stepper.happening(send.event)
        if sop not in self.procedures:
            self._trouble(Kind.NO_RECEIVER, kind, f"there is no procedure {sop!r}", number, label)
            return situation
        self.traffic.learnt.add((sop, kind, "parent"))
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
            silent = len(opened) == 1 and not opened[0].says
            changed = Child(
                sop, key, opened[0].at if silent else automaton.unopened, () if silent else (event,)
            )
            others = situation.children
        else:
            self._trouble(Kind.NO_RECEIVER, kind, f"{sop}/{key} has not been opened", number, label)
            return situation
        return situation._replace(children=tuple(sorted((*others, changed))))

    def possible(self, number: int, command: int) -> tuple[int, ...]:
        possible = self.stepper.possible(command)
        if isinstance(possible, Raised):
            self.raised(number, self.stepper.asked[command].name, possible, None)
            return ()
        return possible

    def _note(self, number: int, situation: Situation, label: Label, happening: int, step: Step) -> None:
        """Look at outcomes, reports and deadlines that no rule handled."""
        if step.disposition is Disposition.HANDLED:
            return
        state, kind = self.stepper.state(situation.core), self.stepper.happenings[happening].type
        if happening != label.happening or label.who in {"outside", "parent"}:
            return  # the static table of states and events covers these
        declared = (state, kind) in self._rules
        deadline = label.who == "deadline"
        if step.disposition is Disposition.DEFERRED and (deadline or " " not in label.who):
            self._trouble(Kind.DEFERRED_OUTCOME, state, f"{kind} ({label.who})", number, label)
        elif not declared or (step.disposition is Disposition.REFUSED and not deadline):
            text = f"{kind} ({label.who})" + (f" is refused: {step.reason}" if declared else " has no rule")
            self._trouble(Kind.LATE_OUTCOME, state, text, number, label)

    def raised(self, number: int, state: str, raised: Raised, label: Label | None) -> None:
        text = f"{raised.where}: {type(raised.error).__name__}: {raised.error}"
        self._trouble(Kind.RAISES, state, text.partition("\n")[0], number, label)

    def _trouble(self, kind: Kind, at: str, text: str, number: int, label: Label | None) -> None:
        self.troubles.setdefault((kind, at, text), Trouble(kind, at, text, number, label))


def _post(ledger: tuple[tuple[str, int], ...], event: Event) -> tuple[tuple[str, int], ...]:
    postings = event.postings()
    if not postings:
        return ledger
    sums = dict(ledger)
    for account, amount in postings.items():
        sums[account] = sums.get(account, 0) + amount
    return tuple(sorted((account, amount) for account, amount in sums.items() if amount))
