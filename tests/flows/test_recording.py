"""Parked steps become flow runs of a real Prefect server, and its outages lose none of what is recorded."""

from __future__ import annotations

import logging
import time
from typing import Any
from uuid import uuid4

import httpx
import pytest

from flows import reconnecting, recording
from flows.parking import ParkedStep
from flows.prefect_api import PrefectApi
from flows.recording import Recorder
from flows.session import Session
from tests.conftest_prefect import Prefect, Relay, eventually, free_port
from tests.flows.recorded import new_key, recorded, recorder, session_of

__all__ = ["recorded", "recorder"]


def parked(key: str, *, error: str = "provider down") -> ParkedStep:
    return ParkedStep(
        step=f"{key}/7", sop="order", key=key, command="payment.capture", error=error, attempts=5
    )


def closed_session(key: str, *, sop: str = "order") -> Session:
    session = session_of(key, sop=sop)
    session.close()
    return session


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the recorder said; others may have something to say of the same outage."""
    return [record.getMessage() for record in caplog.records if record.name == recording.__name__]


def test_a_parked_step_is_a_failed_run(
    recorder: Recorder, prefect: Prefect, recorded: dict[str, str]
) -> None:
    key = new_key()
    recorder.parked([parked(key, error="card declined")])
    run = prefect.run(eventually(lambda: recorded.get(f"{key}/7")))
    assert (run["name"], run["state_type"]) == (f"{key}: payment.capture", "FAILED")
    assert run["parameters"] == {"steps": [f"{key}/7"]}
    assert run["state"]["message"] == "card declined; 5 attempts"
    assert run["labels"]["sop.installation"] == "house"
    log = eventually(lambda: prefect.log(run["id"]))
    assert log[0] == f"payment.capture of {key} failed after 5 attempts: card declined"

    recorder.settled(str(run["id"]), "replayed by J. Berg: card updated")
    settled = eventually(
        lambda: (found := prefect.run(str(run["id"])))["state_type"] == "COMPLETED" and found
    )
    assert settled["state"]["message"] == "replayed by J. Berg: card updated"


def test_a_step_that_parks_again_keeps_its_run(
    recorder: Recorder, prefect: Prefect, recorded: dict[str, str]
) -> None:
    step = parked(new_key())
    recorder.parked([step])
    run = eventually(lambda: recorded.get(step.step))
    recorder.settled(run, "replayed")
    eventually(lambda: prefect.run(run)["state_type"] == "COMPLETED")
    again = ParkedStep(
        step=step.step,
        sop=step.sop,
        key=step.key,
        command=step.command,
        error="card expired",
        attempts=10,
        run=run,
    )
    recorder.parked([again])
    failed = eventually(lambda: (found := prefect.run(run))["state_type"] == "FAILED" and found)
    assert failed["state"]["message"] == "card expired; 10 attempts"


def test_many_steps_of_one_cause_are_one_run(
    recorder: Recorder, prefect: Prefect, recorded: dict[str, str]
) -> None:
    cause = f"provider answered 503 to {uuid4().hex[:6]}"
    steps = [parked(new_key(), error=cause) for _ in range(25)]
    recorder.parked(steps)
    eventually(lambda: all(step.step in recorded for step in steps))
    (run_id,) = {recorded[step.step] for step in steps}
    run = prefect.run(run_id)
    assert (run["name"], run["state_type"]) == ("order: payment.capture x 25", "FAILED")
    assert len(prefect.artifacts(run_id)) == 1


def test_a_run_that_staff_deleted_is_no_obstacle(recorder: Recorder, prefect: Prefect) -> None:
    recorder.settled(str(uuid4()), "replayed")
    key = new_key()
    recorder.opened(closed_session(key))
    eventually(lambda: prefect.runs(like_=key))


def test_nothing_is_lost_of_what_happened_while_prefect_was_down(
    registered: Prefect, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconnecting, "_STARTING_SECONDS", 0.0)
    # A dead port at first, behind which a relay to the real server opens later.
    port, key, step = free_port(), new_key(), parked(new_key())
    noted: list[str] = []
    recorder = Recorder(
        api_url=f"http://127.0.0.1:{port}/api", on_recorded=lambda steps, run: noted.extend(steps)
    )
    with caplog.at_level(logging.WARNING, logger="flows.recording"), recorder:
        recorder.opened(closed_session(key))
        recorder.parked([step])
        time.sleep(2.5)
        assert len(told(caplog)) == 1
        with Relay(port, to=registered.server.port):
            eventually(lambda: noted)
            eventually(lambda: registered.runs(like_=key))
            eventually(lambda: len(told(caplog)) == 2)
            recorder.stop()
    assert noted == [step.step]
    assert told(caplog)[-1] == "recording in Prefect goes on; 0 wake-ups were not recorded"


def test_the_end_of_an_outage_is_noticed_while_work_goes_on_without_a_pause(
    registered: Prefect, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconnecting, "_STARTING_SECONDS", 0.0)
    monkeypatch.setattr(recording, "_SURE_SECONDS", 0.5)
    port, session = free_port(), session_of(new_key())
    recorder = Recorder(api_url=f"http://127.0.0.1:{port}/api")
    recorder.opened(session)
    with caplog.at_level(logging.WARNING, logger="flows.recording"), recorder:
        eventually(lambda: len(told(caplog)) == 1)
        with Relay(port, to=registered.server.port):
            eventually(lambda: len(told(caplog)) == 2)
            session.close()
            recorder.stop()
    assert told(caplog)[-1] == "recording in Prefect goes on; 0 wake-ups were not recorded"


def test_flows_that_are_not_registered_yet_are_not_called_an_outage(
    registered: Prefect, caplog: pytest.LogCaptureFixture
) -> None:
    session = closed_session(new_key(), sop=f"unheard-of-{uuid4().hex[:6]}")
    with caplog.at_level(logging.INFO, logger="flows.recording"), Recorder() as recorder:
        recorder.opened(session)
        eventually(lambda: told(caplog))
        recorder.stop()
    assert told(caplog) == ["Prefect does not know our flows yet, cases go on unobserved"]


@pytest.mark.parametrize("starting", [True, False], ids=["starting", "outage"])
def test_a_long_outage_keeps_the_latest_wake_ups_and_every_parked_step(
    registered: Prefect,
    caplog: pytest.LogCaptureFixture,
    recorded: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    *,
    starting: bool,
) -> None:
    """That of a server that starts beside us is told only by what was forgotten meanwhile."""
    if not starting:
        monkeypatch.setattr(reconnecting, "_STARTING_SECONDS", 0.0)
    port, cause = free_port(), f"no answer {uuid4().hex[:6]}"
    steps = [parked(new_key(), error=cause) for _ in range(300)]
    recorder = Recorder(
        api_url=f"http://127.0.0.1:{port}/api",
        on_recorded=lambda told, run: recorded.update(dict.fromkeys(told, run)),
    )
    for _ in range(recording.MOST_SESSIONS + 30):
        recorder.opened(closed_session(new_key(), sop="refund"))
    recorder.parked(steps)
    with caplog.at_level(logging.WARNING, logger="flows.recording"), recorder:
        eventually(lambda: starting or len(told(caplog)) == 1)
        with Relay(port, to=registered.server.port):
            eventually(lambda: len(told(caplog)) == (1 if starting else 2))
            recorder.stop()
    assert told(caplog)[-1] == "recording in Prefect goes on; 30 wake-ups were not recorded"
    assert len({recorded[step.step] for step in steps}) == 1
    assert registered.runs(any_=[f"refund x {recording.MOST_SESSIONS}"])


def test_a_run_that_was_begun_before_a_long_outage_is_ended_after_it(
    registered: Prefect, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "MOST_SESSIONS", 3)
    port, key = free_port(), new_key()
    session = session_of(key)
    recorder = Recorder(api_url=f"http://127.0.0.1:{port}/api")
    with caplog.at_level(logging.WARNING, logger="flows.recording"), recorder:
        with Relay(port, to=registered.server.port):
            recorder.opened(session)
            run = str(eventually(lambda: registered.runs(like_=key))[0]["id"])
        for _ in range(6):
            recorder.opened(closed_session(new_key(), sop="refund"))
            eventually(lambda: told(caplog), seconds=60)
        session.close()
        with Relay(port, to=registered.server.port):
            eventually(lambda: registered.run(run)["state_type"] == "COMPLETED", seconds=60)
            recorder.stop()


def test_what_comes_during_an_outage_is_no_part_of_a_run_that_was_made_as_it_began(
    registered: Prefect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Prefect made the run, but its answer was lost: who looks for runs since the outage must find some."""
    before, during = new_key(), new_key()
    recorder = Recorder()
    create = PrefectApi.create_run

    async def create_and_die(api: PrefectApi, *told: Any, **more: Any) -> str:
        monkeypatch.setattr(PrefectApi, "create_run", create)
        await create(api, *told, **more)
        recorder.opened(closed_session(during))
        raise httpx.ReadError("the server is gone")

    monkeypatch.setattr(PrefectApi, "create_run", create_and_die)
    recorder.opened(closed_session(before))
    with recorder:
        eventually(lambda: registered.runs(like_=during))
        recorder.stop()
    assert len(registered.runs(like_=before)) == 1


def test_what_is_parked_is_looked_up_on_every_connection(registered: Prefect) -> None:
    looks: list[None] = []
    session = closed_session(new_key(), sop=f"unheard-of-{uuid4().hex[:6]}")
    with Recorder(on_connected=lambda: looks.append(None)) as recorder:
        recorder.opened(session)
        # Flows that are about to be registered are looked for every second, not less and less often.
        eventually(lambda: len(looks) >= 6)
        recorder.stop()
