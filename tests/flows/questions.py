"""Who puts questions to staff in a real Prefect server, answers them there and reads what stands in it."""

from __future__ import annotations

import asyncio
import contextvars
import gc
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from threading import Event, Thread
from typing import Any, cast
from uuid import uuid4

import pytest

from deployments.registration import register
from deployments.worker import run_worker
from flows import desk
from flows.asking import Asking
from flows.oncall import OnCall
from flows.owner import Owner
from flows.running import Running
from flows.watching import Watching
from tests.asking import STOLEN, Heard, Office
from tests.conftest_prefect import Json, Prefect, eventually


@pytest.fixture(autouse=True)
def garbage() -> Iterator[None]:
    """Collect what Prefect's clients leave behind while the tests that know of it run."""
    yield
    gc.collect()


class Listening(Heard):
    """Passes what it hears on to those who show questions."""

    def __init__(self) -> None:
        super().__init__()
        self.showing: list[Asking] = []

    def asked(self, cases: object) -> None:
        for each in self.showing:
            each.asked(cast("list[str]", cases))


@pytest.fixture(scope="module")
def listening() -> Listening:
    return Listening()


def new_key() -> str:
    return f"SO-{uuid4().hex[:8]}"


OWNER = Owner(worker="test", installation="test")


@contextmanager
def showing(office: Office, listening: Listening, *, house: str, **options: Any) -> Iterator[Asking]:
    with Asking(
        office.questions,
        house=house,
        runs_per_second=100,
        **options,
    ) as started:
        listening.showing.append(started)
        yield started
        listening.showing.remove(started)


@contextmanager
def working(office: Office, at: desk.Desk | None = None) -> Iterator[None]:
    """A worker on a thread of its own, with this office's desk, or ``at`` another."""
    ready, stop = Event(), asyncio.Event()
    loops: list[asyncio.AbstractEventLoop] = []
    watching = Watching(office.store, owner=OWNER, flows=())
    idle = office.driver(worker="idle")

    @asynccontextmanager
    async def opened() -> AsyncIterator[Running]:
        yield Running(
            store=office.store,
            driver=idle,
            watching=watching,
            submit=lambda _: {},
            resend=office.resend,
            owner=OWNER,
            on_call=OnCall(office.store, {}, clock=office.clock),
        )

    async def work() -> None:
        loops.append(asyncio.get_running_loop())
        ready.set()
        with desk.install(at or desk.Desk(office.questions, office.answers)):
            await run_worker(name=f"t {uuid4().hex[:6]}", register=register, opening=opened, stop=stop)

    thread = Thread(target=contextvars.copy_context().run, args=(asyncio.run, work()))
    thread.start()
    ready.wait(10)
    try:
        yield
    finally:
        loops[0].call_soon_threadsafe(stop.set)
        thread.join(30)
        assert not thread.is_alive()
        gc.collect()


def run_of(prefect: Prefect, key: str, *, kind: str = "PAUSED", house: str = "") -> Json:
    """The run of a question in that kind of state, of one installation if that matters."""
    name = f"{key}: In review"

    def find() -> Json | None:
        runs = [run for run in prefect.runs(any_=[name]) if run["state_type"] == kind]
        return next((run for run in runs if house in ("", house_of(run))), None)

    return eventually(find)


def house_of(run: Json) -> object:
    return cast("Json", run["labels"])["sop.questions-of"]


def resume(prefect: Prefect, run: Json, values: Json) -> Mapping[str, object]:
    """The Resume button, with its form filled in."""
    said = {"run_input": {"answered_by": "A. Tester", **values}}
    return cast("Mapping[str, object]", prefect.post(f"/flow_runs/{run['id']}/resume", said))


def message(run: Json) -> str:
    return str(cast("Mapping[str, object]", run["state"])["message"])


def inputs(prefect: Prefect, run: Json, prefix: str = "form-") -> dict[str, str]:
    body = {"prefix": prefix, "limit": 10}
    found = cast("list[Json]", prefect.post(f"/flow_runs/{run['id']}/input/filter", body))
    return {str(each["key"]): str(each["value"]) for each in found}


def typed(prefect: Prefect, run: Json) -> dict[str, str]:
    """What may hold what somebody typed."""
    return {key: value for key, value in inputs(prefect, run).items() if key != "form-description"}


def assert_nothing_typed(prefect: Prefect, run: Json) -> None:
    eventually(lambda: set(inputs(prefect, run)) <= {"form-blank", "form-description"})
    assert '"default"' not in str(typed(prefect, run))


def refuse(prefect: Prefect, office: Office, key: str, *, house: str = "") -> Json:
    """The run of a question once an answer was refused, so that it stands in the form."""
    office.place(key, **STOLEN)
    run = run_of(prefect, key, house=house)
    resume(prefect, run, {"accept": "yes", "reason": "sealed:1:C-1:smuggled"})
    again = eventually(
        lambda: (found := run_of(prefect, key, house=house)) and "not taken" in message(found) and found,
        seconds=25,
    )
    assert "smuggled" in str(typed(prefect, run))
    eventually(lambda: not inputs(prefect, run, prefix="form-answer"))  # once the form stands again
    return again
