"""Sessions and parked steps become flow runs of a real Prefect server."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from deployments.registration import register
from flows import reconnecting, recording
from flows.owner import Owner
from flows.parking import ParkedStep
from flows.prefect_api import PrefectApi
from flows.recording import Recorder
from flows.session import Session
from flows.wording import Badge
from tests.conftest_prefect import Prefect, Relay, eventually, free_port


@pytest.fixture(scope="module")
def registered(prefect: Prefect) -> Prefect:
    asyncio.run(register())
    return prefect


@pytest.fixture
def recorded() -> dict[str, str]:
    """Which run stands for which step, as the store would note it."""
    return {}


@pytest.fixture
def recorder(registered: Prefect, recorded: dict[str, str]) -> Iterator[Recorder]:
    def note(steps: Sequence[str], run: str) -> None:
        recorded.update(dict.fromkeys(steps, run))

    owner = Owner(worker="w", installation="house")
    with Recorder(owner=owner, on_recorded=note, runs_per_second=20) as started:
        yield started


def new_key() -> str:
    return f"SO-{uuid4().hex[:8]}"


def session_of(*keys: str, event: str = "shipment.dispatched", sop: str = "order") -> Session:
    now = datetime.now(UTC)
    session = Session(sop=sop, opened=now)
    for key in keys:
        session.took(key=key, event=event)
        session.performed(
            key=key,
            command="payment.capture",
            started=now - timedelta(seconds=2),
            ended=now - timedelta(seconds=1),
            outcome="captured",
            error=None,
        )
        session.rested(key=key, title="Awaiting delivery", message="until 2026-12-03 17:00", final=False)
    return session


def parked(key: str, *, error: str = "provider down") -> ParkedStep:
    return ParkedStep(
        step=f"{key}/7", sop="order", key=key, command="payment.capture", error=error, attempts=5
    )


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the recorder said; others may have something to say of the same outage."""
    return [record.getMessage() for record in caplog.records if record.name == recording.__name__]


def test_one_case_is_one_run_named_after_it(recorder: Recorder, prefect: Prefect) -> None:
    key = new_key()
    session = session_of(key)
    session.close()
    recorder.opened(session)
    name = f"order {key}: shipment.dispatched"
    run = eventually(lambda: [run for run in prefect.runs(any_=[name]) if run["state_type"] == "COMPLETED"])[
        0
    ]
    assert run["state_name"] == "Awaiting delivery"
    assert set(run["tags"]) >= {"sop:order", f"case:{key}"}
    assert run["deployment_id"]
    (task,) = eventually(lambda: prefect.tasks(run["id"]))
    assert (task["name"], task["state_name"]) == ("payment.capture", "Completed")
    assert task["total_run_time"] == 1.0
    assert any("payment.capture: captured" in line for line in eventually(lambda: prefect.log(run["id"])))


def test_a_rush_is_one_run_with_a_table(recorder: Recorder, prefect: Prefect) -> None:
    first = new_key()
    session = session_of(first, sop="shipment")
    recorder.opened(session)
    provisional = f"shipment {first}: shipment.dispatched"
    run = eventually(lambda: prefect.runs(any_=[provisional]))[0]
    assert run["state_name"] == "Running"
    for key in (new_key() for _ in range(40)):
        session.took(key=key, event="parcel.scanned")
        session.rested(key=key, title="Delivered", message="", final=True)
    session.close()
    done = eventually(lambda: (found := prefect.run(str(run["id"])))["state_type"] == "COMPLETED" and found)
    assert (done["name"], done["state_name"]) == ("shipment x 41", "Delivered 40 of 41")
    assert done["state"]["message"] == "Delivered 40, Awaiting delivery 1"
    artifacts = {artifact["type"]: artifact for artifact in prefect.artifacts(run["id"])}
    assert artifacts["table"]["key"] == "shipment-cases"
    assert str(artifacts["table"]["data"]).count("Delivered") == 40


def test_sessions_without_budget_join_one_run(registered: Prefect) -> None:
    owner = Owner(worker=new_key(), installation="tests")

    def ended() -> list[object]:
        runs = registered.runs(like_="refund")
        ours = [run for run in runs if Owner.of(run["labels"]) == owner]
        return [run["name"] for run in ours if run["end_time"]]

    sessions = [session_of(new_key(), sop="refund") for _ in range(12)]
    with Recorder(runs_per_second=1, at_once=1, owner=owner) as recorder:
        for session in sessions:
            session.close()
            recorder.opened(session)
        told = eventually(lambda: (names := ended()) and any("refund x" in str(n) for n in names) and names)
    assert len(told) <= 2


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


def begin(owner: Owner) -> str:
    """A run that says Running."""

    async def create() -> str:
        async with PrefectApi() as api:
            running = Badge(kind="RUNNING", name="Running", message="")
            return await api.create_run(
                "refund", name="left over", tags=[], state=running, once=new_key(), labels=owner.labels
            )

    return asyncio.run(create())


def test_only_the_runs_of_our_workers_that_are_gone_are_ended(registered: Prefect) -> None:
    beating, absent = ["ann", "bob/2"], list[bool]()
    runs = {
        owner: begin(owner)
        for owner in (
            Owner(worker="ann", installation="ours"),
            Owner(worker="bob", installation="ours"),
            Owner(worker="eve", installation="ours"),
            Owner(worker="eve", installation="theirs"),
        )
    }

    def kinds() -> list[object]:
        return [registered.run(run)["state_type"] for run in runs.values()]

    me = Owner(worker="me", installation="ours")
    with Recorder(owner=me, flows=["refund"], beating=lambda: [] if absent and absent.pop() else beating):
        eventually(lambda: kinds() == ["RUNNING", "RUNNING", "CRASHED", "RUNNING"])
        beating.remove("ann")
        eventually(lambda: kinds() == ["CRASHED", "RUNNING", "CRASHED", "RUNNING"])
        # Absent for one look only, as when it begins anew.
        absent.append(True)
        eventually(lambda: not absent)
        beating[:] = ["bob/3"]
        time.sleep(3)
        assert kinds() == ["CRASHED", "RUNNING", "CRASHED", "RUNNING"]
    crashed = registered.run(runs[Owner(worker="ann", installation="ours")])
    assert str(crashed["state"]["message"]).startswith("the worker ann was gone before")
    (line,) = eventually(lambda: registered.log(crashed["id"]))
    assert line.startswith("the worker ann was gone before")
    assert "nothing need be pressed" in line
    for run in runs.values():
        registered.delete(run)


def test_a_rush_shows_its_progress_while_it_is_open(recorder: Recorder, prefect: Prefect) -> None:
    first, second = new_key(), new_key()
    session = session_of(first, second)
    recorder.opened(session)
    run = eventually(lambda: prefect.runs(any_=["order x 2"]))[0]["id"]

    def progress() -> list[tuple[object, object]]:
        told = prefect.artifacts(run)
        return [(one["data"], one["description"]) for one in told if one["type"] == "progress"]

    eventually(lambda: progress() == [(100.0, "all 2 cases have come to rest")])
    for key in (new_key(), new_key()):
        session.took(key=key, event="shipment.dispatched")
    eventually(lambda: progress() == [(50.0, "2 of 4 cases have come to rest")])
    session.rested(key=key, title="Delivered", message="", final=True)
    eventually(lambda: progress() == [(75.0, "3 of 4 cases have come to rest")])
    session.close()
    eventually(lambda: prefect.run(str(run))["state_type"] == "COMPLETED")
    told = "the run is over; 3 of 4 cases have come to rest, the others go on"
    assert progress() == [(100.0, told)]


def test_a_single_case_shows_no_progress(recorder: Recorder, prefect: Prefect) -> None:
    key = new_key()
    session = session_of(key)
    recorder.opened(session)
    run = eventually(lambda: prefect.runs(like_=key))[0]["id"]
    time.sleep(1.5)
    session.close()
    eventually(lambda: prefect.run(str(run))["state_type"] == "COMPLETED")
    assert prefect.artifacts(run) == []


def test_a_run_that_staff_deleted_is_no_obstacle(recorder: Recorder, prefect: Prefect) -> None:
    recorder.settled(str(uuid4()), "replayed")
    key = new_key()
    session = session_of(key)
    session.close()
    recorder.opened(session)
    eventually(lambda: prefect.runs(like_=key))


def test_nothing_is_lost_of_what_happened_while_prefect_was_down(
    registered: Prefect, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconnecting, "_STARTING_SECONDS", 0.0)
    # A dead port at first, behind which a relay to the real server opens later.
    port, key, step = free_port(), new_key(), parked(new_key())
    noted: list[str] = []
    session = session_of(key)
    session.close()
    recorder = Recorder(
        api_url=f"http://127.0.0.1:{port}/api", on_recorded=lambda steps, run: noted.extend(steps)
    )
    with caplog.at_level(logging.WARNING, logger="flows.recording"), recorder:
        recorder.opened(session)
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
    session = session_of(new_key(), sop=f"unheard-of-{uuid4().hex[:6]}")
    session.close()
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
        session = session_of(new_key(), sop="refund")
        session.close()
        recorder.opened(session)
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
            other = session_of(new_key(), sop="refund")
            other.close()
            recorder.opened(other)
            eventually(lambda: told(caplog), seconds=60)
        session.close()
        with Relay(port, to=registered.server.port):
            eventually(lambda: registered.run(run)["state_type"] == "COMPLETED", seconds=60)
            recorder.stop()


def test_what_is_parked_is_looked_up_on_every_connection(registered: Prefect) -> None:
    looks: list[None] = []
    session = session_of(new_key(), sop=f"unheard-of-{uuid4().hex[:6]}")
    session.close()
    with Recorder(on_connected=lambda: looks.append(None)) as recorder:
        recorder.opened(session)
        # Flows that are about to be registered are looked for every second, not less and less often.
        eventually(lambda: len(looks) >= 6)
        recorder.stop()
