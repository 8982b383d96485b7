"""Pausing and resuming at any instants, under any calendar, across changes of the clocks and of the policy:
no time is lost or invented, and every threshold is told once, in order, when it is reached."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from machines.kernel.clock import Mode
from machines.kernel.clock_ledger import Measure
from machines.kernel.event import Event
from machines.policy import Policy
from tests.machines.kernel.desk import Desk, at
from tests.toy_clock import (
    RESOLUTION,
    Answered,
    AskedBack,
    HandedOver,
    Ranked,
    Reopened,
    Replied,
    Taken,
    policy,
)

HIGH = [{"clock": "question.resolution", "duration": "2 working hours", "priority": "high"}]
NIGHTS = {day: ["00:00-03:30", "22:00-24:00"] for day in ("saturday", "sunday", "monday")}
#: Office hours with holidays; nights in which clocks change, at two o'clock and at midnight; other units.
POLICIES = (
    policy(),
    policy(exceptions=HIGH),
    policy(calendar={"opening": NIGHTS}),
    policy(calendar={"opening": NIGHTS, "zone": "America/Havana", "country": None, "subdivision": None}),
    policy(
        calendar={"closed": ["2026-03-30", "2026-10-26"]}, clocks={"question.resolution": "3 working days"}
    ),
    policy(clocks={"question.resolution": "30 hours"}),
    policy(clocks={"question.resolution": "2 days"}),
)
EVENTS: tuple[Event, ...] = (
    *(AskedBack(), Replied(), Answered(), Reopened(), Taken(by="ann"), HandedOver(owner="bob")),
    *(HandedOver(owner="ann"), Ranked(priority="high"), Ranked(priority="normal")),
)
#: Around both changes of the clocks, and over Christmas.
starts = st.one_of(
    *(
        st.datetimes(min_value=at, max_value=at + timedelta(days=5), timezones=st.just(UTC))
        for at in (
            datetime(2026, 3, 26),  # noqa: DTZ001
            datetime(2026, 10, 22),  # noqa: DTZ001
            datetime(2026, 12, 21),  # noqa: DTZ001
        )
    )
)
gaps = st.one_of(
    st.timedeltas(min_value=timedelta(0), max_value=timedelta(hours=5)),
    st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=9)),
    st.just(timedelta(0)),
)
happenings = st.lists(st.tuples(gaps, st.sampled_from(EVENTS)), max_size=12)
policies = st.sampled_from(POLICIES)


def play(desk: Desk, start: datetime, events: Sequence[tuple[timedelta, Event]]) -> datetime:
    now = start
    for gap, event in events:
        now += gap
        desk.tell(event, now)
    return now


def stood(desk: Desk, state: str, until: datetime) -> list[tuple[datetime, datetime]]:
    """When the case was in ``state``, by its journal and not by its ledger."""
    entries = [decision.entry for decision in desk.decisions]
    ends = [entry.at for entry in entries[1:]] + [until]
    return [(one.at, end) for one, end in zip(entries, ends, strict=True) if one.after == state]


@given(policies, starts, happenings, gaps)
@settings(deadline=None, max_examples=75)
def test_no_time_is_lost_or_invented(
    rules: Policy, start: datetime, events: list[tuple[timedelta, Event]], rest: timedelta
) -> None:
    desk = Desk(start, policy=rules)
    now = play(desk, start, events) + rest
    desk.pass_until(now)
    ledger, measure = desk.resolution, Measure(desk.resolution, desk.policy.calendar)
    assert ledger.spans[0].start == start
    assert ledger.spans[-1].end is None
    assert all(one.end == following.start for one, following in pairwise(ledger.spans))
    worked = sum((measure.time(*span) for span in stood(desk, "open", now)), timedelta())
    assert measure.used(now) == worked
    by_mode = {mode: timedelta() for mode in Mode}
    for span in ledger.spans:
        by_mode[span.mode] += measure.time(span.start, span.end or now)
    assert sum(by_mode.values(), timedelta()) == measure.time(start, now)
    paused = sum((measure.time(*span) for span in stood(desk, "awaiting", now)), timedelta())
    assert by_mode[Mode.PAUSED] == paused


@given(policies, starts, happenings, gaps)
@settings(deadline=None, max_examples=75)
def test_thresholds_are_told_once_in_order_and_when_they_are_reached(
    rules: Policy, start: datetime, events: list[tuple[timedelta, Event]], rest: timedelta
) -> None:
    desk = Desk(start, policy=rules)
    now = play(desk, start, events) + rest
    desk.pass_until(now)
    ledger, measure = desk.resolution, Measure(desk.resolution, desk.policy.calendar)
    percents = desk.percents()
    assert percents == list(RESOLUTION.percents[: len(percents)])
    assert [one.at for one in ledger.told] == sorted(one.at for one in ledger.told)
    if ledger.mode is Mode.STOPPED or any(isinstance(event, Ranked) for _, event in events):
        return
    for percent in RESOLUTION.percents:
        due = measure.reaches(percent)
        told = [one.at for one in ledger.told if one.percent == percent]
        assert told == ([due] if due is not None and due <= now else [])


@given(policies, starts, happenings)
@settings(deadline=None, max_examples=60)
def test_left_alone_a_running_clock_tells_its_end_exactly_when_it_is_due(
    rules: Policy, start: datetime, events: list[tuple[timedelta, Event]]
) -> None:
    desk = Desk(start, policy=rules)
    now = play(desk, start, events)
    due = desk.due()
    if desk.resolution.mode is not Mode.RUNNING or due is None or due <= now:
        return
    assert 100 not in desk.percents(), "whatever was told of another end"
    desk.pass_until(due - timedelta.resolution)
    assert 100 not in desk.percents()
    desk.pass_until(due)
    assert 100 in desk.percents()
    measure = Measure(desk.resolution, desk.policy.calendar)
    assert measure.used(due) == measure.whole


@given(st.tuples(policies, policies), starts, happenings, happenings, st.booleans())
@settings(deadline=None, max_examples=60)
def test_a_policy_changed_at_any_instant_counts_for_all_that_is_left(
    rules: tuple[Policy, Policy],
    start: datetime,
    before: list[tuple[timedelta, Event]],
    after: list[tuple[timedelta, Event]],
    swept: bool,
) -> None:
    desk = Desk(start, policy=rules[0])
    now = play(desk, start, before)
    told = desk.resolution.told
    desk.under(rules[1])
    if swept:
        desk.retime(now)
    now = play(desk, now, after) + timedelta(days=30)
    desk.pass_until(now)
    ledger, measure = desk.resolution, Measure(desk.resolution, desk.policy.calendar)
    percents = desk.percents()
    kept = [(one.percent, one.at) for one in ledger.told[: len(told)]]
    assert kept == [(one.percent, one.at) for one in told], "what was told stays in the ledger"
    assert percents == list(RESOLUTION.percents[: len(percents)])
    if ledger.mode is Mode.STOPPED or (not swept and not after):
        return
    assert ledger.policy == desk.policy.fingerprint
    assert ledger.due == measure.reaches(100)
    if ledger.mode is Mode.RUNNING:
        assert percents[-1:] == [100], "a month is more than any budget"


@given(policies, starts, happenings, gaps)
@settings(deadline=None, max_examples=60)
def test_a_threshold_whose_timer_was_missed_is_told_all_the_same(
    rules: Policy, start: datetime, events: list[tuple[timedelta, Event]], rest: timedelta
) -> None:
    desk, now = Desk(start, policy=rules), start
    for gap, event in events:  # nobody looks at timers meanwhile
        now += gap
        desk.decide(event, now)
    desk.pass_until(now + timedelta(days=7) + rest)
    ledger, measure = desk.resolution, Measure(desk.resolution, desk.policy.calendar)
    if ledger.mode is Mode.STOPPED:
        return
    reached = [percent for percent in RESOLUTION.percents if (measure.reaches(percent) or start) > start]
    due = [percent for percent in reached if (measure.reaches(percent) or start) <= now]
    assert desk.percents()[: len(due)] == due


pauses = st.lists(
    st.tuples(*[st.timedeltas(min_value=timedelta(0), max_value=timedelta(minutes=40))] * 2), max_size=12
)


@given(pauses)
@settings(deadline=None, max_examples=60)
def test_an_alert_goes_up_after_its_time_whatever_pauses_lie_between(
    pauses: list[tuple[timedelta, timedelta]],
) -> None:
    desk, now = Desk(), at("2026-11-23T15:30")
    desk.pass_until(now)
    for run, rest in pauses:
        now += run
        desk.tell(AskedBack(), now)
        now += rest
        desk.tell(Replied(), now)
    desk.pass_until(now + timedelta(days=7))
    climbed = next(alerted for alerted, alert in desk.alerts if alert.whom == "lead")
    calendar = desk.policy.calendar
    ran = sum(
        (calendar.working_time(start, min(end, climbed)) for start, end in stood(desk, "open", climbed)),
        timedelta(),
    )
    assert ran == timedelta(hours=6 + 1), "an hour of the clock itself after three quarters of eight"


@given(policies, starts, happenings, gaps)
@settings(deadline=None, max_examples=50)
def test_alerts_on_working_budgets_go_out_in_working_time(
    rules: Policy, start: datetime, events: list[tuple[timedelta, Event]], rest: timedelta
) -> None:
    desk = Desk(start, policy=rules)
    now = play(desk, start, events) + rest
    desk.pass_until(now)
    calendar = desk.policy.calendar
    if Measure(desk.resolution, calendar).working:
        for at, _ in desk.alerts:
            assert calendar.is_open(at) or calendar.is_open(at - timedelta.resolution)
