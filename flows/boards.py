"""The dashboards of this process: one procedure at a glance, as it stands now."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from adapters.store.base import Store
from adapters.store.overview import Overview
from adapters.store.records import StepFilter, StepStatus
from flows.broken import Broken, broken
from machines.kernel.definition import Definition
from machines.kernel.money import Money
from machines.stake import sums

SOON = timedelta(hours=1)
HOURS = 24  #: of what came and went, the current one included
MOST = 25  #: lines of a list
_MOST_PARKED = 1_000


@dataclass(frozen=True, slots=True)
class Board:
    """``parked`` are the oldest parked steps, a thousand at most, ``at_stake`` the money in all of these;
    ``parked_all`` says that there are no others."""

    now: datetime
    seen: Overview
    parked: tuple[Broken, ...] = ()
    at_stake: tuple[Money, ...] = ()
    parked_all: bool = True

    @property
    def open(self) -> int:
        return sum(one.count for one in self.seen.states.values())

    @property
    def hours(self) -> list[datetime]:
        """The beginnings of the hours that are counted."""
        return [_hour(self.now) - timedelta(hours=ago) for ago in reversed(range(HOURS))]

    def ended_in(self, hour: datetime) -> int:
        return sum(count for (when, _), count in self.seen.ended.items() if when == hour)

    def ended_as(self, state: str) -> int:
        return sum(count for (_, end), count in self.seen.ended.items() if end == state)


class Boards:
    """Reads them from the store; raises ``StoreUnavailable``."""

    def __init__(
        self, store: Store, definitions: Mapping[str, Definition], *, clock: Callable[[], datetime]
    ) -> None:
        self.definitions = definitions
        self._store = store
        self._clock = clock

    def all(self) -> Iterator[tuple[Definition, Board]]:
        """One after the other, as they are asked for."""
        for sop, definition in self.definitions.items():
            yield definition, self.of(sop)

    def of(self, sop: str) -> Board:
        now = self._clock()
        since = _hour(now) - timedelta(hours=HOURS - 1)
        seen = self._store.panorama.overview(sop, since=since, until=now + SOON, most=MOST)
        only = StepFilter(sop=sop)
        parked = self._store.steps(status=[StepStatus.PARKED], only=only, limit=_MOST_PARKED + 1)
        # Their arguments need not stay in memory.
        told = tuple(broken(step) for step in parked[:_MOST_PARKED])
        stake = tuple(sums(one.stake for one in told))
        return Board(now, seen, told, stake, parked_all=len(parked) <= _MOST_PARKED)


def _hour(instant: datetime) -> datetime:
    return instant.replace(minute=0, second=0, microsecond=0)
