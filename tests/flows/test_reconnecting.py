"""A connection is taken up again whatever ends it, and ends when it is told to."""

from __future__ import annotations

import asyncio
import threading

import httpx
import pytest

from flows import reconnecting
from flows.reconnecting import Reconnecting


@pytest.mark.parametrize(
    "end",
    [
        OSError("reset by peer"),
        # What a task group's end and an abandoned request leave behind: nothing an `except Exception` sees.
        asyncio.CancelledError(),
        BaseExceptionGroup("at once", [asyncio.CancelledError(), OSError("reset")]),
    ],
    ids=lambda end: type(end).__name__,
)
def test_whatever_ends_it_is_told_and_the_next_attempt_has_a_loop_of_its_own(end: BaseException) -> None:
    loops: list[asyncio.AbstractEventLoop] = []
    told: list[BaseException] = []
    again = threading.Event()

    async def serve() -> None:
        loops.append(asyncio.get_running_loop())
        if len(loops) < 3:
            raise end
        again.set()
        while not kept.stopping.is_set():  # noqa: ASYNC110
            await asyncio.sleep(0.01)

    def failed(error: BaseException) -> float:
        told.append(error)
        return 0.01

    kept = Reconnecting(serve, failed=failed, name="kept")
    kept.start()
    assert again.wait(10)
    kept.stop(seconds=10)
    assert not kept.alive
    assert told == [end, end]
    assert len(set(map(id, loops))) == 3


def test_a_cancellation_from_within_ends_the_attempt_and_not_the_thread() -> None:
    attempts: list[int] = []
    again = threading.Event()

    async def serve() -> None:
        attempts.append(len(attempts))
        if len(attempts) > 1:
            again.set()
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.sleep(10)

    kept = Reconnecting(serve, failed=lambda _: 0.01, name="kept")
    kept.start()
    assert again.wait(10)
    kept.stop(seconds=10)
    assert not kept.alive


def test_stopped_before_it_started_it_was_never_there() -> None:
    async def serve() -> None:
        raise AssertionError("nobody started it")

    kept = Reconnecting(serve, failed=lambda _: 0.0, name="kept")
    kept.stop(seconds=1)
    assert not kept.alive


def test_a_server_that_starts_beside_us_is_told_of_only_when_it_takes_too_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reconnecting, "_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(reconnecting, "_STARTING_SECONDS", 0.5)
    attempts: list[int] = []
    told: list[int] = []
    again = threading.Event()

    async def serve() -> None:
        attempts.append(len(attempts))
        raise httpx.ConnectError("refused")

    def failed(error: BaseException) -> float:
        told.append(len(attempts))
        again.set()
        return 60.0

    kept = Reconnecting(serve, failed=failed, name="kept")
    kept.start()
    assert again.wait(10)
    kept.stop(seconds=10)
    assert len(told) == 1
    assert told[0] > 3


def test_a_server_that_had_answered_is_missed_at_once() -> None:
    attempts: list[int] = []
    missed = threading.Event()

    async def serve() -> None:
        attempts.append(len(attempts))
        if len(attempts) == 1:
            raise RuntimeError("it answers, but not as we wish")
        raise httpx.ConnectError("gone")

    def failed(error: BaseException) -> float:
        if isinstance(error, httpx.ConnectError):
            missed.set()
        return 0.01

    kept = Reconnecting(serve, failed=failed, name="kept")
    kept.start()
    assert missed.wait(10)
    kept.stop(seconds=10)
    assert len(attempts) == 2


def test_a_server_that_was_connected_to_and_is_gone_is_missed_at_once() -> None:
    attempts: list[int] = []
    missed = threading.Event()

    async def serve() -> None:
        attempts.append(len(attempts))
        kept.answered()
        raise httpx.ConnectError("gone")

    def failed(error: BaseException) -> float:
        missed.set()
        return 60.0

    kept = Reconnecting(serve, failed=failed, name="kept")
    kept.start()
    assert missed.wait(10)
    kept.stop(seconds=10)
    assert len(attempts) == 1
