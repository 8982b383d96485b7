"""Drive loops that remember what they were asked, workers that keep them, and parked steps in Prefect."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from threading import Event, Thread
from typing import cast
from uuid import uuid4

import pytest

from adapters.correction import Correction
from adapters.dead_letters import NotResendable, Resent
from adapters.envelope import EventFault
from adapters.intake import InvalidEvents
from adapters.store.records import Letter, StepStatus
from deployments.registration import register
from deployments.worker import run_worker
from flows.oncall import OnCall
from flows.owner import Owner
from flows.parking import ParkedStep
from flows.recording import Recorder
from flows.session import Session
from tests.conftest_prefect import Json, Prefect, eventually
from tests.flows.test_replaying import Bench
from tests.toy import DEFINITION


@pytest.fixture(autouse=True)
def garbage() -> Iterator[None]:
    """Collect what Prefect leaves behind while the tests that know of it run."""
    yield
    gc.collect()


class Loop:
    """A drive loop that remembers what it was asked and answers as told."""

    def __init__(self) -> None:
        self.owner = Owner(worker=f"loop-{uuid4().hex[:6]}", installation="tests")
        self.errors: dict[str, str] = {}
        self.replayed: list[tuple[tuple[str, ...], str, str]] = []
        self.submitted: list[Mapping[str, object]] = []
        self.resent: list[tuple[int, Correction, str, str]] = []
        self.open = False
        self.pid = 0
        self.bench = Bench(9, ends=lambda n: StepStatus.PARKED if n > 4 else StepStatus.DONE)
        self.on_call = OnCall(self.bench, {"loan": DEFINITION}, clock=lambda: datetime.now(UTC))

    async def replay(self, steps: Sequence[str], *, who: str, reason: str) -> Mapping[str, str | None]:
        self.replayed.append((tuple(steps), who, reason))
        self.pid = os.getpid()
        return {step: self.errors.get(step) for step in steps}

    async def submit(self, event: Mapping[str, object]) -> Mapping[str, object]:
        self.submitted.append(event)
        if "adress" in cast("Mapping[str, object]", event["data"]):
            raise InvalidEvents([EventFault(0, "data.adress", "not a field; did you mean address?")])
        return {"status": "applied", "case": event["subject"]}

    async def resend(self, letter: int, changes: Correction, *, who: str, reason: str) -> Resent:
        self.resent.append((letter, changes, who, reason))
        if letter == 404:
            raise NotResendable("there is no letter 404")
        return Resent(
            18, Letter("staff", "letter-17", "order.cancel", "order", "SO-1", b"{}", datetime.now(UTC))
        )

    async def drive(self, sop: str) -> Session:
        session = Session(sop=sop, opened=datetime.now(UTC))
        for key in ("RF-1", "RF-2"):
            session.took(key=key, event="refund.approved")
            session.rested(key=key, title="Refunded", message="", final=True)
        session.close()
        return session

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Loop]:
        self.open = True
        try:
            yield self
        finally:
            self.open = False


@contextmanager
def working(loop: Loop, *, register: Callable[[], Awaitable[None]] = register) -> Iterator[None]:
    """A worker on its own thread, as the `sop worker` command starts it."""
    ready, stop = Event(), asyncio.Event()
    loops: list[asyncio.AbstractEventLoop] = []

    async def work() -> None:
        loops.append(asyncio.get_running_loop())
        ready.set()
        await run_worker(name=f"test {uuid4().hex[:6]}", register=register, opening=loop.opened, stop=stop)

    context = contextvars.copy_context()
    thread = Thread(target=context.run, args=(asyncio.run, work()))
    thread.start()
    ready.wait(10)
    try:
        yield
    finally:
        loops[0].call_soon_threadsafe(stop.set)
        thread.join(30)
        assert not thread.is_alive()


def park(count: int = 1) -> tuple[list[str], str]:
    """Parked steps shown by a recorder, and the run that stands for them."""
    cause = uuid4().hex[:6]
    steps = [
        ParkedStep(
            step=f"{cause}/{number}",
            sop="order",
            key=f"SO-{cause}-{number}",
            command="payment.capture",
            error=f"provider answered {cause}",
            attempts=5,
        )
        for number in range(count)
    ]
    noted: dict[str, str] = {}
    with Recorder(on_recorded=lambda told, run: noted.update(dict.fromkeys(told, run))) as recorder:
        recorder.parked(steps)
        eventually(lambda: len(noted) == count)
    (run,) = set(noted.values())
    return [step.step for step in steps], run


def finished(prefect: Prefect, run: str, kind: str) -> Json:
    return eventually(lambda: (found := prefect.run(run))["state_type"] == kind and found, seconds=20)
