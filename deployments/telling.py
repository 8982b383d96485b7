"""Subscribers are told what happened to cases, beside the drive loop, on a thread and event loop of their
own: a receiver that hangs holds up no case."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta

from adapters.bulletins.patience import Pace, Patience
from adapters.bulletins.secrets import Secrets
from adapters.bulletins.sender import Sender
from adapters.store.bulletins import Bulletins
from deployments.settings import Settings
from deployments.threads import wait_for


@contextmanager
def telling_subscribers(
    bulletins: Bulletins,
    *,
    settings: Settings,
    secrets: Secrets,
    worker: Callable[[], str],
    clock: Callable[[], datetime],
    pace: Pace | None = None,
) -> Iterator[None]:
    """While the context is open, those are told that ``worker()`` leases or nobody does."""
    patience = Patience(
        failing=timedelta(days=settings.subscriber_days), kept=timedelta(days=settings.replay_days)
    )
    sender = Sender(bulletins, secrets=secrets, worker=worker, clock=clock, pace=pace, patience=patience)
    ending = threading.Event()
    thread = threading.Thread(
        target=lambda: asyncio.run(_run(sender, ending)), name="telling subscribers", daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        ending.set()
        wait_for(thread)


async def _run(sender: Sender, ending: threading.Event) -> None:
    sending = asyncio.create_task(sender.run())
    await asyncio.to_thread(ending.wait)
    sending.cancel()
    with suppress(asyncio.CancelledError):
        await sending
