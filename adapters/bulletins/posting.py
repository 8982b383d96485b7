"""Posts one bulletin to its receiver, once, and says how that went. What it says names no address and repeats
nothing of the answer: either may hold a password."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import httpx
import orjson

from adapters.bulletins.envelope import event_of, headers_of
from adapters.http_command.reading import wait_before
from adapters.store.bulletins import Bulletin

_MOST = 1 << 16  #: bytes of an answer that are read, so that the connection can be used again
_GONE = 410


@dataclass(frozen=True, slots=True)
class Taken:
    """The receiver has the bulletin."""


@dataclass(frozen=True, slots=True)
class Failed:
    """It has not, as far as we know; ``after``: seconds that it asks us to wait before the next try."""

    error: str
    after: float = 0.0


@dataclass(frozen=True, slots=True)
class Gone:
    """It wants no more bulletins."""


Verdict = Taken | Failed | Gone


class Postman:
    """``timeout`` in seconds bounds a whole try. Belongs to the event loop that posts; keeps connections."""

    def __init__(self, *, clock: Callable[[], datetime], timeout: float, connections: int) -> None:
        self._clock = clock
        self._timeout = timeout
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=connections)
        self._client = httpx.AsyncClient(timeout=timeout, limits=limits)

    async def close(self) -> None:
        await self._client.aclose()

    async def post(self, url: str, bulletin: Bulletin, *, keys: list[bytes]) -> Verdict:
        body = orjson.dumps(event_of(bulletin))
        headers = headers_of(bulletin, body, keys=keys, at=self._clock())
        try:
            # httpx counts each read by itself: whoever answers byte by byte would never time out.
            async with asyncio.timeout(self._timeout):
                status, answered = await self._post(url, body, headers)
        except (TimeoutError, httpx.TimeoutException):
            return Failed(f"no answer within {self._timeout:g} s")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return Failed(f"the connection failed ({type(error).__name__})")
        if 200 <= status < 300:
            return Taken()
        if status == _GONE:
            return Gone()
        return Failed(f"answered {status}", after=wait_before(answered, now=self._clock()))

    async def _post(self, url: str, body: bytes, headers: dict[str, str]) -> tuple[int, httpx.Headers]:
        async with self._client.stream("POST", url, content=body, headers=headers) as answer:
            read = 0
            async for chunk in answer.aiter_raw():
                read += len(chunk)
                if read > _MOST:
                    break
            return answer.status_code, answer.headers
