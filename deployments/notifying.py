"""Staff are told of what needs them: where to by the settings, and by a look at the store now and then, in
workers and in the web process, that does without Prefect."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Protocol

from adapters.errors import StoreError
from adapters.notices.posting import NotDelivered, Posting
from adapters.notices.receivers import receivers
from adapters.store.base import Store
from deployments.repeating import repeating
from deployments.settings import Settings
from flows.notifying import PATIENCE, Notifying, Places

_EVERY_SECONDS = 15.0
#: Leases are taken over after one; only after six is nobody there to do so.
_LEASES = 6

_log = logging.getLogger(__name__)


def posting(settings: Settings) -> Posting:
    told = settings.notify
    return Posting(
        {
            "oncall": receivers("oncall", [url.get_secret_value() for url in told.oncall]),
            "operations": receivers("operations", [url.get_secret_value() for url in told.operations]),
        }
    )


def notifying(settings: Settings, store: Store, *, clock: Callable[[], datetime]) -> Notifying:
    return Notifying(
        store,
        posting(settings),
        places=Places(prefect=settings.prefect_ui, web=settings.customer_url),
        quiet=timedelta(seconds=settings.notify.quiet),
        silence=timedelta(seconds=_LEASES * settings.lease),
        clock=clock,
    )


class Look(Protocol):
    """What of ``Notifying`` does without events."""

    def no_worker(self) -> int: ...

    def parked(self, *, patience: timedelta) -> int: ...

    def again(self) -> None: ...


@contextmanager
def looking(settings: Settings, found: Look, *, every: float = _EVERY_SECONDS) -> Iterator[None]:
    """While the context is open, tell what no event has told; nothing at all where nobody is to be told."""
    if not settings.notify.anybody:
        yield
        return
    # After a start of everything the heartbeats of before say nothing.
    since = time.monotonic() + _LEASES * settings.lease

    def look() -> None:
        if time.monotonic() > since:
            _try(found.no_worker)
        _try(lambda: found.parked(patience=PATIENCE))
        _try(found.again)

    with repeating(look, name="telling staff", every=every, first_wait=True):
        yield


def _try(look: Callable[[], object]) -> None:
    try:
        look()
    except StoreError:
        # The drive loop says that the store is away.
        return
    except NotDelivered as error:
        _log.error("staff were not told: %s [%s]", error, error.code)
    except Exception:
        _log.exception("what staff should be told of could not be looked up")
