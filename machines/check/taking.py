"""One case taking one happening: what becomes of the situation, what is said, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from machines.check.automaton import Automaton
from machines.check.report import Kind
from machines.check.scope import CHILDREN
from machines.check.situation import (
    SAME_IN_FLIGHT,
    Child,
    Kept,
    Label,
    Raised,
    Situation,
    Step,
    Sums,
    Trouble,
)
from machines.check.traffic import Traffic
from machines.kernel.event import Event
from machines.kernel.procedure import Procedure
from machines.kernel.rule import Disposition, Send

Taken = tuple[Situation, tuple[Event, ...]]
"""The situation afterwards, and what was said to the parent."""


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
        self.stepper = traffic.stepper(procedure, child=child)
        self.troubles: dict[tuple[object, ...], Trouble] = {}
        self.idle: set[str] = set()  #: inert commands issued since the caller last looked
        self.beyond = False  #: whether something led out of the scope since the caller last looked
        self._flown: dict[tuple[tuple[int, ...], int, int], tuple[tuple[int, ...], frozenset[str]]] = {}
        self._posted: dict[tuple[Sums, int], Sums] = {}
        self._automata: dict[str, Automaton] = {}
        self._open_automaton = open_automaton
        self._rules = {(state.name, rule.event) for rule in procedure.rules for state in rule.at}
        self._moving = {
            (state.name, rule.event) for rule in procedure.rules if rule.to is not None for state in rule.at
        }

    def automaton(self, sop: str) -> Automaton:
        if sop not in self._automata:
            self._automata[sop] = self._open_automaton(sop)
        return self._automata[sop]

    def awaits_parent(self, state: str) -> bool:
        """Whether nothing but the parent's word moves a case on from there, and no deadline does; within a
        bound the parent need not get as far as to say it."""
        definition = self.stepper.definition
        deadlines = definition.states[state].deadlines
        return not any((state, deadline.type) in self._moving for deadline in deadlines) and any(
            (state, kind) in definition.handled
            for sop, kind, sender in self.traffic.known | self.traffic.learnt
            if sop == definition.procedure.name and sender == "parent"
        )

    def take(self, number: int, situation: Situation, label: Label) -> Taken | None:
        """Let the case take one happening, and after it every deferred one that a move makes worth a try."""
        says: list[Event] = []
        first = Kept(label.happening, label.who not in {"outside", "deadline", "parent"})
        waiting = [first]
        core, flight, children, kept, ledger = situation
        for one in waiting:
            step = self.stepper.step(core, one.happening)
            if isinstance(step, Raised):
                self.raised(number, self.stepper.state(core), step, label)
                return None
            if step.disposition is not Disposition.HANDLED:
                self._note(number, core, label, one.happening, step)
            if (one is first) if one.fact else (step.disposition is Disposition.HANDLED):
                ledger = self._post(ledger, one.happening)
            if step.disposition is Disposition.DEFERRED and one not in kept:
                kept = (*kept, one)
            if step.moved:
                waiting += kept
                kept = ()
            flight = self._fly(flight, core, one.happening, step)
            core = step.core
            for send in step.sends:
                if send.to is None:
                    says.append(send.event)
                elif send.apart:
                    self._send_apart(number, send, label)
                elif self._beyond(children, send):
                    self.beyond = True
                    return None
                else:
                    children = self._send(number, children, send, label)
        return Situation(core, flight, children, kept, ledger), tuple(says)

    def _beyond(self, children: tuple[Child, ...], send: Send) -> bool:
        """Whether it would open more cases than the scope has."""
        if send.to is None or not send.event.opens:
            return False
        alike = [child for child in children if child.sop == send.to[0]]
        known = any(child.key == send.to[1] for child in alike)
        return not known and len(alike) >= self.traffic.scope.children.get(send.to[0], CHILDREN)

    def _fly(self, flight: tuple[int, ...], core: int, happening: int, step: Step) -> tuple[int, ...]:
        """Put the commands of ``step`` in flight, except those from which nothing can follow any more."""
        key = (flight, core, happening)
        flown = self._flown.get(key)
        if flown is None:
            flown = self._flown[key] = self._flying(flight, core, step)
        if flown[1]:
            self.idle.update(flown[1])
        return flown[0]

    def _flying(
        self, flight: tuple[int, ...], core: int, step: Step
    ) -> tuple[tuple[int, ...], frozenset[str]]:
        """What is in flight then, and the names of the commands left out."""
        idle = set(step.idle)
        flying = [command for command in step.commands if self.stepper.possible(command)]
        if not flying and (not flight or step.core == core):
            return flight, frozenset(idle)
        older = (self.stepper.older(command, step.passed, flying) for command in flight)
        silent = self.stepper.course.silent
        left, counted = list[int](), dict[object, int]()
        for command in (*sorted(flying), *sorted(older, reverse=True)):
            name = self.stepper.asked[command].name
            if self.stepper.spent(step.core, name):
                idle.add(name)
                self.stepper.come(command)
                continue
            alike = name if name in silent else command
            counted[alike] = counted.get(alike, 0) + 1
            if counted[alike] <= SAME_IN_FLIGHT:
                left.append(command)
        return tuple(sorted(left)), frozenset(idle)

    def _post(self, ledger: Sums, happening: int) -> Sums:
        postings = self.stepper.postings(happening)
        if not postings:
            return ledger
        posted = self._posted.get((ledger, happening))
        if posted is None:
            sums = dict(ledger)
            for account, amount in postings:
                sums[account] = sums.get(account, 0) + amount
            posted = tuple(sorted((account, amount) for account, amount in sums.items() if amount))
            self._posted[ledger, happening] = posted
        return posted

    def _send(self, number: int, children: tuple[Child, ...], send: Send, label: Label) -> tuple[Child, ...]:
        assert send.to is not None
        sop, key = send.to
        kind, event = send.event.type, self.stepper.told(send.event)
        if sop not in self.procedures:
            self._trouble(Kind.NO_RECEIVER, kind, f"there is no procedure {sop!r}", number, label)
            return children
        self.traffic.learnt.add((sop, kind, "parent"))
        known = [place for place, one in enumerate(children) if one[:2] == (sop, key)]
        if known:
            child = children[known[0]]
            if child.inbox.count(event) >= SAME_IN_FLIGHT:
                return children
            changed = child._replace(inbox=(*child.inbox, event))
            others = children[: known[0]] + children[known[0] + 1 :]
        elif send.event.opens:
            automaton = self.automaton(sop)
            opened = automaton.receives(automaton.unopened, send.event)
            silent = len(opened) == 1 and not opened[0].says
            changed = Child(
                sop, key, opened[0].at if silent else automaton.unopened, () if silent else (event,)
            )
            others = children
        else:
            self._trouble(Kind.NO_RECEIVER, kind, f"{sop}/{key} has not been opened", number, label)
            return children
        return tuple(sorted((*others, changed)))

    def _send_apart(self, number: int, send: Send, label: Label) -> None:
        """What such a case makes of it is seen when its own procedure is explored: there the event, and here
        the answer, come from outside."""
        assert send.to is not None
        sop, kind = send.to[0], send.event.type
        if sop not in self.procedures or kind not in self.procedures[sop].event_types:
            text = f"no procedure {sop!r} takes it"
            self._trouble(Kind.NO_RECEIVER, kind, text, number, label)

    def possible(self, number: int, command: int) -> tuple[int, ...]:
        possible = self.stepper.possible(command)
        if isinstance(possible, Raised):
            self.raised(number, self.stepper.asked[command].name, possible, None)
            return ()
        return possible

    def _note(self, number: int, core: int, label: Label, happening: int, step: Step) -> None:
        """Look at outcomes, reports and deadlines that no rule handled."""
        if happening != label.happening or label.who in {"outside", "parent"}:
            return  # the static table of states and events covers these
        state, kind = self.stepper.state(core), self.stepper.happenings[happening].type
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
