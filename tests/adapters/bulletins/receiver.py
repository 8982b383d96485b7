"""A receiver of events on loopback, as an integrator would run one: it verifies what comes and keeps it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

HANG = 0  #: in place of a status: no answer until the receiver is released


@dataclass(frozen=True)
class Request:
    """One event as it came, under which ``id`` and signatures, and what it was answered."""

    id: str
    event: dict[str, Any]
    signatures: list[str]
    content_type: str
    status: int

    @property
    def case(self) -> str:
        return str(self.event["subject"])

    @property
    def seq(self) -> int:
        return int(self.event["data"]["seq"])


@dataclass
class Receiver:
    """``answer(event)`` is the status to give; ``headers`` go with each that is not 2xx."""

    answer: Callable[[dict[str, Any]], int] = lambda event: 204
    secret: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    forged: list[str] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/cases"

    @property
    def taken(self) -> list[Request]:
        return [request for request in self.requests if 200 <= request.status < 300]

    def seqs(self, case: str) -> list[int]:
        """Of what it has taken, each once."""
        return list(dict.fromkeys(request.seq for request in self.taken if request.case == case))

    @contextmanager
    def serving(self) -> Iterator[Receiver]:
        """On the same port each time."""
        server = ThreadingHTTPServer(("127.0.0.1", self.port), _handler(self))
        self.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield self
        finally:
            self.released.set()
            server.shutdown()
            server.server_close()
            thread.join()
            self.released.clear()


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = 5

        def do_POST(self) -> None:
            length = int(self.headers["content-length"])
            body = self.rfile.read(length)
            if len(body) < length:
                return  # whoever sent it was killed
            try:
                event = Webhook(receiver.secret).verify(body, dict(self.headers))
            except WebhookVerificationError as error:
                receiver.forged.append(str(error))
                self._end(401)
                return
            status = receiver.answer(event)
            receiver.requests.append(
                Request(
                    id=self.headers["webhook-id"],
                    event=event,
                    signatures=self.headers["webhook-signature"].split(),
                    content_type=self.headers["content-type"],
                    status=status,
                )
            )
            if status == HANG:
                receiver.released.wait(30)
                return
            self._end(status)

        def _end(self, status: int) -> None:
            self.send_response(status)
            for name, value in receiver.headers.items() if status >= 300 else ():
                self.send_header(name, value)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Nobody reads it."""

    return Handler
