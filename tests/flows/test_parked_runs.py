"""Parked steps reach Prefect once, unless they are settled before, and outlast its refusals."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Mapping, Sequence
from typing import cast
from uuid import uuid4

import httpx
import pytest

from flows import parked_runs
from flows.budget import Budget
from flows.owner import Owner
from flows.parked_runs import ParkedRuns
from flows.parking import MOST_STEPS, ParkedStep, incidents
from flows.prefect_api import PrefectApi

OWNER = Owner(worker="w", installation="house")


class Api:
    """Remembers the steps of each run, after so many refusals."""

    def __init__(self, *, refusals: int = 0) -> None:
        self.refusals = refusals
        self.runs: dict[str, list[str]] = {}
        self.states: dict[str, str] = {}

    async def create_run(self, flow: str, *, parameters: Mapping[str, list[str]], **_: object) -> str:
        if self.refusals:
            self.refusals -= 1
            raise httpx.HTTPStatusError(
                "", request=httpx.Request("POST", "http://x"), response=httpx.Response(422)
            )
        run = str(uuid4())
        self.runs[run] = parameters["steps"]
        return run

    async def set_state(self, run: str, state: object) -> None:
        self.states[run] = str(state)

    async def add_log(self, run: str, **_: object) -> None: ...

    async def add_table(self, run: str, **_: object) -> None: ...


def parked(number: int, *, step: str = "SO-{}/7") -> ParkedStep:
    return ParkedStep(
        step=step.format(number), sop="order", key=f"SO-{number}", command="c", error="away", attempts=5
    )


def show(runs: ParkedRuns, api: Api) -> None:
    asyncio.run(runs.show(cast("PrefectApi", api), budget=Budget(1000, burst=1000)))


def test_what_was_settled_meanwhile_gets_no_run() -> None:
    def still(steps: Sequence[str]) -> Collection[str]:
        return {"SO-2/7"}

    api, runs = (
        Api(),
        ParkedRuns(on_recorded=None, still_parked=still, on_shown=lambda incident, run: None, owner=OWNER),
    )
    runs.tell([parked(1), parked(2)])
    show(runs, api)
    assert list(api.runs.values()) == [["SO-2/7"]]
    assert runs.idle


def test_a_store_that_does_not_answer_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parked_runs, "_AGAIN_SECONDS", 0.0)
    answers: list[Collection[str]] = [{"SO-1/7"}]

    def still(steps: Sequence[str]) -> Collection[str]:
        return answers.pop() if api.states else (_ for _ in ()).throw(OSError("away"))

    api, runs = (
        Api(),
        ParkedRuns(on_recorded=None, still_parked=still, on_shown=lambda incident, run: None, owner=OWNER),
    )
    runs.tell([parked(1)])
    show(runs, api)
    assert not api.runs
    api.states["the store is back"] = ""
    show(runs, api)
    assert list(api.runs.values()) == [["SO-1/7"]]


def test_a_refused_step_is_kept_and_tried_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    api, runs = (
        Api(refusals=2),
        ParkedRuns(on_recorded=None, still_parked=None, on_shown=lambda incident, run: None, owner=OWNER),
    )
    budget = Budget(1000, burst=1000)

    def look(seconds: float) -> int:
        clock[0] += seconds
        asyncio.run(runs.show(cast("PrefectApi", api), budget=budget))
        return api.refusals

    runs.tell([parked(1)])
    assert look(0) == 1
    assert runs.idle, "an end in good order does not wait for it"
    assert look(5) == 1
    assert look(6) == 0
    assert look(15) == 0
    assert not api.runs
    look(6)
    assert list(api.runs.values()) == [["SO-1/7"]]


def test_no_run_stands_for_more_steps_than_prefect_takes() -> None:
    many = [parked(number) for number in range(MOST_STEPS + 30)]
    assert [len(one.steps) for one in incidents(many)] == [MOST_STEPS, 30]
    long = [parked(number, step="{}" + "x" * 200) for number in range(4_000)]
    found = incidents(long)
    assert len(found) > 1
    assert sum(len(one.steps) for one in found) == 4_000
    assert all(sum(len(step) + 4 for step in one.step_ids) < 450_000 for one in found)
