"""Letters that waited too long for their case become dead, once a minute, beside the drive loop."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Protocol

from adapters.errors import StoreError
from deployments.repeating import repeating

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

    def expire() -> None:
        _expire(store, before=clock() - timedelta(days=days))

    with repeating(expire, name="expiring letters", every=every, first_wait=False):
        yield


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
