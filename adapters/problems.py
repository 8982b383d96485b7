"""Errors over HTTP as RFC 9457 problem details: a stable ``code``, plain words, and what to do about it.

Nothing in a problem repeats a personal value, and none shows where in the program it arose.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import perf_counter

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from adapters.envelope import EventFault
from adapters.runbook.pages import address

log = logging.getLogger("sop.web")

_MOST_FAULTS = 100

TITLES: dict[str, tuple[int, str]] = {
    "not-json": (400, "The body is not JSON"),
    "signature-missing": (401, "The request is not signed"),
    "signature-partial": (401, "The signature does not cover the event"),
    "signature-expired": (401, "The signature is too old"),
    "signature-wrong": (401, "The signature is wrong"),
    "not-found": (404, "There is nothing here"),
    "case-not-found": (404, "No such case"),
    "method-not-allowed": (405, "This address does not take that method"),
    "body-too-large": (413, "The body is too large"),
    "content-type": (415, "The content type is not taken here"),
    "invalid-query": (422, "The question cannot be answered"),
    "invalid-event": (422, "An event cannot be taken"),
    "unwritable": (422, "An event holds a value that cannot be stored"),
    "too-fast": (429, "Too many events from this address"),
    "internal": (500, "Something went wrong on our side"),
    "busy": (503, "Too many events are waiting"),
    "store-unavailable": (503, "The store cannot be reached"),
}
"""Code -> (status, title): the complete list of problems."""

_BY_STATUS = {404: "not-found", 405: "method-not-allowed", 413: "body-too-large", 415: "content-type"}


class Problem(Exception):
    """Raised in a handler to answer with a problem."""

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        faults: Sequence[EventFault] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.faults = faults
        self.headers = headers

    def response(self) -> Response:
        status, title = TITLES[self.code]
        body: dict[str, object] = {
            "type": f"urn:sop:problem:{self.code}",
            "title": title,
            "status": status,
            "code": self.code,
            "detail": self.detail,
            "runbook": address(self.code),
        }
        if self.faults:
            body["errors"] = [
                {"index": fault.index, "field": fault.field, "value": fault.value, "remedy": fault.remedy}
                for fault in self.faults[:_MOST_FAULTS]
            ]
        return Response(
            orjson.dumps(body),
            status_code=status,
            media_type="application/problem+json",
            headers=dict(self.headers or {}),
        )


async def answer_problem(_: Request, problem: Exception) -> Response:
    """Exception handler for ``Problem`` and for the framework's own HTTP errors."""
    if isinstance(problem, Problem):
        return problem.response()
    status = problem.status_code if isinstance(problem, HTTPException) else 500
    code = _BY_STATUS.get(status, "internal")
    headers = problem.headers if isinstance(problem, HTTPException) else None
    return Problem(code, f"{TITLES[code][1].lower()}; see /docs", headers=headers).response()


Seen = Callable[[str, str, int, float], None]
"""(method, route, status, seconds) of a request."""


class Watch:
    """Outermost layer: one log line per request without anything personal (method, route, status, duration),
    and a problem instead of a stack trace. ``seen`` is told the same, the duration in seconds."""

    def __init__(self, app: ASGIApp, seen: Seen) -> None:
        self._app = app
        self._seen = seen

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = perf_counter()
        status = 0

        async def note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, note)
        except Exception as error:
            log.error("%s in %s", type(error).__name__, _origin(error))  # its text may quote a payload
            if status:
                raise ConnectionError("the answer broke off") from None
            await Problem("internal", "try again; if it stays, tell us when it happened").response()(
                scope, receive, note
            )
        finally:
            route = getattr(scope.get("route"), "path", "(no route)")
            seconds = perf_counter() - started
            self._seen(scope["method"], route, status, seconds)
            log.info("%s %s %d %.1f ms", scope["method"], route, status, seconds * 1e3)


def _origin(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else "(unknown)"
