"""What hangs on a thread is left behind when its context ends, and the log says so."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import cast

import pytest

from adapters.bulletins.secrets import Secrets
from adapters.master_key import MasterKeys
from adapters.store.bulletins import Bulletins, Subscription
from deployments import threads
from deployments.repeating import repeating
from deployments.settings import Settings
from deployments.telling import telling_subscribers

Context = Callable[["Call"], AbstractContextManager[None]]


class Call:
    """One that is not answered before the end of the test."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.answer = threading.Event()

    def __call__(self) -> None:
        self.begun.set()
        self.answer.wait()

    def subscriptions(self) -> list[Subscription]:
        self()
        return []


@pytest.fixture
def call() -> Iterator[Call]:
    call = Call()
    yield call
    call.answer.set()


def _repeating(call: Call) -> AbstractContextManager[None]:
    return repeating(call, name="asking", every=0.01, first_wait=False)


def _telling(call: Call) -> AbstractContextManager[None]:
    return telling_subscribers(
        cast("Bulletins", call),
        settings=Settings(),
        secrets=Secrets(MasterKeys(bytes(32))),
        worker=lambda: "ann",
        clock=lambda: datetime.now(UTC),
    )


@pytest.mark.parametrize(("context", "name"), [(_repeating, "asking"), (_telling, "telling subscribers")])
def test_a_call_that_hangs_keeps_nothing_from_ending(
    context: Context,
    name: str,
    call: Call,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(threads, "_SECONDS", 0.1)
    with context(call):
        assert call.begun.wait(10)
        ending = time.monotonic()
    assert time.monotonic() - ending < 5
    assert f"{name} has not ended after 0.1 s and is left behind" in caplog.messages


def test_nothing_is_said_of_what_ends(caplog: pytest.LogCaptureFixture, call: Call) -> None:
    call.answer.set()
    with _repeating(call):
        assert call.begun.wait(10)
    assert caplog.messages == []
    assert "asking" not in {thread.name for thread in threading.enumerate()}
