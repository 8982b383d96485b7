"""A wake-up becomes a flow run of a real Prefect server, named after its case or its rush."""

from __future__ import annotations

import time

from flows.owner import Owner
from flows.recording import Recorder
from tests.conftest_prefect import Prefect, eventually
from tests.flows.recorded import new_key, recorded, recorder, session_of

__all__ = ["recorded", "recorder"]


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
