"""Plays the toy procedure with clocks on a virtual time: timers come when they are due, as in operation."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from machines.kernel.case import Case
from machines.kernel.clock import Clock, ClockReached
from machines.kernel.clock_ledger import Ledger, Measure
from machines.kernel.decide import decide, open_case, retime
from machines.kernel.decision import Decision
from machines.kernel.definition import Definition
from machines.kernel.event import DeadlinePassed, Event, Received
from machines.kernel.state import DEADLINE
from machines.policy import Policy
from tests import toy_clock
from tests.toy_clock import Alert, Asked

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = datetime(2026, 11, 23, 8, tzinfo=UTC)  #: nine in Berlin


def at(text: str) -> datetime:
    """An instant as clocks in Berlin show it; UTC, as all instants in the kernel are."""
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).astimezone(UTC)


class Desk:
    """One question. ``told`` and ``alerts`` are what its clocks said, in order, with when they did."""

    def __init__(
        self,
        start: datetime = MONDAY,
        *,
        policy: Policy | None = None,
        asked: Asked | None = None,
        resolution: Clock = toy_clock.RESOLUTION,
    ) -> None:
        self.procedure = replace(toy_clock.PROCEDURE, clocks=(resolution, toy_clock.STATUTORY))
        self.told: list[tuple[datetime, ClockReached]] = []
        self.alerts: list[tuple[datetime, Alert]] = []
        self.decisions: list[Decision] = []
        self.under(policy or toy_clock.policy())
        self.case: Case = open_case(self.definition, key="Q-1")
        self.tell(asked or Asked(), start)

    def under(self, policy: Policy) -> None:
        """From now on this policy counts; the case does not know yet."""
        self.policy = policy
        self.definition = Definition(
            self.procedure, due=policy.due("question"), timing=policy.timing("question")
        )

    def tell(self, event: Event, now: datetime) -> Decision:
        """All timers due before ``now`` come first."""
        self.pass_until(now)
        return self.decide(event, now)

    def decide(self, event: Event, now: datetime) -> Decision:
        """Nobody looks at timers before."""
        return self._decide(event.type, event, now)

    def retime(self, now: datetime) -> Decision:
        event = DeadlinePassed(name="policy")
        return self._keep(
            retime(self.definition, self.case, Received("p", "policy", "policy.changed", event, now), now),
            now,
        )

    def pass_until(self, now: datetime) -> None:
        while due := min(
            ((timer.due, name) for name, timer in self.case.timers.items() if not timer.passed), default=None
        ):
            if due[0] > now:
                return
            last = self.decisions[-1].entry.at
            self._decide(DEADLINE + due[1], DeadlinePassed(name=due[1]), max(due[0], last))

    def come_late(self, name: str, now: datetime) -> Decision:
        """A timer that nobody fired in time."""
        return self._decide(DEADLINE + name, DeadlinePassed(name=name), now)

    @property
    def resolution(self) -> Ledger:
        return self.case.clocks["resolution"]

    def used(self, now: datetime) -> timedelta:
        return Measure(self.resolution, self.policy.calendar).used(now)

    def due(self, clock: str = "resolution") -> datetime | None:
        return self.case.clocks[clock].due

    def percents(self) -> list[int]:
        """The thresholds told that stand."""
        return [told.percent for told in self.resolution.told if told.stands]

    def _decide(self, kind: str, event: Event, now: datetime) -> Decision:
        received = Received(str(len(self.decisions)), "test", kind, event, now)
        return self._keep(decide(self.definition, self.case, received, now), now)

    def _keep(self, decision: Decision, now: datetime) -> Decision:
        timers = {**self.case.timers, **{timer.name: timer for timer in decision.timers_set}}
        for name in decision.timers_cleared:
            del timers[name]
        assert timers == decision.case.timers, "the difference leads to the timers of the case"
        self.case = decision.case
        self.decisions.append(decision)
        if isinstance(decision.entry.body, ClockReached):
            self.told.append((now, decision.entry.body))
        for command in decision.commands:
            assert isinstance(command.arguments, Alert)
            self.alerts.append((now, command.arguments))
        return decision
