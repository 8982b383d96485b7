"""Concurrent callers share one piece of work: what arrives while one piece runs goes into the next."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Group(Generic[T, R]):
    """Collects items of one event loop and hands them to ``work``, which answers one result or exception
    per item, in order.

    There is no waiting for company: the first item starts at once, and load makes the groups grow, up to a
    total ``weight`` of ``most``. ``threaded`` runs the work beside the loop, one piece at a time.
    """

    def __init__(
        self,
        work: Callable[[list[T]], Sequence[R | Exception]],
        *,
        threaded: bool,
        most: int = 1000,
        weight: Callable[[T], int] = lambda _: 1,
    ) -> None:
        self._work = work
        self._threaded = threaded
        self._most = most
        self._weigh = weight
        self._waiting: list[tuple[T, asyncio.Future[R]]] = []
        self._running: asyncio.Task[None] | None = None
        self.weight = 0  #: of what waits

    async def do(self, item: T) -> R:
        """The result for ``item``; raises what the work answered or raised for it."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[R] = loop.create_future()
        self._waiting.append((item, future))
        self.weight += self._weigh(item)
        if self._running is None or self._running.done():
            self._running = loop.create_task(self._run())
        return await future

    async def _run(self) -> None:
        await asyncio.sleep(0)  # everyone who is ready in this turn of the loop comes along
        while self._waiting:
            batch = self._take()
            items = [item for item, _ in batch]
            results: Sequence[R | Exception]
            try:
                results = await asyncio.to_thread(self._work, items) if self._threaded else self._work(items)
            except Exception as error:
                results = [error] * len(batch)
            for (_, future), result in zip(batch, results, strict=True):
                if future.done():  # its caller has gone
                    continue
                if isinstance(result, Exception):
                    future.set_exception(result)
                else:
                    future.set_result(result)

    def _take(self) -> list[tuple[T, asyncio.Future[R]]]:
        taken = 0
        weight = 0
        for item, _ in self._waiting:
            heavier = weight + self._weigh(item)
            if taken and heavier > self._most:
                break
            taken, weight = taken + 1, heavier
        batch, self._waiting = self._waiting[:taken], self._waiting[taken:]
        self.weight -= weight
        return batch
