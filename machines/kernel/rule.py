"""Rules: what a procedure does about one event in one or more states.

    on(PaymentDeclined, at=AUTHORISING, to=AWAITING_MEANS, then=note_decline, does=(tell_declined,))
    note(MessageSent, at=OPENED, because="the message is on its way")
    ignore(CarrierScanned, at=ENDED, because="a late scan changes nothing but the log")
    defer(ParcelDelivered, at=REQUESTED, because="the carrier overtook the warehouse")
    refuse(OrderAmended, at=SHIPPED, because="the parcel has left; send it back instead")
    send_back(at=AWAITING_MEANS, to=AUTHORISING, then=ask_again, because="the provider may have been wrong")

For each pair of state and event the first rule whose guard allows it applies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

from machines.kernel.command import CommandType
from machines.kernel.errors import DefinitionError
from machines.kernel.event import Event, SentBack
from machines.kernel.state import Deadline, State
from machines.kernel.value import value
from machines.kernel.verdict import ALLOWED, ELSEWHERE, Verdict

Data = TypeVar("Data")
After = TypeVar("After")  # differs from Data where the opening event meets the terms of the house
E = TypeVar("E", bound=Event)
At = State | Iterable[State]


@dataclass(frozen=True, slots=True)
class Junction:
    """A place where the way forks by what the case now holds: the first branch whose test holds after the
    effect is taken. A case that is already in that state stays there, without entering it again."""

    name: str
    branches: tuple[tuple[State, Callable[[Any], bool]], ...]

    @property
    def states(self) -> tuple[State, ...]:
        return tuple(dict.fromkeys(state for state, _ in self.branches))

    def choose(self, data: object) -> State:
        for state, holds in self.branches:
            if holds(data):
                return state
        raise DefinitionError(f"junction {self.name!r} has no branch for {data!r}")


class Disposition(StrEnum):
    HANDLED = "handled"
    DEFERRED = "deferred"  #: kept until a state handles it
    IGNORED = "ignored"  #: journalled, changes nothing
    REFUSED = "refused"  #: answered with a reason


@value
class Send:
    """An event to another case: ``to`` is (procedure, key), or ``None`` for the case that opened this one.
    An event that opens a case makes the sender its parent. A case ``apart`` is none of this one's children:
    it was opened by somebody else, or goes its own way from its first event on."""

    event: Event
    to: tuple[str, str] | None = None
    apart: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of a procedure; ``to`` is ``None`` where the case stays in its state. ``targets`` are the
    states that it can lead to."""

    event: str
    at: tuple[State, ...]
    disposition: Disposition
    to: State | Junction | None = None
    when: Callable[..., Verdict] | None = None
    then: Callable[..., Any] | None = None
    does: tuple[CommandType, ...] = ()
    sends: Callable[..., Iterable[Send]] | None = None
    because: str = ""
    explains: Callable[[Any], str] | None = None

    @property
    def targets(self) -> tuple[State, ...]:
        if self.to is None:
            return ()
        return self.to.states if isinstance(self.to, Junction) else (self.to,)

    @property
    def notes(self) -> bool:
        """Whether nothing follows from it but a line in the journal."""
        does_more = any(one is not None for one in (self.to, self.when, self.then, self.sends, *self.does))
        return self.disposition is Disposition.HANDLED and not does_more


def on(
    event: type[E] | Deadline,
    *,
    at: At,
    to: State | Junction | None = None,
    when: Callable[[Data, E, datetime], Verdict] | None = None,
    then: Callable[[Data, E, datetime], After] | None = None,
    does: tuple[CommandType, ...] = (),
    sends: Callable[[After, E], Iterable[Send]] | None = None,
    because: str = "",
    explains: Callable[[Any], str] | None = None,
) -> Rule:
    """The case handles the event: if ``when`` allows it, ``then`` computes the new data, ``does`` names
    commands to perform, ``sends`` events to other cases, and the case goes to ``to`` or stays. Where ``to``
    is a junction, the data after ``then`` decide. The journal gives as reason ``because``, or what
    ``explains`` makes of the data after ``then``."""
    return Rule(
        event.type, _states(at), Disposition.HANDLED, to, when, then, does, sends, because, explains=explains
    )


def send_back(
    *,
    at: At,
    to: State,
    because: str,
    when: Callable[[Data, SentBack, datetime], Verdict] | None = None,
    then: Callable[[Data, SentBack, datetime], After] | None = None,
    does: tuple[CommandType, ...] = (),
) -> Rule:
    """Staff may return the case from ``at`` to ``to``, where it begins anew. From anywhere else, and to
    anywhere else, the kernel refuses. What is under way stays under way: its outcome must be handled."""

    def meant(data: Data, event: SentBack, at: datetime) -> Verdict:
        if event.to != to.name:
            return ELSEWHERE
        return when(data, event, at) if when else ALLOWED

    return on(SentBack, at=at, to=to, when=meant, then=then, does=does, because=because)


def note(event: type[Event], *, at: At, because: str) -> Rule:
    """What was expected has happened; it stands in the journal, and the case goes on as it was."""
    return on(event, at=at, because=because)


def ignore(event: type[Event] | Deadline, *, at: At, because: str) -> Rule:
    return Rule(event.type, _states(at), Disposition.IGNORED, because=because)


def defer(event: type[Event] | Deadline, *, at: At, because: str) -> Rule:
    return Rule(event.type, _states(at), Disposition.DEFERRED, because=because)


def refuse(event: type[Event] | Deadline, *, at: At, because: str) -> Rule:
    return Rule(event.type, _states(at), Disposition.REFUSED, because=because)


def _states(at: At) -> tuple[State, ...]:
    return (at,) if isinstance(at, State) else tuple(at)
