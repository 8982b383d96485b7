"""Answers given at an awkward moment: they are taken, and once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from threading import Event
from typing import Any
from uuid import uuid4

import pytest

from adapters.asking.answers import Answer
from adapters.asking.questions import Question
from adapters.errors import StoreUnavailable
from flows import asking, desk
from flows.ask_api import AskApi
from flows.prefect_api import RunLine
from tests.asking import STOLEN, open_office
from tests.conftest_prefect import Json, Prefect, eventually
from tests.flows.questions import (
    Listening,
    garbage,
    inputs,
    listening,
    message,
    new_key,
    resume,
    run_of,
    showing,
    working,
)

__all__ = ["garbage", "listening"]

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


def test_an_answer_given_while_somebody_else_is_called_is_taken(
    registered: Prefect, listening: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_office(driving=False) as own:
        driver = own.driver(listener=listening)
        driver.start()
        house, key = uuid4().hex, new_key()
        own.place(key, **STOLEN)
        answers: list[Json] = []

        class Meanwhile(AskApi):
            async def suspend(self, run: str, *, new: bool = False, **rest: Any) -> None:
                if not (new or answers):
                    answers.append({"accept": "no", "reason": "a stolen card"})
                    await asyncio.to_thread(resume, registered, {"id": run}, answers[0])
                await super().suspend(run, new=new, **rest)

        monkeypatch.setattr(asking, "AskApi", Meanwhile)
        with showing(own, listening, house=house), working(own):
            run_of(registered, key, house=house)
            own.clock.ahead = timedelta(days=6)
            eventually(lambda: own.state(key) == "rejected", seconds=25)
        assert answers
        driver.stop()


def test_an_answer_given_while_the_store_is_away_is_taken_when_it_is_back(
    registered: Prefect, listening: Listening
) -> None:
    with open_office(driving=False) as own:
        driver = own.driver(listener=listening)
        driver.start()
        house, key, away = uuid4().hex, new_key(), Event()

        class Away(desk.Desk):
            async def answer(self, *given: Any, **rest: Any) -> Answer:
                if away.is_set():
                    raise StoreUnavailable("the disk is full")
                return await super().answer(*given, **rest)

            async def find(self, question: str) -> Question | None:
                if away.is_set():
                    raise StoreUnavailable("the disk is full")
                return await super().find(question)

        with showing(own, listening, house=house) as started, working(own, Away(own.questions, own.answers)):
            own.place(key, **STOLEN)
            run = run_of(registered, key, house=house)
            away.set()
            resume(registered, run, {"accept": "no", "reason": "a stolen card"})
            run_of(registered, key, kind="FAILED", house=house)
            away.clear()
            started.asked([f"order/{key}"])
            eventually(lambda: own.state(key) == "rejected", seconds=25)
        driver.stop()


def test_a_question_answered_while_those_before_it_are_put_is_not_put(
    registered: Prefect, listening: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    house, keys, last = uuid4().hex, [new_key() for _ in range(3)], list[str]()
    with open_office() as own:

        class Overtaken(AskApi):
            async def add_lines(self, lines: Sequence[RunLine]) -> None:
                await super().add_lines(lines)
                if last or not lines:
                    return
                last.append(lines[-1].run)
                key = str((await asyncio.to_thread(registered.run, last[0]))["name"]).partition(":")[0]
                own.send("order.reviewed", key, {"accept": False, "reason": "no"}, source="back-office")
                await asyncio.to_thread(eventually, lambda: own.state(key) == "rejected")

        monkeypatch.setattr(asking, "AskApi", Overtaken)
        for key in keys:
            own.place(key, **STOLEN)
        for key in keys:
            own.asked(key, "in_review")
        with showing(own, listening, house=house):
            eventually(lambda: bool(last))
            ended = eventually(lambda: (r := registered.run(last[0]))["state_type"] == "CANCELLED" and r)
            assert message(ended).startswith("order.reviewed from back-office came first")
            assert inputs(registered, ended) == {}
