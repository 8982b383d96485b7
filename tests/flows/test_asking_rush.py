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
from tests.conftest_prefect import Prefect, eventually
from tests.flows.questions import (
    Listening,
    garbage,
    listening,
    new_key,
    run_of,
    showing,
)

__all__ = ["garbage", "listening"]

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


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
