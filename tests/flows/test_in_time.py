"""Who wrote before a deadline is in time, whenever the drive loop comes to it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.asking import FEE, open_office
from tests.conftest_prefect import eventually


@pytest.mark.parametrize(
    "early", [timedelta(hours=71), timedelta(milliseconds=30)], ids=["a day at once", "at the last moment"]
)
def test_an_answer_given_while_nobody_works_is_in_time(early: timedelta) -> None:
    with open_office(driving=False) as office:
        driver = office.driver()
        driver.start()
        office.place("SO-1", **FEE)
        question = office.asked("SO-1", "awaiting_choice")
        driver.stop()
        assert question.due is not None
        office.clock.ahead = question.due.due - early - datetime.now(UTC)
        office.send("order.choice", "SO-1", {"choice": "accept"})
        office.clock.ahead += timedelta(hours=80)
        later = office.driver(worker="w-2")
        later.start()
        eventually(lambda: office.state("SO-1") == "awaiting_dispatch")
        later.stop()
        journal = [entry.event for entry, _ in office.store.journal("order/SO-1")]
    assert "deadline.answer_due" not in journal
