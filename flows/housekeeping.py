"""What is old goes, by policy and in bounded batches: finished cases into the archive, then letters that lead
nowhere; `flows.prefect_pruning` does the same for runs and artifacts in Prefect.

A batch is on the disk before it is deleted, and what is deleted is looked at again in the transaction that
does so. So it may be killed at any moment, run twice at once, and be repeated.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from adapters.archive import Archive
from adapters.store.base import Store
from adapters.store.upkeep import Family, Place

#: Cases in one transaction and one file, more only where a single family has more.
MOST_CASES = 200
_ROOTS = 100
_NUMBERS = 5_000
_PAUSE_SECONDS = 0.1  #: between two batches, in which others get their turn to write
#: A word that was told so long ago is as good as new: a step parked since then is told of again.
_NOTICES = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Retention:
    """How long what is over is kept; ``None`` is for ever. ``versions`` are artifacts that a newer one has
    replaced."""

    runs: timedelta
    versions: timedelta
    cases: timedelta | None = None
    letters: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Swept:
    """What went, or in a dry run would go."""

    cases: int = 0
    letters: int = 0
    files: tuple[str, ...] = ()

    def plus(self, *, cases: int = 0, letters: int = 0, file: str | None = None) -> Swept:
        files = (*self.files, file) if file else self.files
        return Swept(self.cases + cases, self.letters + letters, files)


class Housekeeping:
    """For the store. ``sweep`` raises ``StoreUnavailable`` and ``ArchiveUnavailable``."""

    def __init__(
        self,
        store: Store,
        archive: Archive,
        *,
        retention: Retention,
        clock: Callable[[], datetime],
        pause: float = _PAUSE_SECONDS,
    ) -> None:
        self.retention = retention
        self.store = store
        self.clock = clock
        self._archive = archive
        self._pause = pause

    def sweep(self, *, dry_run: bool) -> Swept:
        """Let everything of the store go whose time is over."""
        now, swept = self.clock(), Swept()
        if not dry_run:
            self._archive.tidy()
            self.store.drop_notices(before=now - _NOTICES)
        if self.retention.cases is not None:
            swept = self._sweep_cases(now - self.retention.cases, swept, dry_run=dry_run)
        if self.retention.letters is not None:
            swept = self._sweep_letters(now - self.retention.letters, swept, dry_run=dry_run)
        return swept

    def _sweep_cases(self, before: datetime, swept: Swept, *, dry_run: bool) -> Swept:
        after: Place | None = None
        while True:
            found = self.store.finished(before=before, after=after, limit=_ROOTS)
            for batch in _batches(found.families):
                if dry_run:
                    swept = swept.plus(cases=sum(len(family.cases) for family in batch))
                    continue
                swept = self._let_go(batch, before, swept)
                time.sleep(self._pause)
            if found.last is None:
                return swept
            after = found.last

    def _let_go(self, batch: list[Family], before: datetime, swept: Swept) -> Swept:
        cases = [case for family in batch for case in family.cases]
        file = self._archive.write(self.store.export(cases), now=self.clock())
        gone = self.store.prune(batch, before=before)
        return swept.plus(cases=len(gone), file=str(file))

    def _sweep_letters(self, before: datetime, swept: Swept, *, dry_run: bool) -> Swept:
        last: int | None = 0
        while last is not None:
            numbers, last = self.store.stray_letters(before=before, after=last, limit=_NUMBERS)
            if numbers and dry_run:
                swept = swept.plus(letters=len(numbers))
            elif numbers:
                swept = swept.plus(letters=self.store.drop_letters(numbers, before=before))
                time.sleep(self._pause)
        return swept


def _batches(families: Sequence[Family]) -> list[list[Family]]:
    batches: list[list[Family]] = []
    size = MOST_CASES
    for family in families:
        if size + len(family.cases) > MOST_CASES:
            batches.append([])
            size = 0
        batches[-1].append(family)
        size += len(family.cases)
    return batches
