"""One round on a database: ``take`` what is ready, ``write`` what follows, in a fixed number of
statements."""

from __future__ import annotations

import time
from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection

from adapters.errors import Conflict
from adapters.store import queries, recovering, rows, sql_bulletins, writing
from adapters.store import statements as sql
from adapters.store.bulletins import Tells
from adapters.store.claiming import Claim, claim
from adapters.store.failing import storable, translated
from adapters.store.letters import sort_letters
from adapters.store.records import ANSWER, Behind, Changes, InboxStatus, Taken
from adapters.store.rows import Hydrate
from adapters.store.spans import spans

_PATIENCE = 0.2  #: seconds to wait for what other open rounds keep from us, when there is nothing else to do


class SqlRound:
    """``shared`` tells whether other rounds may be open on this database at the same time."""

    def __init__(
        self, connection: Connection, *, worker: str, hydrate: Hydrate, tells: Tells, shared: bool
    ) -> None:
        self._connection = connection
        self._worker = worker
        self._hydrate = hydrate
        self._tells = tells
        self._shared = shared
        self._leases: dict[str, str | None] = {}
        self._behind: set[str] = set()
        self.has_sent = False

    def take(self, *, now: datetime, limit: int, held: Collection[str]) -> Taken:
        # A worker takes cases only under a heartbeat, or nobody would know when to free them.
        recovering.register(self._connection, worker=self._worker, now=now)
        give_up = time.monotonic() + _PATIENCE
        while True:
            claimed = claim(
                self._connection,
                worker=self._worker,
                now=rows.micros(now),
                limit=limit,
                held=held,
                sops=self._hydrate.keys(),
                shared=self._shared,
            )
            taken, unmatched = self._read(claimed)
            self._mark_unmatched(unmatched)
            recovering.mark_unreadable(self._connection, taken.unreadable, worker=self._worker)
            if taken or not (unmatched or (claimed.kept and time.monotonic() < give_up)):
                return taken
            if claimed.kept:
                time.sleep(0.005)

    def behind(self, *, sop: str, version: int, after: str, limit: int) -> list[Behind]:
        found = queries.behind(self._connection, sop=sop, version=version, after=after, limit=limit)
        self._behind.update(one.case.id for one in found)
        return found

    def write(self, changes: Changes) -> None:
        connection, worker = self._connection, self._worker
        migrated = self._behind & changes.moved.keys()
        leases = {**self._leases, **dict.fromkeys(migrated)}
        span = spans(changes)
        with translated(), storable():
            kept = writing.write(connection, changes, span=span, worker=worker, leases=leases)
        if kept:
            if changes.entries and sql_bulletins.is_wanted(connection):
                sql_bulletins.add(connection, self._tells(changes))
            recovering.read_again(connection, migrated | changes.opened.keys())
            recovering.mark_unreadable(connection, changes.beyond, worker=worker)
            self.has_sent = bool(changes.sent)
            return
        connection.rollback()
        raise Conflict(writing.find_conflicts(connection, changes, worker=worker, leases=leases))

    def _read(self, claimed: Claim) -> tuple[Taken, list[int]]:
        cases, unreadable = queries.load_cases(self._connection, claimed.found, hydrate=self._hydrate)
        # Only what is taken is leased, not what an earlier look found and another round had done by then.
        self._leases = {row[0]: row[-1] for row in claimed.found if row[0] in cases}
        ready = claimed.ready.without(unreadable)
        letters, unmatched = sort_letters(
            (rows.inbox_from(row[:-3]), row[-2] is not None) for row in ready.letters
        )
        timers = [(case, name) for name, case, *_ in ready.timers]
        steps = [rows.step_from(row[:-3]) for row in ready.steps]
        reasons = {case: str(error) for case, error in unreadable.items()}
        keys = [row.letter.id for row in letters if row.letter.source == ANSWER]
        answered = queries.steps_by_key(self._connection, keys) if keys else {}
        return Taken(cases, letters, timers, steps, reasons, answered), unmatched

    def _mark_unmatched(self, numbers: Collection[int]) -> None:
        status = InboxStatus.UNMATCHED.value
        marked = [(status, "there is no such case yet", number) for number in numbers]
        sql.SETTLE_LETTERS.run(self._connection, marked)
