"""How fast subscribers are told, and how long a receiver that fails is borne with: when it is tried again,
and when it is given up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from adapters.bulletins.posting import Failed, Gone
from adapters.store.bulletins import Subscription, SubscriptionStatus

_LONGEST = 86_400.0  #: seconds that a receiver can have us wait before the next try
GONE = "the receiver answered 410: it wants no more events"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How the sender behaves; times in seconds. A receiver that fails is tried again after ``first``, then
    after ``growth`` times as long each time, up to ``longest``."""

    look: float = 0.25  #: between two looks at what happened
    idle: float = 1.0  #: the same while nobody subscribes
    tidy: float = 60.0  #: between two looks at what need not be kept
    timeout: float = 15.0  #: of one try
    batch: int = 64  #: bulletins of a subscription in memory
    at_once: int = 8  #: of these on their way
    first: float = 5.0
    growth: float = 3.0
    longest: float = 3_600.0

    def delay(self, attempts: int, *, chance: float) -> float:
        """Before the next try after so many; ``chance`` from 0 to 1 spreads it by a tenth."""
        wait = min(self.first * self.growth ** min(attempts - 1, 20), self.longest)
        return wait * (0.9 + 0.2 * chance)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """After how long a receiver that fails is given up, and how long what all have been told is kept."""

    failing: timedelta = timedelta(days=5)
    kept: timedelta = timedelta(days=30)

    def judge(
        self,
        before: Subscription,
        *,
        position: int,
        trouble: Sequence[Failed | Gone],
        now: datetime,
        pace: Pace,
    ) -> Subscription:
        """What becomes of a subscription that has been told up to ``position``, given what went wrong."""
        after = replace(before, position=position)
        if not trouble:
            return after.afresh()
        failures = [one for one in trouble if isinstance(one, Failed)]
        if len(failures) < len(trouble):
            return _disabled(after, GONE)
        failed = failures[0]
        moved = position > before.position
        attempts = 1 if moved else before.attempts + 1
        since = now if moved or before.failing is None else before.failing
        wait = pace.delay(attempts, chance=now.microsecond % 1000 / 1000)
        due = now + timedelta(seconds=max(wait, min(failed.after, _LONGEST)))
        tried = replace(after, attempts=attempts, failing=since, due=due, error=failed.error)
        if now - since < self.failing:
            return tried
        days = self.failing / timedelta(days=1)
        return _disabled(tried, f"nothing was taken in {days:g} days: {failed.error}")


def _disabled(subscription: Subscription, why: str) -> Subscription:
    return replace(subscription, status=SubscriptionStatus.DISABLED, due=None, error=why)
