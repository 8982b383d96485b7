"""Commands over signed HTTP, for any warehouse, carrier or ERP: one POST per try, always under the same key.

The provider answers now (200 with one of the command's outcomes) or later (202, and the outcome as an event);
``docs/howto/integrate-a-provider.md`` is the protocol. Errors name what was asked and how it was refused: no
secret, no clear text of a personal field.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import httpx

from adapters.command import Later
from adapters.errors import OwnFault, Rejected, Unavailable
from adapters.http_command.document import Document, Writer
from adapters.http_command.reading import MOST, explain, read_outcome, wait_before
from adapters.signatures import message_id, parse_key, sign
from machines.kernel.command import Command, CommandType
from machines.kernel.event import Event

_RETRYABLE = frozenset({408, 409, 425, 429})  # 409: an earlier try under this key is still being worked on


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where and how one provider is reached: ``secret`` as Standard Webhooks write it (``whsec_...``),
    ``timeout`` of one try and ``wait`` for a later answer in seconds, at most ``limit`` commands at once."""

    url: str
    secret: str
    timeout: float = 20.0
    limit: int = 32
    wait: float = 86_400.0


class HttpCommands:
    """Performs the commands of one prefix by asking ``endpoint``. Keeps a pool of connections of its own.

    Raises ``ValueError`` for a secret that is no key.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        commands: Mapping[str, CommandType],
        writer: Writer,
        clock: Callable[[], datetime],
    ) -> None:
        self.limit = endpoint.limit
        self._endpoint = endpoint
        self._key = parse_key(endpoint.secret)
        self._commands = commands
        self._writer = writer
        self._clock = clock
        self._client: httpx.AsyncClient | None = None

    async def perform(self, command: Command) -> Event | Later:
        """One of the command's outcomes, or ``Later``. Raises ``Unavailable``, ``Rejected``."""
        kind = self._commands.get(command.name)
        if kind is None:
            raise OwnFault(f"{command.name}: no procedure asks for this command")
        document = await self._writer.write(command, kind)
        status, headers, body = await self._post(command, document)
        if status == 200:
            return read_outcome(body, command.name, kind)
        if status == 202:
            return Later(self._endpoint.wait)
        answered = f"{command.name}: answered {status}"
        if status in _RETRYABLE or status >= 500:
            raise Unavailable(answered, after=wait_before(headers, now=self._clock()))
        raise Rejected(f"{answered}{explain(headers, body, hide=document.clear)}")

    async def close(self) -> None:
        """Give the connections back; called on the loop that performed."""
        if self._client is not None:
            await self._client.aclose()

    async def _post(self, command: Command, document: Document) -> tuple[int, httpx.Headers, bytes]:
        try:
            async with self._connections().stream(
                "POST", self._endpoint.url, content=document.body, headers=self._headers(command, document)
            ) as answer:
                body = bytearray()
                async for chunk in answer.aiter_bytes():
                    body += chunk
                    if len(body) > MOST:
                        raise Rejected(f"{command.name}: the answer is longer than {MOST} bytes")
                return answer.status_code, answer.headers, bytes(body)
        except httpx.TimeoutException:
            raise Unavailable(f"{command.name}: no answer within {self._endpoint.timeout:g} s") from None
        except httpx.HTTPError as error:  # its text may hold the address, and that a password
            raise Unavailable(f"{command.name}: the connection failed ({type(error).__name__})") from None

    def _headers(self, command: Command, document: Document) -> dict[str, str]:
        """Signed anew each time: the id says which message it is, the timestamp when it was sent."""
        id, now = message_id(command.key), self._clock()
        return {
            "content-type": "application/json",
            "accept": "application/json, application/problem+json",
            "idempotency-key": command.key,
            "webhook-id": id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": sign(self._key, id=id, at=now, body=document.body),
        }

    def _connections(self) -> httpx.AsyncClient:
        """Made on first use, because it belongs to the event loop that performs."""
        if self._client is None:
            limits = httpx.Limits(max_connections=self.limit, max_keepalive_connections=self.limit)
            self._client = httpx.AsyncClient(timeout=self._endpoint.timeout, limits=limits)
        return self._client
