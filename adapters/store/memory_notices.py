"""What staff have been told, in memory."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from adapters.store.notices import Cause, cause_of, notice_of
from adapters.store.records import Step, StepStatus
from adapters.store.tables import Locked


class MemoryNotices:
    """Implements ``Notices``."""

    def __init__(self, *, locked: Locked) -> None:
        self._locked = locked

    def untold_causes(self) -> Mapping[Cause, datetime]:
        found: dict[Cause, datetime] = {}
        for step in self._untold():
            found.setdefault(cause_of(step), step.failed or step.issued)
        return found

    def untold(self, cause: Cause, *, limit: int) -> list[Step]:
        return [step for step in self._untold() if cause_of(step) == cause][:limit]

    def _untold(self) -> list[Step]:
        with self._locked() as tables:
            found = [
                step
                for step in tables.steps.values()
                if step.status is StepStatus.PARKED and notice_of(step) not in tables.notices
            ]
        return sorted(found, key=lambda step: (step.failed or step.issued, step.key))

    def claim(self, key: str, *, now: datetime, until: datetime) -> bool:
        with self._locked() as tables:
            if (claimed := tables.notices.get(key)) is not None and claimed > now:
                return False
            tables.notices[key] = until
            return True

    def note(self, notices: Mapping[str, datetime]) -> None:
        with self._locked() as tables:
            tables.notices.update(notices)

    def noted(self, keys: Collection[str]) -> set[str]:
        with self._locked() as tables:
            return tables.notices.keys() & set(keys)

    def forget(self, key: str) -> bool:
        with self._locked() as tables:
            return tables.notices.pop(key, None) is not None

    def drop(self, *, before: datetime) -> int:
        with self._locked() as tables:
            kept = {key: until for key, until in tables.notices.items() if until >= before}
            gone = len(tables.notices) - len(kept)
            tables.notices = kept
            return gone
