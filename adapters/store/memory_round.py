"""One round in memory. What is taken or written goes through the same JSON as in a database, so that what
does not survive the one does not survive the other."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import datetime

from adapters.errors import Conflict, Unwritable
from adapters.store import rows
from adapters.store.failing import storable
from adapters.store.letters import sort_letters
from adapters.store.records import (
    ANSWER,
    SETTLED,
    Behind,
    Changes,
    InboxStatus,
    Letter,
    StepStatus,
    Taken,
)
from adapters.store.rows import UnreadableCase
from adapters.store.spans import spans
from adapters.store.tables import DUE, Kept, Tables
from adapters.store.writing import another_letter


class _Room:
    """How much of each kind a round may still take for cases that its worker does not lease."""

    def __init__(self, limit: int) -> None:
        self.letters, self.timers, self.steps = (_countdown(limit) for _ in range(3))


def _countdown(limit: int) -> Callable[[], bool]:
    left = iter(range(limit))
    return lambda: next(left, None) is not None


class MemoryRound:
    """One at a time: whoever opens it holds the lock of the store."""

    def __init__(self, tables: Tables, *, worker: str) -> None:
        self._tables = tables
        self._worker = worker
        self._leases: dict[str, str | None] = {}
        self._unmatched: list[int] = []
        self._unreadable: set[str] = set()
        self._behind: set[str] = set()
        self._taken: datetime | None = None
        self._changes: Changes | None = None

    def take(self, *, now: datetime, limit: int, held: Collection[str]) -> Taken:
        tables = self._tables
        self._taken = now
        new = [tables.inbox[number] for number in sorted(tables.new - set(self._unmatched))]
        letters, unmatched = sort_letters(
            (row, row.letter.case in tables.cases)
            for row in new
            if row.letter.sop in tables.hydrate and self._free(row.letter.case)
        )
        room = _Room(limit)
        self._unmatched += unmatched
        waiting: dict[str, datetime] = {}
        for row in new:
            case, received = row.letter.case, row.letter.received
            waiting[case] = min(received, waiting.get(case, received))
        timers = [
            (timer.due, case, timer.name)
            for case, running in tables.timers.items()
            for timer in running.values()
            if not timer.passed and timer.due <= now and self._free(case)
            if case not in waiting or timer.due < waiting[case]
        ]
        steps = [
            step
            for step in tables.steps.values()
            if step.status in DUE and step.due is not None and step.due <= now and self._free(step.case)
        ]
        steps.sort(key=lambda step: step.due or now)
        letters = [row for row in letters if self._owns(row.letter.case) or room.letters()]
        steps = [step for step in steps if self._owns(step.case) or room.steps()]
        timers = [timer for timer in sorted(timers) if self._owns(timer[1]) or room.timers()]
        return self._claim(Taken({}, letters, [(case, name) for _, case, name in timers], steps), held)

    def behind(self, *, sop: str, version: int, after: str, limit: int) -> list[Behind]:
        tables = self._tables
        free = sorted(
            id
            for id, kept in tables.cases.items()
            if (kept.case.sop, kept.case.version) == (sop, version) and kept.lease is None and id > after
        )
        self._behind.update(free[:limit])
        found = ((tables.cases[id], dict(tables.timers[id])) for id in free[:limit])
        under_way: dict[str, list[str]] = {}
        for step in tables.steps.values():
            if step.status not in SETTLED:
                under_way.setdefault(step.case, []).append(step.command)
        return [
            rows.behind_from(
                kept.row, timers=timers, ended=kept.ended, under_way=under_way.get(kept.case.id, ())
            )
            for kept, timers in found
        ]

    def write(self, changes: Changes) -> None:
        self._leases |= dict.fromkeys(self._behind & changes.moved.keys())
        self._check(changes)
        with storable():
            self._check_values(changes)
        self._check_names(changes)
        self._changes = changes

    def commit(self) -> None:
        if self._taken is not None:
            self._tables.workers.setdefault(self._worker, self._taken)
        for number in self._unmatched:
            self._tables.mark(number, InboxStatus.UNMATCHED, "there is no such case yet")
        self._tables.unreadable |= {(case, self._worker) for case in self._unreadable}
        if self._changes is not None:
            migrated = self._behind & self._changes.moved.keys()
            self._tables.read_again(migrated | self._changes.opened.keys())
            self._tables.unreadable |= {(case, self._worker) for case in self._changes.beyond}
            self._write_cases(self._changes)
            self._write_work(self._changes)
            self._write_letters(self._changes)
            if self._tables.bulletins.subscriptions:
                self._tables.bulletins.new += self._tables.tells(self._changes)

    def _write_cases(self, changes: Changes) -> None:
        span, tables = spans(changes), self._tables
        standing = {**changes.opened, **{id: after for id, (after, _) in changes.moved.items()}}
        for id, case in standing.items():
            opened = span[id][0] if id in changes.opened else tables.cases[id].opened
            data = None if case.data is None else rows.json_text(case.data)
            if id in changes.unaltered:
                data = tables.cases[id].data
            bare = replace(case, data=None, timers={}, clocks={}, hold=None)
            kept = (rows.clocks_text(case), case.policy, rows.hold_text(case))
            tables.cases[id] = Kept(bare, data, *kept, None, opened, span[id][1], id in changes.ended)
        for id in self._touched(changes):
            lease = None if id in changes.released else self._worker
            tables.cases[id] = replace(tables.cases[id], lease=lease)
        for id, entry in changes.entries:
            tables.journal[id].append(rows.entry_values(id, entry)[1:])

    def _write_work(self, changes: Changes) -> None:
        tables = self._tables
        for step in changes.steps:
            tables.steps[step.key] = step
        for step in changes.settled:
            known = tables.steps[step.key]
            tables.steps[step.key] = replace(
                step, arguments=known.arguments, earlier=known.earlier, run=step.run or known.run
            )
        for step in list(tables.steps.values()) if changes.resumed else ():
            if step.case in changes.resumed and step.status is StepStatus.HELD:
                tables.steps[step.key] = replace(step, status=StepStatus.PENDING)
        for case, name in changes.timers_cleared:
            tables.timers[case].pop(name, None)
        for (case, name), timer in changes.timers_set.items():
            tables.timers[case][name] = timer

    def _write_letters(self, changes: Changes) -> None:
        tables = self._tables
        for number, status, reason in changes.letters:
            tables.mark(number, status, reason)
        tables.deliver_again(InboxStatus.DEFERRED, changes.redeliver)
        tables.deliver_again(InboxStatus.UNMATCHED, changes.opened.keys())
        for letter in changes.sent:
            tables.add_letter(letter)

    def _free(self, case: str) -> bool:
        return case not in self._unreadable and self._tables.within_reach(case, self._worker)

    def _owns(self, case: str) -> bool:
        kept = self._tables.cases.get(case)
        return kept is not None and kept.lease == self._worker

    def _claim(self, found: Taken, held: Collection[str]) -> Taken:
        tables = self._tables
        concerned = {row.letter.case for row in found.letters} & tables.cases.keys()
        concerned |= {case for case, _ in found.timers} | {step.case for step in found.steps}
        lost = {case for case in concerned if case in held and tables.cases[case].lease is None}
        if lost:
            raise Conflict(lost)
        cases, unreadable = {}, {}
        for case in concerned - set(held):
            try:
                cases[case] = tables.load(case)
                self._leases[case] = tables.cases[case].lease
            except UnreadableCase as error:
                unreadable[case] = str(error)
        self._unreadable |= unreadable.keys()
        return Taken(
            cases,
            [row for row in found.letters if row.letter.case not in unreadable],
            [(case, name) for case, name in found.timers if case not in unreadable],
            [step for step in found.steps if step.case not in unreadable],
            unreadable,
            {
                row.letter.id: tables.steps[row.letter.id]
                for row in found.letters
                if row.letter.source == ANSWER and row.letter.id in tables.steps
            },
        )

    def _touched(self, changes: Changes) -> set[str]:
        settled = {step.case for step in changes.settled}
        return {*changes.opened, *changes.moved, *settled, *self._leases, *changes.released}

    def _check(self, changes: Changes) -> None:
        spans(changes)
        cases = self._tables.cases
        conflicts = {id for id in changes.opened if id in cases}
        for id in self._touched(changes) - changes.opened.keys():
            expected = self._leases.get(id, self._worker)
            kept = cases.get(id)
            moved_on = kept and id in changes.moved and kept.case.seq != changes.moved[id][1]
            if kept is None or moved_on or kept.lease != expected:
                conflicts.add(id)
        if conflicts:
            raise Conflict(conflicts)

    def _check_values(self, changes: Changes) -> None:
        """Turns everything into rows once, as a database would."""
        for case in [*changes.opened.values(), *(after for after, _ in changes.moved.values())]:
            rows.case_values(case, lease=None, opened=0, changed=0, ended=False)
        for id, entry in changes.entries:
            rows.entry_values(id, entry)
        for step in [*changes.steps, *changes.settled]:
            rows.step_values(step)
        for (id, _), timer in changes.timers_set.items():
            rows.timer_values(id, timer)
        for letter in changes.sent:
            rows.letter_values(letter)

    def _check_names(self, changes: Changes) -> None:
        tables = self._tables
        steps = [step.key for step in changes.steps]
        if len(set(steps)) < len(steps) or not tables.steps.keys().isdisjoint(steps):
            raise Unwritable("a step has been issued before")
        sent: dict[tuple[str, str], Letter] = {}
        for letter in changes.sent:
            name = (letter.source, letter.id)
            number = tables.numbers.get(name)
            first = sent.setdefault(name, letter) if number is None else tables.inbox[number].letter
            if (letter.type, letter.sop, letter.key) != (first.type, first.sop, first.key):
                raise Unwritable(another_letter(letter))
