"""Questions for staff stand in a real Prefect server, are answered there, and end when settled otherwise."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from typing import cast
from uuid import uuid4

import pytest

from flows import ask_api, asking
from flows.ask_api import AskApi
from tests.asking import STOLEN, Office, open_office
from tests.conftest_prefect import Json, Prefect, Relay, eventually, free_port
from tests.flows.questions import (
    Listening,
    assert_nothing_typed,
    garbage,
    house_of,
    inputs,
    listening,
    message,
    new_key,
    refuse,
    resume,
    run_of,
    showing,
    working,
)

__all__ = ["garbage", "listening"]

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(scope="module")
def office(listening: Listening) -> Iterator[Office]:
    with open_office(driving=False) as opened:
        driver = opened.driver(listener=listening)
        driver.start()
        yield opened
        driver.stop()


@pytest.fixture(scope="module")
def house() -> str:
    return uuid4().hex[:12]


@pytest.fixture(scope="module")
def shown(registered: Prefect, office: Office, listening: Listening, house: str) -> Iterator[Prefect]:
    with ExitStack() as stack:
        stack.enter_context(working(office))
        stack.enter_context(showing(office, listening, house=house))
        yield registered


def test_a_question_stands_suspended_with_role_deadline_form_and_what_is_known(
    shown: Prefect, office: Office
) -> None:
    key = new_key()
    office.place(key, **STOLEN)
    run = run_of(shown, key)
    assert run["state_name"] == "Suspended"
    assert set(cast("list[str]", run["tags"])) == {
        "sop:order",
        f"case:{key}",
        "state:in_review",
        "role:order desk",
        "attention:asked",
        "question",
    }
    assert message(run).startswith("asks order desk, until ")
    assert "the next in line is called" in message(run)
    given = inputs(shown, run)
    assert '"accept": {"title": "Accept", "type": "string", "enum": ["yes", "no"]' in given["form-blank"]
    assert '"required": ["accept", "reason", "answered_by"]' in given["form-blank"]
    assert "A colleague looks at a suspicious order." in given["form-description"]
    assert "stolen means of payment" in given["form-description"]
    (text,) = eventually(lambda: shown.log(run["id"]))
    assert "lines: sku KETTLE, quantity 1, price 30.00 EUR" in text
    assert "Press Resume" in text
    for secret in ("Ada", "ada@customer", "Sample Street", "sealed", "tok\\_", "tok_"):
        assert secret not in text + str(given)


def test_an_answer_in_the_ui_is_the_same_event_and_ends_the_run(shown: Prefect, office: Office) -> None:
    key = new_key()
    office.place(key, **STOLEN)
    run = run_of(shown, key)
    answer = resume(shown, run, {"accept": "no", "reason": "stolen card", "answered_by": "J. Berg"})
    assert answer["status"] == "ACCEPT"
    ended = run_of(shown, key, kind="COMPLETED")
    assert ended["state_name"] == "Rejected"
    assert message(ended) == "accept: no; answered by J. Berg in the Prefect UI"
    assert office.state(key) == "rejected"
    (entry,) = [e for e, _ in office.store.journal(f"order/{key}") if e.event == "order.reviewed"]
    assert entry.source == "prefect-ui:J.Berg"
    assert_nothing_typed(shown, run)


def test_a_form_that_is_not_filled_in_is_refused_at_once(shown: Prefect, office: Office) -> None:
    key = new_key()
    office.place(key, **STOLEN)
    run = run_of(shown, key)
    answer = resume(shown, run, {"accept": "yes"})
    assert answer["status"] == "REJECT"
    assert "'reason' is a required property" in str(answer["details"])
    assert run_of(shown, key)["id"] == run["id"]


def test_an_answer_that_the_intake_refuses_is_told_and_the_question_stays(
    shown: Prefect, office: Office
) -> None:
    key = new_key()
    run = refuse(shown, office, key)
    assert "data" not in message(run).partition(":")[0]
    assert "reserved" in message(run)
    assert "reserved" in inputs(shown, run)["form-description"]
    eventually(lambda: any("Your answer was not taken" in line for line in shown.log(run["id"])))
    resume(shown, run, {"accept": "yes", "reason": "known customer"})
    run_of(shown, key, kind="COMPLETED")
    eventually(lambda: office.state(key) == "awaiting_dispatch")
    assert_nothing_typed(shown, run)


def test_a_form_in_which_an_answer_stands_goes_when_the_case_moves_on(shown: Prefect, office: Office) -> None:
    key = new_key()
    run = refuse(shown, office, key)
    office.send("order.reviewed", key, {"accept": False, "reason": "no"}, source="back-office")
    run_of(shown, key, kind="CANCELLED")
    assert_nothing_typed(shown, run)


def test_a_case_that_moves_on_cancels_the_run_and_says_why(shown: Prefect, office: Office) -> None:
    key = new_key()
    office.place(key, **STOLEN)
    run = run_of(shown, key)
    office.send("order.reviewed", key, {"accept": False, "reason": "no"}, source="back-office")
    ended = run_of(shown, key, kind="CANCELLED")
    assert ended["id"] == run["id"]
    assert message(ended).startswith("order.reviewed from back-office came first, at ")
    assert resume(shown, run, {"accept": "yes", "reason": "yes"})["status"] == "ABORT"


def test_the_second_of_two_answers_is_told_what_came_first(
    shown: Prefect, office: Office, listening: Listening
) -> None:
    key, heard = new_key(), listening.showing[:]
    office.place(key, **STOLEN)
    run = run_of(shown, key)
    listening.showing.clear()  # nobody ends the run before the second answer is given
    office.send("order.reviewed", key, {"accept": False, "reason": "no"}, source="back-office")
    eventually(lambda: office.state(key) == "rejected")
    assert resume(shown, run, {"accept": "yes", "reason": "yes"})["status"] == "ACCEPT"
    ended = run_of(shown, key, kind="CANCELLED")
    listening.showing.extend(heard)
    assert message(ended).startswith("Your answer was not taken: order.reviewed from back-office came first")
    assert_nothing_typed(shown, run)
    assert office.state(key) == "rejected"


def test_whoever_is_called_next_finds_the_question_by_role(registered: Prefect, listening: Listening) -> None:
    with open_office(driving=False) as own:
        driver = own.driver(listener=listening)
        driver.start()
        house, key = uuid4().hex, new_key()
        with showing(own, listening, house=house), working(own):
            run = refuse(registered, own, key, house=house)
            own.clock.ahead = timedelta(days=6)
            eventually(
                lambda: "role:order desk" not in cast("list[str]", registered.run(str(run["id"]))["tags"])
            )
            assert run_of(registered, key, house=house)["id"] == run["id"]
            assert_nothing_typed(registered, run)
        driver.stop()


def test_whoever_a_clock_alerts_finds_the_complaint_by_role(
    registered: Prefect, listening: Listening
) -> None:
    with open_office(driving=False) as own:
        driver = own.driver(listener=listening)
        driver.start()
        house, key = uuid4().hex, new_key()

        def asks(role: str) -> bool:
            runs = registered.runs(any_=[f"{key}: Acknowledging"])
            return any(f"role:{role}" in cast("list[str]", run["tags"]) for run in runs)

        with showing(own, listening, house=house):
            own.complain(key)
            eventually(lambda: asks("complaints agent"))
            own.wait_until_at_work(timedelta(days=6))
            eventually(lambda: asks("head of complaints"))
            assert not asks("complaints agent")
        driver.stop()


def test_several_workers_show_one_run(registered: Prefect, office: Office, listening: Listening) -> None:
    house, key = uuid4().hex, new_key()
    with ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(showing(office, listening, house=house))
        office.place(key, **STOLEN)
        run_of(registered, key, house=house)
        time.sleep(1)
        runs = registered.runs(any_=[f"{key}: In review"])
        assert len([run for run in runs if house_of(run) == house]) == 1


def test_what_happened_while_prefect_was_down_is_shown_when_it_is_back(
    registered: Prefect, office: Office, listening: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "_AGAIN_SECONDS", 0.3)
    port, house = free_port(), uuid4().hex
    settled, open_ = new_key(), new_key()
    api_url = f"http://127.0.0.1:{port}/api"

    def mine(key: str) -> Callable[[], Json | None]:
        def find() -> Json | None:
            runs = registered.runs(any_=[f"{key}: In review"])
            return next((run for run in runs if house_of(run) == house), None)

        return find

    with showing(office, listening, house=house, api_url=api_url):
        with Relay(port, to=registered.server.port):
            office.place(settled, **STOLEN)
            run = eventually(mine(settled))
            eventually(lambda: registered.run(str(run["id"]))["state_type"] == "PAUSED")
        office.send("order.reviewed", settled, {"accept": False, "reason": "no"})
        office.place(open_, **STOLEN)
        office.asked(open_, "in_review")
        assert mine(open_)() is None
        with Relay(port, to=registered.server.port):
            eventually(mine(open_))
            eventually(lambda: registered.run(str(run["id"]))["state_type"] == "CANCELLED")


def test_a_run_that_staff_cancelled_asks_again(
    registered: Prefect, office: Office, listening: Listening
) -> None:
    house, key = uuid4().hex, new_key()
    with showing(office, listening, house=house) as started:
        office.place(key, **STOLEN)
        run = run_of(registered, key, house=house)
        state = {"type": "CANCELLED", "name": "Cancelled", "message": "by mistake"}
        registered.post(f"/flow_runs/{run['id']}/set_state", {"state": state, "force": True})
        started.asked([f"order/{key}"])
        assert run_of(registered, key, house=house)["id"] == run["id"]


def test_a_run_whose_worker_was_killed_before_it_stood_is_mended_with_its_log(
    registered: Prefect, listening: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    house, key = uuid4().hex, new_key()

    async def prepare(question: str) -> None:
        async with AskApi() as api:
            once = f"ask {house} {question}"
            await api.prepare(question, once=once, name=f"{key}: In review", tags=[], house=house)

    monkeypatch.setattr(ask_api, "_LOST", timedelta(0))
    with open_office() as own:
        own.place(key, **STOLEN)
        asyncio.run(prepare(own.asked(key, "in_review").id))
        with showing(own, listening, house=house):
            run = run_of(registered, key, house=house)
            assert "A colleague looks at a suspicious order." in registered.log(run["id"])[0]
