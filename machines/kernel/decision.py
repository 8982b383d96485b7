"""What ``decide`` answers: the case as it is now, and all that the outside world is told or asked."""

from __future__ import annotations

from machines.kernel.case import Case, Entry, Timer
from machines.kernel.command import Command
from machines.kernel.rule import Disposition, Send
from machines.kernel.value import value


@value
class Decision:
    """``timers_set`` and ``timers_cleared`` are the difference to the case before; ``moved`` tells whether it
    entered a state or was resumed, so that deferred events are worth another try."""

    case: Case
    entry: Entry
    commands: tuple[Command, ...] = ()
    sends: tuple[Send, ...] = ()
    timers_set: tuple[Timer, ...] = ()
    timers_cleared: tuple[str, ...] = ()
    moved: bool = False

    @property
    def disposition(self) -> Disposition:
        return self.entry.disposition
