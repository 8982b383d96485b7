"""One procedure at a glance, the same from every store, and without a look at what ended long ago."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from adapters.store.base import Store
from adapters.store.overview import Overview
from adapters.store.records import ANSWERS_LATER, Changes, StepStatus
from machines.kernel.case import Case
from machines.kernel.clock import Mode
from machines.kernel.clock_ledger import Ledger, Span, Told
from machines.kernel.duration import hours
from machines.kernel.hold import Hold
from tests.adapters.store.scenery import (
    DAY,
    NOW,
    SOON,
    add_move,
    announced,
    drive,
    open_parcels,
    set_timer,
    step_of,
)

HOUR = NOW.replace(minute=0, second=0, microsecond=0)
SLOW = Ledger(
    spans=(Span(mode=Mode.RUNNING, start=NOW),),
    budget=hours(1),
    source="test",
    policy="p",
    told=(Told(percent=75, at=NOW), Told(percent=100, at=SOON)),
)


def look(store: Store, *, hours_ago: int = 23, most: int = 10, sop: str = "parcel") -> Overview:
    since = HOUR - timedelta(hours=hours_ago)
    return store.panorama.overview(sop, since=since, until=NOW + timedelta(hours=1), most=most)


def go(store: Store, case: Case, *, state: str, ended: bool = False, later: timedelta = timedelta(0)) -> None:
    changes = Changes()
    after = replace(add_move(changes, case), state=state)
    changes.entries = [(id, replace(one, at=one.at + later)) for id, one in changes.entries]
    changes.moved[case.id] = (after, case.seq)
    changes.ended = {case.id} if ended else set()
    with store.round(worker="ann") as current:
        current.take(now=NOW, limit=0, held={case.id})
        current.write(changes)


def test_open_cases_are_counted_by_state_with_those_that_were_still_longest(store: Store) -> None:
    cases = open_parcels(store, "ABCDE")
    go(store, cases["parcel/A"], state="moving", later=2 * DAY)
    go(store, cases["parcel/B"], state="moving", later=DAY)
    go(store, cases["parcel/C"], state="gone", ended=True)
    seen = look(store)
    assert {state: one.count for state, one in seen.states.items()} == {"announced": 2, "moving": 2}
    assert seen.states["moving"].keys == ("B", "A")
    assert seen.states["moving"].since == NOW + DAY
    assert look(store, sop="other") == Overview()


def test_what_came_and_went_is_counted_by_hour(store: Store) -> None:
    cases = open_parcels(store, "ABC")
    go(store, cases["parcel/A"], state="gone", ended=True, later=timedelta(hours=2))
    go(store, cases["parcel/B"], state="lost", ended=True, later=timedelta(hours=2))
    seen = look(store)
    assert seen.opened == {HOUR: 3}
    later = HOUR + timedelta(hours=2)
    assert seen.ended == {(later, "gone"): 1, (later, "lost"): 1}
    assert look(store, hours_ago=-1).opened == {}
    assert look(store, hours_ago=-3).ended == {}


def test_limits_are_told_apart_by_whether_they_have_passed(store: Store) -> None:
    store.receive([announced("A"), announced("B"), announced("C")])
    drive(store, change=set_timer("soon", SOON))
    store.receive([announced("D")])
    drive(store, change=set_timer("missed", NOW - DAY, passed=True))
    store.receive([announced("E")])
    drive(store, change=set_timer("later", NOW + DAY))
    seen = look(store, most=2)
    assert (seen.due.count, [one.key for one in seen.due.first]) == (3, ["A", "B"])
    assert [(one.key, one.timer.name) for one in seen.passed.first] == [("D", "missed")]


def test_used_up_clocks_holds_and_assignees_are_found(store: Store) -> None:
    store.receive([announced(key) for key in "ABC"])

    def change(changes: Changes, cases: dict[str, Case]) -> None:
        hold = Hold(since=NOW, who="ann", reason="strike")
        values = {
            "parcel/A": replace(cases["parcel/A"], clocks={"delivery": SLOW}),
            "parcel/B": replace(cases["parcel/B"], hold=hold, assignee="m.hill"),
        }
        changes.opened.update(values)

    drive(store, change=change)
    seen = look(store)
    (late,) = seen.overrun.first
    assert (late.key, late.clock, late.told) == ("A", "delivery", Told(percent=100, at=SOON))
    (held,) = seen.held.first
    assert (held.key, held.hold.who, held.hold.reason) == ("B", "ann", "strike")
    assert seen.states["announced"].held == 1
    assert seen.assignees == {"m.hill": 1}


def test_steps_that_wait_for_a_provider_are_told_from_those_tried_again(store: Store) -> None:
    cases = open_parcels(store, "AB")
    changes = Changes()
    for case, code in zip(cases.values(), (ANSWERS_LATER, "unavailable"), strict=True):
        step = step_of(case, status=StepStatus.RETRYING)
        changes.settled.append(replace(step, due=NOW + DAY, code=code, attempts=1))
    with store.round(worker="ann") as current:
        current.take(now=NOW, limit=0, held=set(cases))
        current.write(changes)
    seen = look(store)
    assert (seen.asked, seen.retrying) == (1, 1)
