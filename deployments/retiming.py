"""After the policy changed, clocks that run or pause are due at another time: every case concerned is told,
in batches, and finds out by itself."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from adapters.store.base import Store

_BATCH = 500  #: cases told in one transaction, so that others get their turn in between

_log = logging.getLogger(__name__)


def retime_cases(store: Store, *, policy: str, clock: Callable[[], datetime], batch: int = _BATCH) -> int:
    """Tell each case whose clocks go by another policy than ``policy``; how many were told."""
    told, last = 0, ""
    while stale := store.retime(policy=policy, after=last, limit=batch, now=clock()):
        told, last = told + len(stale), stale[-1]
    if told:
        _log.warning("the policy changed: the clocks of %d cases are found anew", told)
    return told
