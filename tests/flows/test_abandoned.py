"""Runs of a real Prefect server that a worker left behind are ended by the others."""

from __future__ import annotations

import asyncio
import time

from flows.owner import Owner
from flows.prefect_api import PrefectApi
from flows.recording import Recorder
from flows.wording import Badge
from tests.conftest_prefect import Prefect, eventually
from tests.flows.recorded import new_key


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
