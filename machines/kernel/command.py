"""Commands: what a procedure asks the outside world to do, and every way in which that can end."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from machines.kernel.event import Event, Facts
from machines.kernel.value import value


@dataclass(frozen=True, slots=True)
class Retry:
    """How a technical failure is tried again: delays in seconds grow by ``factor`` up to ``longest``,
    each shortened by up to ``jitter`` of itself; after ``attempts`` tries the step is parked."""

    attempts: int = 6
    first: float = 1.0
    factor: float = 3.0
    longest: float = 900.0
    jitter: float = 0.3

    def delay(self, attempt: int, *, chance: float) -> float:
        """Seconds to wait after failed try number ``attempt`` (1, 2, ...); ``chance`` is in [0, 1)."""
        return min(self.longest, self.first * self.factor ** (attempt - 1)) * (1 - self.jitter * chance)


@dataclass(frozen=True, slots=True)
class CommandType:
    """A kind of command, such as ``payment.authorize``; the part before the dot names the adapter.

    ``arguments(data, event)`` builds what is asked, one ``Facts`` per command to perform (none at all is
    allowed). ``outcomes`` are the events it can end in. ``possible(arguments)`` gives every outcome worth
    telling apart for these arguments; ``sop check`` explores them all, the first is the ordinary one.
    ``takes`` is the type of its arguments, ``timeout`` the seconds after which one try counts as failed.
    """

    name: str
    arguments: Callable[..., Iterable[Facts]]
    outcomes: tuple[type[Event], ...]
    possible: Callable[[Any], Iterable[Event]]
    takes: type[Facts] = field(kw_only=True)
    retry: Retry = field(default_factory=Retry)
    timeout: float = 30.0
    fulfils: tuple[str, ...] = ()

    def ask(self, data: object, event: Event, deadlines: Mapping[str, datetime]) -> Iterable[Facts]:
        """The arguments of the commands to perform; ``deadlines`` run once the case has taken ``event``."""
        return self.arguments(data, event)


@value
class Command:
    """A command to perform, under an idempotency key that never changes however often it is tried."""

    name: str
    key: str
    arguments: Facts

    @property
    def case(self) -> tuple[str, str]:
        """Procedure and key of the case that asks."""
        sop, key, _ = parse_key(self.key)
        return sop, key


_CHANGE = re.compile(r"~[0-9]+$")
_KEY = re.compile(r"([a-z_]+)/([^\s\x00-\x1f]{1,120})/([a-z_]+\.[a-z_]+)/[0-9]+(?:/[0-9]+)?(?:~[0-9]+)?")


def step_of(key: str) -> str:
    """The key of the step that ``key`` belongs to: without the number of a change made to its arguments."""
    return _CHANGE.sub("", key)


def parse_key(key: str) -> tuple[str, str, str]:
    """(procedure, key of the case, command) of an idempotency key such as
    ``order/SO-1001/payment.capture/12``; raises ``ValueError``."""
    found = _KEY.fullmatch(key)
    if found is None:
        raise ValueError("not the idempotency key of a command")
    sop, case, command = found.groups()
    return sop, case, command
