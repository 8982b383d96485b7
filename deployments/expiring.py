"""Letters that waited too long for their case, or for a worker that can read them, become dead, once a
minute, beside the drive loop."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Protocol

from adapters.errors import StoreError
from deployments.repeating import repeating

_EVERY_SECONDS = 60.0
_UPGRADE = timedelta(days=1)
"""As long may an upgrade take: until then a letter that old workers cannot read waits for a new one."""

_log = logging.getLogger(__name__)


class Letters(Protocol):
    """What expiry needs of the store."""

    def expire_unmatched(self, *, before: datetime) -> int: ...

    def expire_unread(self, *, before: datetime) -> int: ...


@contextmanager
def expiring_letters(
    store: Letters, *, days: int, clock: Callable[[], datetime], every: float = _EVERY_SECONDS
) -> Iterator[None]:
    """While the context is open, letters unmatched for ``days`` become dead, ``every`` so many seconds."""

    def expire() -> None:
        now = clock()
        _expire(store, before=now - timedelta(days=days), unread_before=now - _UPGRADE)

    with repeating(expire, name="expiring letters", every=every, first_wait=False):
        yield


def _expire(store: Letters, *, before: datetime, unread_before: datetime) -> None:
    try:
        count = store.expire_unmatched(before=before)
        unread = store.expire_unread(before=unread_before)
    except StoreError:
        # The drive loop says that the store is away; a minute more is nothing to a month.
        return
    except Exception:
        _log.exception("letters without a case could not be looked through")
        return
    if count:
        _log.warning("%d letters found no case in time and are dead; see 'sop letters --dead'", count)
    if unread:
        _log.error("%d letters could be read by no worker and are dead; see 'sop letters --dead'", unread)
