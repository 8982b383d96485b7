"""What staff have been told is told once by whoever claims it first, and again when its time is over."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

from adapters.store.base import Store
from adapters.store.records import Changes, StepStatus
from adapters.store.upkeep import notice_of
from machines.kernel.case import Case
from tests.adapters.store.scenery import NOW, SOON, announced, drive

HOUR = timedelta(hours=1)


def test_one_of_several_claims_a_notice_until_its_time_is_over(store: Store) -> None:
    assert store.claim_notice("no-worker", now=NOW, until=NOW + HOUR)
    assert not store.claim_notice("no-worker", now=SOON, until=SOON + HOUR)
    assert store.claim_notice("another", now=SOON, until=SOON + HOUR)
    assert store.claim_notice("no-worker", now=NOW + HOUR, until=NOW + 2 * HOUR)
    assert not store.claim_notice("no-worker", now=NOW + HOUR, until=NOW + 2 * HOUR)


def test_of_processes_that_claim_at_once_one_gets_it(opener: Callable[[], Store]) -> None:
    stores = [opener() for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        got = list(pool.map(lambda store: store.claim_notice("parked", now=NOW, until=SOON), stores))
    assert got.count(True) == 1


def test_what_is_noted_is_found_again_and_forgotten_once(store: Store) -> None:
    store.note_notices({})
    store.note_notices({"a": SOON, "b": NOW})
    store.note_notices({"b": SOON})
    assert store.noted_notices(["a", "b", "c"]) == {"a", "b"}
    assert not store.claim_notice("b", now=NOW, until=SOON)
    assert store.forget_notice("b")
    assert not store.forget_notice("b")
    assert store.noted_notices(["a", "b"]) == {"a"}
    assert store.noted_notices([]) == set()


def test_parked_steps_are_untold_until_noted_and_again_when_they_park_again(store: Store) -> None:
    def park(changes: Changes, cases: dict[str, Case]) -> None:
        later = iter((SOON, NOW))
        changes.steps = [
            replace(step, status=StepStatus.PARKED, attempts=3, failed=next(later)) for step in changes.steps
        ]

    store.receive([announced("P-1"), announced("P-2")])
    drive(store, change=park)
    first, second = store.untold(limit=10)
    assert (first.case, second.case) == ("parcel/P-2", "parcel/P-1")
    assert store.untold(limit=1) == [first]
    store.note_notices({notice_of(first): NOW})
    assert store.untold(limit=10) == [second]
    drive(store, change=lambda changes, cases: changes.settled.append(replace(first, attempts=4)))
    assert [step.case for step in store.untold(limit=10)] == ["parcel/P-2", "parcel/P-1"]
