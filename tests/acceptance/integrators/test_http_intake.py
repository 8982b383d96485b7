"""The web process as the outside meets it: the same event many times at once, input it cannot take, events
that come too late."""

from __future__ import annotations

import asyncio

import httpx
import orjson
import pytest

from adapters.envelope import BATCH, STRUCTURED
from benchmarks import load
from tests.acceptance.audit import flaws
from tests.acceptance.conftest import OpenHouse
from tests.acceptance.house import House
from tests.conftest_prefect import eventually

pytestmark = pytest.mark.crash

_STRUCTURED = {"content-type": STRUCTURED}


def post(web: httpx.Client, event: object) -> httpx.Response:
    return web.post("/events", content=orjson.dumps(event), headers=_STRUCTURED)


def standing(house: House, key: str) -> str:
    """Where the case stands once nothing is left to do for it."""
    rows = house.rows(f"SELECT state FROM cases WHERE key = '{key}' AND lease IS NULL")
    return str(rows[0][0]) if rows else ""


def wrong(**changes: object) -> bytes:
    """An order with something wrong in its payload."""
    event = dict(load.placed("SO-WRONG"))
    data = event["data"]
    assert isinstance(data, dict)
    return orjson.dumps(event | {"data": data | changes})


def test_one_event_ten_times_at_once_is_one_case_and_ten_equal_answers(open_house: OpenHouse) -> None:
    house = open_house()
    house.worker()
    web = house.web()
    body = orjson.dumps(load.placed("SO-1"))

    async def send_all() -> list[httpx.Response]:
        async with httpx.AsyncClient(base_url=web.base_url, timeout=30) as client:
            sending = (client.post("/events", content=body, headers=_STRUCTURED) for _ in range(10))
            return await asyncio.gather(*sending)

    answers = asyncio.run(send_all())
    assert {(answer.status_code, answer.content) for answer in answers} == {(202, answers[0].content)}
    eventually(lambda: standing(house, "SO-1") == "awaiting_dispatch")
    assert house.count("SELECT count(*) FROM inbox WHERE type = 'order.placed'") == 1
    assert house.count("SELECT count(*) FROM cases WHERE sop = 'order'") == 1
    eventually(lambda: not flaws(house))
    asked = [line.requested for line in house.book() if line.command == "payment.authorize"]
    assert asked == [1]


BAD = [
    (b"order please", STRUCTURED, 400, "not-json"),
    (orjson.dumps({**load.placed("SO-WRONG"), "type": "order.teleported"}), STRUCTURED, 422, "invalid-event"),
    (wrong(currency="euro"), STRUCTURED, 422, "invalid-event"),
    (wrong(gift="yes"), STRUCTURED, 422, "invalid-event"),
    (orjson.dumps([load.placed("SO-RIGHT"), {"type": "order.placed"}]), BATCH, 422, "invalid-event"),
    (b'"' + b"x" * 10_000_000 + b'"', STRUCTURED, 413, "body-too-large"),
    (orjson.dumps(load.placed("SO-WRONG")), "text/plain", 415, "content-type"),
]


def test_bad_input_among_good_is_answered_clearly_and_costs_nobody_an_event(open_house: OpenHouse) -> None:
    house = open_house()
    house.worker()
    web = house.web()
    for number, (body, kind, status, code) in enumerate(BAD):
        assert post(web, load.placed(f"SO-{number}")).status_code == 202
        answer = web.post("/events", content=body, headers={"content-type": kind})
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert answer.json()["detail"]
        assert "Traceback" not in answer.text
    eventually(lambda: _count(house, "awaiting_dispatch") == len(BAD))
    assert house.count("SELECT count(*) FROM inbox WHERE key LIKE 'SO-WRONG%' OR key = 'SO-RIGHT'") == 0
    log = house.web_log.read_text()
    assert "POST /events 422" in log
    assert not any(word in log for word in ("Traceback", "Ada Example", "ada@customer.example"))


def test_an_event_for_a_finished_case_is_taken_and_told_why_nothing_follows(open_house: OpenHouse) -> None:
    house = open_house()
    house.worker()
    web = house.web()
    for kind in (load.placed, load.dispatched, load.delivered):
        assert post(web, kind("SO-1")).status_code == 202
        eventually(lambda: not house.rows("SELECT 1 FROM inbox WHERE status = 'new'"))
    eventually(lambda: standing(house, "SO-1") == "delivered")
    event = {**load.placed("SO-1"), "id": "late", "type": "order.cancel", "data": {"customer": "C-SO-1"}}
    assert post(web, event).status_code == 202
    eventually(lambda: house.rows("SELECT 1 FROM inbox WHERE id = 'late' AND status = 'refused'"))
    case = web.get("/cases/order/SO-1").json()
    assert case["state"] == "delivered"
    assert case["journal"][-1]["reason"] == "the goods have been delivered; they can be sent back instead"
    eventually(lambda: not flaws(house))


def _count(house: House, state: str) -> int:
    return house.count(f"SELECT count(*) FROM cases WHERE sop = 'order' AND state = '{state}'")
