from __future__ import annotations

import asyncio
import logging
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import httpx
import orjson
import pytest
import uvicorn
from fastapi import FastAPI

from adapters.envelope import BATCH, STRUCTURED
from adapters.intake import Intake
from adapters.sealing import Vault
from adapters.store.base import Store
from adapters.store.records import CaseRow, Step
from adapters.web import create_app
from machines.explain import Explanation
from machines.kernel.case import Case, Entry
from machines.kernel.rule import Disposition
from tests.adapters.toys import NOW, PERSONAL, Placed, ToyStore, placed
from tests.adapters.toys import intake as toy_intake


class ReadableStore(ToyStore):
    """With one case to read."""

    def find_case(self, *, key: str, sop: str | None = None) -> list[Case]:
        case = Case(sop="toy", key="T/1", version=1, hash="h", state="waiting", seq=1)
        return [case] if (sop, key) == ("toy", "T/1") else []

    def steps(self, *, case: str, limit: int) -> list[Step]:
        return []

    def cases(self, *, parent: str, limit: int) -> list[CaseRow]:
        return []

    def journal(self, case: str) -> list[tuple[Entry, bytes]]:
        entry = Entry(
            seq=1,
            at=NOW,
            event="toy.placed",
            source="shop",
            event_id="evt-1",
            disposition=Disposition.HANDLED,
            before="placed",
            after="waiting",
            reason="asked sealed:1:C-1:abc_-Z again",
            body=cast(Placed, None),
        )
        return [(replace(entry, body={}), self.letters[0].body)]


def explain(_: Case) -> list[Explanation]:
    """What would be said of one deadline, and of one clock that is paused."""
    due = NOW + timedelta(hours=48)
    return [
        Explanation("answer", "deadline", "Somebody answers.", due, False, ("due then: 48 hours from now",)),
        Explanation("resolution", "clock", "It is solved.", None, False, ("not due while paused", "paused")),
    ]


def app(store: ToyStore | None = None, *, intake: Intake | None = None, **options: Any) -> FastAPI:
    store = store or ReadableStore()
    return create_app(intake or toy_intake(store), store=cast(Store, store), explain=explain, **options)


async def _ask(application: FastAPI, method: str, path: str, **request: Any) -> httpx.Response:
    transport = httpx.ASGITransport(app=application)
    async with httpx.AsyncClient(transport=transport, base_url="http://sop") as client:
        return await client.request(method, path, **request)


def ask(application: FastAPI, method: str, path: str, **request: object) -> httpx.Response:
    return asyncio.run(_ask(application, method, path, **request))


def send(application: FastAPI, body: object, content_type: str = STRUCTURED) -> httpx.Response:
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    return ask(application, "POST", "/events", content=content, headers={"content-type": content_type})


def test_structured_event_is_answered_after_it_is_stored() -> None:
    store = ToyStore()
    answer = send(app(store), placed())
    assert answer.status_code == 202
    assert answer.json() == {
        "accepted": [{"id": "evt-1", "source": "shop", "subject": "T-1", "status": "accepted"}]
    }
    assert len(store.letters) == 1


def test_binary_event() -> None:
    store = ToyStore()
    headers = {
        "content-type": "application/json; charset=utf-8",
        "ce-specversion": "1.0",
        "ce-id": "evt%201",
        "ce-source": "shop",
        "ce-type": "toy.placed",
        "ce-subject": "T-9",
    }
    body = orjson.dumps(Placed.examples[0])
    assert ask(app(store), "POST", "/events", content=body, headers=headers).status_code == 202
    assert (store.letters[0].key, store.letters[0].id) == ("T-9", "evt 1")


def test_binary_event_without_payload() -> None:
    store = ToyStore()
    headers = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "s", "ce-type": "toy.dispatched"}
    answer = ask(app(store), "POST", "/events", headers={**headers, "ce-subject": "T-1"})
    assert answer.status_code == 202
    assert orjson.loads(store.letters[0].body) == {"parcels": 1}


def test_batch_and_empty_batch() -> None:
    store = ToyStore()
    answer = send(app(store), [placed(1), placed(2)], BATCH)
    assert [item["id"] for item in answer.json()["accepted"]] == ["evt-1", "evt-2"]
    assert send(app(store), [], BATCH).json() == {"accepted": []}


def test_the_same_event_again_gets_the_same_answer() -> None:
    application = app()
    first, again = send(application, placed()), send(application, placed())
    assert (first.status_code, first.content) == (again.status_code, again.content)


def test_the_same_event_ten_times_at_once_is_stored_once() -> None:
    store = ToyStore()
    application = app(store)

    async def burst() -> list[httpx.Response]:
        body, headers = orjson.dumps(placed()), {"content-type": STRUCTURED}
        return await asyncio.gather(
            *(_ask(application, "POST", "/events", content=body, headers=headers) for _ in range(10))
        )

    answers = asyncio.run(burst())
    assert {(answer.status_code, answer.content) for answer in answers} == {(202, answers[0].content)}
    assert len(store.letters) == 1


def test_concurrent_requests_share_transactions() -> None:
    store = ToyStore()
    application = app(store)

    async def burst() -> list[httpx.Response]:
        requests = []
        for number in range(100):
            event = placed(number) if number % 10 else placed(number, type="toy.unknown")
            requests.append(
                _ask(
                    application,
                    "POST",
                    "/events",
                    content=orjson.dumps(event),
                    headers={"content-type": STRUCTURED},
                )
            )
        return await asyncio.gather(*requests)

    statuses = [answer.status_code for answer in asyncio.run(burst())]
    assert statuses.count(202) == 90
    assert statuses.count(422) == 10
    assert len(store.letters) == 90
    assert store.transactions < 40


def test_an_event_for_an_unknown_case_is_taken() -> None:
    event = placed(type="toy.noted", subject="T-404", data={"text": "hello"}, customer="C-1")
    assert send(app(), event).status_code == 202


BAD = [
    (b"{", STRUCTURED, 400, "not-json"),
    (b"", STRUCTURED, 400, "not-json"),
    (b"\xff\xfe", STRUCTURED, 400, "not-json"),
    (b"{}", BATCH, 400, "not-json"),
    (b"{}", "application/json", 415, "content-type"),
    (b"<a/>", "text/xml", 415, "content-type"),
    (b"[]", STRUCTURED, 422, "invalid-event"),
    (orjson.dumps(placed(type="toy.unknown")), STRUCTURED, 422, "invalid-event"),
    (orjson.dumps(placed(data={"email": "jane@example.org"})), STRUCTURED, 422, "invalid-event"),
    (orjson.dumps([placed(1), placed(2, id=None)]), BATCH, 422, "invalid-event"),
    (
        orjson.dumps(placed(data={**Placed.examples[0], "email": "sealed:1:C-2:x"})),
        STRUCTURED,
        422,
        "invalid-event",
    ),
    (orjson.dumps([1] * 5001), BATCH, 413, "body-too-large"),
    (b'"' + b"jane" * 2_500_000 + b'"', STRUCTURED, 413, "body-too-large"),
]


@pytest.mark.parametrize(("body", "content_type", "status", "code"), BAD)
def test_bad_input_is_a_problem_that_says_what_to_do(
    body: bytes, content_type: str, status: int, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    store = ToyStore()
    with caplog.at_level(logging.DEBUG):
        answer = send(app(store), body, content_type)
    problem = answer.json()
    assert (answer.status_code, problem["status"], problem["code"]) == (status, status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["type"] == f"urn:sop:problem:{code}"
    assert problem["detail"]
    assert all(error["remedy"] for error in problem.get("errors", []))
    assert not any(clear in answer.text + caplog.text for clear in PERSONAL)
    assert not store.letters


def test_errors_name_index_field_and_remedy() -> None:
    answer = send(app(), [placed(1), placed(2, time="2026-12-03T10:20:00")], BATCH)
    assert answer.json()["errors"] == [
        {
            "index": 1,
            "field": "time",
            "value": "2026-12-03T10:20:00",
            "remedy": "add the time zone, such as 2026-12-03T10:20:00Z",
        }
    ]


def test_the_limit_counts_what_is_streamed_not_what_is_announced() -> None:
    async def body() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b" " * 100

    answer = ask(
        app(body_limit=1000), "POST", "/events", content=body(), headers={"content-type": STRUCTURED}
    )
    assert (answer.status_code, answer.json()["code"]) == (413, "body-too-large")
    assert "1000 bytes" in answer.json()["detail"]


def test_a_store_that_is_down_answers_503_with_retry_after() -> None:
    store = ReadableStore()
    store.down = True
    for answer in (send(app(store), placed()), ask(app(store), "GET", "/health")):
        assert (answer.status_code, answer.json()["code"]) == (503, "store-unavailable")
        assert answer.headers["retry-after"] == "1"
        assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"] == "the store takes no writes: down"


def test_who_sends_too_fast_is_told_when_to_go_on() -> None:
    store = ReadableStore()
    application = app(store, rate_limit=0.2)
    assert [send(application, placed(number)).status_code for number in (1, 2)] == [202, 202]
    answer = send(application, placed(3))
    assert (answer.status_code, answer.json()["code"]) == (429, "too-fast")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["retry-after"] == "5"
    assert answer.json()["detail"] == "send again in 5 s; nothing was stored"
    assert len(store.letters) == 2
    assert ask(application, "GET", "/events/types").status_code == 200


def test_a_batch_is_charged_by_its_events() -> None:
    application = app(rate_limit=1)
    assert send(application, [placed(number) for number in range(40)], BATCH).status_code == 202
    assert send(application, placed(50)).headers["retry-after"] == "31"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "not-found"),
        ("GET", "/events", 405, "method-not-allowed"),
        ("GET", "/cases/toy/none", 404, "case-not-found"),
    ],
)
def test_wrong_addresses_are_problems_too(method: str, path: str, status: int, code: str) -> None:
    answer = ask(app(), method, path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    if status == 405:
        assert answer.headers["allow"] == "POST"


def test_a_defect_shows_neither_stack_trace_nor_personal_data(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> object:
        raise RuntimeError("jane@example.org")

    monkeypatch.setattr(Vault, "seal_events", broken)
    with caplog.at_level(logging.DEBUG):
        answer = send(app(), placed())
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "RuntimeError in test_web.py:" in caplog.text
    assert not any(clear in answer.text + caplog.text for clear in PERSONAL)


def test_the_log_has_one_line_per_request_without_keys_or_bodies(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="sop.web"):
        ask(app(), "GET", "/cases/toy/jane@example.org?name=Jane")
        send(app(), placed())
        ask(app(), "GET", "/Jane")
    lines = [record.message for record in caplog.records if record.name == "sop.web"]
    assert [line.rpartition(" ms")[0].rpartition(" ")[0] for line in lines] == [
        "GET /cases/{sop}/{key:path} 404",
        "POST /events 202",
        "GET (no route) 404",
    ]


def test_a_case_is_shown_without_personal_data() -> None:
    store = ReadableStore()
    application = app(store)
    send(application, placed())
    answer = ask(application, "GET", "/cases/toy/T/1")
    case = answer.json()
    assert case["state"] == "waiting"
    assert [(one["name"], one["because"]) for one in case["deadlines"]] == [
        ("answer", ["due then: 48 hours from now"])
    ]
    assert [(one["name"], one["due"], one["because"]) for one in case["clocks"]] == [
        ("resolution", None, ["not due while paused", "paused"])
    ]
    assert case["journal"][0]["body"]["email"] == "(personal)"
    assert case["journal"][0]["body"]["lines"] == [{"sku": "MUG-1", "quantity": 2}]
    assert case["journal"][0]["reason"] == "asked (personal) again"
    assert "sealed:" not in answer.text


def test_the_types_list_says_what_can_be_sent() -> None:
    types = {item["type"]: item for item in ask(app(), "GET", "/events/types").json()}
    assert list(types) == ["toy.decision", "toy.dispatched", "toy.lent", "toy.noted", "toy.placed"]
    assert (types["toy.dispatched"]["sop"], types["toy.placed"]["opens"]) == ("toy", True)
    assert types["toy.placed"]["personal"] == ["email", "ship_to.name", "ship_to.street"]
    assert types["toy.placed"]["example"]["customer"] == "C-1"


def test_openapi_has_every_event_model_and_its_examples() -> None:
    document = ask(app(), "GET", "/openapi.json").json()
    schemas = document["components"]["schemas"]
    assert {"Placed", "Noted", "Dispatched", "Decision", "Address", "CloudEvent", "Problem"} <= set(schemas)
    content = document["paths"]["/events"]["post"]["requestBody"]["content"]
    assert set(content) == {STRUCTURED, BATCH, "application/json"}
    example = content[STRUCTURED]["examples"]["toy.placed-1"]["value"]
    assert send(app(), example).status_code == 202
    assert ask(app(), "GET", "/docs").status_code == 200


@contextmanager
def served(application: FastAPI) -> Iterator[str]:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        config = uvicorn.Config(application, access_log=False, log_level="warning", lifespan="off")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            while not server.started:
                time.sleep(0.01)
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(timeout=10)


def test_over_a_real_socket() -> None:
    store = ReadableStore()
    with served(app(store)) as address, httpx.Client(base_url=address) as client:
        headers = {"content-type": STRUCTURED}
        for number in (1, 2, 2):
            answer = client.post("/events", content=orjson.dumps(placed(number)), headers=headers)
            assert answer.status_code == 202
        assert client.get("/health").json() == {"status": "ok"}
        too_much = client.post("/events", content=b"x" * 10_000_000, headers=headers)
        assert too_much.status_code == 413
        assert client.get("/health").status_code == 200
    assert len(store.letters) == 2
