"""The dashboard of each procedure says how its cases stand, on the real procedures."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import cast
from urllib.parse import unquote

import pytest

import flows.boards
from adapters.charts import Chart, draw, picture
from adapters.steering import Steering
from adapters.store.base import Store
from adapters.store.records import Step, StepStatus
from flows import board_page, case_desk
from flows.boards import Board, Boards
from flows.dashboard import dashboard
from tests.asking import STOLEN, Office, open_office
from tests.conftest_prefect import Json, Prefect, eventually

START = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.fixture(scope="module")
def office() -> Iterator[Office]:
    """Three orders are packed, one of them on hold; one waits for the order desk, one has been cancelled."""
    with open_office() as opened:
        for key in ("SO-1", "SO-2", "SO-3", "SO-5"):
            opened.place(key)
        opened.place("SO-4", **STOLEN)
        for key in ("SO-1", "SO-2", "SO-3", "SO-5"):
            stands(opened, key, "awaiting_dispatch")
        stands(opened, "SO-4", "in_review")
        steering(opened).hold("SO-3", who="Ann", reason="the | carrier *strikes*")
        steering(opened).assign("SO-1", who="Ann", to="m.hill", reason="knows the customer")
        steering(opened).cancel("SO-5", who="Ann", reason="a mistake")
        stands(opened, "SO-5", "cancelled")
        yield opened


def stands(office: Office, key: str, state: str) -> None:
    eventually(lambda: office.state(key) == state)


def steering(office: Office) -> Steering:
    return Steering(office.store, office.definitions, clock=office.clock, patience=30)


def boards(office: Office, *, ahead: timedelta = timedelta(0)) -> Boards:
    return Boards(office.store, office.definitions, clock=lambda: office.clock() + ahead)


def page(office: Office, board: Board, sop: str = "order") -> str:
    definition = office.definitions[sop]
    return board_page.page(board, definition, ["<svg/>"] * len(board_page.charts(board, definition)))


def test_a_dashboard_tells_who_is_waited_for_and_what_came_and_went(office: Office) -> None:
    told = page(office, boards(office).of("order"))
    for part in (
        "| Open | Due within the hour | Deadlines passed | Clocks overrun | On hold | Parked steps |",
        "| 4 | 0 | 0 | 0 | 1 | 0 | 5 | 1 |",
        "| Awaiting dispatch | 3 | 1 | news of parcel, payment |",
        "[SO-2](../key/order-so-2)",
        "| order desk | 1 |",
        "| news of parcel, payment | 3 |",
        "| m.hill | 1 |",
        r"| Ann | the \| carrier \*strikes\* |",
        "| Cancelled | 1 |",
    ):
        assert part in told
    for secret in ("Ada", "ada@", "Sample Street", "10115", "tok_", "sealed:"):
        assert secret not in told


def test_what_is_due_within_the_hour_says_what_happens_then(office: Office) -> None:
    soon = boards(office, ahead=timedelta(hours=47, minutes=30)).of("order")
    told = page(office, soon)
    assert {one.key for one in soon.seen.due.first} >= {"SO-1", "SO-2"}
    assert "| A parcel is late; the warehouse is chased, the customer told. |" in told
    assert "SO-3" not in {one.key for one in soon.seen.due.first}, "no deadline runs on hold"


def test_more_parked_steps_than_are_read_are_said_to_be_more(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    definition = office.definitions["order"]
    step = Step(
        "order/P-1/payment.capture/1", "order/P-1", "payment.capture", b"{}", StepStatus.PARKED, START
    )

    class Parked:
        panorama = office.store.panorama

        def steps(self, **asked: object) -> list[Step]:
            return [step] * min(3, cast("int", asked["limit"]))

    monkeypatch.setattr(flows.boards, "_MOST_PARKED", 2)
    some = Boards(cast("Store", Parked()), office.definitions, clock=office.clock).of("order")
    told = board_page.page(some, definition, ["<svg/>"] * len(board_page.charts(some, definition)))
    assert "| 2 or more |" in told
    assert "## Parked steps: no money at stake in the oldest 2 of them" in told
    monkeypatch.setattr(flows.boards, "_MOST_PARKED", 3)
    every = Boards(cast("Store", Parked()), office.definitions, clock=office.clock).of("order")
    told = board_page.page(every, definition, ["<svg/>"] * len(board_page.charts(every, definition)))
    assert "or more" not in told
    assert "of them" not in told


def test_a_procedure_without_cases_has_a_dashboard_too(office: Office) -> None:
    told = page(office, boards(office).of("survey"), "survey")
    assert "| 0 | 0 | 0 | 0 | 0 | 0 | 0 | 0 |" in told
    assert "## Open cases by state\n\nNone." in told


def test_charts_are_pictures_that_need_no_other_address() -> None:
    chart = Chart("Open <cases>", ["a & b", "c"], {"open": [3, 0]}, lying=True)
    (svg,) = draw([chart])
    drawn = picture(svg, alt="chart")
    address = re.fullmatch(r"!\[chart\]\((data:image/svg\+xml,[^\s()\"'<>]+)\)", drawn)
    assert address is not None
    told = unquote(address[1])
    assert "a &amp; b" in told
    assert not re.search(r'(href|src)="|url\(', told)
    assert "<script" not in told


def test_what_cannot_be_drawn_is_left_out() -> None:
    assert draw([Chart("broken", ["a"], {"open": cast("list[float | None]", ["many"])})]) == [""]
    assert picture("", alt="chart") == ""


def test_a_new_version_is_kept_only_where_something_is_new(office: Office, prefect: Prefect) -> None:
    desk = case_desk.CaseDesk(lambda _: None, steering(office), boards(office), ())

    def versions() -> list[Json]:
        asyncio.run(dashboard())
        body = {"artifacts": {"key": {"any_": ["dashboard-order"]}}, "sort": "CREATED_DESC"}
        return cast("list[Json]", prefect.post("/artifacts/filter", body))

    with case_desk.install(desk):
        first = versions()
        assert len(first) == 1
        assert "| 4 | 0 | 0 | 0 | 1 | 0 | 5 | 1 |" in first[0]["data"]
        assert first[0]["flow_run_id"]
        second = versions()
        office.place("SO-6")
        stands(office, "SO-6", "awaiting_dispatch")
        third = versions()
    assert second[-1]["id"] == first[0]["id"]
    assert len(third) == len(second) + 1
    assert "| 5 | 0 | 0 | 0 | 1 | 0 | 6 | 1 |" in third[0]["data"]
