"""What subscribers are told of cases, and how far each has been told: the part of the store's contract that
is about events on their way out.

A *bulletin* is written in the round that it tells of, as long as anybody subscribes. Its position is given
after that round has committed, because rounds of several workers commit in another order than they began; so
whoever has been told everything up to a position has missed nothing before it. The bulletins of one case have
positions in the order of its journal.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from adapters.store.records import Changes


@dataclass(frozen=True, slots=True)
class Bulletin:
    """``type`` is what happened to ``case`` (an id) by its journal entry ``seq``, ``data`` the payload as
    JSON (UTF-8), without anything personal. ``position`` is 0 until it is given."""

    case: str
    seq: int
    type: str
    at: datetime
    data: bytes
    position: int = 0

    @property
    def sop(self) -> str:
        return self.case.partition("/")[0]

    @property
    def id(self) -> str:
        """The same for every try and every replay."""
        return f"{self.case}/{self.seq}/{self.type}"


Tells = Callable[["Changes"], Sequence[Bulletin]]
"""What the changes of a round mean for subscribers, those of each case in the order of its journal."""


def tell_nothing(changes: Changes) -> Sequence[Bulletin]:
    """For stores in which no case moves."""
    return ()


class SubscriptionStatus(StrEnum):
    ACTIVE = "active"
    PAUSED = "paused"  #: by staff
    DISABLED = "disabled"  #: by its receiver, or because that failed for too long


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """Who is told what, and how far: all bulletins up to ``position`` have been taken. ``sops`` and ``types``
    name what is told; empty, everything is.

    ``secret`` is sealed; ``former`` signs as well until ``former_until``. While the receiver fails,
    ``attempts`` counts the tries of the next bulletin, ``due`` is when to try again, ``failing`` since when,
    ``error`` the latest failure in plain words. ``lease`` names the worker that sends. ``revision`` counts
    the changes of all this.
    """

    name: str
    url: str
    secret: bytes
    created: datetime
    sops: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    status: SubscriptionStatus = SubscriptionStatus.ACTIVE
    position: int = 0
    former: bytes | None = None
    former_until: datetime | None = None
    attempts: int = 0
    due: datetime | None = None
    failing: datetime | None = None
    error: str = ""
    lease: str | None = None
    revision: int = 0

    def afresh(self) -> Subscription:
        """As if nothing had failed."""
        return replace(self, attempts=0, due=None, failing=None, error="")


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many bulletins a subscription has yet to be told, and when the oldest of them happened."""

    count: int
    oldest: datetime | None


Change = Callable[[Subscription], Subscription | None]
"""What becomes of a subscription, given what it is."""


class Bulletins(Protocol):
    """All methods raise ``StoreUnavailable`` and may be called from any thread."""

    def subscribe(self, subscription: Subscription) -> bool:
        """Tell it what happens from now on, whatever its ``position``; False if the name is taken."""
        ...

    def unsubscribe(self, name: str) -> bool:
        """False if there is no such subscription."""
        ...

    def subscriptions(self) -> list[Subscription]:
        """By name."""
        ...

    def change(self, name: str, apply: Change) -> Subscription | None:
        """In one transaction: read the subscription, write what ``apply`` makes of it (all but name, creation
        and lease) and count the revision up. What it is then; None if there is none of that name or ``apply``
        answers None, and nothing is written."""
        ...

    def claim(self, *, worker: str) -> None:
        """Let ``worker`` send for the subscriptions that nobody sends for who is alive, if it is alive
        itself: a worker is from its first heartbeat until it leaves or is recovered from."""
        ...

    def number(self, *, limit: int) -> int:
        """Give up to ``limit`` bulletins their positions; how many got one. One caller at a time does so, the
        others get 0."""
        ...

    def span(self) -> tuple[int, int]:
        """The first and the last position kept; (0, 0) when there is none."""
        ...

    def find(
        self, *, after: int, sops: Sequence[str] = (), types: Sequence[str] = (), limit: int
    ) -> list[Bulletin]:
        """Those with positions, in order of these."""
        ...

    def position_at(self, at: datetime) -> int | None:
        """The first position of what happened at ``at`` or later."""
        ...

    def waiting(self, subscription: Subscription) -> Waiting: ...

    def prune(self, *, before: datetime, limit: int) -> int:
        """Forget up to ``limit`` of the oldest bulletins, if they happened before ``before`` and every active
        or paused subscription has been told; how many. The latest stays: positions count on from it."""
        ...
