"""A session says who took part, where each came to rest and how the commands went."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from threading import Thread

import pytest

from flows import session as sessions
from flows import wording
from flows.session import Session, merged

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


def opened(sop: str = "order") -> Session:
    return Session(sop=sop, opened=NOW)


def perform(session: Session, key: str, *, seconds: float, error: str | None = None) -> None:
    ended = NOW + timedelta(seconds=seconds)
    outcome = "failed" if error else "captured"
    session.performed(
        key=key, command="payment.capture", started=NOW, ended=ended, outcome=outcome, error=error
    )


def test_one_case_names_the_run_and_its_badge() -> None:
    session = opened()
    session.took(key="SO-1001", event="shipment.dispatched")
    session.took(key="SO-1001", event="payment.captured")
    perform(session, "SO-1001", seconds=0.5)
    session.rested(key="SO-1001", title="Awaiting delivery", message="until 2026-12-03 17:00", final=False)
    seen = session.snapshot()
    assert wording.run_name(seen) == "order SO-1001: shipment.dispatched"
    assert wording.run_tags(seen) == ["sop:order", "case:SO-1001"]
    assert wording.badge(seen).name == "Awaiting delivery"
    assert wording.badge(seen).message == "until 2026-12-03 17:00"
    assert [wording.task_name(tally) for tally in seen.commands] == ["payment.capture"]


def test_many_cases_are_counted_by_state() -> None:
    session = opened()
    for number in range(5):
        session.took(key=f"SO-{number}", event="order.placed")
        perform(session, f"SO-{number}", seconds=number, error="card declined" if number == 4 else None)
        session.rested(key=f"SO-{number}", title="Paid" if number < 3 else "Parked", message="", final=False)
    seen = session.snapshot()
    assert wording.run_name(seen) == "order x 5"
    assert wording.run_tags(seen) == ["sop:order"]
    assert (wording.badge(seen).name, wording.badge(seen).message) == ("Paid 3 of 5", "Paid 3, Parked 2")
    (tally,) = seen.commands
    assert wording.task_name(tally) == "payment.capture x 5"
    assert (tally.failures, tally.slowest_key, tally.slowest_seconds) == (1, "SO-4", 4.0)
    assert wording.task_badge(tally).kind == "COMPLETED"
    failed = "1 of 5 attempts failed (card declined); the slowest took 4.0 s (SO-4)"
    assert wording.task_badge(tally).message == failed
    first, last = wording.log_lines(seen)
    assert (first.level, first.text) == (logging.WARNING, f"payment.capture x 5 in 4.0 s: {failed}")
    assert last.text == "5 cases: Paid 3, Parked 2"


def test_a_command_that_never_succeeded_is_red() -> None:
    session = opened()
    perform(session, "SO-1", seconds=1, error="payment.capture: card declined")
    (tally,) = session.snapshot().commands
    badge = wording.task_badge(tally)
    assert (badge.kind, badge.message) == ("FAILED", "card declined")


def test_a_case_that_waits_for_its_command_says_so() -> None:
    session = opened()
    session.took(key="SO-1", event="shipment.dispatched")
    perform(session, "SO-1", seconds=0.25, error="payment.capture: answered 503")
    session.rested(key="SO-1", title="Charging", message="The money is taken.", final=False)
    seen = session.snapshot()
    badge = wording.badge(seen)
    message = "payment.capture failed: answered 503. The money is taken."
    assert (badge.kind, badge.name, badge.message) == ("COMPLETED", "Charging", message)
    assert [(line.level, line.text) for line in wording.log_lines(seen)] == [
        (logging.INFO, "SO-1 took shipment.dispatched"),
        (logging.ERROR, "payment.capture: answered 503 (250 ms)"),
        (logging.INFO, "SO-1 is now: Charging. payment.capture failed: answered 503. The money is taken"),
    ]


def test_cases_that_have_not_come_to_rest_are_under_way() -> None:
    session = opened()
    session.took(key="SO-1", event="order.placed")
    assert wording.badge(session.snapshot()).name == "Under way"
    session.took(key="SO-2", event="order.placed")
    session.rested(key="SO-2", title="Paid", message="", final=False)
    seen = session.snapshot()
    assert wording.badge(seen).message == "Paid 1, Under way 1"
    assert [row["state"] for row in wording.case_rows(seen)] == ["Under way", "Paid"]


def test_an_idle_wake_up_says_so() -> None:
    seen = opened().snapshot()
    assert (wording.run_name(seen), wording.badge(seen).name) == ("order", "Nothing to do")


def test_beyond_the_limit_cases_are_counted_without_their_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "MOST_CASES", 2)
    session = opened()
    for number in range(5):
        session.took(key=f"SO-{number}", event="order.placed")
        session.rested(key=f"SO-{number}", title="Paid", message="", final=False)
    seen = session.snapshot()
    assert seen.keys == ("SO-0", "SO-1")
    assert (seen.count, wording.badge(seen).message) == (5, "Paid 5")


def test_sessions_of_one_sop_merge_into_one_story() -> None:
    first, second = opened(), opened()
    first.took(key="SO-1", event="order.placed")
    first.rested(key="SO-1", title="Paid", message="", final=False)
    perform(first, "SO-1", seconds=1)
    second.took(key="SO-1", event="shipment.dispatched")
    second.rested(key="SO-1", title="Awaiting delivery", message="until Friday", final=False)
    second.took(key="SO-2", event="order.placed")
    perform(second, "SO-2", seconds=2, error="card declined")
    seen = merged([first.snapshot(), second.snapshot()])
    assert seen.count == 2
    assert seen.cases[0].event == "order.placed"
    assert seen.cases[0].title == "Awaiting delivery"
    assert seen.resting == {"Awaiting delivery": 1}
    (tally,) = seen.commands
    assert (tally.count, tally.failures) == (2, 1)


def test_a_session_may_be_told_from_several_threads() -> None:
    session = opened()

    def tell(first: int) -> None:
        for number in range(first, first + 500):
            session.took(key=f"SO-{number}", event="order.placed")
            perform(session, f"SO-{number}", seconds=1)

    threads = [Thread(target=tell, args=(first,)) for first in (0, 500, 1000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seen = session.snapshot()
    assert (seen.count, seen.commands[0].count) == (1500, 1500)


def test_a_run_is_tagged_with_where_its_cases_rest_and_what_needs_attention() -> None:
    session = Session(sop="complaint", opened=NOW)
    session.took(key="CP-1", event="complaint.received")
    session.rested(
        key="CP-1",
        title="Assessing",
        message="",
        final=False,
        state="assessing",
        priority="S1",
        attention=("breached", "escalated"),
    )
    session.parked(key="CP-1")
    assert wording.run_tags(session.snapshot()) == [
        *("sop:complaint", "case:CP-1", "state:assessing", "priority:S1"),
        *("attention:breached", "attention:escalated", "attention:parked"),
    ]


def test_the_tags_of_a_rush_are_few_and_of_the_most_frequent() -> None:
    session = Session(sop="order", opened=NOW)
    for number in range(60):
        state = "paid" if number < 40 else f"state_{number}"
        session.rested(key=f"SO-{number}", title=state, message="", final=False, state=state)
    tags = wording.run_tags(session.snapshot())
    assert len(tags) == 6
    assert tags[0] == "sop:order"
    assert "state:paid" in tags
