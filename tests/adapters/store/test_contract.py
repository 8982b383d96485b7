"""One suite for memory, SQLite and PostgreSQL: what every store promises."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import orjson

from adapters.store.base import Store
from adapters.store.records import REPLAY, Changes, InboxStatus, Step, StepStatus
from machines.kernel.case import Case
from tests.adapters.store.scenery import (
    DAY,
    NOW,
    SOON,
    add_move,
    announced,
    drive,
    open_parcels,
    peek,
    scanned,
    set_timer,
    step_of,
)

# intake


def test_a_letter_received_again_is_answered_with_its_first_number(store: Store) -> None:
    first = store.receive([announced("A"), announced("B")])
    again = store.receive([announced("B"), announced("C")])
    assert [receipt.duplicate for receipt in first + again] == [False, False, True, False]
    assert again[0].number == first[1].number
    assert len(store.inbox()) == 3


def test_a_letter_twice_in_one_batch_is_stored_once(store: Store) -> None:
    one, two, three = store.receive([announced("A"), announced("A"), announced("B")])
    assert (one.duplicate, two.duplicate, three.duplicate) == (False, True, False)
    assert one.number == two.number


def test_nothing_received_is_no_error(store: Store) -> None:
    assert store.receive([]) == []


def test_the_same_event_from_ten_threads_is_stored_once(store: Store) -> None:
    with ThreadPoolExecutor(10) as pool:
        receipts = [found[0] for found in pool.map(lambda _: store.receive([announced("A")]), range(10))]
    assert len({receipt.number for receipt in receipts}) == 1
    assert sum(not receipt.duplicate for receipt in receipts) == 1


def test_a_letter_comes_back_as_it_went_in(store: Store) -> None:
    letter = replace(announced("Ä/1"), body='{"note":"größer"}'.encode(), parent="order/SO-1")
    store.receive([letter])
    row = store.letter(source=letter.source, id=letter.id)
    assert row is not None
    assert (row.letter, row.status) == (letter, InboxStatus.NEW)
    assert store.letter(source="shop", id="other") is None


# letters that have to wait


def test_a_letter_without_a_case_is_unmatched_and_delivered_when_the_case_opens(store: Store) -> None:
    store.receive([scanned("A")])
    drive(store)
    assert [row.status for row in store.inbox()] == [InboxStatus.UNMATCHED]
    open_parcels(store, "A")
    assert [row.letter.type for row in peek(store, worker="ann").letters] == ["parcel.scanned"]


def test_a_letter_too_early_in_the_same_round_is_delivered_in_the_next(store: Store) -> None:
    store.receive([scanned("A"), announced("A")])
    drive(store)
    drive(store)
    assert [line.event for line, _ in store.journal("parcel/A")] == ["parcel.announced", "parcel.scanned"]
    assert {row.status for row in store.inbox()} == {InboxStatus.APPLIED}


def test_unmatched_letters_do_not_keep_a_round_from_work_behind_them(store: Store) -> None:
    store.receive([scanned(f"{number}") for number in range(10)] + [announced("A")])
    with store.round(worker="ann") as current:
        taken = current.take(now=NOW, limit=5, held=())
        current.write(Changes(letters=[(row.number, InboxStatus.APPLIED, "") for row in taken.letters]))
    assert store.summary()["inbox"] == {"unmatched": 10, "applied": 1}


def test_unmatched_letters_die_when_their_time_is_up(store: Store) -> None:
    store.receive([scanned("A"), replace(scanned("B"), received=SOON)])
    drive(store)
    assert store.expire_unmatched(before=SOON) == 1
    row = store.letter(source="carrier", id="scan-A")
    assert row is not None
    assert row.status is InboxStatus.DEAD
    assert row.reason
    open_parcels(store, "A")
    assert not peek(store, worker="ann")


def test_deferred_letters_are_delivered_again_when_asked_for(store: Store) -> None:
    def defer(changes: Changes, _: dict[str, Case]) -> None:
        changes.letters = [(number, InboxStatus.DEFERRED, "later") for number, *_ in changes.letters]

    held = open_parcels(store, "A")
    store.receive([scanned("A")])
    held = drive(store, held=held, change=defer)
    assert not peek(store, worker="ann", held=held)

    def redeliver(changes: Changes, cases: dict[str, Case]) -> None:
        add_move(changes, cases["parcel/A"])
        changes.redeliver.add("parcel/A")

    drive(store, held=held, change=redeliver)
    assert [row.reason for row in peek(store, worker="ann").letters] == [""]


# timers and steps


def test_a_timer_is_taken_once_it_is_due_until_it_has_passed(store: Store) -> None:
    held = open_parcels(store, "AB")
    held = drive(store, held=held, change=set_timer("pick", SOON))
    assert store.next_due() == SOON
    assert not peek(store, worker="ann", held=held)
    assert peek(store, worker="bob", now=SOON).timers == []
    due = peek(store, worker="ann", now=SOON, held=held).timers
    assert sorted(due) == [("parcel/A", "pick"), ("parcel/B", "pick")]
    held = drive(store, held=held, now=SOON, change=set_timer("pick", SOON, passed=True))
    assert not peek(store, worker="ann", now=SOON, held=held)
    assert store.next_due() is None
    assert [timer.passed for timer in store.case_timers("parcel/A")] == [True]


def test_a_store_has_a_name_of_its_own_and_keeps_it(store: Store) -> None:
    name = store.identity()
    assert len(name) == 32
    store.migrate()
    assert store.identity() == name


def test_what_arrived_before_a_timer_was_due_is_taken_before_it(store: Store) -> None:
    """However much is waiting: who answered in time is not too late because nobody looked."""
    drive(store, held=open_parcels(store, "AB"), change=set_timer("pick", SOON), release=True)
    late = replace(scanned("B"), received=SOON + timedelta(microseconds=1))
    in_time = replace(scanned("A"), received=SOON)
    store.receive([late, in_time])
    first = peek(store, worker="ann", now=SOON + DAY, limit=1)
    assert [row.letter.key for row in first.letters] == ["B"]
    assert first.timers == [("parcel/B", "pick")]
    held = drive(store, now=SOON + DAY)
    assert peek(store, worker="ann", now=SOON + DAY, held=held).timers == [
        ("parcel/A", "pick"),
        ("parcel/B", "pick"),
    ]


def test_a_cleared_timer_is_gone(store: Store) -> None:
    def clear(changes: Changes, cases: dict[str, Case]) -> None:
        add_move(changes, cases["parcel/A"])
        changes.timers_cleared.append(("parcel/A", "pick"))

    held = drive(store, held=open_parcels(store, "A"), change=set_timer("pick", SOON))
    drive(store, held=held, change=clear)
    assert store.case_timers("parcel/A") == []


def test_a_failed_step_is_taken_again_when_due(store: Store) -> None:
    def fail(changes: Changes, cases: dict[str, Case]) -> None:
        step = changes.steps[0]
        due = replace(
            step, status=StepStatus.RETRYING, attempts=1, due=SOON, error="no answer", code="unavailable"
        )
        changes.settled.append(due)

    store.receive([announced("A")])
    held = drive(store, change=fail)
    assert not peek(store, worker="ann", held=held)
    (step,) = peek(store, worker="ann", now=SOON, held=held).steps
    assert (step.attempts, step.error, step.code, step.due) == (1, "no answer", "unavailable", SOON)
    assert store.next_due() == SOON


def test_recovery_frees_the_cases_of_silent_workers_only(store: Store) -> None:
    lease, long = timedelta(seconds=2), timedelta(seconds=50)
    open_parcels(store, "A", worker="ann")
    open_parcels(store, "B", worker="bob")
    assert store.recover(now=NOW, silent_since=NOW - long) == 0
    time.sleep(2.2)  # for the store that trusts its own clock
    store.beat(worker="bob", now=SOON)
    assert store.recover(now=SOON, silent_since=SOON - lease) == 1
    taken = peek(store, worker="cid", now=SOON)
    assert [(step.case, step.status) for step in taken.steps] == [("parcel/A", StepStatus.PENDING)]
    assert store.recover(now=SOON, silent_since=SOON - long) == 0


def test_a_retry_of_a_worker_that_fell_silent_is_a_retry_still(store: Store) -> None:
    """Only what somebody put back to work is pending and has a code."""

    def tried(changes: Changes, cases: dict[str, Case]) -> None:
        changes.steps = [replace(step, code="unavailable", attempts=1) for step in changes.steps]

    store.receive([announced("A")])
    drive(store, change=tried)
    store.leave(worker="ann", now=SOON)
    (step,) = peek(store, worker="bob", now=SOON).steps
    assert (step.status, step.due, step.attempts) == (StepStatus.RETRYING, SOON, 1)


def test_a_worker_that_leaves_frees_its_cases_at_once(store: Store) -> None:
    open_parcels(store, "A", worker="ann")
    store.leave(worker="ann", now=NOW)
    assert [step.case for step in peek(store, worker="bob").steps] == ["parcel/A"]


def parked(changes: Changes, cases: dict[str, Case]) -> None:
    changes.steps = [replace(step, status=StepStatus.PARKED, attempts=6) for step in changes.steps]


def test_replaying_puts_parked_steps_back_to_work_and_tells_their_case(store: Store) -> None:
    store.receive([announced("A"), announced("B")])
    held = drive(store, change=parked)
    keys = [step.key for step in store.steps(status=[StepStatus.PARKED])]
    assert store.requeue([*keys[:1], "unknown"], now=SOON, who="kim", reason="mended") == keys[:1]
    assert store.requeue(keys[:1], now=SOON, who="lee", reason="mended") == []
    taken = peek(store, worker="ann", now=SOON, held=held)
    assert [(step.key, step.attempts) for step in taken.steps] == [(keys[0], 6)]
    (row,) = taken.letters
    assert (row.letter.type, row.letter.case) == (REPLAY, "parcel/A")
    assert orjson.loads(row.letter.body) == {"step": keys[0], "who": "kim", "reason": "mended"}


def test_replaying_does_not_disturb_the_worker_that_holds_the_case(store: Store) -> None:
    store.receive([announced("A")])
    held = drive(store, change=parked)
    store.requeue([step.key for step in store.steps()], now=NOW, who="kim", reason="mended")
    changes = Changes()
    add_move(changes, held["parcel/A"])
    with store.round(worker="ann") as current:
        current.write(changes)
    assert len(store.journal("parcel/A")) == 2


def test_the_run_of_a_step_outlasts_its_settling(store: Store) -> None:
    def settle(changes: Changes, cases: dict[str, Case]) -> None:
        changes.settled.append(replace(step_of(cases["parcel/A"]), status=StepStatus.DONE, outcome="ok"))

    held = open_parcels(store, "A")
    store.set_run([step_of(held["parcel/A"]).key], "run-1")
    drive(store, held=held, change=settle)
    (step,) = store.steps()
    assert store.steps(run="run-1") == [step]
    assert store.steps(run="run-2") == []
    assert (step.run, step.status, step.outcome) == ("run-1", StepStatus.DONE, "ok")


# customers


def test_the_first_key_of_a_customer_wins(store: Store) -> None:
    assert store.customer_keys(["c1"], fresh={"c1": b"one"}) == {"c1": b"one"}
    assert store.customer_keys(["c1", "c2"], fresh={"c1": b"x", "c2": b"two"}) == {"c1": b"one", "c2": b"two"}
    assert store.customer_keys(["c1", "c3"], fresh={}) == {"c1": b"one"}


def test_a_destroyed_key_never_comes_back(store: Store) -> None:
    store.customer_keys(["c1"], fresh={"c1": b"one"})
    assert store.destroy_key("c1", now=NOW)
    assert not store.destroy_key("c1", now=NOW)
    assert store.customer_keys(["c1"], fresh={"c1": b"new"}) == {}


# reading


def test_cases_are_listed_newest_first_with_their_next_deadline(store: Store) -> None:
    def finish(changes: Changes, cases: dict[str, Case]) -> None:
        changes.ended.add("parcel/A")
        set_timer("pick", NOW + DAY)(changes, {"parcel/B": cases["parcel/B"]})
        set_timer("urge", SOON)(changes, {"parcel/B": cases["parcel/B"]})

    store.receive([announced("A"), announced("B")])
    drive(store, change=finish)
    assert [row.key for row in store.cases()] == ["A", "B"]
    (row,) = store.cases(sop="parcel", state="announced", open_only=True)
    assert (row.key, row.due, row.due_name, row.ended) == ("B", SOON, "urge", False)
    assert (row.opened, row.changed) == (NOW, NOW)
    assert store.cases(state="elsewhere") == []
    assert len(store.cases(limit=1)) == 1


def test_steps_are_listed_by_status_case_command_and_key(store: Store) -> None:
    held = open_parcels(store, "AB")
    key = step_of(held["parcel/A"]).key

    def keys(steps: list[Step]) -> list[str]:
        return [step.key for step in steps]

    assert keys(store.steps(case="parcel/A")) == keys(store.steps(keys=[key])) == [key]
    assert len(store.steps(status=[StepStatus.RUNNING], command="label.print")) == 2
    assert store.steps(status=[StepStatus.PARKED]) == store.steps(command="other") == []
    assert len(store.steps(limit=1)) == 1


def test_the_summary_counts_cases_steps_and_letters(store: Store) -> None:
    open_parcels(store, "ABC")
    store.receive([scanned("A")])
    assert store.summary() == {
        "cases": {"parcel/announced": 3},
        "steps": {"running": 3},
        "inbox": {"applied": 3, "new": 1},
    }
    assert [row.letter.key for row in store.inbox(status=[InboxStatus.NEW])] == ["A"]


# waiting


def settle_down(store: Store) -> None:
    while store.wait(0.05):
        pass


def test_waiting_ends_when_a_letter_comes(store: Store) -> None:
    settle_down(store)
    timer = threading.Timer(0.1, store.receive, [[announced("A")]])
    timer.start()
    began = time.monotonic()
    assert store.wait(60)
    assert time.monotonic() - began < 30
    timer.join()


def test_waiting_ends_when_woken(store: Store) -> None:
    settle_down(store)
    timer = threading.Timer(0.1, store.wake)
    timer.start()
    assert store.wait(60)
    timer.join()
    store.wake()
    assert store.wait(60)


def test_waiting_ends_by_itself(store: Store) -> None:
    settle_down(store)
    began = time.monotonic()
    assert not store.wait(0.1)
    assert time.monotonic() - began >= 0.09
