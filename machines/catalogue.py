"""All procedures of the house by name, and which of them takes or is opened by which event."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches

from machines.between import Between
from machines.kernel.errors import DefinitionError, UnknownEvent, UnknownProcedure
from machines.kernel.event import Event
from machines.kernel.procedure import Procedure
from machines.kernel.state import Ask
from machines.order import ORDER
from machines.refund import REFUND
from machines.returns import RETURN
from machines.shipment import SHIPMENT


class Catalogue:
    """Raises ``DefinitionError`` where two procedures share a name, take the same event from outside, or are
    opened by the same event."""

    def __init__(self, procedures: Iterable[Procedure]) -> None:
        self._procedures: dict[str, Procedure] = {}
        self._takers: dict[str, Procedure] = {}
        self._openers: dict[str, Procedure] = {}
        self._events: dict[str, type[Event]] = {}
        for procedure in procedures:
            _enter(self._procedures, procedure.name, procedure)
            for event in outside_events(procedure):
                _enter(self._takers, event.type, procedure)
                self._events[event.type] = event
            for event in procedure.opening:
                _enter(self._openers, event.type, procedure)

    def __iter__(self) -> Iterator[Procedure]:
        return iter(self._procedures.values())

    def procedure(self, name: str) -> Procedure:
        """Raises ``UnknownProcedure`` with the nearest known names."""
        try:
            return self._procedures[name]
        except KeyError:
            raise UnknownProcedure(
                f"no procedure is called {name!r}; {_nearest(name, self._procedures)}"
            ) from None

    def taker(self, event_type: str) -> Procedure:
        """The one procedure that takes events of this type from outside; raises ``UnknownEvent``."""
        try:
            return self._takers[event_type]
        except KeyError:
            raise self._unknown(event_type) from None

    def event(self, event_type: str) -> type[Event]:
        """The event that may be sent in under this type; raises ``UnknownEvent``."""
        try:
            return self._events[event_type]
        except KeyError:
            raise self._unknown(event_type) from None

    def opened_by(self, event_type: str) -> Procedure | None:
        """The procedure in which this event opens a case, whoever sends it."""
        return self._openers.get(event_type)

    @property
    def outside(self) -> Mapping[str, type[Event]]:
        """Every event that may be sent in, by type."""
        return self._events

    def _unknown(self, event_type: str) -> UnknownEvent:
        return UnknownEvent(
            f"no procedure takes {event_type!r} from outside; {_nearest(event_type, self._takers)}"
        )


def outside_events(procedure: Procedure) -> tuple[type[Event], ...]:
    """What reaches a procedure from outside: its events, but those that only cases send, and its forms."""
    forms = tuple(state.form for state in procedure.states if isinstance(state, Ask))
    return tuple(
        event for event in dict.fromkeys((*procedure.events, *forms)) if not issubclass(event, Between)
    )


def _enter(index: dict[str, Procedure], name: str, procedure: Procedure) -> None:
    other = index.setdefault(name, procedure)
    if other is not procedure:
        raise DefinitionError(
            f"{name!r} belongs to {other.name} already and cannot belong to {procedure.name}"
        )


def _nearest(name: str, known: Iterable[str]) -> str:
    found = get_close_matches(name, list(known), n=3, cutoff=0.5)
    return f"did you mean {' or '.join(found)}?" if found else f"known are {', '.join(sorted(known))}"


CATALOGUE = Catalogue((ORDER, SHIPMENT, REFUND, RETURN))
