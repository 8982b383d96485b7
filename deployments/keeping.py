"""Housekeeping as the settings want it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from adapters.archive import Archive
from adapters.store.base import Store
from deployments.settings import Settings
from flows.housekeeping import Housekeeping, Retention


def housekeeping(settings: Settings, store: Store, *, clock: Callable[[], datetime]) -> Housekeeping:
    keep = settings.keep
    letters = keep.cases if keep.letters is None else keep.letters
    retention = Retention(
        runs=timedelta(days=keep.runs),
        versions=timedelta(days=keep.versions),
        cases=None if keep.cases is None else timedelta(days=keep.cases),
        letters=None if letters is None else timedelta(days=letters),
    )
    return Housekeeping(store, Archive(settings.archive), retention=retention, clock=clock)
