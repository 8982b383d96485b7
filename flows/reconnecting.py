"""A thread that keeps up a connection to Prefect, for as long as nobody stops it."""

from __future__ import annotations

import asyncio
import contextvars
import threading
import time
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager
from typing import Any

import httpx
from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, temporary_settings

_RETRIES = 2  #: after 2 and 4 seconds, for a server that is busy for a moment
_PAUSE_SECONDS = 2.0  #: after a connection that ended without an error, or was refused at first
_STARTING_SECONDS = 60.0  #: Prefect's server may start beside us, and takes half of that on a busy machine


def with_few_retries() -> AbstractContextManager[object]:
    """Prefect's client repeats a call five times, with pauses that would outlast an outage by half a minute:
    who connects anew by himself has it give up sooner. It costs some 20 ms to enter."""
    return temporary_settings(updates={PREFECT_CLIENT_MAX_RETRIES: _RETRIES})


class Reconnecting:
    """Runs `serve` on a thread called `name`, again and again, until it is stopped.

    `serve` holds one connection and returns soon after `stopping` is set. What ends it otherwise is told to
    `failed`, which answers after how many seconds the next attempt begins. Each attempt has an event loop of
    its own: nothing of a broken connection, such as a cancellation that came too late, reaches the next.
    In the first minute nobody is told of a connection that cannot be made: the server may be starting. Once
    it has ``answered``, or failed in any other way, everything is told.
    """

    def __init__(
        self,
        serve: Callable[[], Coroutine[Any, Any, None]],
        *,
        failed: Callable[[BaseException], float],
        name: str,
    ) -> None:
        self.stopping = threading.Event()
        self._serve = serve
        self._failed = failed
        self._starting = float("-inf")
        # Prefect keeps in the context which settings hold.
        context = contextvars.copy_context()
        self._thread = threading.Thread(target=context.run, args=(self._keep_up,), name=name, daemon=True)

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def stop(self, *, seconds: float) -> None:
        """Have the connection ended, and wait so long for it at most."""
        self.stopping.set()
        if self._thread.is_alive():
            self._thread.join(seconds)

    def answered(self) -> None:
        """The server is there: from now on it is missed. For ``serve``, once it is connected."""
        self._starting = float("-inf")

    @property
    def alive(self) -> bool:
        """Whether it was started and has not ended."""
        return self._thread.is_alive()

    def _keep_up(self) -> None:
        self._starting = time.monotonic() + _STARTING_SECONDS
        while True:
            pause = _PAUSE_SECONDS
            try:
                asyncio.run(self._serve())
            except BaseException as error:
                # On a thread nobody else would hear of it, and there is no reason not to try again.
                if not isinstance(error, httpx.ConnectError) or time.monotonic() > self._starting:
                    self.answered()
                    pause = self._failed(error)
            if self.stopping.wait(pause):
                return
