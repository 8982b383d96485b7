"""Why each deadline and clock of a case is due when it is, span by span, in words for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from machines.kernel.calendar import Calendar
from machines.kernel.case import Case, Entry, Timer
from machines.kernel.clock import Clock, Mode
from machines.kernel.clock_ledger import WORKING, Ledger, Measure, Moved, Span
from machines.kernel.definition import Definition
from machines.kernel.hold import Waiting
from machines.kernel.rule import Disposition
from machines.kernel.steering import PutOnHold, Resumed
from machines.policy import Policy


@dataclass(frozen=True, slots=True)
class Explanation:
    """``kind`` is ``deadline`` or ``clock``, ``text`` says what it is for. ``due`` is ``None`` for a clock
    that rests. The first line of ``because`` says in one sentence what the others show in detail."""

    name: str
    kind: str
    text: str
    due: datetime | None
    passed: bool
    because: tuple[str, ...]


Spell = tuple[datetime, datetime]
"""From when to when a case was on hold."""


def spells(journal: Iterable[Entry]) -> list[Spell]:
    """When a case was on hold and is no more, by its journal."""
    found, since = list[Spell](), None
    for entry in journal:
        if entry.disposition is not Disposition.HANDLED:
            continue
        if entry.event == PutOnHold.type:
            since = entry.at
        elif entry.event == Resumed.type and since is not None:
            found.append((since, entry.at))
            since = None
    return found


def explain(
    case: Case, *, definition: Definition, policy: Policy, now: datetime, held: Sequence[Spell] = ()
) -> list[Explanation]:
    """Everything that runs in ``case``, earliest first; what rests comes last. ``held`` are the spells in
    which it was on hold."""
    teller = _Teller(policy.calendar, now)
    found = [
        teller.clock(clock, case.clocks[clock.name])
        for clock in definition.clocks
        if clock.name in case.clocks
    ]
    told = {name for clock in definition.clocks for name in clock.timers}
    for timer in case.timers.values():
        if timer.name not in told:
            found.append(_deadline(teller, case, timer, definition=definition, policy=policy, held=held))
    for waiting in case.hold.waiting if case.hold else ():
        if waiting.name not in told:
            deadline = definition.procedure.deadlines.get(waiting.name)
            found.append(teller.rests(waiting, deadline.text if deadline else ""))
    return sorted(found, key=lambda one: (one.due is None, one.due or now, one.name))


def _deadline(
    teller: _Teller,
    case: Case,
    timer: Timer,
    *,
    definition: Definition,
    policy: Policy,
    held: Sequence[Spell],
) -> Explanation:
    deadline, due = definition.procedure.deadlines.get(timer.name), teller.due(timer.due)
    text, lines = deadline.text if deadline else "", []
    if deadline is None:
        lines.append(f"{due}: set {teller.at(timer.set_at)} by an earlier version of the procedure")
    elif deadline.until is not None:
        lines.append(f"{due}: {deadline.until.text}")
    else:
        duration, source = (
            policy.duration(case.sop, deadline, case.data)
            if case.data is not None
            else policy.usual(case.sop, deadline)
        )
        expected = policy.calendar.due(timer.set_at, duration)
        rested = [spell for spell in held if spell[0] >= timer.set_at]
        if expected == timer.due:
            lines.append(f"{due}: {duration} from {teller.at(timer.set_at)}, {source}")
            if duration.unit in WORKING:
                lines += teller.worked(timer.set_at, timer.due)
        elif rested:
            lines.append(f"{due}: {duration} from {teller.at(timer.set_at)}, {source}, but for time on hold")
            lines += [f"on hold from {teller.at(start)} to {teller.at(end)}" for start, end in rested]
        else:
            lines.append(f"{due}: so it was set {teller.at(timer.set_at)}, and it keeps that end")
            lines.append(f"what is in force now, {duration} {source}, would end {teller.at(expected)}")
    if timer.passed:
        lines.append("it has passed")
    return Explanation(timer.name, "deadline", text, timer.due, timer.passed, tuple(lines))


class _Teller:
    """Speaks in local time of the calendar, as of ``now``."""

    def __init__(self, calendar: Calendar, now: datetime) -> None:
        self._calendar = calendar
        self._zone = ZoneInfo(calendar.zone)
        self._now = now

    def clock(self, clock: Clock, ledger: Ledger) -> Explanation:
        measure = Measure(ledger, self._calendar)
        due = measure.reaches(100)
        lines = [self._summary(ledger, measure, due)]
        for span in ledger.spans:
            lines += self._span(span, measure, due)
        lines += [self._changed(one, measure) for one in ledger.moved]
        lines += [
            f"{one.percent} % told {self.at(one.at)}"
            + ("" if one.stands else ", of an end that has moved since")
            for one in ledger.told
        ]
        lines += self._ahead(clock, ledger, measure)
        lines += self._ladder(clock, ledger)
        running = ledger.mode is Mode.RUNNING
        passed = due is not None and due <= self._now
        return Explanation(
            clock.name, "clock", clock.text, due if running or passed else None, passed, tuple(lines)
        )

    def rests(self, waiting: Waiting, text: str) -> Explanation:
        """A deadline of a case on hold."""
        if waiting.left is None:
            line = f"{self.due(waiting.due)} all the same, but it waits while the case is on hold"
        else:
            kind = "working time" if waiting.working else "time"
            line = f"not due while on hold: {_lasting(waiting.left)} of {kind} left"
        return Explanation(waiting.name, "deadline", text, None, False, (line,))

    def _summary(self, ledger: Ledger, measure: Measure, due: datetime | None) -> str:
        budget = f"{ledger.budget} from {self.at(ledger.started)}, {ledger.source}"
        if due is not None and (ledger.mode is Mode.RUNNING or due <= self._now):
            return f"{self.due(due)}: {budget}"
        used, whole = measure.used(self._now), measure.whole
        share = f"{_lasting(used)} of {_lasting(whole)} used ({used * 100 // whole} %)"
        return f"not due while {ledger.mode.value}: {share}; {budget}"

    def _span(self, span: Span, measure: Measure, due: datetime | None) -> Iterator[str]:
        if span.mode is not Mode.RUNNING:
            until = f" to {self.at(span.end)}" if span.end else ""
            yield f"{span.mode.value} from {self.at(span.start)}{until} because {span.why}"
            return
        end = span.end or max(due or self._now, self._now)
        if measure.working:
            yield from self.worked(span.start, end)
        else:
            verb = "ran" if end <= self._now else "runs"
            yield f"{verb} {_lasting(end - span.start)} from {self.at(span.start)} to {self.at(end)}"

    def worked(self, start: datetime, end: datetime) -> Iterator[str]:
        """Working time day by day, and why there is none."""
        today = self._now.astimezone(self._zone).date()
        for day, worked, closed in self._calendar.days(start, end):
            if worked:
                verb = "ran" if day < today or end <= self._now else "runs"
                yield f"{verb} {_lasting(worked)} on {_day(day)}"
            elif closed:
                yield f"nobody works on {_day(day)}" + ("" if closed in _WEEKEND else f": {closed}")

    def _changed(self, moved: Moved, measure: Measure) -> str:
        line = f"changed {self.at(moved.at)}"
        if moved.before and moved.after:
            line = f"moved {self.at(moved.at)} from {self.at(moved.before)} to {self.at(moved.after)}"
        line += f": {moved.why}"
        if moved.budgets is None:
            return line
        old, new = (measure.until(moved.at, budget) for budget in moved.budgets)
        used, left = old.used(moved.at), new.left(moved.at)
        return (
            f"{line}; of {_lasting(old.whole)}, {_lasting(used)} were used; "
            f"of {_lasting(new.whole)}, {_lasting(left)} are left"
        )

    def _ahead(self, clock: Clock, ledger: Ledger, measure: Measure) -> Iterator[str]:
        if ledger.mode is Mode.RUNNING:
            for percent in clock.percents:
                at = measure.reaches(percent)
                if percent > ledger.reached and at is not None:
                    yield f"{percent} % on {self.at(at)}"

    def _ladder(self, clock: Clock, ledger: Ledger) -> Iterator[str]:
        spoken = ledger.escalation
        rung = next((rung for rung in clock.rungs if spoken and rung.at == spoken.percent), None)
        if spoken is not None and rung is not None:
            answered = f"acknowledged by {spoken.by}" if spoken.by else "not acknowledged yet"
            times = f", for the {spoken.times}. time" if spoken.times > 1 else ""
            rests = ledger.mode is not Mode.RUNNING and spoken.by is None and spoken.left is not None
            left = f", {_lasting(spoken.left)} left for that" if rests and spoken.left is not None else ""
            yield f"{rung.whom} alerted {self.at(spoken.at)}{times}: {answered}{left}"

    def due(self, instant: datetime) -> str:
        return f"due {self.at(instant)} {self._calendar.zone}"

    def at(self, instant: datetime) -> str:
        return f"{instant.astimezone(self._zone):%a %Y-%m-%d %H:%M}"


_WEEKEND = ("saturday", "sunday")


def _day(day: date) -> str:
    return f"{day:%a %Y-%m-%d}"


def _lasting(time: timedelta) -> str:
    """``1 h 0 min``, with days where it is two or more."""
    minutes = time // timedelta(minutes=1)
    days, hours = divmod(minutes // 60, 24)
    if days < 2:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{days} d {hours} h {minutes % 60} min"
