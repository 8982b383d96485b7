"""Bulletins and subscriptions in memory."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime

from adapters.store.bulletins import Bulletin, Change, Subscription, SubscriptionStatus, Waiting


@dataclass(slots=True)
class BulletinTables:
    """``new`` are the bulletins without positions, ``placed`` the others in order."""

    new: list[Bulletin] = field(default_factory=list)
    placed: list[Bulletin] = field(default_factory=list)
    subscriptions: dict[str, Subscription] = field(default_factory=dict)

    @property
    def latest(self) -> int:
        return self.placed[-1].position if self.placed else 0


class MemoryBulletins:
    """Implements ``Bulletins``; ``locked`` keeps others out, ``alive`` are the workers that are."""

    def __init__(
        self,
        tables: BulletinTables,
        *,
        locked: Callable[[], AbstractContextManager[object]],
        alive: Callable[[], Collection[str]],
    ) -> None:
        self._tables = tables
        self._locked = locked
        self._alive = alive

    def subscribe(self, subscription: Subscription) -> bool:
        with self._locked():
            tables, name = self._tables, subscription.name
            if name in tables.subscriptions:
                return False
            self._number(len(tables.new))
            tables.subscriptions[name] = replace(subscription, position=tables.latest, lease=None, revision=0)
            return True

    def unsubscribe(self, name: str) -> bool:
        with self._locked():
            return self._tables.subscriptions.pop(name, None) is not None

    def subscriptions(self) -> list[Subscription]:
        with self._locked():
            return [known for _, known in sorted(self._tables.subscriptions.items())]

    def change(self, name: str, apply: Change) -> Subscription | None:
        with self._locked():
            known = self._tables.subscriptions.get(name)
            changed = None if known is None else apply(known)
            if known is None or changed is None:
                return None
            return self._keep(replace(changed, name=name, created=known.created, lease=known.lease))

    def claim(self, *, worker: str) -> None:
        with self._locked():
            alive = self._alive()
            for known in list(self._tables.subscriptions.values()):
                if worker in alive and known.lease not in alive:
                    self._keep(replace(known, lease=worker))

    def number(self, *, limit: int) -> int:
        with self._locked():
            return self._number(limit)

    def span(self) -> tuple[int, int]:
        with self._locked():
            placed = self._tables.placed
            return (placed[0].position, placed[-1].position) if placed else (0, 0)

    def find(
        self, *, after: int, sops: Sequence[str] = (), types: Sequence[str] = (), limit: int
    ) -> list[Bulletin]:
        with self._locked():
            later = (bulletin for bulletin in self._tables.placed if bulletin.position > after)
            return list(_matching(later, sops, types))[:limit]

    def position_at(self, at: datetime) -> int | None:
        with self._locked():
            return next((bulletin.position for bulletin in self._tables.placed if bulletin.at >= at), None)

    def waiting(self, subscription: Subscription) -> Waiting:
        with self._locked():
            later = [
                bulletin for bulletin in self._tables.placed if bulletin.position > subscription.position
            ]
            found = list(_matching([*later, *self._tables.new], subscription.sops, subscription.types))
        return Waiting(len(found), min((bulletin.at for bulletin in found), default=None))

    def prune(self, *, before: datetime, limit: int) -> int:
        with self._locked():
            tables = self._tables
            told = [
                known.position
                for known in tables.subscriptions.values()
                if known.status is not SubscriptionStatus.DISABLED
            ]
            upto = min([tables.latest - 1, *told])
            gone = {
                bulletin.position
                for bulletin in tables.placed[:limit]
                if bulletin.at < before and bulletin.position <= upto
            }
            tables.placed = [bulletin for bulletin in tables.placed if bulletin.position not in gone]
            return len(gone)

    def _keep(self, subscription: Subscription) -> Subscription:
        changed = replace(subscription, revision=subscription.revision + 1)
        self._tables.subscriptions[changed.name] = changed
        return changed

    def _number(self, limit: int) -> int:
        tables = self._tables
        fresh, tables.new = tables.new[:limit], tables.new[limit:]
        first = tables.latest + 1
        tables.placed += [replace(bulletin, position=number) for number, bulletin in enumerate(fresh, first)]
        return len(fresh)


def _matching(
    bulletins: Sequence[Bulletin] | Iterator[Bulletin], sops: Sequence[str], types: Sequence[str]
) -> Iterator[Bulletin]:
    return (
        bulletin
        for bulletin in bulletins
        if (not sops or bulletin.sop in sops) and (not types or bulletin.type in types)
    )
