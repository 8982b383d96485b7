"""How an order takes note of money and goods that come back, wherever it stands."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TypeVar

from machines.kernel.command import CommandType
from machines.kernel.event import Event
from machines.kernel.rule import Rule, Send, on
from machines.kernel.verdict import Verdict
from machines.order import junctions, states
from machines.order.data import Order
from machines.order.guards import amended, starts_over

E = TypeVar("E", bound=Event)


def settle(
    event: type[E],
    *,
    then: Callable[[Order, E, datetime], Order],
    when: Callable[[Order, E, datetime], Verdict] | None = None,
    does: tuple[CommandType, ...] = (),
    sends: Callable[[Order, E], Iterable[Send]] | None = None,
) -> tuple[Rule, ...]:
    """An order on its way only notes it. A settling order starts anew if it was to be amended and this was
    the last thing to wait for; else it goes where it then stands."""
    anew = starts_over(then)

    def last_before_change(order: Order, said: E, now: datetime) -> Verdict:
        verdict = when(order, said, now) if when else None
        return anew(order, said, now) if verdict is None or verdict else verdict

    starts_anew = on(
        event,
        at=states.SETTLING,
        to=states.VERIFYING,
        when=last_before_change,
        then=amended(then),
        does=does,
        sends=sends,
    )
    return (starts_anew, *settle_part(event, when=when, then=then, does=does, sends=sends))


def settle_part(
    event: type[E],
    *,
    then: Callable[[Order, E, datetime], Order],
    when: Callable[[Order, E, datetime], Verdict] | None = None,
    does: tuple[CommandType, ...] = (),
    sends: Callable[[Order, E], Iterable[Send]] | None = None,
) -> tuple[Rule, ...]:
    """The same for what is never the last thing that a change waits for."""
    return (
        on(
            event, at=states.SETTLING, to=junctions.ORDER_STANDS, when=when, then=then, does=does, sends=sends
        ),
        on(event, at=states.NOTING, when=when, then=then, does=does, sends=sends),
    )
