"""The circuit breaker of one command, as a pure state machine: closed while there is no ``Outage``, open
while it is out, half open while a probe is under way, then turn after turn back to full flow.

It is one for each command and not for each provider: while ``payment.refund`` alone is broken, orders are
still paid (docs/adr/0020).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from adapters.store.outage import Outage, Phase

STALLED = timedelta(seconds=10)  #: without an answer, after which a turn is taken all the same
UNANSWERED = timedelta(seconds=35)  #: after which nothing more is heard of a probe; commands time out before
PATIENCE = timedelta(minutes=10)  #: at least, after which a step comes up by itself whose command is out
FULL = 256  #: steps in one turn, when resuming has come to its full speed
_LONGEST = 86_400.0  #: seconds that a provider can have us wait for the next probe


@dataclass(frozen=True, slots=True)
class Caution:
    """A command is out after so many ``failures`` in a row, of two steps at least. The ``first`` probe is
    sent after some seconds, later ones after twice as many each, up to ``longest``. When it answers again,
    what waits goes out with ``turn`` seconds at least between two turns; parked steps are tried again too
    unless its name or prefix is in ``by_hand``, or the outage was longer than ``within``."""

    failures: int = 5
    first: float = 15.0
    longest: float = 300.0
    by_hand: Collection[str] = ()
    within: timedelta = timedelta(hours=24)
    turn: float = 1.0

    def wait(self, tries: int, *, asked: float = 0.0) -> timedelta:
        """Until the next probe after so many that failed; at least as long as the provider ``asked``."""
        # Beyond 2 ** 20 it is the longest one anyway.
        seconds = min(self.longest, self.first * 2 ** min(tries, 20))
        return timedelta(seconds=max(seconds, min(asked, _LONGEST)))

    def is_by_hand(self, command: str) -> bool:
        return command in self.by_hand or command.partition(".")[0] in self.by_hand

    def stays(self, outage: Outage, *, now: datetime) -> str:
        """Why steps that are parked stay so when it answers again; empty if they do not."""
        if outage.halted:
            return outage.halted
        if self.is_by_hand(outage.command):
            return "the settings leave them to staff"
        if now - outage.since > self.within:
            return f"it was out for more than {self.within.total_seconds() / 3600:g} hours"
        return ""


def opened(
    command: str, *, since: datetime, error: str, now: datetime, due: datetime, before: Outage | None = None
) -> Outage:
    """It failed too often in a row; ``before`` is what there was of it, from which it comes back slower."""
    if before is None or before.phase is Phase.LEFT:
        return Outage(command, Phase.OUT, since, now, due, error=error)
    return replace(before, phase=Phase.OUT, changed=now, due=due, error=error, tries=before.tries + 1, turn=0)


def probed(outage: Outage, *, now: datetime, wait: timedelta) -> Outage:
    """A probe is on its way; if nothing is heard of it (its worker was killed), another one is sent."""
    return replace(outage, due=now + max(wait, UNANSWERED))


def failed(outage: Outage, *, error: str, now: datetime, wait: timedelta) -> Outage:
    """A probe failed."""
    return replace(outage, error=error, tries=outage.tries + 1, due=now + wait)


def answered(outage: Outage, *, now: datetime) -> Outage:
    """A probe was answered."""
    return replace(outage, phase=Phase.RESUMING, changed=now, due=now, turn=0)


def turned(outage: Outage, *, now: datetime, pause: timedelta) -> Outage:
    """Steps were released for this turn; the next one is after a pause at least."""
    return replace(outage, turn=outage.turn + 1, due=now + pause)


def may_turn(outage: Outage, *, heard: bool, now: datetime) -> bool:
    """Not faster than it answers: a turn follows on an answer to the one before, or on a long silence
    (whoever would have heard it was killed)."""
    return now >= outage.due and (heard or now >= outage.due + STALLED)


def allowance(outage: Outage) -> int:
    """How many steps may go out in this turn, and how many commands may be under way beside them, as long as
    it is not over."""
    return 0 if outage.phase is Phase.OUT else min(FULL, 2 ** min(outage.turn + 1, 16))


def halted(outage: Outage, *, why: str) -> Outage:
    """What is parked stays parked."""
    return replace(outage, halted=why)


def over(outage: Outage, *, stays: str, now: datetime) -> Outage | None:
    """Nothing waits for it any more; what stays parked, and would be taken for stranded, is marked."""
    return replace(outage, phase=Phase.LEFT, changed=now, halted=stays) if stays else None
