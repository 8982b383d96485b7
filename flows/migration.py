"""Moves live cases to the version of their procedure that is in force, in bounded batches, each one
transaction; a dry run says what would become of them and changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

import orjson

from adapters.store.base import Store
from adapters.store.records import Behind, Changes
from machines.kernel.definition import Definition
from machines.kernel.migrating import Migrated, Stuck, migrate
from machines.kernel.state import End

BATCH = 500  #: cases in one transaction

Moved = Migrated | Stuck


class Migrator:
    """Migrates the cases of one procedure on behalf of ``who``, for a ``reason`` that is journalled."""

    def __init__(
        self,
        store: Store,
        definition: Definition,
        *,
        clock: Callable[[], datetime],
        who: str,
        reason: str,
    ) -> None:
        self._store = store
        self._definition = definition
        self._clock = clock
        self._who = who
        self._reason = reason

    def run(self, *, dry: bool) -> Iterator[Moved]:
        """Every case that is behind and leased by nobody, as it was or would be moved. Those that a worker
        of their version has under way are met by the next run."""
        sop, current = self._definition.procedure.name, self._definition.procedure.version
        for version in sorted({one.version for one in self._store.live() if one.sop == sop}):
            if version != current:
                yield from self._version(version, dry=dry)

    def _version(self, version: int, *, dry: bool) -> Iterator[Moved]:
        after = ""
        while True:
            with self._store.round(worker=f"migration of {self._definition.procedure.name}") as current:
                found = current.behind(
                    sop=self._definition.procedure.name, version=version, after=after, limit=BATCH
                )
                moved = [self._move(one) for one in found]
                if not dry:
                    current.write(self._changes(moved))
            yield from moved
            if len(found) < BATCH:
                return
            after = found[-1].case.id

    def _move(self, one: Behind) -> Moved:
        data = None if one.data is None else orjson.loads(one.data)
        return migrate(
            self._definition,
            one.case,
            data,
            under_way=one.under_way,
            now=self._clock(),
            who=self._who,
            reason=self._reason,
        )

    def _changes(self, moved: list[Moved]) -> Changes:
        changes = Changes()
        for one in moved:
            if isinstance(one, Stuck):
                continue
            id = one.case.id
            changes.moved[id] = (one.case, one.before.seq)
            changes.released.add(id)
            changes.entries.append((id, one.entry))
            changes.timers_set |= {(id, timer.name): timer for timer in one.timers_set}
            changes.timers_cleared += [(id, name) for name in one.timers_cleared]
            if one.before.deferred:
                changes.redeliver.add(id)
            if isinstance(self._definition.state(one.case.state), End):
                changes.ended.add(id)
        return changes
