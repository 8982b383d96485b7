"""Staff hold and resume a case, hand it over, note something: whatever its procedure says."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from machines.attention import attention
from machines.kernel.case import Case
from machines.kernel.clock import Mode
from machines.kernel.clock_ledger import Measure
from machines.kernel.decision import Decision
from machines.kernel.duration import hours, working_hours
from machines.kernel.event import Event, Received
from machines.kernel.rule import Disposition
from machines.kernel.state import Deadline, Instant, Wait
from machines.kernel.steering import Assigned, CancelAsked, Noted, PutOnHold, Resumed, steer
from machines.kernel.timekeeping import ON_HOLD
from machines.policy import Policy
from tests import toy_clock
from tests.machines.kernel.desk import MONDAY, Desk, at
from tests.toy_clock import Answered, AskedBack, Replied

HOLD = PutOnHold(who="ann", reason="the carrier strikes")
RESUME = Resumed(who="bob", reason="the strike is over")
IN_OFFICE_HOURS = Deadline("reply", "Nobody replied.", after=working_hours(6))
BY_THE_WALL = Deadline("ring", "Call again.", after=hours(30))
PROMISED = Deadline(
    "promised", "The day has come.", until=Instant("Wednesday", lambda _: MONDAY + timedelta(days=2))
)


class Office(Desk):
    """A desk with plain deadlines as well, at which staff put cases on hold."""

    def __init__(self, start: datetime = MONDAY) -> None:
        self.kept: list[Event] = []
        super().__init__(start)

    def under(self, policy: Policy) -> None:
        limits = (IN_OFFICE_HOURS, BY_THE_WALL, PROMISED)
        opened = Wait(toy_clock.OPEN.name, toy_clock.OPEN.text, deadlines=limits)
        self.procedure = replace(
            self.procedure,
            states=tuple(opened if s is toy_clock.OPEN else s for s in self.procedure.states),
            rules=tuple(replace(r, to=opened) if r.to is toy_clock.OPEN else r for r in self.procedure.rules),
        )
        super().under(policy)

    def order(self, event: Event, now: datetime) -> Decision:
        self.pass_until(now)
        received = Received(str(len(self.decisions)), "staff:ann", event.type, event, now)
        return self._keep(steer(self.definition, self.case, received, now), now)

    def hold(self, now: datetime) -> Decision:
        return self.order(HOLD, now)

    def resume(self, now: datetime) -> Decision:
        decision = self.order(RESUME, now)
        kept, self.kept = self.kept, []
        for event in kept:  # as the store delivers them again
            self.tell(event, now)
        return decision

    def tell(self, event: Event, now: datetime) -> Decision:
        decision = super().tell(event, now)
        if decision.disposition is Disposition.DEFERRED:
            self.kept.append(event)
        return decision

    def due_of(self, deadline: Deadline) -> datetime:
        return self.case.timers[deadline.name].due


def test_a_case_on_hold_has_no_deadline_and_its_clocks_pause() -> None:
    office = Office()
    decision = office.hold(at("2026-11-23 10:00"))
    assert set(office.case.timers) == {"statutory.100"}, "the law does not wait for us"
    assert {"reply", "ring", "promised", "resolution.50"} <= set(decision.timers_cleared)
    assert [(span.mode, span.why) for span in office.resolution.spans][-1] == (Mode.PAUSED, ON_HOLD)
    assert (decision.entry.event, decision.entry.reason) == ("staff.hold", "the carrier strikes")
    assert office.case.policy is None


def test_resumed_it_goes_on_with_what_was_left() -> None:
    office = Office()
    before = {d.name: office.due_of(d) for d in (IN_OFFICE_HOURS, BY_THE_WALL, PROMISED)}
    assert before["reply"] == at("2026-11-23 15:30")
    office.hold(at("2026-11-23 10:00"))
    office.resume(at("2026-11-24 10:00"))
    assert office.due_of(IN_OFFICE_HOURS) == at("2026-11-24 15:30")
    assert office.due_of(BY_THE_WALL) == before["ring"] + timedelta(days=1)
    assert office.due_of(PROMISED) == before["promised"], "the case itself names that instant"
    assert office.used(at("2026-11-24 11:00")) == timedelta(hours=2)
    assert office.case.hold is None


def test_time_that_the_law_sets_is_not_held_and_is_told_all_the_same() -> None:
    office = Office()
    office.hold(at("2026-11-23 10:00"))
    due = MONDAY + timedelta(days=56)
    assert office.due("statutory") == due
    assert [span.mode for span in office.case.clocks["statutory"].spans] == [Mode.RUNNING]
    assert attention(office.definition, office.case, now=due) == ("breached", "held")
    office.pass_until(due)
    told = office.decisions[-1]
    assert (told.entry.event, told.disposition) == ("deadline.statutory.100", Disposition.HANDLED)
    assert (told.entry.at, told.case.hold) == (due, office.case.hold)
    assert attention(office.definition, office.case, now=due) == ("breached", "held")
    assert office.case.timers == {}, "nothing else runs"
    office.resume(due + timedelta(days=1))
    assert office.used(due + timedelta(days=1)) == timedelta(hours=1), "before the hold"
    assert office.due_of(IN_OFFICE_HOURS) > due


def test_a_deadline_that_came_while_on_hold_comes_when_resumed() -> None:
    office = Office()
    office.hold(at("2026-11-23 10:00"))
    office.resume(at("2026-11-27 10:00"))
    office.pass_until(at("2026-11-27 10:00"))
    assert office.case.timers["promised"].passed


def test_whatever_comes_meanwhile_is_kept_and_counts_later() -> None:
    office = Office()
    office.hold(at("2026-11-23 10:00"))
    kept = office.tell(AskedBack(), at("2026-11-23 10:30"))
    assert (kept.disposition, kept.entry.reason) == (Disposition.DEFERRED, "the case is on hold")
    assert (office.case.state, office.case.deferred) == ("open", 1)
    assert office.resume(at("2026-11-23 11:00")).moved
    assert (office.case.state, office.case.deferred) == ("awaiting", 0)


def test_held_twice_or_resumed_without_a_hold_is_refused_with_the_reason() -> None:
    office = Office()
    assert office.order(RESUME, MONDAY).entry.reason == "it is not on hold"
    office.hold(MONDAY)
    again = office.hold(MONDAY)
    assert again.disposition is Disposition.REFUSED
    assert again.entry.reason == "it is on hold already, by ann: the carrier strikes"


def test_what_has_ended_is_not_held() -> None:
    office = Office()
    office.tell(Answered(), MONDAY)
    office.tell(Answered(), MONDAY)
    assert office.hold(MONDAY).entry.reason == "it has ended: answered"


@pytest.mark.parametrize("order", [Noted(who="ann", reason="call first"), CancelAsked(who="ann", reason="x")])
def test_a_note_changes_nothing_but_the_journal(order: Event) -> None:
    office = Office()
    before = office.case
    decision = office.order(order, MONDAY)
    assert decision.case == replace(before, seq=before.seq + 1)
    assert decision.entry.body == order


def test_handed_over_it_stays_so_while_it_goes_on() -> None:
    office = Office()
    decision = office.order(Assigned(who="ann", to="m.hill", reason="on leave"), MONDAY)
    assert decision.entry.reason == "to m.hill: on leave"
    office.hold(MONDAY)
    office.resume(MONDAY)
    office.tell(AskedBack(), MONDAY)
    assert office.case.assignee == "m.hill"


def test_only_orders_steer() -> None:
    office = Office()
    with pytest.raises(TypeError, match=r"question\.replied is no order of staff"):
        office.order(Replied(), MONDAY)


instants = st.integers(0, 7 * 24 * 60 * 60 * 1000).map(lambda ms: MONDAY + timedelta(milliseconds=ms))


def _pairs(found: Iterable[datetime]) -> list[tuple[datetime, datetime]]:
    ordered = sorted(found)
    return list(zip(ordered[::2], ordered[1::2], strict=False))


holds = st.lists(instants, max_size=8).map(_pairs)


def _spent(
    office: Office, start: datetime, end: datetime, holds: Sequence[tuple[datetime, datetime]]
) -> timedelta:
    """Working time from ``start`` to ``end`` but for the holds."""
    calendar = office.policy.calendar
    whole = calendar.working_time(start, end)
    return whole - sum((calendar.working_time(max(a, start), min(b, end)) for a, b in holds), timedelta())


@settings(max_examples=75, deadline=None)
@given(holds)
def test_holds_at_any_instants_neither_lose_nor_invent_time(holds: list[tuple[datetime, datetime]]) -> None:
    office, passed = Office(), dict[str, datetime]()
    for begins, ends in holds:
        office.hold(begins)
        assert office.case.hold
        running = {name for name, timer in office.case.timers.items() if not timer.passed}
        assert running == {"statutory.100"}
        office.resume(ends)
    office.pass_until(MONDAY + timedelta(days=21))
    for decision in office.decisions:
        passed.setdefault(decision.entry.event, decision.entry.at)
    replied, rang = passed["deadline.reply"], passed["deadline.ring"]
    assert _spent(office, MONDAY, replied, holds) == timedelta(hours=6)
    held = sum((min(b, rang) - a for a, b in holds if a < rang), timedelta())
    assert rang - MONDAY - held == timedelta(hours=30)
    for percent in (50, 75, 90, 100):
        told = passed[f"deadline.resolution.{percent}"]
        assert _spent(office, MONDAY, told, holds) == timedelta(hours=8) * percent / 100
    assert not any(a < entry.entry.at < b for entry in office.decisions for a, b in holds)
    office.pass_until(MONDAY + timedelta(days=60))
    passed |= {decision.entry.event: decision.entry.at for decision in office.decisions}
    assert passed["deadline.statutory.100"] == MONDAY + timedelta(days=56), "no hold moves it"


happenings = st.lists(st.tuples(instants, st.sampled_from((AskedBack(), Replied(), Answered()))), max_size=6)


@settings(max_examples=75, deadline=None)
@given(holds, happenings)
def test_events_at_any_instants_are_kept_and_come_in_their_order(
    holds: list[tuple[datetime, datetime]], happenings: list[tuple[datetime, Event]]
) -> None:
    """The case with holds goes the way of one to which the same was told when it was resumed."""

    def free(now: datetime) -> datetime:
        return next((ends for begins, ends in holds if begins <= now < ends), now)

    happenings.sort(key=lambda one: one[0])
    office, other = Office(), Office()
    end = MONDAY + timedelta(days=8)
    for now, _, event in _in_turn(holds, happenings):
        if isinstance(event, PutOnHold):
            office.hold(now)
        elif isinstance(event, Resumed):
            office.resume(now)
        else:
            office.tell(event, now)
    for now, event in happenings:
        other.tell(event, free(now))
    assert _course(office) == _course(other)
    assert (office.case.state, office.case.deferred) == (other.case.state, 0)
    assert not office.kept
    assert Measure(office.resolution, office.policy.calendar).used(
        end
    ) <= office.policy.calendar.working_time(MONDAY, end)


def _in_turn(
    holds: Sequence[tuple[datetime, datetime]], happenings: Sequence[tuple[datetime, Event]]
) -> list[tuple[datetime, int, Event]]:
    told: list[tuple[datetime, int, Event]] = []
    for number, (begins, ends) in enumerate(holds):
        told += [(begins, 10 * number + 1, HOLD), (ends, 10 * number + 2, RESUME)]
    for now, event in happenings:
        told.append((now, 1_000, event))
    return sorted(told, key=lambda one: (one[0], one[1]))


def _course(office: Office) -> list[str]:
    """What it took, but for what time brought."""
    entries = [decision.entry for decision in office.decisions]
    return [
        f"{entry.event} {entry.disposition}"
        for entry in entries
        if entry.disposition is not Disposition.DEFERRED and entry.event.startswith("question.")
    ]


def test_the_case_is_a_plain_value() -> None:
    """What the store keeps of a hold is all there is of it."""
    office = Office(datetime(2026, 11, 23, 9, tzinfo=UTC))
    office.hold(at("2026-11-23 12:00"))
    hold = office.case.hold
    assert hold is not None
    assert type(hold).model_validate_json(hold.to_json()) == hold
    assert isinstance(office.case, Case)
