"""Events go out for what needs attention anew: grouped, at most so many, kept while Prefect is away."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, cast

import httpx
import pytest

from flows import announcing
from flows.announcing import MOST_NAMED, Announcing
from flows.parking import Incident, ParkedStep
from flows.prefect_api import PrefectApi
from flows.session import Session, Snapshot


class Api:
    def __init__(self) -> None:
        self.events: list[Mapping[str, Any]] = []
        self.away = False
        self.meanwhile: Callable[[], None] = lambda: None

    async def emit(self, events: Sequence[Mapping[str, object]]) -> None:
        self.meanwhile()
        if self.away:
            raise httpx.ConnectError("away")
        self.events.extend(events)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(announcing, "_GATHER_SECONDS", 0.0)


def show(board: Announcing, api: Api) -> None:
    asyncio.run(board.show(cast("PrefectApi", api)))


def seen(**attention: tuple[str, ...]) -> Snapshot:
    session = Session(sop="complaint", opened=datetime.now(UTC))
    for key, needs in attention.items():
        session.rested(key=key, title="Open", message="", final=False, attention=needs)
    return session.snapshot()


def incident(count: int) -> Incident:
    keys = (f"SO-{number}" for number in range(count))
    return Incident(tuple(ParkedStep(f"{key}/1", "order", key, "payment.capture", "down", 5) for key in keys))


def test_a_breached_clock_is_announced_once_while_it_stays_so() -> None:
    board, api = Announcing(), Api()
    board.ended(seen(C1=("breached", "held"), C2=()))
    show(board, api)
    board.ended(seen(C1=("breached",)))
    show(board, api)
    (event,) = api.events
    assert event["event"] == "sop.case.breached"
    assert event["resource"]["prefect.resource.id"] == "sop.case.C1"
    assert event["payload"] == {"sop": "complaint", "cases": ["C1"], "count": 1}
    assert {one["prefect.resource.id"] for one in event["related"]} == {"sop.procedure.complaint"}


@pytest.mark.parametrize("rest", [0.0, 3600.0])
def test_many_cases_are_one_event_and_the_next_ones_wait(
    rest: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(announcing, "_REST_SECONDS", rest)
    board, api = Announcing(), Api()
    board.ended(seen(**{f"C{number}": ("breached",) for number in range(400)}))
    show(board, api)
    board.ended(seen(D1=("breached",), D2=("asked",)))
    show(board, api)
    again = [] if rest else ["sop.case.breached"]
    assert sorted(event["event"] for event in api.events[1:]) == ["sop.case.asked", *again]
    payload = api.events[0]["payload"]
    assert (len(payload["cases"]), payload["count"]) == (MOST_NAMED, 400)
    assert len(api.events[0]["related"]) <= 100


def test_an_incident_is_one_event_about_its_cases_and_its_run() -> None:
    board, api = Announcing(), Api()
    board.parked(incident(30), "run-1")
    board.parked(incident(30), "run-1")
    show(board, api)
    show(board, api)
    (event,) = api.events
    assert event["event"] == "sop.case.parked"
    related = {one["prefect.resource.id"] for one in event["related"]}
    assert {"prefect.flow-run.run-1", "sop.procedure.order", "sop.case.SO-29"} <= related


def test_what_is_told_while_prefect_is_away_is_kept_and_bounded() -> None:
    board, api = Announcing(), Api()
    api.away = True
    board.ended(seen(C1=("escalated",)))
    for number in range(200):
        board.parked(incident(1), f"run-{number}")
    for _ in range(3):
        with pytest.raises(httpx.ConnectError):
            show(board, api)
    api.away = False
    for _ in range(20):
        show(board, api)
    assert 0 < len(api.events) <= 11, "a burst, and not all at once"


@pytest.mark.parametrize("away", [False, True])
def test_what_comes_while_an_event_is_under_way_is_in_the_next(
    away: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(announcing, "_REST_SECONDS", 0.0)
    board, api = Announcing(), Api()

    def meanwhile() -> None:
        api.meanwhile = lambda: None
        board.ended(seen(C2=("breached",)))

    api.meanwhile, api.away = meanwhile, away
    board.ended(seen(C1=("breached",)))
    if away:
        with pytest.raises(httpx.ConnectError):
            show(board, api)
        api.away = False
    show(board, api)
    show(board, api)
    assert [event["payload"]["cases"] for event in api.events] == [["C1"], ["C2"]]


def test_an_incident_under_way_may_be_forgotten_for_newer_ones() -> None:
    board, api = Announcing(), Api()

    def meanwhile() -> None:
        api.meanwhile = lambda: None
        for number in range(200):
            board.parked(incident(1), f"run-{number}")

    api.meanwhile = meanwhile
    board.parked(incident(1), "run")
    show(board, api)
    assert "prefect.flow-run.run" in {one["prefect.resource.id"] for one in api.events[0]["related"]}
    assert len(api.events) > 1
