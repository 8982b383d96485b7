"""The figures of one procedure as flat records, one number each: what files hold and pages are made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from machines.kernel.procedure import Procedure
from machines.report.figures import Figures
from machines.report.limits import limits_of
from machines.report.measures import measures_of
from machines.report.spread import Share, Spread

SECONDS, PERCENT, CASES, MINOR_UNITS, STARS = "seconds", "percent", "count", "minor units", "stars"
_MOST_REASONS = 15


class Record(NamedTuple):
    """``value`` of the statistic ``stat`` (count, reversed, p50, p95, hits, share, sum, mean) of what
    ``name`` says in ``group``; ``None`` where there was nothing to measure. For money ``name`` is the
    currency."""

    sop: str
    group: str
    name: str
    stat: str
    value: float | None
    unit: str


def records(procedure: Procedure, figures: Figures) -> Iterator[Record]:
    """In the order in which a reader wants them."""
    sop, measures = procedure.name, measures_of(procedure)
    titles = {state.name: state.title for state in procedure.states}
    yield Record(sop, "Cases", "opened", "count", figures.opened, CASES)
    yield Record(sop, "Cases", "ended", "count", figures.ended.total(), CASES)
    for state, count in figures.ended.most_common():
        yield Record(sop, "Cases", f"ended as: {titles.get(state, state)}", "count", count, CASES)
    for time in measures.times:
        yield from _spread(sop, "Times it is judged by", time.text, figures.times[time.text])
    for portion in measures.portions:
        yield from _share(sop, "Shares it is judged by", portion.text, figures.portions[portion.text])
    for limit in limits_of(procedure):
        if figures.limits[limit.name].count:
            name = f"{limit.name.replace('_', ' ')}: {limit.text}"
            yield from _share(sop, "Service levels kept", name, figures.limits[limit.name])
    yield from _spread(sop, "Cycle times", "from opening to end", figures.whole)
    for state, title in titles.items():
        if figures.stays[state].count:
            yield from _spread(sop, "Cycle times", title, figures.stays[state])
    for currency in sorted(figures.paid):
        yield Record(sop, "Money back to customers", currency, "count", figures.payments[currency], CASES)
        reversals = figures.reversals[currency]
        yield Record(sop, "Money back to customers", currency, "reversed", reversals, CASES)
        yield Record(sop, "Money back to customers", currency, "sum", figures.paid[currency], MINOR_UNITS)
    if figures.scores:
        yield Record(sop, "Satisfaction", "score", "count", figures.scores.total(), CASES)
        yield Record(sop, "Satisfaction", "score", "mean", figures.mean_score, STARS)
    for score, count in sorted(figures.scores.items(), reverse=True):
        yield Record(sop, "Satisfaction", f"{score} stars", "count", count, CASES)
    yield from _counts(sop, "Escalations", figures.escalations)
    yield from _counts(sop, "Reasons", figures.reasons)


def _spread(sop: str, group: str, name: str, spread: Spread) -> Iterator[Record]:
    yield Record(sop, group, name, "count", spread.count, CASES)
    for percent in (50, 95):
        time = spread.percentile(percent)
        seconds = None if time is None else time.total_seconds()
        yield Record(sop, group, name, f"p{percent}", seconds, SECONDS)


def _share(sop: str, group: str, name: str, share: Share) -> Iterator[Record]:
    yield Record(sop, group, name, "count", share.count, CASES)
    yield Record(sop, group, name, "hits", share.hits, CASES)
    yield Record(sop, group, name, "share", share.percent, PERCENT)


def _counts(sop: str, group: str, counts: Mapping[str, int]) -> Iterator[Record]:
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    for name, count in ranked[:_MOST_REASONS]:
        yield Record(sop, group, name, "count", count, CASES)
    if rest := sum(count for _, count in ranked[_MOST_REASONS:]):
        yield Record(sop, group, "others", "count", rest, CASES)
