"""One round in the making: letters and deadlines reach their cases, steps take their course, and everything
that follows is gathered into one ``Changes`` for the store and one list of errands for the performer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

import orjson
from pydantic import ValidationError

from adapters.store.records import ANSWER, INTERVENTIONS, RESENT, InboxRow, InboxStatus, Step
from flows import steps
from flows.changing import KEPT
from flows.deciding import Deciding
from flows.performing import Result
from flows.piece import Piece
from machines.kernel.case import Case, case_id
from machines.kernel.clock import PolicyChanged
from machines.kernel.decide import open_case
from machines.kernel.event import DeadlinePassed, Event, Received
from machines.kernel.rule import Disposition
from machines.kernel.state import DEADLINE
from machines.kernel.steering import ORDERS

POSTPONED = timedelta(minutes=10)

_NOTES = (*INTERVENTIONS, RESENT)
_OURS: Mapping[str, type[Event]] = {PolicyChanged.type: PolicyChanged, **ORDERS}

_STATUS = {
    Disposition.HANDLED: InboxStatus.APPLIED,
    Disposition.DEFERRED: InboxStatus.DEFERRED,
    Disposition.IGNORED: InboxStatus.IGNORED,
    Disposition.REFUSED: InboxStatus.REFUSED,
}


@dataclass(slots=True)
class Draft(Deciding):
    """What ``apply`` and ``spurn`` have made of the pieces so far."""

    def apply(self, piece: Piece) -> None:
        """Take one piece of work into the round."""
        match piece:
            case Result():
                steps.end_try(self, piece)
            case Step():
                steps.perform(self, piece)
            case InboxRow():
                self._letter(piece)
            case (case, name):
                self._timer(case, name)

    def spurn(self, piece: Piece, reason: str) -> None:
        """Set one piece aside where staff see it, with nothing of what would have followed from it."""
        match piece:
            case Result():
                step = piece.errand.step
                steps.park(self, replace(step, attempts=step.attempts + 1), "unwritable", reason)
            case Step():
                steps.park(self, piece, "unwritable", reason)
            case InboxRow():
                self.changes.letters.append((piece.number, InboxStatus.DEAD, reason))
            case (case, name):
                self._postpone(self.case(case), name, reason)

    def _letter(self, row: InboxRow) -> None:
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
            self.changes.letters.append((row.number, *steps.answer(self, letter, definition)))
            return
        identity = case_id(letter.sop, letter.key)
        case = self.cases.get(identity) or self.held.get(identity)
        if case is None and not letter.opens:
            return  # its opening event was unreadable or comes later; the letter stays new
        opening = case is None
        if case is None:
            case = open_case(definition, key=letter.key, parent=letter.parent)
        try:
            kinds = definition.procedure.event_types
            payload = (_OURS.get(letter.type) or kinds[letter.type]).model_validate_json(letter.body)
        except (ValidationError, KeyError):
            reason = f"{letter.type} cannot be read by version {case.version} of {letter.sop}"
            if opening:  # it may be of another version, whose workers can
                self.changes.beyond[identity] = reason
            else:
                self.changes.letters.append((row.number, InboxStatus.DEAD, reason))
            return
        step, source = (letter.id, steps.SOURCE) if letter.source == KEPT else (None, letter.source)
        event = Received(letter.id, source, letter.type, payload, letter.received, step)
        decision = self.decide(case, event)
        if decision is None:
            reason = f"the procedure failed on {letter.type}; see the worker's log, then resend"
            self.changes.letters.append((row.number, InboxStatus.DEAD, reason))
            return
        status = _STATUS[decision.disposition]
        self.changes.letters.append((row.number, status, decision.entry.reason))

    def _timer(self, case: str, name: str) -> None:
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
        if self.decide(current, event) is None:
            self._postpone(self.case(case), name, f"the procedure failed on deadline {name}")

    def _told(self, row: InboxRow) -> None:
        """What staff did with a parked step, which itself comes as one that is due, or that they sent an
        event again, which is a letter of its own."""
        letter = row.letter
        identity = case_id(letter.sop, letter.key)
        case = self.cases.get(identity) or self.held.get(identity)
        if case is None:
            return  # its opening event was unreadable; the letter stays new
        told = orjson.loads(letter.body)
        self.note(case, letter.type, told.pop("reason"), told, source=told["who"])
        self.changes.letters.append((row.number, InboxStatus.APPLIED, ""))

    def _postpone(self, case: Case, name: str, reason: str) -> None:
        """A deadline that nothing could be done about comes again; it must not pass unheard."""
        timer = replace(case.timers[name], due=self.now + POSTPONED)
        self.update(case, replace(case, timers={**case.timers, name: timer}))
        self.changes.timers_set[case.id, name] = timer
        self.note(
            self.case(case.id),
            "deadline.postponed",
            reason,
            {"deadline": name, "again": timer.due.isoformat()},
        )
