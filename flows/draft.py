"""One round in the making: events go through ``decide``, and everything that follows from them is gathered
into one ``Changes`` for the store and one list of errands for the performer."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from zlib import crc32

import orjson
from pydantic import ValidationError

from adapters.command import Later
from adapters.errors import Unavailable
from adapters.store.outage import OUTAGE, Outage, Phase
from adapters.store.records import (
    ANSWER,
    ANSWERS_LATER,
    INTERVENTIONS,
    RESENT,
    InboxRow,
    InboxStatus,
    Letter,
    Step,
    StepStatus,
)
from flows import breaker
from flows.changing import KEPT, Changing
from flows.outages import Outages
from flows.performing import Errand, Result, Way
from machines.kernel.case import Case, case_id
from machines.kernel.clock import PolicyChanged
from machines.kernel.command import Command, CommandType
from machines.kernel.decide import decide, open_case, retime
from machines.kernel.decision import Decision
from machines.kernel.definition import Definition
from machines.kernel.event import DeadlinePassed, Event, Received
from machines.kernel.rule import Disposition
from machines.kernel.state import DEADLINE
from machines.kernel.steering import ORDERS, steer

log = logging.getLogger("sop.draft")

CROWD = 3_000  #: commands of one adapter in memory at once; more wait in the store
LATER = timedelta(seconds=2)
STEP_CODES = frozenset({ANSWERS_LATER, OUTAGE, "unwritable", "procedure-failed", "procedure-changed"})
"""Codes of steps that no adapter has failed on; the runbook has a page for each."""
_FOUND = "the provider had done it already, before staff changed the step"
POSTPONED = timedelta(minutes=10)
LONGEST = 86_400.0  #: seconds that a provider can have us wait before the next try
STEP = "step"  #: the source of outcomes as the journal names it

_NOTES = (*INTERVENTIONS, RESENT)
_OURS: Mapping[str, type[Event]] = {PolicyChanged.type: PolicyChanged, **ORDERS}

Piece = Result | Step | InboxRow | tuple[str, str]
"""What a round is made of: a result, a step that is due, a letter, or a timer as (case id, name)."""

_STATUS = {
    Disposition.HANDLED: InboxStatus.APPLIED,
    Disposition.DEFERRED: InboxStatus.DEFERRED,
    Disposition.IGNORED: InboxStatus.IGNORED,
    Disposition.REFUSED: InboxStatus.REFUSED,
}


@dataclass(slots=True)
class Draft(Changing):
    """``crowd`` counts the commands under way by adapter, ``answered`` are steps that letters are about.
    ``overtaken`` are steps that such a letter ended: what is under way for them counts no longer."""

    crowd: Counter[str] = field(default_factory=Counter)
    answered: Mapping[str, Step] = field(default_factory=dict)
    errands: list[Errand] = field(default_factory=list)
    parked: list[Step] = field(default_factory=list)
    took: list[tuple[Case, str]] = field(default_factory=list)
    overtaken: list[Step] = field(default_factory=list)
    outages: Outages | None = None

    def apply(self, piece: Piece) -> None:
        """Take one piece of work into the round."""
        match piece:
            case Result():
                self.result(piece)
            case Step():
                self.due(piece)
            case InboxRow():
                self.letter(piece)
            case (case, name):
                self.timer(case, name)

    def spurn(self, piece: Piece, reason: str) -> None:
        """Set one piece aside where staff see it, with nothing of what would have followed from it."""
        match piece:
            case Result():
                self._park(
                    replace(piece.errand.step, attempts=piece.errand.step.attempts + 1), "unwritable", reason
                )
            case Step():
                self._park(piece, "unwritable", reason)
            case InboxRow():
                self.changes.letters.append((piece.number, InboxStatus.DEAD, reason))
            case (case, name):
                self._postpone(self.case(case), name, reason)

    def letter(self, row: InboxRow) -> None:
        """An event from outside or from another case."""
        letter = row.letter
        if letter.type in _NOTES:
            self._told(row)
            return
        definition = self.definitions.get(letter.sop)
        if definition is None:
            reason = f"no procedure is called {letter.sop} any more"
            self.changes.letters.append((row.number, InboxStatus.DEAD, reason))
            return
        if letter.source == ANSWER:
            self.changes.letters.append((row.number, *self._answered(letter, definition)))
            return
        identity = case_id(letter.sop, letter.key)
        case = self.cases.get(identity) or self.held.get(identity)
        if case is None and not letter.opens:
            return  # its opening event was unreadable or comes later; the letter stays new
        if case is None:
            case = open_case(definition, key=letter.key, parent=letter.parent)
        try:
            kinds = definition.procedure.event_types
            payload = (_OURS.get(letter.type) or kinds[letter.type]).model_validate_json(letter.body)
        except (ValidationError, KeyError):
            reason = f"{letter.type} cannot be read by version {case.version} of {letter.sop}"
            self.changes.letters.append((row.number, InboxStatus.DEAD, reason))
            return
        step, source = (letter.id, STEP) if letter.source == KEPT else (None, letter.source)
        event = Received(letter.id, source, letter.type, payload, letter.received, step)
        decision = self._apply(case, event)
        if decision is None:
            reason = f"the procedure failed on {letter.type}; see the worker's log, then resend"
            self.changes.letters.append((row.number, InboxStatus.DEAD, reason))
            return
        status = _STATUS[decision.disposition]
        self.changes.letters.append((row.number, status, decision.entry.reason))

    def timer(self, case: str, name: str) -> None:
        """A deadline that came due, unless an earlier event of this round cleared it."""
        current = self.case(case)
        timer = current.timers.get(name)
        if timer is None or timer.passed or timer.due > self.now:
            return
        event = Received(
            f"{name}@{timer.due:%Y-%m-%dT%H:%M:%S.%fZ}",
            "timer",
            DEADLINE + name,
            DeadlinePassed(name=name),
            self.now,
        )
        if self._apply(current, event) is None:
            self._postpone(self.case(case), name, f"the procedure failed on deadline {name}")

    def result(self, result: Result) -> None:
        """One try of a step ended."""
        step, outcome = result.errand.step, result.outcome
        if result.way is Way.HELD_BACK:
            known = self.outages.known.get(step.command) if self.outages else None
            self.changes.settled.append(self._hold_back(step, known))
            return
        tried = step.attempts + 1
        if outcome is None:
            self._failed(replace(step, attempts=tried), result)
            return
        if isinstance(outcome, Later):
            self._await(replace(step, attempts=tried), outcome)
            return
        skipped = result.way is Way.PRESUMED
        done = step.done(outcome.type, attempts=step.attempts if skipped else tried, skipped=skipped)
        if result.way is Way.FOUND:
            self._note(self.case(step.case), "step.found", _FOUND, _attempt(step))
        case = self.case(step.case)
        event = Received(step.key, STEP, outcome.type, outcome, result.ended, step.key)
        if case.hold is not None:
            self._keep_outcome(case, step, outcome)
        elif self._apply(case, event) is None:
            reason = f"the procedure failed on {outcome.type}"
            self._park(replace(step, attempts=tried), "procedure-failed", reason)
            return
        self.changes.settled.append(done)

    def due(self, step: Step) -> None:
        """A step to perform again: after a failure, a crash or a replay."""
        case = self.case(step.case)
        if case.hold is not None:
            self.changes.settled.append(replace(step, status=StepStatus.HELD))
            return
        kind = self.definitions[case.sop].procedure.commands.get(step.command)
        try:
            known = _read(step, kind) if kind else None
            presumed = _presumed(step, kind) if kind else None
        except (ValidationError, KeyError):
            known = None
        if kind is None or known is None:
            reason = f"version {case.version} of {case.sop} no longer performs {step.command} like this"
            self._park(step, "procedure-changed", reason)
            return
        *earlier, command = known
        if presumed is not None:
            earlier = known
        again = self._begin(step, command, timeout=kind.timeout, earlier=tuple(earlier), presumed=presumed)
        self.changes.settled.append(again)

    def _answered(self, letter: Letter, definition: Definition) -> tuple[InboxStatus, str]:
        """What becomes of a letter in which a provider says how a step ended that it had taken on."""
        settled = {step.key: step for step in self.changes.settled}
        step = settled.get(letter.id) or self.answered.get(letter.id)
        kind = definition.procedure.commands.get(step.command) if step else None
        if step is None or kind is None:
            return InboxStatus.DEAD, f"there is no step {letter.id}"
        if step.status in (StepStatus.DONE, StepStatus.SKIPPED):
            return InboxStatus.IGNORED, f"the step has ended before, as {step.outcome}"
        outcomes = {outcome.type: outcome for outcome in kind.outcomes}
        try:
            payload = outcomes[letter.type].model_validate_json(letter.body)
        except (ValidationError, KeyError):
            return InboxStatus.DEAD, f"{step.command} cannot end in this {letter.type}"
        case = self.case(step.case)
        if case.hold is not None:
            self._keep_outcome(case, step, payload)
        elif (
            self._apply(case, Received(step.key, STEP, letter.type, payload, letter.received, step.key))
            is None
        ):
            failed = f"the procedure failed on {letter.type}; see the worker's log, then resend"
            return InboxStatus.DEAD, failed
        self._recall(step)
        self.changes.settled.append(step.done(letter.type, attempts=step.attempts))
        return InboxStatus.APPLIED, ""

    def _recall(self, step: Step) -> None:
        """The step is not to be performed (again): not by this round, nor does what is under way count."""
        sent_out = [errand for errand in self.errands if errand.step.key == step.key]
        for errand in sent_out:
            self.errands.remove(errand)
            self.crowd[errand.adapter] -= 1
        self.overtaken.append(step)
        self.changes.settled = [other for other in self.changes.settled if other.key != step.key]

    def _told(self, row: InboxRow) -> None:
        """What staff did with a parked step, which itself comes as one that is due, or that they sent an
        event again, which is a letter of its own."""
        letter = row.letter
        identity = case_id(letter.sop, letter.key)
        case = self.cases.get(identity) or self.held.get(identity)
        if case is None:
            return  # its opening event was unreadable; the letter stays new
        told = orjson.loads(letter.body)
        self._note(case, letter.type, told.pop("reason"), told, source=told["who"])
        self.changes.letters.append((row.number, InboxStatus.APPLIED, ""))

    def _apply(self, case: Case, event: Received) -> Decision | None:
        definition = self.definitions[case.sop]
        try:
            decision = self._deciding(case, event)(definition, case, event, self.now)
        except Exception:
            # A mistake in one procedure must not stop the others. Personal fields are sealed here.
            log.exception("%s failed on %s", case.id, event.type)
            if case.seq:
                reason = f"the procedure failed on {event.type}"
                self._note(case, "procedure.failed", reason, {"event": event.id})
            return None
        self.took.append((decision.case, event.type))
        self._keep(case, decision)
        for number, send in enumerate(decision.sends):
            self._send(decision.case, send, number)
        for command in decision.commands:
            self._issue(definition, decision.case, command)
        return decision

    @staticmethod
    def _deciding(case: Case, event: Received) -> Callable[..., Decision]:
        if event.type in ORDERS:
            return steer
        # What is on hold finds its clocks anew when it is resumed.
        return retime if event.type == PolicyChanged.type and case.hold is None else decide

    def _issue(self, definition: Definition, case: Case, command: Command) -> None:
        step = Step(
            key=command.key,
            case=case.id,
            command=command.name,
            arguments=command.arguments.to_json(),
            status=StepStatus.RUNNING,
            issued=self.now,
        )
        timeout = definition.procedure.commands[command.name].timeout
        self.changes.steps.append(self._begin(step, command, timeout=timeout))

    def _begin(
        self,
        step: Step,
        command: Command,
        *,
        timeout: float,
        earlier: tuple[Command, ...] = (),
        presumed: Event | None = None,
    ) -> Step:
        """Send the step out, unless so many crowd before its adapter already that it had better come back."""
        adapter = command.name.partition(".")[0]
        again = step.status is not StepStatus.RUNNING
        if outage := self.outages and self.outages.waits(step, under_way=self.crowd[adapter]):
            return self._hold_back(step, outage)
        if self.crowd[adapter] >= CROWD:
            return replace(step, status=step.status if again else StepStatus.PENDING, due=self.now + LATER)
        self.crowd[adapter] += 1
        running = replace(step, status=StepStatus.RUNNING, due=None) if again else step
        trial = self.outages.trial(step) if self.outages else None
        self.errands.append(Errand(running, command, timeout, earlier, presumed, trial))
        return running

    def _hold_back(self, step: Step, outage: Outage | None) -> Step:
        """The step waits in the store for its command to answer again, which spends none of its attempts;
        most likely it is released before it is due."""
        pause = breaker.PATIENCE if outage and outage.phase is Phase.OUT else LATER
        until = max(outage.due, self.now) if outage else self.now
        due = until + pause * (1 + crc32(step.key.encode()) % 256 / 256)
        why = f"{step.command} is not answered at present; it is sent as soon as it is"
        if step.code != OUTAGE:
            self._note(self.case(step.case), "step.waiting", why, _attempt(step))
        return replace(step, status=StepStatus.RETRYING, due=due, error=why, code=OUTAGE)

    def _postpone(self, case: Case, name: str, reason: str) -> None:
        """A deadline that nothing could be done about comes again; it must not pass unheard."""
        timer = replace(case.timers[name], due=self.now + POSTPONED)
        self._update(case, replace(case, timers={**case.timers, name: timer}))
        self.changes.timers_set[case.id, name] = timer
        self._note(
            self.case(case.id),
            "deadline.postponed",
            reason,
            {"deadline": name, "again": timer.due.isoformat()},
        )

    def _failed(self, step: Step, result: Result) -> None:
        failure = result.failure
        assert failure is not None
        case = self.case(step.case)
        retry = self.definitions[case.sop].procedure.commands[step.command].retry
        if not failure.retryable or step.attempts >= retry.attempts:
            self._park(step, failure.code, str(failure))
            return
        chance = result.ended.microsecond % 1000 / 1000
        wait = retry.delay(step.attempts, chance=chance)
        if isinstance(failure, Unavailable):
            wait = max(wait, min(failure.after, LONGEST))
        due = self.now + timedelta(seconds=wait)
        later = replace(
            step,
            status=StepStatus.RETRYING,
            due=due,
            error=str(failure),
            code=failure.code,
            failed=self.now,
        )
        self.changes.settled.append(later)
        self._note(case, "step.failed", str(failure), _attempt(step) | {"again": due.isoformat()})

    def _await(self, step: Step, promise: Later) -> None:
        """The provider will say by event how it ended; its silence up to here counts like a failure."""
        case = self.case(step.case)
        retry = self.definitions[case.sop].procedure.commands[step.command].retry
        if step.code == ANSWERS_LATER and step.attempts >= retry.attempts:
            self._park(
                step, ANSWERS_LATER, f"the provider was asked {step.attempts} times and still works on it"
            )
            return
        due = self.now + timedelta(seconds=promise.seconds)
        waiting = "the provider has it and will say by event how it ended"
        later = replace(step, status=StepStatus.RETRYING, due=due, error=waiting, code=ANSWERS_LATER)
        self.changes.settled.append(later)
        self._note(case, "step.waiting", waiting, _attempt(step) | {"again": due.isoformat()})

    def _park(self, step: Step, code: str, error: str) -> None:
        parked = replace(
            step,
            status=StepStatus.PARKED,
            due=None,
            error=error,
            code=code,
            failed=self.now,
            presumed=None,
        )
        self.changes.settled.append(parked)
        self.parked.append(parked)
        self._note(self.case(step.case), "step.parked", error, _attempt(step))


def _read(step: Step, kind: CommandType) -> list[Command]:
    """What was asked before staff changed the step, oldest first, and what is asked now. Raises
    ``ValidationError``."""
    asked = (*step.earlier, step.arguments)
    return [
        Command(step.command, step.key_of(number), kind.takes.model_validate_json(arguments))
        for number, arguments in enumerate(asked)
    ]


def _presumed(step: Step, kind: CommandType) -> Event | None:
    """The outcome that staff gave, if they gave one. Raises ``KeyError`` and ``ValidationError``."""
    if step.presumed is None:
        return None
    told = orjson.loads(step.presumed)
    models = {one.type: one for one in kind.outcomes}
    return models[told["type"]].model_validate_json(orjson.dumps(told["data"]))


def _attempt(step: Step) -> dict[str, Any]:
    return {"step": step.key, "command": step.command, "attempt": step.attempts}
