"""Parcels that are announced and scanned: just enough of a procedure to fill a store with."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from adapters.store.base import Store
from adapters.store.records import Changes, InboxStatus, Letter, Step, StepStatus, Taken
from machines.kernel.case import Case, Entry, Timer
from machines.kernel.event import Facts
from machines.kernel.rule import Disposition

NOW = datetime(2026, 11, 2, 9, 0, 0, 123456, tzinfo=UTC)
SOON = NOW + timedelta(minutes=1)
DAY = timedelta(days=1)


class Parcel(Facts):
    number: str
    scans: int = 0


HYDRATE = {"parcel": {1: Parcel}}


def announced(key: str, *, id: str | None = None) -> Letter:
    return Letter("shop", id or f"announce-{key}", "parcel.announced", "parcel", key, b"{}", NOW, opens=True)


def scanned(key: str, *, id: str | None = None) -> Letter:
    return Letter("carrier", id or f"scan-{key}", "parcel.scanned", "parcel", key, b'{"where":"DE"}', NOW)


def entry(seq: int, event: str, *, at: datetime = NOW, event_id: str = "e") -> Entry:
    body = {"seq": seq}
    return Entry(seq, at, event, "test", event_id, Disposition.HANDLED, "a", "b", "because", body)


def new_case(key: str) -> Case:
    return Case("parcel", key, 1, "hash", "announced", Parcel(number=key), 1)


def step_of(case: Case, *, status: StepStatus = StepStatus.RUNNING) -> Step:
    return Step(f"{case.id}/label.print/{case.seq}", case.id, "label.print", b'{"copies":1}', status, NOW)


def moved(case: Case, *, state: str = "moving") -> Case:
    data = case.data.model_copy(update={"scans": case.seq}) if case.data else None
    return replace(case, seq=case.seq + 1, state=state, data=data)


def add_move(changes: Changes, case: Case, event: str = "parcel.scanned") -> Case:
    """The case one entry further, in what the round writes."""
    after = moved(case)
    if case.id in changes.opened:
        changes.opened[case.id] = after
    else:
        before = changes.moved[case.id][1] if case.id in changes.moved else case.seq
        changes.moved[case.id] = (after, before)
    changes.entries.append((case.id, entry(after.seq, event)))
    return after


def answer(taken: Taken, *, held: dict[str, Case] | None = None) -> tuple[Changes, dict[str, Case]]:
    """What a worker that opens and moves everything would write, and the cases as they are then."""
    changes = Changes()
    cases = {**taken.cases, **(held or {})}
    for row in taken.letters:
        letter = row.letter
        case = cases.get(letter.case)
        if case is None:
            case = new_case(letter.key)
            changes.opened[case.id] = case
            changes.entries.append((case.id, entry(1, letter.type)))
            changes.steps.append(step_of(case))
            cases[case.id] = case
        else:
            cases[case.id] = add_move(changes, case, letter.type)
        changes.letters.append((row.number, InboxStatus.APPLIED, ""))
    for step in taken.steps:
        changes.settled.append(replace(step, status=StepStatus.RUNNING, due=None))
    return changes, cases


def drive(
    store: Store,
    *,
    worker: str = "ann",
    held: dict[str, Case] | None = None,
    change: Callable[[Changes, dict[str, Case]], None] | None = None,
    release: bool = False,
    now: datetime = NOW,
) -> dict[str, Case]:
    """One whole round of ``worker``; the cases it touched, as written."""
    with store.round(worker=worker) as current:
        taken = current.take(now=now, limit=100, held=held or {})
        changes, cases = answer(taken, held=held)
        if change:
            change(changes, cases)
        if release:
            changes.released.update(cases)
        current.write(changes)
    return cases


def open_parcels(
    store: Store, keys: Iterable[str], *, worker: str = "ann", release: bool = False
) -> dict[str, Case]:
    store.receive([announced(key) for key in keys])
    return drive(store, worker=worker, release=release)


def peek(
    store: Store, *, worker: str, now: datetime = NOW, held: Iterable[str] = (), limit: int = 100
) -> Taken:
    """What a worker would be given, without taking it."""

    class Enough(Exception):
        pass

    try:
        with store.round(worker=worker) as current:
            taken = current.take(now=now, limit=limit, held=set(held))
            raise Enough
    except Enough:
        return taken


def set_timer(name: str, due: datetime, *, passed: bool = False) -> Callable[..., None]:
    def change(changes: Changes, cases: dict[str, Case]) -> None:
        for id, case in list(cases.items()):
            if id not in changes.opened and id not in changes.moved:
                cases[id] = add_move(changes, case, "timer.set")
            changes.timers_set[id, name] = Timer(name, due, NOW, passed)

    return change
