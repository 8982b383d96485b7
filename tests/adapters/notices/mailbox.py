"""A receiver on loopback that keeps what Apprise's ``json://`` posts to it, unless it is to refuse it or to
answer without end."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Mailbox:
    url: str = ""
    letters: list[dict[str, str]] = field(default_factory=list)
    refuses: bool = False
    hangs: bool = False

    @property
    def titles(self) -> list[str]:
        return [letter["title"] for letter in self.letters]


@contextmanager
def mailbox() -> Iterator[Mailbox]:
    box = Mailbox()

    class Slot(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            letter = json.loads(self.rfile.read(int(self.headers["content-length"])))
            if box.hangs:
                return self._hang()
            if box.refuses:
                return self.send_error(503)
            box.letters.append({"title": letter["title"], "body": letter["message"]})
            self.send_response(204)
            self.end_headers()

        def _hang(self) -> None:
            # Apprise gives up who is silent for 4 seconds.
            self.wfile.write(b"HTTP/1.0 204 No Content\r\nX: ")
            with suppress(OSError):
                while box.hangs:
                    self.wfile.write(b".")
                    time.sleep(0.1)

        def log_message(self, *_: object) -> None:
            """Keeps the terminal clean."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Slot) as server:
        box.url = f"json://127.0.0.1:{server.server_port}/"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield box
        finally:
            box.hangs = False
            server.shutdown()
            thread.join()
