"""What is old goes, by policy and in bounded batches: finished cases into the archive, then letters that lead
nowhere; `flows.prefect_pruning` does the same for runs and artifacts in Prefect.

A batch is on the disk before it is deleted, and what is deleted is looked at again in the transaction that
does so. So it may be killed at any moment, run twice at once, and be repeated. A process that ends has it
leave the rest to the next time.
"""

from __future__ import annotations

import threading
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
        self.ending = threading.Event()  #: of the sweeps that begin now; set, they end after their batch
        self._pause = pause

    def stop(self) -> None:
        """Have the sweeps that go on end after their batch; those that begin later are none of this."""
        going, self.ending = self.ending, threading.Event()
        going.set()

    def sweep(self, *, dry_run: bool, ending: threading.Event | None = None) -> Swept:
        """Let everything of the store go whose time is over, or what goes until ``ending`` is set, by default
        by ``stop``."""
        now, swept, ending = self.clock(), Swept(), ending or self.ending
        if not dry_run:
            self._archive.tidy()
            self.store.notices.drop(before=now - _NOTICES)
        if self.retention.cases is not None:
            swept = self._sweep_cases(now - self.retention.cases, swept, ending, dry_run=dry_run)
        if self.retention.letters is not None:
            swept = self._sweep_letters(now - self.retention.letters, swept, ending, dry_run=dry_run)
        return swept

    def _sweep_cases(
        self, before: datetime, swept: Swept, ending: threading.Event, *, dry_run: bool
    ) -> Swept:
        after: Place | None = None
        while not ending.is_set():
            found = self.store.upkeep.finished(before=before, after=after, limit=_ROOTS)
            for batch in _batches(found.families):
                if ending.is_set():
                    break
                if dry_run:
                    swept = swept.plus(cases=sum(len(family.cases) for family in batch))
                    continue
                swept = self._let_go(batch, before, swept)
                ending.wait(self._pause)
            if found.last is None:
                break
            after = found.last
        return swept

    def _let_go(self, batch: list[Family], before: datetime, swept: Swept) -> Swept:
        cases = [case for family in batch for case in family.cases]
        file = self._archive.write(self.store.upkeep.export(cases), now=self.clock())
        gone = self.store.upkeep.prune(batch, before=before)
        return swept.plus(cases=len(gone), file=str(file))

    def _sweep_letters(
        self, before: datetime, swept: Swept, ending: threading.Event, *, dry_run: bool
    ) -> Swept:
        last: int | None = 0
        while last is not None and not ending.is_set():
            numbers, last = self.store.upkeep.stray_letters(before=before, after=last, limit=_NUMBERS)
            if numbers and dry_run:
                swept = swept.plus(letters=len(numbers))
            elif numbers:
                swept = swept.plus(letters=self.store.upkeep.drop_letters(numbers, before=before))
                ending.wait(self._pause)
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
