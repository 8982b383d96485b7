"""Many cases that ask the same share a run, in which each of them can be answered."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from uuid import uuid4

import pytest

from adapters.asking.answers import Became
from flows import ask_wording as wording
from flows import asking, desk
from flows.ask_api import AskApi
from flows.ask_groups import show_groups
from flows.wording import Badge
from machines.complaint.states import PROPOSING
from tests.asking import STOLEN, Office, open_office
from tests.conftest_prefect import Json, Prefect, eventually
from tests.flows.questions import (
    Listening,
    assert_nothing_typed,
    garbage,
    house_of,
    listening,
    message,
    new_key,
    resume,
    showing,
    typed,
    working,
)

__all__ = ["garbage", "listening"]

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


def group_of(prefect: Prefect, house: str) -> Json | None:
    """The run that waits for answers of many cases of this installation."""
    runs = [run for run in prefect.runs(like_="order: In review x") if house_of(run) == house]
    return next((run for run in runs if run["state_type"] == "PAUSED"), None)


def test_beyond_the_budget_questions_share_a_run_with_a_table(
    registered: Prefect, listening: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "_AGAIN_SECONDS", 0.3)
    monkeypatch.setattr(asking, "_GROUP_SECONDS", 0.5)
    house = uuid4().hex
    keys = [new_key() for _ in range(5)]

    def group() -> Json | None:
        return group_of(registered, house)

    with open_office(driving=False) as own:
        driver = own.driver(listener=listening)
        driver.start()
        with showing(own, listening, house=house, most_runs=2), working(own):
            for key in keys:
                own.place(key, **STOLEN)
            run = eventually(lambda: (r := group()) and r["name"] == "order: In review x 3" and r)
            (artifact,) = [a for a in registered.artifacts(run["id"]) if a["type"] == "table"][-1:]
            grouped = [key for key in keys if key in str(artifact["data"])]
            assert len(grouped) == 3
            wrong = {"case": "SO-0", "accept": "no", "reason": "no"}
            resume(registered, run, wrong)
            told = eventually(lambda: (r := group()) and "SO-0" in message(r) and r)
            resume(registered, told, {**wrong, "case": grouped[0]})
            eventually(lambda: own.state(grouped[0]) == "rejected")
            less = eventually(lambda: (r := group()) and r["name"] == "order: In review x 2" and r)
            assert message(less).startswith("2 cases ask")
            resume(registered, less, {**wrong, "reason": "a stolen card"})
            eventually(lambda: (r := group()) and "a stolen card" in str(typed(registered, r)))
            for key in keys:
                if key != grouped[0]:
                    own.send("order.reviewed", key, {"accept": False, "reason": "no"})
            eventually(lambda: registered.run(str(run["id"]))["state_type"] == "COMPLETED")
            assert_nothing_typed(registered, run)
        driver.stop()


def test_the_table_is_of_those_who_ask_now_though_they_are_as_many_as_before(registered: Prefect) -> None:
    house, (first, stays, later) = uuid4().hex, [new_key() for _ in range(3)]

    async def show(own: Office) -> None:
        async with AskApi() as api:
            standing = {run.question: run for run in await api.unfinished(house=house)}
            asked = own.questions.open(states=own.questions.of_staff)
            await show_groups(api, asked, standing, house=house)

    def table() -> str:
        run = group_of(registered, house)
        assert run is not None
        newest = max(registered.artifacts(run["id"]), key=lambda one: str(one["created"]))
        return str(newest["data"])

    with open_office() as own:
        for key in (first, stays):
            own.place(key, **STOLEN)
            own.asked(key, "in_review")
        asyncio.run(show(own))
        assert first in table()
        own.send("order.reviewed", first, {"accept": False, "reason": "no"})
        own.place(later, **STOLEN)
        own.asked(later, "in_review")
        eventually(lambda: own.state(first) == "rejected")
        asyncio.run(show(own))
    shown = table()
    assert [key in shown for key in (first, stays, later)] == [False, True, True]


def test_an_answer_given_as_a_group_ends_is_taken(
    registered: Prefect, listening: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "_AGAIN_SECONDS", 0.3)
    monkeypatch.setattr(asking, "_GROUP_SECONDS", 0.5)
    house, keys, answered = uuid4().hex, [new_key() for _ in range(3)], list[str]()

    class Meanwhile(AskApi):
        async def set_state(self, run: str, state: Badge) -> None:
            if state.kind == "COMPLETED" and not answered:
                answered.append(grouped)
                said: Json = {"case": grouped, "accept": "no", "reason": "a stolen card"}
                await asyncio.to_thread(resume, registered, {"id": run}, said)
            await super().set_state(run, state)

    monkeypatch.setattr(asking, "AskApi", Meanwhile)
    with open_office(driving=False) as own:
        driver = own.driver(listener=listening)
        driver.start()
        with showing(own, listening, house=house, most_runs=2), working(own):
            for key in keys:
                own.place(key, **STOLEN)

            def single() -> list[str]:
                runs = registered.runs(any_=[f"{key}: In review" for key in keys])
                return [str(run["name"]).partition(":")[0] for run in runs if run["state_type"] == "PAUSED"]

            eventually(lambda: len(single()) == 2)
            (grouped,) = set(keys) - set(single())
            eventually(lambda: group_of(registered, house))
            own.send("order.reviewed", single()[0], {"accept": False, "reason": "no"})
            eventually(lambda: own.state(grouped) == "rejected", seconds=40)
        assert answered == [grouped]
        driver.stop()


def test_the_same_answer_in_a_group_twice_is_taken_once() -> None:
    key = new_key()
    with open_office() as own:
        way = desk.Desk(own.questions, own.answers)
        own.place(key, **STOLEN)
        own.asked(key, "in_review")
        for _ in range(2):
            given = way.answer_in("order/in_review", key, {"accept": "no", "reason": "no"}, who="A", id=key)
            answer = asyncio.run(given)
            assert (answer.became, answer.title) == (Became.TAKEN, "Rejected")


def test_a_form_for_cases_of_several_currencies_names_none() -> None:
    with open_office() as own:
        own.place("SO-1", **STOLEN)
        own.place("SO-2", **STOLEN, currency="USD")
        asked = [replace(own.asked(key, "in_review"), ask=PROPOSING) for key in ("SO-1", "SO-2")]
    alone, together = (
        json.dumps(wording.schema(asked[0], among=among)["properties"]) for among in (asked[:1], asked)
    )
    assert "In EUR, such as 12.50." in alone
    assert "In the currency of the case, such as 12.50." in together
