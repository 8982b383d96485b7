"""Adds up the courses of cases to the figures of one procedure in one period.

A stay, a service level, an escalation, a payment, a reason or a score counts where it falls into the period;
cycle times and measures count for cases that stand, at the end of the period, at an end that they reached in
it. Nothing that comes after the period changes its figures.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from machines.kernel.calendar import Calendar
from machines.kernel.money import CURRENCIES
from machines.kernel.procedure import Procedure
from machines.kernel.state import DEADLINE, End
from machines.report.course import Course, Line, Period
from machines.report.limits import limits_of
from machines.report.measures import Payments, measures_of
from machines.report.spread import Share, Spread


@dataclass(slots=True)
class Figures:
    """What one procedure did in one period. ``paid`` is in minor units by currency, less what came back;
    ``payments`` and ``reversals`` are how many. ``whole`` are cycle times from the first event to the end."""

    opened: int = 0
    ended: Counter[str] = field(default_factory=Counter)
    whole: Spread = field(default_factory=Spread)
    stays: defaultdict[str, Spread] = field(default_factory=lambda: defaultdict(Spread))
    limits: defaultdict[str, Share] = field(default_factory=lambda: defaultdict(Share))
    times: defaultdict[str, Spread] = field(default_factory=lambda: defaultdict(Spread))
    portions: defaultdict[str, Share] = field(default_factory=lambda: defaultdict(Share))
    escalations: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    paid: Counter[str] = field(default_factory=Counter)
    payments: Counter[str] = field(default_factory=Counter)
    reversals: Counter[str] = field(default_factory=Counter)
    scores: Counter[int] = field(default_factory=Counter)

    @property
    def mean_score(self) -> float | None:
        count = self.scores.total()
        return round(sum(score * many for score, many in self.scores.items()) / count, 2) if count else None


class Tally:
    """Adds up for one procedure; ``calendar`` says what working time is and whose days count."""

    def __init__(self, procedure: Procedure, period: Period, *, calendar: Calendar) -> None:
        self.procedure = procedure
        self.measures = measures_of(procedure)
        self.limits = limits_of(procedure)
        self.figures = Figures()
        self._period = period
        self._calendar = calendar
        self._zone = ZoneInfo(calendar.zone)
        self._ends = frozenset(state.name for state in procedure.states if isinstance(state, End))
        self._alerts = frozenset(_alerts(procedure, self.measures.escalates))

    def add(self, lines: Sequence[Line]) -> None:
        """The journal of one case, in order; what comes after the period is passed over."""
        told = [line for line in lines if line.at < self._period.end]
        if not told:
            return
        course = Course(told, self._ends, self._zone)
        figures = self.figures
        figures.opened += course.opened in self._period
        self._count_lines(line for line in told if line.at in self._period)
        if self.measures.money:
            self._count_money(course, self.measures.money)
        for stay in course.stays:
            if stay.end in self._period and stay.state != self.procedure.initial.name:
                assert stay.end is not None
                figures.stays[stay.state].add(stay.end - stay.start)
        for limit in self.limits:
            for at, kept in limit.verdicts(course):
                if at in self._period:
                    figures.limits[limit.name].add(kept)
        if course.ended is not None and course.ended.start in self._period:
            self._count_ended(course)

    def _count_lines(self, lines: Iterable[Line]) -> None:
        figures = self.figures
        for line in lines:
            if not line.handled:
                continue
            if line.event in self._alerts:
                figures.escalations[line.event.removeprefix(DEADLINE)] += 1
            if line.event in self.measures.reasons:
                figures.reasons[str(line.body.get(self.measures.reasons[line.event], ""))] += 1
            if self.measures.score and line.event == self.measures.score[0]:
                score = line.body.get(self.measures.score[1])
                if isinstance(score, int):
                    figures.scores[score] += 1

    def _count_ended(self, course: Course) -> None:
        figures, end = self.figures, course.ended
        assert end is not None
        figures.ended[end.state] += 1
        figures.whole.add(end.start - course.opened)
        for time in self.measures.times:
            start, stop = time.start(course), time.stop(course)
            if start is not None and stop is not None and stop >= start:
                worked = self._calendar.working_time(start, stop) if time.working else stop - start
                figures.times[time.text].add(worked)
        for portion in self.measures.portions:
            if portion.among(course):
                figures.portions[portion.text].add(portion.hits(course))

    def _count_money(self, course: Course, money: Payments) -> None:
        figures, currency = self.figures, str(course.body(money.currency).get("currency"))
        if currency not in CURRENCIES:
            return
        for line in course.lines:
            amount = line.body.get("amount")
            if not (line.handled and line.at in self._period and isinstance(amount, int)):
                continue
            if line.event in money.paid:
                figures.paid[currency] += amount
                figures.payments[currency] += 1
            elif line.event in money.reversed:
                figures.paid[currency] -= amount
                figures.reversals[currency] += 1


def _alerts(procedure: Procedure, named: Iterable[str]) -> Iterable[str]:
    """The events by which a clock calls somebody, or a deadline somebody higher."""
    yield from (DEADLINE + name for name in named)
    for clock in procedure.clocks:
        yield from (f"{DEADLINE}{clock.threshold(rung.at)}" for rung in clock.rungs)
        if clock.nags:
            yield f"{DEADLINE}{clock.nagging}"
