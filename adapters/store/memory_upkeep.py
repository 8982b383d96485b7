"""What staff have been told, and the end of what is over, in the in-memory twin."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from adapters.store import memory_pruning
from adapters.store.records import Step, StepStatus
from adapters.store.tables import Tables
from adapters.store.upkeep import Cause, Document, Family, Finished, Place, cause_of, notice_of


class MemoryUpkeep:
    """Implements ``Upkeep`` on tables that a store keeps under its lock."""

    _tables: Tables
    _lock: threading.RLock

    # telling staff
    def untold_causes(self) -> Mapping[Cause, datetime]:
        found: dict[Cause, datetime] = {}
        for step in self._untold():
            found.setdefault(cause_of(step), step.failed or step.issued)
        return found

    def untold(self, cause: Cause, *, limit: int) -> list[Step]:
        return [step for step in self._untold() if cause_of(step) == cause][:limit]

    def _untold(self) -> list[Step]:
        with self._lock:
            found = [
                step
                for step in self._tables.steps.values()
                if step.status is StepStatus.PARKED and notice_of(step) not in self._tables.notices
            ]
        return sorted(found, key=lambda step: (step.failed or step.issued, step.key))

    def claim_notice(self, key: str, *, now: datetime, until: datetime) -> bool:
        with self._lock:
            if (claimed := self._tables.notices.get(key)) is not None and claimed > now:
                return False
            self._tables.notices[key] = until
            return True

    def note_notices(self, notices: Mapping[str, datetime]) -> None:
        with self._lock:
            self._tables.notices.update(notices)

    def noted_notices(self, keys: Collection[str]) -> set[str]:
        with self._lock:
            return self._tables.notices.keys() & set(keys)

    def forget_notice(self, key: str) -> bool:
        with self._lock:
            return self._tables.notices.pop(key, None) is not None

    def drop_notices(self, *, before: datetime) -> int:
        with self._lock:
            kept = {key: until for key, until in self._tables.notices.items() if until >= before}
            gone = len(self._tables.notices) - len(kept)
            self._tables.notices = kept
            return gone

    # housekeeping
    def finished(self, *, before: datetime, after: Place | None, limit: int) -> Finished:
        with self._lock:
            return memory_pruning.finished(self._tables, before=before, after=after, limit=limit)

    def export(self, cases: Collection[str]) -> list[Document]:
        with self._lock:
            return memory_pruning.export(self._tables, cases)

    def prune(self, families: Sequence[Family], *, before: datetime) -> list[str]:
        with self._lock:
            return memory_pruning.prune(self._tables, families, before=before)

    def stray_letters(self, *, before: datetime, after: int, limit: int) -> tuple[list[int], int | None]:
        with self._lock:
            return memory_pruning.stray(self._tables, before=before, after=after, limit=limit)

    def drop_letters(self, numbers: Collection[int], *, before: datetime) -> int:
        with self._lock:
            return memory_pruning.drop_letters(self._tables, numbers, before=before)
