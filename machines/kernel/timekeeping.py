"""Keeps the clocks of a case: starts, pauses and stops them as it moves, and sets the timer of what each has
to tell next. Pure; a clock to which nothing happens costs next to nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from machines.kernel.calendar import Calendar, Weekday
from machines.kernel.calendar import Span as OpeningHours
from machines.kernel.case import Case, Timer
from machines.kernel.clock import Acknowledged, Clock, ClockReached, Mode, Reopened, Rung
from machines.kernel.clock_ledger import WORKING, Escalation, Ledger, Measure, Moved, Span, Told
from machines.kernel.duration import Duration
from machines.kernel.event import Facts
from machines.kernel.state import DEADLINE, Deadline, State
from machines.kernel.value import value

LATE = timedelta(minutes=10)
"""How late an alert still goes out after hours; one that is later waits until we open."""

Budget = Callable[[Clock, Facts], tuple[Duration, str]]
"""(clock, data) -> its budget, and who says so."""


Length = Callable[[Deadline, Facts], Duration | None]
"""(deadline, data) -> how long it is; ``None`` where the case names the instant."""

_NEVER = datetime.max.replace(tzinfo=UTC)
ON_HOLD = "on hold"  #: why a clock pauses, while its case is


def stated(clock: Clock, data: Facts) -> tuple[Duration, str]:
    budget = clock.budget if isinstance(clock.budget, Duration) else clock.budget(data)
    return budget, "as the procedure states"


def stated_length(deadline: Deadline, data: Facts) -> Duration | None:
    return deadline.after


@value
class Timing:
    """What clocks go by, and how long deadlines are. ``name`` changes whenever anything here does."""

    calendar: Calendar
    budget: Budget
    name: str
    length: Length = stated_length


_ALL_DAY = (OpeningHours(opens=0, closes=24 * 60),)
ROUND_THE_CLOCK = Timing(Calendar(opening=dict.fromkeys(Weekday, _ALL_DAY)), stated, "round the clock")
"""Always open, budgets as the procedure states them: for a definition that is given no policy."""


class Moment(NamedTuple):
    """Where the case stands after an event, and what of the event concerns clocks: ``told`` is what a clock
    said, ``acknowledged`` an acknowledgement that a rule has handled, ``held`` whether the case
    is on hold from now on."""

    now: datetime
    state: State
    data: Facts
    event: str
    told: ClockReached | None = None
    acknowledged: Acknowledged | None = None
    held: bool = False


def held_until(clock: Clock, case: Case, *, timing: Timing, timer: str, now: datetime) -> datetime | None:
    """When to tell instead, if what the clock has to tell comes late and nobody is at work."""
    ledger, waited = case.clocks.get(clock.name), case.timers.get(timer)
    if ledger is None or waited is None or now - waited.due <= LATE:
        return None
    alerting = Measure(ledger, timing.calendar).alerting(now)
    return alerting if alerting > now else None


def telling(clock: Clock, case: Case, *, timer: str) -> ClockReached | None:
    """What the clock tells now that ``timer`` is due; ``None`` if it keeps no ledger for this case."""
    ledger = case.clocks.get(clock.name)
    if ledger is None:
        return None
    spoken, times = ledger.escalation, 1
    if timer != clock.nagging:
        percent = int(timer.rpartition(".")[2])
    elif spoken is None:
        return None
    else:
        percent = spoken.percent if spoken.again else _above(clock, spoken.percent).at
        times = spoken.times + 1
    rung = next((one for one in clock.rungs if one.at == percent), None)
    whom, text = (rung.whom, rung.text) if rung else (None, None)
    return ClockReached(
        clock=clock.name,
        percent=percent,
        due=ledger.due,
        whom=whom,
        text=text,
        times=times if rung else 0,
    )


def keep(
    clocks: tuple[Clock, ...], case: Case, moment: Moment, *, timing: Timing
) -> tuple[Mapping[str, Ledger], dict[str, Timer]]:
    """The ledgers of ``case`` after ``moment``, and the timers of its clocks. Where nothing changes, what was
    there is passed on as it is."""
    ledgers: dict[str, Ledger] = {}
    timers: dict[str, Timer] = {}
    changed = False
    for clock in clocks:
        before = case.clocks.get(clock.name)
        after = _turn(clock, before, moment, timing, nagging=case.timers.get(clock.nagging))
        if after is None:
            continue
        ledgers[clock.name] = after
        if _rests(clock, moment):
            changed = changed or after is not before
            continue
        if after is before:
            timers.update((name, case.timers[name]) for name in clock.timers if name in case.timers)
            continue
        changed = True
        timers.update(_timers(clock, before, after, case.timers, timing=timing, moment=moment))
    return (ledgers if changed or len(ledgers) < len(case.clocks) else case.clocks), timers


def _turn(
    clock: Clock, before: Ledger | None, moment: Moment, timing: Timing, *, nagging: Timer | None
) -> Ledger | None:
    mode = _mode(clock, moment)
    if mode is Mode.STOPPED and (before is None or before.mode is mode):
        return before
    budget, source = timing.budget(clock, moment.data)
    after = before
    if before is not None and before.mode is Mode.STOPPED is not mode and clock.reopened is Reopened.RESTARTS:
        after = None
    if after is None:
        first = Span(mode=mode, start=moment.now, why=_why(clock, mode, moment))
        after = Ledger(spans=(first,), budget=budget, source=source, policy=timing.name)
    else:
        after = _switched(after, mode, _why(clock, mode, moment), now=moment.now)
    retargeted = mode is not Mode.STOPPED and (
        (after.policy, after.budget, after.source) != (timing.name, budget, source)
    )
    if retargeted:
        after = after.but(budget=budget, source=source, policy=timing.name)
    after = _laddered(clock, after, moment)
    if retargeted:
        after = _ahead_again(clock, after, timing.calendar, now=moment.now)
    if nagging is not None and before is not None and before.escalation == after.escalation:
        after = _kept(clock, after, nagging, moment, timing.calendar)
    if after is before or mode is Mode.STOPPED:
        return after
    measure = Measure(after, timing.calendar)
    due = measure.reaches(100)
    left = measure.left(moment.now) if due is None else None
    if before is not None and retargeted:
        after = _moved(before, after, due=due, left=measure.left(moment.now), now=moment.now)
    return after.but(due=due, left=left)


def _mode(clock: Clock, moment: Moment) -> Mode:
    mode = clock.modes.get(moment.state.name, Mode.STOPPED)
    return Mode.PAUSED if _rests(clock, moment) and mode is Mode.RUNNING else mode


def _rests(clock: Clock, moment: Moment) -> bool:
    """A hold stops the time that we have set ourselves, and no other."""
    return moment.held and not clock.statutory


def _switched(ledger: Ledger, mode: Mode, why: str, *, now: datetime) -> Ledger:
    last = ledger.spans[-1]
    if mode is last.mode and (mode is not Mode.PAUSED or why == last.why):
        return ledger
    now = max(now, last.start)
    spans = (*ledger.spans[:-1], last.model_copy(update={"end": now}))
    if last.start == now and len(spans) > 1:
        spans = spans[:-1]  # it lasted no time at all
    return ledger.but(spans=(*spans, Span(mode=mode, start=now, why=why)))


def _why(clock: Clock, mode: Mode, moment: Moment) -> str:
    if _rests(clock, moment) and mode is Mode.PAUSED:
        return ON_HOLD
    return moment.event if mode is Mode.RUNNING else moment.state.title


def _moved(before: Ledger, after: Ledger, *, due: datetime | None, left: timedelta, now: datetime) -> Ledger:
    """Notes another target, and another end or rest that comes of other working hours, not of a pause."""
    budgets = None
    if before.budget != after.budget:
        budgets = (before.budget, after.budget)
        why = f"the budget is {after.budget}, {after.source}, and no longer {before.budget}"
    elif before.source != after.source:
        why = f"the budget is {after.budget} as before, now {after.source}"
    elif before.left not in (None, left) or (due != before.due and before.spans == after.spans):
        why = "the working hours changed"
    else:
        return after
    moved = Moved(at=now, before=before.due, after=due, why=why, budgets=budgets)
    return after.but(moved=(*after.moved, moved))


def _laddered(clock: Clock, ledger: Ledger, moment: Moment) -> Ledger:
    """Threshold told, rung climbed, acknowledged, or owner changed."""
    told, now = moment.told, moment.now
    if told is not None and told.clock == clock.name:
        if moment.event == DEADLINE + clock.nagging:
            ledger = ledger.but(escalation=_alerted(clock, told, now))
        elif told.percent > ledger.reached:
            ledger = ledger.but(told=(*ledger.told, Told(percent=told.percent, at=now)))
            if told.whom is not None:
                ledger = ledger.but(escalation=_alerted(clock, told, now) or ledger.escalation)
    said, spoken = moment.acknowledged, ledger.escalation
    if said is not None and spoken is not None and spoken.by is None and said.clock in (None, clock.name):
        ledger = ledger.but(escalation=spoken.model_copy(update={"by": said.by, "again": False}))
    return _handed_over(clock, ledger, moment) if clock.owner else ledger


def _ahead_again(clock: Clock, ledger: Ledger, calendar: Calendar, *, now: datetime) -> Ledger:
    """What was told of an end that has moved to later counts no longer where it lies ahead now, nor has
    anybody to acknowledge an alert about it."""
    measure = Measure(ledger, calendar)
    ahead = {percent for percent in clock.percents if (measure.reaches(percent) or _NEVER) > now}
    if ledger.reached not in ahead:
        return ledger
    told = tuple(
        one.model_copy(update={"stands": False}) if one.percent in ahead else one for one in ledger.told
    )
    after = ledger.but(told=told)
    same = _to_acknowledge(clock, after.reached) == _to_acknowledge(clock, ledger.reached)
    return after if same else after.but(escalation=None)


def _to_acknowledge(clock: Clock, percent: int) -> int:
    """The highest rung up to ``percent`` that wants an acknowledgement."""
    return max((rung.at for rung in clock.rungs if rung.at <= percent and rung.acknowledge_within), default=0)


def _kept(clock: Clock, ledger: Ledger, nagging: Timer, moment: Moment, calendar: Calendar) -> Ledger:
    """What is left of the time to acknowledge an alert, as the clock begins to rest."""
    spoken = ledger.escalation
    if spoken is None or spoken.by is not None or nagging.passed or _asks(ledger, moment):
        return ledger
    within = _rung(clock, spoken.percent).acknowledge_within
    if within is not None and within.unit in WORKING:
        left = calendar.working_time(moment.now, nagging.due)
    else:
        left = max(timedelta(), nagging.due - moment.now)
    return ledger.but(escalation=spoken.model_copy(update={"left": left}))


def _asks(ledger: Ledger, moment: Moment) -> bool:
    """Whether somebody is expected to acknowledge an alert. On hold nobody could: what comes is kept."""
    return ledger.mode is Mode.RUNNING and not moment.held


def _alerted(clock: Clock, told: ClockReached, now: datetime) -> Escalation | None:
    """``None`` where the rung wants no acknowledgement."""
    if not _rung(clock, told.percent).acknowledge_within:
        return None
    return Escalation(percent=told.percent, times=told.times, at=now)


def _handed_over(clock: Clock, ledger: Ledger, moment: Moment) -> Ledger:
    owner = clock.owner(moment.data) if clock.owner else None
    if owner == ledger.owner:
        return ledger
    spoken = ledger.escalation
    if spoken is None:
        return ledger.but(owner=owner)
    percent = _to_acknowledge(clock, ledger.reached) or spoken.percent
    again = Escalation(percent=percent, times=0, at=moment.now, again=True)
    return ledger.but(owner=owner, escalation=again)


def _timers(
    clock: Clock,
    before: Ledger | None,
    after: Ledger,
    running: Mapping[str, Timer],
    *,
    timing: Timing,
    moment: Moment,
) -> dict[str, Timer]:
    timers: dict[str, Timer] = {}
    now, measure = moment.now, Measure(after, timing.calendar)
    upcoming = next((percent for percent in clock.percents if percent > after.reached), None)
    if upcoming is not None and after.mode is not Mode.STOPPED:
        due = measure.reaches(upcoming)
        if due is not None:
            name = clock.threshold(upcoming)
            opening = measure.alerting(now)
            due = opening if now - due > LATE and opening > now else due
            timers[name] = _set(running.get(name), name, due, now)
    spoken = after.escalation
    if spoken is not None and spoken.by is None and _asks(after, moment):
        known = running.get(clock.nagging)
        if known and before and before.escalation == spoken:
            timers[clock.nagging] = known
        else:
            due = measure.alerting(_answer_due(clock, spoken, timing.calendar, now))
            timers[clock.nagging] = _set(known, clock.nagging, due, now)
    return timers


def _answer_due(clock: Clock, spoken: Escalation, calendar: Calendar, now: datetime) -> datetime:
    within = _rung(clock, spoken.percent).acknowledge_within
    if spoken.left is not None:
        working = within is not None and within.unit in WORKING
        return calendar.add_working(now, spoken.left) if working else now + spoken.left
    return now if spoken.again or within is None else calendar.due(now, within)


def _set(known: Timer | None, name: str, due: datetime, now: datetime) -> Timer:
    if known is not None and known.due == due and not known.passed:
        return known
    return Timer(name=name, due=due, set_at=now)


def _rung(clock: Clock, percent: int) -> Rung:
    return next(rung for rung in clock.ladder if rung.at == percent)


def _above(clock: Clock, percent: int) -> Rung:
    """The rung above the one at ``percent``, or the last."""
    return next((rung for rung in clock.ladder if rung.at > percent), clock.ladder[-1])
