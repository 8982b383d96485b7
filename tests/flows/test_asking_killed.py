"""A worker killed while it takes an answer. Apart from the other tests of questions, whose worker, alive as
long as they run, would take the answer in its place."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from adapters.store.records import InboxStatus
from flows import ask_api
from tests.asking import STOLEN, open_office
from tests.conftest_prefect import Prefect, eventually
from tests.flows.questions import (
    Listening,
    garbage,
    listening,
    new_key,
    resume,
    run_of,
    showing,
    working,
)

__all__ = ["garbage", "listening"]

# As in the tests of questions: what Prefect's clients leave behind is collected here, where it is known of.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.mark.crash
@pytest.mark.parametrize("kind", ["mute", "deaf"])
def test_a_worker_killed_while_it_takes_an_answer_loses_nothing(
    kind: str, registered: Prefect, listening: Listening, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ask_api, "_LOST", timedelta(seconds=2))
    house, key = uuid4().hex, new_key()
    with open_office(tmp_path) as office:
        office.place(key, **STOLEN)
        office.asked(key, "in_review")
    with open_office(tmp_path, driving=False) as office, showing(office, listening, house=house):
        run = run_of(registered, key, house=house)
    command = [sys.executable, "-m", "tests.flows.dying_worker", kind, str(tmp_path)]
    environment = {**os.environ, "PREFECT_API_URL": registered.server.api_url}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        resume(registered, run, {"accept": "no", "reason": "stolen", "answered_by": "Anna"})
        with open_office(tmp_path, driving=False) as office:
            eventually(lambda: registered.run(str(run["id"]))["state_type"] == "RUNNING", seconds=60)
            if kind == "deaf":
                eventually(lambda: office.store.inbox(status=[InboxStatus.NEW]))
            else:
                assert process.stdout is not None
                assert process.stdout.readline() == "answering\n"
                assert not office.store.inbox(status=[InboxStatus.NEW])
        process.kill()
    with open_office(tmp_path) as office, showing(office, listening, house=house), working(office):
        ended = run_of(registered, key, kind="COMPLETED", house=house)
        assert (ended["id"], ended["state_name"]) == (run["id"], "Rejected")
        assert office.state(key) == "rejected"
        answered = [e for e, _ in office.store.journal(f"order/{key}") if e.event == "order.reviewed"]
        assert [(e.source, e.disposition.value) for e in answered] == [("prefect-ui:Anna", "handled")]
