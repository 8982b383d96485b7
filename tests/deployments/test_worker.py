"""The worker runs flow runs in its own process: Retry and the Run forms reach the drive loop."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread
from typing import cast
from uuid import uuid4

import pytest
from prefect import flow
from prefect.flow_runs import suspend_flow_run
from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings
from prefect.states import Completed

from adapters.archive import Archive
from adapters.correction import Correction
from adapters.dead_letters import NotResendable, Resent
from adapters.envelope import EventFault
from adapters.intake import InvalidEvents
from adapters.store.opening import open_store
from adapters.store.records import Letter, StepStatus
from deployments import worker
from deployments.registration import register
from deployments.worker import SopWorker, run_worker
from flows import back_office, runtime
from flows.back_office import BackOffice
from flows.housekeeping import Housekeeping, Retention
from flows.notifying import Notifying
from flows.oncall import OnCall
from flows.owner import Owner
from flows.parking import ParkedStep
from flows.procedures import PROCEDURES, Ended
from flows.recording import Recorder
from flows.session import Session
from tests.adapters.store.scenery import DAY, HYDRATE, NOW
from tests.adapters.store.test_pruning import end
from tests.conftest_prefect import Json, Prefect, Relay, eventually, free_port
from tests.flows.test_replaying import Bench
from tests.toy import DEFINITION

# Prefect's own clients, of its worker and flow engine, leave sockets to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


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


@pytest.fixture(scope="module")
def loop() -> Loop:
    return Loop()


@pytest.fixture(scope="module")
def prefect_with_worker(prefect: Prefect, loop: Loop) -> Iterator[Prefect]:
    asyncio.run(register())
    with working(loop):
        eventually(prefect.workers)
        yield prefect
    gc.collect()


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


def test_the_drive_loop_runs_before_prefect_does(prefect: Prefect) -> None:
    early, port = Loop(), free_port()
    with (
        temporary_settings(updates={PREFECT_API_URL: f"http://127.0.0.1:{port}/api"}),
        working(early),
    ):
        eventually(lambda: early.open)
        assert runtime.is_installed()
        before = prefect.workers()
        with Relay(port, to=prefect.server.port):
            eventually(lambda: len(prefect.workers()) > len(before), seconds=20)
    assert not early.open


def test_the_worker_outlasts_an_outage_of_prefect(prefect: Prefect) -> None:
    patient, port = Loop(), free_port()
    with (
        temporary_settings(updates={PREFECT_API_URL: f"http://127.0.0.1:{port}/api"}),
        working(patient),
    ):
        known = len(prefect.workers())
        with Relay(port, to=prefect.server.port):
            eventually(lambda: len(prefect.workers()) > known, seconds=20)
        with temporary_settings(updates={PREFECT_API_URL: prefect.server.api_url}):
            (step,), run = park()
        prefect.retry(run)
        time.sleep(5)
        assert not patient.replayed
        with Relay(port, to=prefect.server.port):
            finished(prefect, run, "COMPLETED")
            assert patient.replayed[0][0] == (step,)


def test_a_worker_whose_prefect_left_while_it_came_takes_runs_as_soon_as_it_is_back(prefect: Prefect) -> None:
    late, port = Loop(), free_port()
    registered = Event()
    with ExitStack() as up:

        async def register_and_lose_prefect() -> None:
            await register()
            up.close()
            registered.set()

        with temporary_settings(updates={PREFECT_API_URL: f"http://127.0.0.1:{port}/api"}):
            up.enter_context(Relay(port, to=prefect.server.port))
            with working(late, register=register_and_lose_prefect):
                assert registered.wait(60)
                with temporary_settings(updates={PREFECT_API_URL: prefect.server.api_url}):
                    (step,), run = park()
                prefect.retry(run)
                time.sleep(10)
                assert not late.replayed
                with Relay(port, to=prefect.server.port):
                    finished(prefect, run, "COMPLETED")
                    assert late.replayed[0][0] == (step,)


def test_housekeeping_that_would_take_hours_does_not_keep_a_worker_from_ending(
    prefect: Prefect, tmp_path: Path
) -> None:
    # Stands before the tests that keep a worker, too.
    loop, begun = Loop(), Event()

    class Slow(Archive):
        def tidy(self) -> None:
            begun.set()

    with closing(open_store("memory:", hydrate=HYDRATE)) as store:
        end(store, *(f"P-{number:03}" for number in range(100)))
        end(store, *(f"P-{number:03}" for number in range(100, 200)))
        retention = Retention(runs=DAY, versions=DAY, cases=90 * DAY)
        house = Housekeeping(
            store, Slow(tmp_path), retention=retention, clock=lambda: NOW + 91 * DAY, pause=3_600
        )
        with back_office.install(BackOffice(cast("Notifying", None), house, (), "tests")):
            with working(loop):
                eventually(prefect.workers)
                run = prefect.start("housekeeping/housekeeping", {})
                assert begun.wait(30)
                eventually(lambda: list(tmp_path.glob("*.gz")))
                stopped = time.monotonic()
            assert time.monotonic() - stopped < 8
        assert len(store.cases(limit=1_000)) == 100
    ended = prefect.run(run)
    assert (ended["state_type"], ended["state_name"]) == ("COMPLETED", "Stopped")
    assert str(ended["state"]["message"]).startswith("gone: 100 cases")


def test_a_worker_started_by_prefect_opens_the_drive_loop_itself(
    prefect: Prefect, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Stands before the tests that keep a worker: it would take the run first.
    own = Loop()
    monkeypatch.setattr(worker, "open_runtime", own.opened)
    asyncio.run(register())
    (step,), run = park()
    prefect.retry(run)

    async def once() -> None:
        started = SopWorker(work_pool_name="sop", name="by hand", limit=5)
        await started.start(run_once=True, printer=lambda *_: None)

    asyncio.run(once())
    assert prefect.run(run)["state_type"] == "COMPLETED"
    assert own.replayed[-1][0] == (step,)
    assert not own.open


def test_retry_replays_the_step_in_this_process(prefect_with_worker: Prefect, loop: Loop) -> None:
    (step,), run = park()
    assert prefect_with_worker.retry(run)["status"] == "ACCEPT"
    done = finished(prefect_with_worker, run, "COMPLETED")
    assert done["state"]["message"] == "replayed"
    steps, who, reason = loop.replayed[-1]
    assert (steps, who) == ((step,), "Prefect UI")
    assert reason == f"Retry of {done['name']}"
    assert loop.pid == os.getpid()


def test_a_replay_that_fails_stays_failed_and_may_be_retried(
    prefect_with_worker: Prefect, loop: Loop
) -> None:
    (step,), run = park()
    loop.errors[step] = "card expired"
    prefect_with_worker.retry(run)
    failed = eventually(
        lambda: (found := prefect_with_worker.run(run))["state"]["message"] == "card expired" and found
    )
    assert (failed["state_type"], failed["state_name"]) == ("FAILED", "Failed")
    eventually(lambda: f"step {step} failed again: card expired" in prefect_with_worker.log(run))
    del loop.errors[step]
    assert prefect_with_worker.retry(run)["status"] == "ACCEPT"
    finished(prefect_with_worker, run, "COMPLETED")


def test_retry_of_an_incident_replays_all_its_steps(prefect_with_worker: Prefect, loop: Loop) -> None:
    steps, run = park(30)
    prefect_with_worker.retry(run)
    assert finished(prefect_with_worker, run, "COMPLETED")["state"]["message"] == "30 steps replayed"
    assert sorted(loop.replayed[-1][0]) == sorted(steps)


def test_the_event_form_puts_an_event_in_the_inbox_and_forgets_its_data(
    prefect_with_worker: Prefect, loop: Loop
) -> None:
    sent = {"type": "order.cancelled", "subject": "SO-77", "data": {"reason": "Anna moved"}, "id": "ui-77"}
    run = prefect_with_worker.start("event/event", sent)
    done = finished(prefect_with_worker, run, "COMPLETED")
    assert (done["name"], done["state_name"]) == ("SO-77: order.cancelled", "Applied")
    assert loop.submitted[-1] == sent
    assert done["parameters"] == {**sent, "data": {}}


def test_on_call_staff_replay_skip_and_send_back_by_form(prefect_with_worker: Prefect, loop: Loop) -> None:
    who = {"who": "J. Berg", "reason": "the provider is back"}

    def becomes(flow: str, kind: str, **filled: object) -> tuple[object, object]:
        run = prefect_with_worker.start(f"{flow}/{flow}", {**who, **filled})
        done = finished(prefect_with_worker, run, kind)
        return done["state_name"], done["state"]["message"]

    assert becomes("replay", "COMPLETED", sop="loan") == ("Dry run", "9 steps, no money at stake")
    assert loop.bench.batches == []
    skipped = {"step": "step-0008", "outcome": "reminder.sent"}
    assert becomes("skip", "COMPLETED", **skipped) == ("Skipped", "reminder.sent")
    assert becomes("skip", "FAILED", **skipped)[1] == (
        "nothing parked is called step-0008; 'sop steps --failed' lists what is"
    )
    unknown = becomes("retry", "FAILED", step="step-0007", changes={"bok": "Persuasion"})
    assert unknown[1] == "reminder.send has no argument 'bok'; it has book"
    assert becomes("send-back", "FAILED", case="L-9", to="lent")[1] == "there is no case L-9"
    told = becomes("replay", "FAILED", sop="loan", dry_run=False)
    assert told == ("Failed", "5 of 8 done, 3 failed again")


def test_a_refused_event_fails_in_words_and_is_forgotten_too(
    prefect_with_worker: Prefect, loop: Loop
) -> None:
    sent = {"type": "order.amend", "subject": "SO-78", "data": {"adress": "Anna's street 1"}, "id": "ui-78"}
    run = prefect_with_worker.start("event/event", sent)
    done = finished(prefect_with_worker, run, "FAILED")
    assert done["name"] == "SO-78: order.amend"
    assert done["state"]["message"] == "data.adress: not a field; did you mean address?"
    assert "Anna" not in str(done)
    assert not any("Anna" in line or "Traceback" in line for line in prefect_with_worker.log(run))

    count = len(loop.submitted)
    prefect_with_worker.retry(run)
    forgotten = "what was typed is forgotten; start a new run and fill in its form again"
    eventually(lambda: prefect_with_worker.run(run)["state"]["message"] == forgotten)
    assert len(loop.submitted) == count, "Retry must not send the event without its data"


def test_a_letter_is_sent_again_by_form_and_what_was_typed_is_forgotten(
    prefect_with_worker: Prefect, loop: Loop
) -> None:
    typed = {"letter": 17, "who": "Ann", "reason": "typo", "subject": "SO-1", "data": {"note": "Anna moved"}}
    done = finished(prefect_with_worker, prefect_with_worker.start("resend/resend", typed), "COMPLETED")
    assert (done["name"], done["state_name"]) == ("resend letter 17", "Sent again")
    assert done["state"]["message"] == "letter 17 is sent again as 18: order.cancel for order/SO-1"
    assert loop.resent[-1] == (17, Correction(subject="SO-1", data={"note": "Anna moved"}), "Ann", "typo")
    assert "Anna moved" not in str(done)
    failed = {"letter": 404, "who": "Ann", "reason": "typo"}
    done = finished(prefect_with_worker, prefect_with_worker.start("resend/resend", failed), "FAILED")
    assert done["state"]["message"] == "there is no letter 404"


def test_an_unforeseen_failure_does_not_end_attachment(
    prefect: Prefect, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "_AGAIN_SECONDS", 0.01)
    tries: list[int] = []

    async def fail() -> None:
        tries.append(1)
        raise KeyError("unforeseen")

    attachment = worker.Attachment(name=None, pool="sop", register=fail)
    attachment.start()
    eventually(lambda: len(tries) > 3)
    attachment.stop()
    assert [record.message for record in caplog.records if record.name == worker.__name__] == [
        "not attached to Prefect, trying on"
    ]


def test_attaching_is_tried_again_soon_after_an_outage_and_flows_are_as_patient_as_set(
    prefect_with_worker: Prefect, loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    patience: dict[str, int] = {}

    async def note() -> None:
        patience["registering"] = PREFECT_CLIENT_MAX_RETRIES.value()

    attachment = worker.Attachment(name=None, pool="sop", register=note)
    attachment.start()
    eventually(lambda: "registering" in patience)
    attachment.stop()

    async def drive(sop: str) -> Session:
        patience["a flow"] = PREFECT_CLIENT_MAX_RETRIES.value()
        return await Loop.drive(loop, sop)

    monkeypatch.setattr(loop, "drive", drive)
    finished(prefect_with_worker, prefect_with_worker.start("refund/refund", {}), "COMPLETED")
    assert patience == {"registering": 2, "a flow": PREFECT_CLIENT_MAX_RETRIES.value()}


def test_a_procedure_started_by_hand_drives_what_is_ready(prefect_with_worker: Prefect) -> None:
    run = prefect_with_worker.start("refund/refund", {})
    done = finished(prefect_with_worker, run, "COMPLETED")
    assert (done["name"], done["state_name"]) == ("refund x 2", "Refunded (all 2)")
    assert done["state"]["message"] == "Refunded 2"


def test_a_suspended_run_is_left_alone_until_it_is_resumed(
    prefect_with_worker: Prefect, monkeypatch: pytest.MonkeyPatch
) -> None:
    @flow(name="asking", persist_result=False)
    async def asking() -> Ended:
        # The stubs know only the blocking face of this function.
        await cast("Awaitable[None]", suspend_flow_run(timeout=600))
        return Completed(message="answered")

    monkeypatch.setitem(PROCEDURES, "asking", asking)
    asyncio.run(register())
    run = prefect_with_worker.start("asking/asking", {})
    assert finished(prefect_with_worker, run, "PAUSED")["state_name"] == "Suspended"
    prefect_with_worker.post(f"/flow_runs/{run}/resume", {})
    assert finished(prefect_with_worker, run, "COMPLETED")["state"]["message"] == "answered"


def test_registering_again_changes_nothing_that_staff_set(prefect_with_worker: Prefect) -> None:
    found = prefect_with_worker.deployment("shipment/shipment")
    prefect_with_worker.pause(found["id"], paused=True)
    asyncio.run(register())
    again = prefect_with_worker.deployment("shipment/shipment")
    assert (again["id"], again["paused"]) == (found["id"], True)
    prefect_with_worker.pause(found["id"], paused=False)


def test_what_prefects_server_loads_to_list_worker_types_is_not_the_whole_application() -> None:
    script = "import sys, deployments.worker; print('\\n'.join(sys.modules))"
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "deployments.worker" in told.stdout.splitlines()
    assert {"machines.catalogue", "flows.procedures"}.isdisjoint(told.stdout.splitlines())
