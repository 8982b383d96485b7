"""The worker runs flow runs in its own process: Retry and the Run forms reach the drive loop."""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import Awaitable, Iterator
from typing import cast

import pytest
from prefect import flow
from prefect.flow_runs import suspend_flow_run
from prefect.settings import PREFECT_CLIENT_MAX_RETRIES
from prefect.states import Completed

from adapters.correction import Correction
from deployments import worker
from deployments.registration import register
from flows.procedures import PROCEDURES, Ended
from flows.session import Session
from tests.conftest_prefect import Prefect, eventually
from tests.deployments.loops import Loop, finished, garbage, park, working

__all__ = ["garbage"]

# Prefect's own clients, of its worker and flow engine, leave sockets to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(scope="module")
def loop() -> Loop:
    return Loop()


@pytest.fixture(scope="module")
def prefect_with_worker(registered: Prefect, loop: Loop) -> Iterator[Prefect]:
    with working(loop):
        eventually(registered.workers)
        yield registered
    gc.collect()


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
