"""Letters that got no further: why, what each would need, and sending one again, perhaps corrected.

The old letter stays as it was. The new one comes from ``staff``, and the journal of its case names who sent
it again and why.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from pydantic import ValidationError

from adapters.correction import Correction
from adapters.errors import AdapterError
from adapters.intake import Intake
from adapters.store.base import Store
from adapters.store.records import RESENDABLE, RESENT, InboxRow, InboxStatus, Letter
from machines.catalogue import Catalogue
from machines.kernel.errors import UnknownProcedure
from machines.kernel.event import Event
from machines.kernel.procedure import Procedure
from machines.kernel.rule import Disposition
from machines.reception import receive

_STAFF = "staff"  #: a source that nobody else may use


class NotResendable(AdapterError):
    """There is no letter of that number that could be sent again."""

    code = "not-resendable"


@dataclass(frozen=True, slots=True)
class Resent:
    """A letter as it was sent again: its number, and what it is now."""

    number: int
    letter: Letter


class DeadLetters:
    """What staff may know of, and do about, the letters in ``store``."""

    def __init__(self, store: Store, *, catalogue: Catalogue) -> None:
        self._store = store
        self._catalogue = catalogue

    def needed(self, row: InboxRow) -> str:
        """What it would take for this letter to get further, in a sentence; empty if it did. Names fields and
        keys, and nothing that is in the letter."""
        return "; ".join(self._needed(row)) if row.status in RESENDABLE else ""

    def successor(self, row: InboxRow) -> InboxRow | None:
        """The letter as which this one was sent again."""
        if row.status is not InboxStatus.RESENT:
            return None
        return self._store.letter(source=_STAFF, id=_name(row.number))

    def resend(self, number: int, *, intake: Intake, changes: Correction, who: str, reason: str) -> Resent:
        """Send a letter again that is dead, unmatched or refused. Raises ``NotResendable``, ``InvalidEvents``
        for changes that do not fit, ``SealBroken``, ``StoreUnavailable``."""
        row = self._store.numbered(number)
        if row is None:
            raise NotResendable(f"there is no letter {number}; 'sop letters' lists all")
        if row.status not in RESENDABLE or row.letter.type == RESENT:
            raise NotResendable(
                f"letter {number} is {row.status.value}; what can be sent again is dead, unmatched or refused"
            )
        letter = intake.correct(row.letter, changes) if changes else intake.again(row.letter)
        letter = replace(letter, source=_STAFF, id=_name(number), parent=row.letter.parent)
        added = self._store.resend(number, letter, who=who, reason=reason)
        if added is None:
            raise NotResendable(f"letter {number} has got further meanwhile; 'sop letter {number}' shows how")
        return Resent(added, letter)

    def _needed(self, row: InboxRow) -> Iterator[str]:
        letter = row.letter
        if letter.type == RESENT:
            yield "nothing: it only tells the case who sent another letter again"
            return
        try:
            procedure = self._catalogue.procedure(letter.sop)
        except UnknownProcedure as error:
            yield str(error)
            return
        kind = procedure.event_types.get(letter.type)
        if kind is None:
            known = f"'sop events --sop {letter.sop}' lists all"
            yield f"another type: {letter.type} is none of {letter.sop}; {known}"
            return
        if faults := _faults(kind, letter):
            yield f"data that fit {letter.type}: {faults}; 'sop events {letter.type}' shows its fields"
            return
        yield from self._place(row, procedure)

    def _place(self, row: InboxRow, procedure: Procedure) -> Iterator[str]:
        letter = row.letter
        found = self._store.find_case(key=letter.key, sop=letter.sop)
        if found:
            yield from _reception(row, procedure, state=found[0].state)
        elif letter.opens:
            yield "nothing in particular: it opens the case; send it again once its cause is mended"
        else:
            yield from self._absent(row, procedure)

    def _absent(self, row: InboxRow, procedure: Procedure) -> Iterator[str]:
        letter = row.letter
        outside = [event.type for event in procedure.opening if event.type in self._catalogue.outside]
        opener = " or ".join(outside) or f"another case, which opens {procedure.name} cases"
        waits = "" if row.status is InboxStatus.DEAD else "; it is delivered by itself then"
        yield f"{letter.case} to be opened by {opener}{waits}"
        others = [case.id for case in self._store.find_case(key=letter.key)]
        if others:
            yield f"or another type: {letter.key} is the key of {', '.join(others)}"
        yield "or another subject, if the key is mistaken"


def _reception(row: InboxRow, procedure: Procedure, *, state: str) -> Iterator[str]:
    received = receive(procedure, row.letter.type)
    here = next((one for one in received if state in one.states), None)
    places = [name for one in received if one.disposition is Disposition.HANDLED for name in one.states]
    if here is None or here.disposition is Disposition.HANDLED:
        yield f"nothing in particular: {row.letter.case} is {state} and may take it; send it again"
    elif places:
        yield f"{row.letter.case}, which is {state}, to be {' or '.join(places)}"
    else:
        yield "another type: no state of the case handles this one"


def _faults(kind: type[Event], letter: Letter) -> str:
    """Fields and what is wrong with them; never what they hold."""
    try:
        kind.model_validate_json(letter.body)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)
        return ", ".join(f"{'.'.join(map(str, one['loc']))} ({one['type']})" for one in found[:5])
    return ""


def _name(number: int) -> str:
    return f"letter-{number}"
