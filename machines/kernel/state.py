"""The four kinds of state in a procedure, and the deadlines that run in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from transitions import State as TransitionsState

from machines.kernel.command import CommandType
from machines.kernel.duration import Duration
from machines.kernel.event import Event

if TYPE_CHECKING:
    from machines.kernel.rule import Send

DEADLINE = "deadline."
CUSTOMER = "customer"  #: the role that is asked by link and not by form


@dataclass(frozen=True, slots=True)
class Instant:
    """A moment that each case names itself. ``text`` says when it is in words, such as "on the promised day";
    ``of(data)`` is ``None`` where there is no such moment."""

    text: str
    of: Callable[[Any], datetime | None]

    def __call__(self, data: Any) -> datetime | None:
        return self.of(data)


@dataclass(frozen=True, slots=True)
class Deadline:
    """A named time limit. It runs in every state that lists it, goes on from one such state to the next,
    and is cleared when the case enters a state that does not.

    ``after`` counts from when it was set; ``until`` instead is an instant (``None``: it does not run).
    It runs only where ``runs_if(data)`` holds as the case enters a state, or stays in one, if that is given.
    ``repeats`` sets it anew each time it passes while the case stays. ``text`` says what passing it means.
    """

    name: str
    text: str
    after: Duration | None = None
    until: Instant | None = None
    runs_if: Callable[[Any], bool] | None = None
    repeats: bool = False

    @property
    def type(self) -> str:
        return DEADLINE + self.name


class State(TransitionsState):
    """A place where a case can stand; ``title`` is what people see, ``text`` what happens there.

    On entry it performs ``does`` and tells the case that opened this one what ``reports(data)`` builds.
    """

    kind = "state"

    def __init__(
        self,
        name: str,
        text: str,
        *,
        title: str | None = None,
        deadlines: tuple[Deadline, ...] = (),
        no_deadline: str | None = None,
        does: tuple[CommandType, ...] = (),
        reports: Callable[[Any], Event] | None = None,
        fulfils: tuple[str, ...] = (),
    ) -> None:
        super().__init__(name)
        self.title = title or name.replace("_", " ").capitalize()
        self.text = text
        self.deadlines = deadlines
        self.no_deadline = no_deadline
        self.does = does
        self.reports = reports
        self.fulfils = fulfils


class Act(State):
    """The system performs commands on entry and leaves on their outcome."""

    kind = "act"


class Wait(State):
    """The case waits for an event from outside, with a deadline or a written reason why there is none."""

    kind = "wait"


def _nothing(_: object) -> Mapping[str, object]:
    return {}


def _untold(_: object) -> Mapping[str, str]:
    return {}


class Ask(State):
    """Somebody must decide: a role of our staff through a form, or the customer through a signed link.

    ``whom(data)`` says who is asked first where the case knows it better than ``role``. ``settles(data)``
    gives the fields of the form that nobody is asked for, such as the price in question; ``tells(data)``, by
    name, what staff must know to answer and is not in the case's data as it stands, such as a limit.
    """

    kind = "ask"

    def __init__(
        self,
        name: str,
        text: str,
        *,
        form: type[Event],
        role: str,
        ladder: tuple[str, ...] = (),
        whom: Callable[[Any], str] | None = None,
        settles: Callable[[Any], Mapping[str, object]] = _nothing,
        tells: Callable[[Any], Mapping[str, str]] = _untold,
        title: str | None = None,
        deadlines: tuple[Deadline, ...] = (),
        no_deadline: str | None = None,
        does: tuple[CommandType, ...] = (),
        reports: Callable[[Any], Event] | None = None,
        fulfils: tuple[str, ...] = (),
    ) -> None:
        super().__init__(
            name,
            text,
            title=title,
            deadlines=deadlines,
            no_deadline=no_deadline,
            does=does,
            reports=reports,
            fulfils=fulfils,
        )
        self.form = form
        self.role = role
        self.ladder = ladder
        self.whom = whom
        self.settles = settles
        self.tells = tells


class End(State):
    """The case is over; ``outcome`` says how, ``sends(data)`` what other cases are told or opened then.

    Where other ends of its procedure report, ``silent`` says why this one need not.
    """

    kind = "end"

    def __init__(
        self,
        name: str,
        text: str,
        *,
        outcome: str,
        title: str | None = None,
        does: tuple[CommandType, ...] = (),
        reports: Callable[[Any], Event] | None = None,
        sends: Callable[[Any], Iterable[Send]] | None = None,
        silent: str = "",
        fulfils: tuple[str, ...] = (),
    ) -> None:
        super().__init__(name, text, title=title, does=does, reports=reports, fulfils=fulfils)
        self.outcome = outcome
        self.sends = sends
        self.silent = silent
