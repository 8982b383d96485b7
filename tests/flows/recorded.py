"""Recorders, and what a drive loop would tell them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from flows.owner import Owner
from flows.recording import Recorder
from flows.session import Session
from tests.conftest_prefect import Prefect


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
