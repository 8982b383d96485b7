"""What a round means for those who subscribed to case events, told by keys and states: nothing personal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pydantic import Field

from adapters.store.bulletins import Bulletin, Tells
from adapters.store.records import Changes
from machines.asked import asked
from machines.kernel.case import Case, Entry
from machines.kernel.definition import Definition
from machines.kernel.event import Facts
from machines.kernel.rule import Disposition
from machines.kernel.state import Ask, End
from machines.kernel.steering import PutOnHold, Resumed

OPENED, MOVED, ASKED, ENDED = "case.opened", "case.moved", "case.asked", "case.ended"
HELD, RESUMED, PARKED = "case.held", "case.resumed", "case.parked"

TYPES: Mapping[str, str] = {
    OPENED: "A case was opened.",
    MOVED: "A case moved to another state, in which nobody is asked and which is no end.",
    ASKED: "A case moved to a state in which somebody is asked; role says who.",
    ENDED: "A case moved to an end; outcome says how. A case may leave its end again, and end once more.",
    HELD: "Staff put a case on hold.",
    RESUMED: "Staff resumed a case that was on hold.",
    PARKED: "A step of a case failed for good and waits for on-call staff; command says which.",
}
"""Type -> what it means."""

_PARKED = "step.parked"  #: how the journal of a case names it
_BY_EVENT = {PutOnHold.type: HELD, Resumed.type: RESUMED, _PARKED: PARKED}


class Happening(Facts):
    """What happened to a case, and where it stands since."""

    procedure: str = Field(description="name of its procedure", examples=["order"])
    case: str = Field(description="its key", examples=["SO-1001"])
    version: int = Field(description="version of the procedure that it runs on")
    seq: int = Field(description="number of the entry in its journal; later ones have higher numbers")
    state: str = Field(description="where it stands", examples=["delivered"])
    title: str = Field(description="the state as people call it", examples=["Delivered"])
    previous: str | None = Field(description="where it stood before; null for one that was opened")
    outcome: str | None = Field(description="how it ended, in an end; null elsewhere")
    role: str | None = Field(description="who is asked, in a state that asks; null elsewhere")
    command: str | None = Field(description="the command of a parked step; null elsewhere")


def bulletins_of(definitions: Mapping[str, Definition]) -> Tells:
    """Tells of the cases of these procedures."""

    def tell(changes: Changes) -> Sequence[Bulletin]:
        return [bulletin for id, entry in changes.entries for bulletin in _bulletins(changes, id, entry)]

    def _bulletins(changes: Changes, id: str, entry: Entry) -> Iterator[Bulletin]:
        types = _types(entry)
        if types:
            case = changes.opened[id] if id in changes.opened else changes.moved[id][0]
            definition = definitions.get(case.sop)
            for type in _exact(types, definition, entry):
                data = _happening(case, definition, entry).to_json()
                yield Bulletin(id, entry.seq, type, entry.at, data)

    return tell


def _types(entry: Entry) -> list[str]:
    types = [OPENED] if entry.seq == 1 else []
    if entry.before != entry.after:
        types.append(MOVED)
    elif entry.disposition is Disposition.HANDLED and entry.event in _BY_EVENT:
        types.append(_BY_EVENT[entry.event])
    return types


def _exact(types: list[str], definition: Definition | None, entry: Entry) -> Iterator[str]:
    """An opening is told once, unless it leads where somebody is asked, or to an end."""
    state = definition.states.get(entry.after) if definition else None
    for type in types:
        if type is not MOVED:
            yield type
        elif isinstance(state, End):
            yield ENDED
        elif isinstance(state, Ask):
            yield ASKED
        elif OPENED not in types:
            yield MOVED


def _happening(case: Case, definition: Definition | None, entry: Entry) -> Happening:
    state = definition.states.get(entry.after) if definition else None
    parked = entry.body if entry.event == _PARKED and isinstance(entry.body, Mapping) else None
    return Happening(
        procedure=case.sop,
        case=case.key,
        version=case.version,
        seq=entry.seq,
        state=entry.after,
        title=state.title if state else entry.after,
        previous=None if entry.seq == 1 else entry.before,
        outcome=state.outcome if isinstance(state, End) else None,
        role=asked(state, case, definition.clocks) if definition and isinstance(state, Ask) else None,
        command=str(parked["command"]) if parked else None,
    )
