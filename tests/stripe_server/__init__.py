"""A server of our own that answers like Stripe as far as payments by card need it, and keeps state.

It checks the account's key, remembers idempotency keys for 24 hours, moves intents through their states,
holds money for seven days, and tells of what happens by signed webhooks. Methods of payment, by their
beginning: ``pm_ok``, ``pm_declined``, ``pm_3ds`` (the customer must confirm), ``pm_refund_pending``,
``pm_refund_fails``.
Shapes and codes after docs.stripe.com/api, /error-codes and /api/idempotent_requests.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from urllib.parse import parse_qsl

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from tests.stripe_server.books import Books, Refused, Thing

KEY = "sk_test_ours"
WEBHOOK_SECRET = "whsec_test"
KEPT = 24 * 3600  #: seconds that an idempotency key is remembered


class StripeServer:
    """``ahead`` seconds its clock is set forward; ``lose`` so many answers are lost after the work is done;
    ``failing`` are (status, headers) for the next requests after these, which are not performed. ``stalls``
    keeps answers back after the work is done."""

    def __init__(self) -> None:
        self.ahead = 0.0
        self.lose = 0
        self.stalls = False
        self.failing: list[tuple[int, dict[str, str]]] = []
        self.requests: list[tuple[str, str, str]] = []  #: (method, path, idempotency key)
        self.books = Books(self.now)
        self.url = ""
        self._keys: dict[str, tuple[float, str, int, Thing]] = {}
        self.app = self._app()

    def now(self) -> float:
        return time.time() + self.ahead

    def signed(self, event: Thing) -> tuple[bytes, str]:
        """(body, ``Stripe-Signature``) of a webhook."""
        body, at = json.dumps(event).encode(), int(time.time())
        mac = hmac.new(WEBHOOK_SECRET.encode(), b"%d.%b" % (at, body), hashlib.sha256).hexdigest()
        return body, f"t={at},v1={mac}"

    @contextmanager
    def running(self) -> Iterator[StripeServer]:
        """Serve on a free port of the loopback, in a thread."""
        server = uvicorn.Server(
            uvicorn.Config(self.app, host="127.0.0.1", port=0, log_level="critical", lifespan="off")
        )
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        give_up = time.monotonic() + 60
        while not server.started:
            assert time.monotonic() < give_up, "the server did not start"
            time.sleep(0.005)
        self.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            server.should_exit = True
            thread.join(timeout=30)

    def _app(self) -> FastAPI:
        app = FastAPI()
        app.middleware("http")(self._guard)

        @app.api_route("/v1/{path:path}", methods=["GET", "POST"])
        async def serve(path: str, request: Request) -> Response:
            given = parse_form((await request.body()).decode() or request.url.query)
            try:
                answer = self._once(request, path, given)
            except Refused as refused:
                answer = refused.status, refused.body
            return JSONResponse(answer[1], status_code=answer[0])

        return app

    async def _guard(self, request: Request, call: Callable[[Request], Awaitable[Response]]) -> Response:
        key = request.headers.get("idempotency-key", "")
        self.requests.append((request.method, request.url.path, key))
        if request.headers.get("authorization") != f"Bearer {KEY}":
            return JSONResponse(
                {"error": {"type": "invalid_request_error", "message": "Invalid API Key provided"}}, 401
            )
        if self.failing and not self.lose:
            status, headers = self.failing.pop(0)
            error = {"type": "api_error", "message": "try later"}
            return JSONResponse({"error": error}, status, headers=headers)
        answer = await call(request)
        # Whoever asked may be dead by now: nobody is told, it just ends with the server or when let go.
        while self.stalls and request.method == "POST":  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        if request.method == "POST" and self.lose:
            self.lose -= 1
            return StreamingResponse(_broken(), headers={"content-length": "1000"})
        return answer

    def _once(self, request: Request, path: str, given: Thing) -> tuple[int, Thing]:
        """Perform a request, or answer as before if it has been performed under the same key."""
        key = request.headers.get("idempotency-key", "")
        if request.method == "GET" or not key:
            return 200, self.books.serve(request.method, path, given)
        asked = f"{path} {json.dumps(given, sort_keys=True)}"
        kept = self._keys.get(key)
        if kept is not None and kept[0] > self.now() - KEPT:
            if kept[1] != asked:
                raise Refused(
                    400, type="idempotency_error", message="Keys can only be used with the same parameters"
                )
            return kept[2:]
        try:
            answer = 200, self.books.serve(request.method, path, given)
        except Refused as refused:
            answer = refused.status, refused.body
        self._keys[key] = (self.now(), asked, *answer)
        return answer


async def _broken() -> AsyncIterator[bytes]:
    yield b"{"
    raise ConnectionError("the line is cut")


def parse_form(text: str) -> Thing:
    """``metadata[a]=1&expand[0]=x`` -> nested mappings; lists are mappings of their positions."""
    parsed: Thing = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        *outer, last = name.replace("]", "").split("[")
        place = parsed
        for step in outer:
            place = place.setdefault(step, {})
        place[last] = value
    return parsed
