"""Whose fault it is that a command failed: the provider's, or ours."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from queue import SimpleQueue

import pytest

from adapters.command import Adapter
from adapters.errors import CommandFailed, OwnFault, Rejected, Unavailable
from adapters.store.records import Step, StepStatus
from flows.performing import Errand, Performer, Result
from machines.kernel.command import Command
from machines.kernel.event import Event
from tests.toy import Reminder

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
KEY = "loan/L-1/reminder.send/2"


class Failing:
    limit = 1

    def __init__(self, error: Exception) -> None:
        self.error = error

    async def perform(self, command: Command) -> Event:
        raise self.error


@pytest.mark.parametrize(
    ("adapters", "failure"),
    [
        ({}, OwnFault),
        ({"reminder": Failing(KeyError("title"))}, OwnFault),
        ({"reminder": Failing(Rejected("no such address"))}, Rejected),
        ({"reminder": Failing(TimeoutError())}, Unavailable),
    ],
)
def test_a_mistake_of_ours_is_no_refusal_of_the_provider(
    adapters: Mapping[str, Adapter], failure: type[CommandFailed]
) -> None:
    results: SimpleQueue[Result] = SimpleQueue()
    performer = Performer(adapters, deliver=results.put, holds=lambda errand: False)
    performer.start()
    command = Command("reminder.send", KEY, Reminder(book="Emma"))
    step = Step(KEY, "loan/L-1", command.name, b"{}", StepStatus.RUNNING, issued=NOW)
    performer.perform([Errand(step, command, timeout=5)])
    result = results.get(timeout=10)
    performer.stop()
    assert type(result.failure) is failure
