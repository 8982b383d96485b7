"""Many questions at once: they share runs, logs and looks at Prefect."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, ClassVar
from uuid import uuid4

import pytest

from flows import asking
from flows.ask_api import AskApi
from tests.asking import STOLEN, open_office
from tests.conftest_prefect import Json, Prefect, eventually
from tests.flows.questions import (
    Listening,
    assert_nothing_typed,
    garbage,
    house_of,
    listening,
    message,
    new_key,
    registered,
    resume,
    run_of,
    showing,
    typed,
    working,
)

__all__ = ["garbage", "listening", "registered"]

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


def test_beyond_the_budget_questions_share_a_run_with_a_table(
    registered: Prefect, listening: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "_AGAIN_SECONDS", 0.3)
    monkeypatch.setattr(asking, "_GROUP_SECONDS", 0.5)
    house = uuid4().hex
    keys = [new_key() for _ in range(5)]

    def group() -> Json | None:
        runs = registered.runs(like_="order: In review x")
        found = [run for run in runs if house_of(run) == house]
        return next((run for run in found if run["state_type"] == "PAUSED"), None)

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


class Counting(AskApi):
    """Notes what is asked of Prefect."""

    def __init__(self, api_url: str | None = None) -> None:
        super().__init__(api_url)
        self.started.append(self)
        self.calls: list[str] = []

    started: ClassVar[list[Counting]] = []

    async def _call(self, method: Any, route: Any, body: object = None, **path: str) -> Any:
        self.calls.append(f"{method} {route}")
        return await super()._call(method, route, body, **path)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], int]:
    monkeypatch.setattr(asking, "AskApi", Counting)
    monkeypatch.setattr(Counting, "started", [])
    return lambda call: sum(api.calls.count(call) for api in Counting.started)


def test_questions_put_together_are_logged_together(
    registered: Prefect, listening: Listening, counted: Callable[[str], int]
) -> None:
    house, keys = uuid4().hex, [new_key() for _ in range(4)]
    with open_office() as own:
        for key in keys:
            own.place(key, **STOLEN)
        for key in keys:
            own.asked(key, "in_review")
        with showing(own, listening, house=house):
            for key in keys:
                (text,) = registered.log(run_of(registered, key, house=house)["id"])
                assert "A colleague looks at a suspicious order." in text
    assert counted("POST /logs/") == 1


def test_cases_told_of_in_a_rush_are_looked_at_together(
    registered: Prefect, listening: Listening, counted: Callable[[str], int]
) -> None:
    with open_office(driving=False) as own, showing(own, listening, house=uuid4().hex) as started:
        eventually(lambda: counted("POST /flow_runs/filter") == 1)
        for _ in range(20):
            started.asked([f"order/{new_key()}"])
            time.sleep(0.1)
        assert 2 <= counted("POST /flow_runs/filter") <= 4
