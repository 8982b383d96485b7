"""Letters that waited too long for their case become dead, once a minute, beside the drive loop."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Protocol

from adapters.errors import StoreError

_EVERY_SECONDS = 60.0

_log = logging.getLogger(__name__)


class Letters(Protocol):
    """What expiry needs of the store."""

    def expire_unmatched(self, *, before: datetime) -> int: ...


@contextmanager
def expiring_letters(
    store: Letters, *, days: int, clock: Callable[[], datetime], every: float = _EVERY_SECONDS
) -> Iterator[None]:
    """While the context is open, letters unmatched for ``days`` become dead, ``every`` so many seconds."""
    ending = threading.Event()

    def run() -> None:
        while True:
            _expire(store, before=clock() - timedelta(days=days))
            if ending.wait(every):
                return

    thread = threading.Thread(target=run, name="expiring letters", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ending.set()
        thread.join()


def _expire(store: Letters, *, before: datetime) -> None:
    try:
        count = store.expire_unmatched(before=before)
    except StoreError:
        # The drive loop says that the store is away; a minute more is nothing to a month.
        return
    except Exception:
        _log.exception("letters without a case could not be looked through")
        return
    if count:
        _log.warning("%d letters found no case in time and are dead; see 'sop letters --dead'", count)
