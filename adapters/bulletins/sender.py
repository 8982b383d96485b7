"""Tells subscribers, at least once, what happened: each in the order of positions, several cases at once, the
events of one case one after the other.

How far a subscription has come is in the store; a worker that dies in the middle has told at most one batch
that is told again. A receiver that fails is tried less and less often, with one bulletin at a time, and
delays nobody else.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from time import monotonic

from adapters.bulletins.patience import Pace, Patience
from adapters.bulletins.posting import Failed, Gone, Postman, Taken
from adapters.bulletins.secrets import Secrets
from adapters.errors import SealBroken, StoreError
from adapters.store.bulletins import Bulletin, Bulletins, Subscription, SubscriptionStatus

log = logging.getLogger("sop.bulletins")

_NUMBERED = 5_000  #: positions given, and bulletins forgotten, in one transaction


@dataclass(slots=True)
class _Memory:
    """What is known of a subscription beyond what the store said of it at ``known``: positions up to ``seen``
    hold nothing more for it, those in ``taken`` need not be sent again."""

    known: Subscription
    seen: int
    taken: set[int] = field(default_factory=set)


class Sender:
    """Sends for the subscriptions that ``worker()`` leases."""

    def __init__(
        self,
        bulletins: Bulletins,
        *,
        secrets: Secrets,
        worker: Callable[[], str],
        clock: Callable[[], datetime],
        pace: Pace | None = None,
        patience: Patience | None = None,
    ) -> None:
        self._bulletins = bulletins
        self._secrets = secrets
        self._worker = worker
        self._clock = clock
        self._pace = pace or Pace()
        self._patience = patience or Patience()
        self._postman: Postman | None = None
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._memories: dict[str, _Memory] = {}
        self._tidied = monotonic()
        self._lost = 0  #: looks that failed, one after the other

    async def run(self) -> None:
        """Until cancelled; what is on its way then is sent again by whoever comes next."""
        try:
            while True:
                seconds = await self._look()
                await asyncio.sleep(seconds)
        finally:
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)
            if self._postman is not None:
                await self._postman.close()

    async def _look(self) -> float:
        """Start what is to be sent; seconds until the next look."""
        try:
            subscriptions, latest = await asyncio.to_thread(self._read)
            for subscription in subscriptions:
                if subscription.name not in self._tasks and self._has_work(subscription, latest):
                    self._start(subscription, latest)
            if monotonic() - self._tidied >= self._pace.tidy:
                await asyncio.to_thread(self._tidy, subscriptions)
                self._tidied = monotonic()
        except StoreError:
            # The drive loop says that the store is away, and nothing is lost.
            return self._pace.idle
        except Exception:
            log.exception("events out: could not look at what is to be told")
            self._lost += 1
            return min(self._pace.delay(self._lost, chance=0.5), self._pace.tidy)
        self._lost = 0
        return self._pace.look if subscriptions else self._pace.idle

    def _read(self) -> tuple[list[Subscription], int]:
        """The subscriptions that are ours, and the latest position."""
        bulletins, worker = self._bulletins, self._worker()
        known = bulletins.subscriptions()
        if any(one.lease != worker for one in known):
            bulletins.claim(worker=worker)
            known = bulletins.subscriptions()
        if not known:
            return [], 0
        bulletins.number(limit=_NUMBERED)
        return [one for one in known if one.lease == worker], bulletins.span()[1]

    def _has_work(self, subscription: Subscription, latest: int) -> bool:
        if subscription.status is not SubscriptionStatus.ACTIVE or self._is_stale(subscription):
            return False
        due = subscription.due is None or subscription.due <= self._clock()
        return due and latest > self._memory(subscription).seen

    def _is_stale(self, subscription: Subscription) -> bool:
        """Whether it was read before we ourselves wrote it last."""
        memory = self._memories.get(subscription.name)
        if memory is None or memory.known.created != subscription.created:
            return False
        return memory.known.revision > subscription.revision

    def _memory(self, subscription: Subscription) -> _Memory:
        memory = self._memories.get(subscription.name)
        if memory is None or memory.known != subscription:
            memory = self._memories[subscription.name] = _Memory(subscription, subscription.position)
        return memory

    def _start(self, subscription: Subscription, latest: int) -> None:
        name = subscription.name
        task = asyncio.create_task(self._send(subscription, latest))
        self._tasks[name] = task
        task.add_done_callback(lambda done: self._ended(name, done))

    def _ended(self, name: str, task: asyncio.Task[None]) -> None:
        del self._tasks[name]
        if not task.cancelled() and (error := task.exception()) is not None:
            self._memories.pop(name, None)
            if not isinstance(error, StoreError):
                log.error("events out: sending to %s failed", name, exc_info=error)

    async def _send(self, subscription: Subscription, latest: int) -> None:
        """Batch after batch, until nothing is left up to ``latest`` or something fails."""
        current: Subscription | None = subscription
        while current is not None and current.status is SubscriptionStatus.ACTIVE:
            current = await self._try_batch(current, latest)

    async def _try_batch(self, subscription: Subscription, latest: int) -> Subscription | None:
        """As it is afterwards; None if nothing is left, it was changed meanwhile or something fails."""
        try:
            return await self._send_batch(subscription, latest)
        except StoreError:
            raise
        except SealBroken as error:
            failed = Failed(str(error))
        except Exception as error:
            failed = _unforeseen(subscription, error)
        await self._settle(subscription, [], [failed], latest)
        return None

    async def _send_batch(self, subscription: Subscription, latest: int) -> Subscription | None:
        # A receiver that has failed is asked one thing first.
        limit = 1 if subscription.attempts else self._pace.batch
        keys = self._keys(subscription)
        batch = await asyncio.to_thread(self._find, subscription, limit)
        memory = self._memory(subscription)
        if not batch:
            memory.seen = max(memory.seen, latest)
            return None
        trouble = await self._deliver(subscription, batch, keys=keys, taken=memory.taken)
        whole = latest if len(batch) < limit else batch[-1].position
        after = await self._settle(subscription, batch, trouble, max(whole, batch[-1].position))
        return None if trouble else after

    def _find(self, subscription: Subscription, limit: int) -> list[Bulletin]:
        after = self._memory(subscription).seen
        return self._bulletins.find(
            after=after, sops=subscription.sops, types=subscription.types, limit=limit
        )

    def _keys(self, subscription: Subscription) -> list[bytes]:
        """Those to sign with; raises ``SealBroken``."""
        sealed = [subscription.secret]
        until = subscription.former_until
        if subscription.former is not None and until is not None and self._clock() < until:
            sealed.append(subscription.former)
        return [self._secrets.open(secret, name=subscription.name) for secret in sealed]

    async def _deliver(
        self, subscription: Subscription, batch: Sequence[Bulletin], *, keys: list[bytes], taken: set[int]
    ) -> list[Failed | Gone]:
        """What went wrong, in order of positions; what the receiver has is added to ``taken``. After the
        first trouble nothing more is begun."""
        postman = self._postman = self._postman or Postman(
            clock=self._clock, timeout=self._pace.timeout, connections=self._pace.at_once
        )
        gate = asyncio.Semaphore(self._pace.at_once)
        trouble: dict[int, Failed | Gone] = {}

        async def follow(chain: Sequence[Bulletin]) -> None:
            for bulletin in chain:
                async with gate:
                    if trouble:
                        return
                    try:
                        verdict = await postman.post(subscription.url, bulletin, keys=keys)
                    except Exception as error:
                        if trouble:
                            return
                        verdict = _unforeseen(subscription, error)
                if not isinstance(verdict, Taken):
                    trouble[bulletin.position] = verdict
                    return
                taken.add(bulletin.position)

        waiting = [bulletin for bulletin in batch if bulletin.position not in taken]
        await asyncio.gather(*(follow(chain) for chain in _by_case(waiting)))
        return [trouble[position] for position in sorted(trouble)]

    async def _settle(
        self,
        subscription: Subscription,
        batch: Sequence[Bulletin],
        trouble: Sequence[Failed | Gone],
        whole: int,
    ) -> Subscription | None:
        """Write how far it has come: ``whole`` unless there was ``trouble``. None if it was changed
        meanwhile: that counts."""
        memory = self._memory(subscription)
        position = _reached(batch, memory.taken, subscription.position) if trouble else whole
        after = self._patience.judge(
            subscription, position=position, trouble=trouble, now=self._clock(), pace=self._pace
        )

        def apply(known: Subscription) -> Subscription | None:
            return after if known == subscription else None

        saved = await asyncio.to_thread(self._bulletins.change, subscription.name, apply)
        if saved is None:
            return None
        left = {taken for taken in memory.taken if taken > position}
        self._memories[saved.name] = _Memory(saved, position, left)
        if saved.status is SubscriptionStatus.DISABLED:
            log.error("events out: subscription %s is disabled: %s", saved.name, saved.error)
        return saved

    def _tidy(self, subscriptions: Sequence[Subscription]) -> None:
        """Note how far those have come that nothing was for, and forget what all have been told."""
        for one in subscriptions:
            if one.name not in self._tasks and not self._is_stale(one):
                self._skip(one, self._memory(one).seen)
        before = self._clock() - self._patience.kept
        while self._bulletins.prune(before=before, limit=_NUMBERED) == _NUMBERED:
            """One short transaction after the other."""

    def _skip(self, subscription: Subscription, seen: int) -> None:
        if subscription.attempts or seen <= subscription.position:
            return
        after = replace(subscription, position=seen)
        self._bulletins.change(subscription.name, lambda known: after if known == subscription else None)


def _unforeseen(subscription: Subscription, error: Exception) -> Failed:
    """Told to the log once, however often it is tried."""
    failed = Failed(f"an unforeseen error ({type(error).__name__}); the log of the worker has more")
    if subscription.error != failed.error:
        log.error("events out: sending to %s failed", subscription.name, exc_info=error)
    return failed


def _by_case(bulletins: Sequence[Bulletin]) -> Iterator[list[Bulletin]]:
    chains: dict[str, list[Bulletin]] = {}
    for bulletin in bulletins:
        chains.setdefault(bulletin.case, []).append(bulletin)
    yield from chains.values()


def _reached(batch: Sequence[Bulletin], taken: set[int], position: int) -> int:
    """The position up to which nothing is missing."""
    for bulletin in batch:
        if bulletin.position not in taken:
            break
        position = bulletin.position
    return position
