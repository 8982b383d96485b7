"""The HTTP side of the house: events in (CloudEvents 1.0), cases and event types to read.

202 is answered after the events are committed, and never before. The same event again gets the same answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from urllib.parse import unquote

import orjson
from fastapi import FastAPI, Request, Response
from fastapi_offline import FastAPIOffline
from starlette.exceptions import HTTPException

from adapters.asking.page import Page, add_page
from adapters.asyncapi import asyncapi
from adapters.case_view import CaseView, Explain, view_case
from adapters.envelope import BATCH, STRUCTURED
from adapters.errors import BadSignature, StoreUnavailable, Unwritable
from adapters.event_schema import openapi
from adapters.event_types import EventType, event_types
from adapters.grouping import Group
from adapters.intake import Accepted, Intake, InvalidEvents
from adapters.latest import Latest
from adapters.metrics import CONTENT_TYPE, WebMetrics
from adapters.problems import Problem, Watch, answer_problem
from adapters.rate import RateLimit
from adapters.runbook.pages import pages
from adapters.signatures import SourceKeys
from adapters.store.base import Store

BODY_LIMIT = 1 << 20

_DRAINED = 16 << 20  # read and dropped, so that whoever sent too much gets to read why
_GROUP = 1_000  # events in one transaction
_MOST_IN_BATCH = 5_000
_MOST_WAITING = 20_000  # events in memory that are not yet committed
_TITLE = "Customer-service procedures"
_DESCRIPTION = "The events that can be sent are also described as [AsyncAPI](/asyncapi.json) messages."
_RETRY = {"Retry-After": "1"}
_CHALLENGE = {"WWW-Authenticate": "StandardWebhooks"}

Events = list[object]


@dataclass(frozen=True, slots=True)
class _Sent:
    """What came in one request: the events as parsed from ``body``; of a ``binary`` one the headers too."""

    events: Events
    body: bytes
    binary: bool


def create_app(
    intake: Intake,
    *,
    store: Store,
    explain: Explain,
    body_limit: int = BODY_LIMIT,
    rate_limit: float = 0,
    keys: SourceKeys | None = None,
    page: Page | None = None,
) -> FastAPI:
    """The application; ``body_limit`` in bytes, ``rate_limit`` in events per second and client, 0 for none,
    ``keys`` say who must sign (nobody without), ``page`` serves the customers' answers. Run it with uvicorn's
    own access log switched off."""
    # The documents' scripts come from the package, not from a host of others, so that they show offline too.
    app = FastAPIOffline(title=_TITLE, summary="Events in, cases to read.", description=_DESCRIPTION)
    metrics = WebMetrics(store, counted=lambda: intake.counted)
    app.add_middleware(Watch, seen=metrics.request)
    for error in (Problem, HTTPException):
        app.add_exception_handler(error, answer_problem)
    app.add_exception_handler(StoreUnavailable, _store_unavailable)
    app.add_exception_handler(Unwritable, _unwritable)
    _add_intake(app, intake, body_limit=body_limit, rate=RateLimit(rate_limit), keys=keys)
    _add_reading(app, intake, store, explain)
    _add_watching(app, store, metrics)
    if page is not None:
        add_page(app, page)
    # FastAPI's own way to put another document in place of its own.
    app.openapi = lambda: openapi(app, intake.catalogue)  # type: ignore[method-assign]
    return app


def _add_intake(
    app: FastAPI, intake: Intake, *, body_limit: int, rate: RateLimit, keys: SourceKeys | None
) -> None:
    group: Group[Events, list[Accepted]] = Group(
        intake.accept_groups, threaded=True, most=_GROUP, weight=lambda events: max(1, len(events))
    )

    @app.post("/events", status_code=202, tags=["events"], summary="Send events")
    async def receive_events(request: Request) -> Response:
        client = request.client.host if request.client else ""
        if wait := rate.wait(client):
            seconds = ceil(wait)
            headers = {"Retry-After": str(seconds)}
            raise Problem("too-fast", f"send again in {seconds} s; nothing was stored", headers=headers)
        if group.weight > _MOST_WAITING:
            raise Problem("busy", "send again in a second; nothing was stored", headers=_RETRY)
        events: Events = []
        try:
            sent = await _read(request, limit=body_limit)
            events = sent.events
            if keys is not None:
                keys.check(events, headers=request.headers, body=sent.body, binary=sent.binary)
            accepted = await group.do(events)
        except BadSignature as error:
            raise Problem(error.code, f"{error}; nothing was stored", headers=_CHALLENGE) from None
        except InvalidEvents as error:
            raise Problem(
                "invalid-event", "nothing of this request was stored; see errors", faults=error.faults
            ) from None
        finally:
            rate.charge(client, max(1, len(events)))
        return Response(_accepted(accepted), status_code=202, media_type="application/json")


def _add_reading(app: FastAPI, intake: Intake, store: Store, explain: Explain) -> None:
    known = event_types(intake.catalogue)

    @app.get("/events/types", tags=["events"], summary="What can be sent")
    async def list_types() -> list[EventType]:
        return known

    @app.get("/asyncapi.json", include_in_schema=False)
    async def show_asyncapi(request: Request) -> dict[str, object]:
        return asyncapi(intake.catalogue, title=_TITLE, version=app.version, url=str(request.base_url))

    @app.get("/cases/{sop}/{key:path}", tags=["cases"], summary="One case, without personal data")
    def show_case(sop: str, key: str) -> CaseView:
        view = view_case(store, sop=sop, key=key, explain=explain)
        if view is None:
            raise Problem("case-not-found", "no case of that procedure has that key (yet)")
        return view

    @app.get("/runbook/{code}", include_in_schema=False)
    def show_runbook(code: str) -> Response:
        page = pages().get(code)
        if page is None:
            raise Problem("not-found", "no error has that code")
        return Response(page.markdown, media_type="text/markdown")


def _add_watching(app: FastAPI, store: Store, metrics: WebMetrics) -> None:
    health = Latest(store.probe)

    @app.get("/health", tags=["service"], summary="Whether events can be taken")
    async def show_health() -> dict[str, str]:
        # On the event loop, so that it answers although every thread is taken.
        try:
            await health.wait()
        except StoreUnavailable as error:
            raise Problem(
                "store-unavailable", f"the store takes no writes: {error}", headers=_RETRY
            ) from error
        return {"status": "ok"}

    @app.get("/metrics", include_in_schema=False)
    def show_metrics() -> Response:
        return Response(metrics.text(), media_type=CONTENT_TYPE)


async def _unwritable(_: Request, __: Exception) -> Response:
    return Problem("unwritable", "a text with a NUL character, most likely; nothing was stored").response()


async def _store_unavailable(_: Request, __: Exception) -> Response:
    return Problem("store-unavailable", "send again in a second", headers=_RETRY).response()


def _accepted(events: Sequence[Accepted]) -> bytes:
    """The same for a duplicate: whoever sends learns that the event is safe, not what we had before."""
    return orjson.dumps(
        {
            "accepted": [
                {"id": event.id, "source": event.source, "subject": event.subject, "status": "accepted"}
                for event in events
            ]
        }
    )


async def _read(request: Request, *, limit: int) -> _Sent:
    """The events of a request in any of the three modes of the CloudEvents HTTP binding."""
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    binary = any(name.startswith(b"ce-") for name, _ in request.scope["headers"])
    if content_type not in (STRUCTURED, BATCH) and not (binary and content_type in ("application/json", "")):
        raise Problem(
            "content-type",
            f"send {STRUCTURED} (one event), {BATCH} (a list of events), "
            "or application/json with ce-* headers (binary mode)",
        )
    body = await _body(request, limit=limit)
    if content_type == BATCH:
        events = _parse(body)
        if not isinstance(events, list):
            raise Problem("not-json", f"{BATCH} is a JSON list of events")
        if len(events) > _MOST_IN_BATCH:
            raise Problem("body-too-large", f"at most {_MOST_IN_BATCH} events in a batch")
        return _Sent(events, body, binary=False)
    if content_type == STRUCTURED:
        return _Sent([_parse(body)], body, binary=False)
    return _Sent([_from_headers(request, body)], body, binary=True)


async def _body(request: Request, *, limit: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size <= limit:
            chunks.append(chunk)
        elif size > _DRAINED:
            break
        else:
            chunks.clear()
    if size > limit:
        raise Problem(
            "body-too-large",
            f"at most {limit} bytes; send fewer events at a time",
            headers={"Connection": "close"},
        )
    return b"".join(chunks)


def _parse(body: bytes) -> object:
    try:
        parsed: object = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise Problem("not-json", f"the JSON is broken at {where}; nothing was stored") from None
    return parsed


def _from_headers(request: Request, body: bytes) -> dict[str, object]:
    event: dict[str, object] = {
        name[3:].decode("latin-1"): unquote(value.decode("latin-1"))
        for name, value in request.scope["headers"]
        if name.startswith(b"ce-")
    }
    if body:
        event["data"] = _parse(body)
    return event
