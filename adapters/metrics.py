"""What Prometheus reads from a web process: how the store stands, asked when it is scraped, what the intake
took, and how long requests last. Labels hold no key and nothing personal.

A store that is out of reach is ``sop_up 0``; what would have come from it is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from adapters.errors import StoreUnavailable
from adapters.latest import Latest
from adapters.store.base import Store
from adapters.store.outage import Outage
from adapters.store.records import Backlog, OpenSteps

CONTENT_TYPE = CONTENT_TYPE_LATEST

_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_METHODS = frozenset({"GET", "POST", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE"})

Counted = Callable[[], Mapping[tuple[str, str], int]]
"""Events by (procedure, result)."""


@dataclass(frozen=True, slots=True)
class _Seen:
    at: datetime
    backlog: Backlog
    steps: list[OpenSteps]
    outages: list[Outage]


class WebMetrics:
    """The metrics of one web process, in a registry of its own."""

    def __init__(self, store: Store, *, counted: Counted) -> None:
        # A second series for each, which says when it began. (Its authors gave the function no types.)
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = CollectorRegistry()
        self._registry.register(_StoreState(store))
        self._registry.register(_Intake(counted))
        self._requests = Histogram(
            "sop_http_request_duration_seconds",
            "How long requests lasted",
            ["method", "route", "status"],
            buckets=_BUCKETS,
            registry=self._registry,
        )

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """One request was answered; ``route`` is the pattern, not the address."""
        # A client may invent methods, and each would be a series for good.
        known = method if method in _METHODS else "other"
        self._requests.labels(known, route, str(status)).observe(seconds)

    def text(self) -> bytes:
        """In the text format of Prometheus."""
        return generate_latest(self._registry)


class _Intake(Collector):
    def __init__(self, counted: Counted) -> None:
        self._counted = counted

    def collect(self) -> Iterator[Metric]:
        events = CounterMetricFamily(
            "sop_intake_events", "Events since the start of this process", labels=["sop", "result"]
        )
        for labels, count in sorted(self._counted().items()):
            events.add_metric(labels, count)
        yield events


class _StoreState(Collector):
    def __init__(self, store: Store) -> None:
        def look() -> _Seen:
            now = datetime.now(UTC)
            return _Seen(now, store.backlog(now), store.open_steps(), store.outages.known())

        self._latest = Latest(look)

    def collect(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("sop_up", "Whether the store answers")
        try:
            seen = self._latest.get()
        except StoreUnavailable:
            up.add_metric((), 0)
            yield up
            return
        up.add_metric((), 1)
        yield up
        yield _steps(seen.steps)
        yield _outages(seen.outages)
        yield from _backlog(seen.backlog, now=seen.at)
        yield from _workers(seen.backlog, now=seen.at)


def _steps(steps: list[OpenSteps]) -> Metric:
    labels = ["status", "sop", "command", "code"]
    family = GaugeMetricFamily("sop_open_steps", "Steps that have not ended", labels=labels)
    for each in steps:
        family.add_metric((each.status.value, each.sop, each.command, each.code), each.count)
    return family


def _outages(outages: list[Outage]) -> Metric:
    text = "Commands that are out, are resuming, or left parked steps to staff"
    family = GaugeMetricFamily("sop_outage", text, labels=["command", "phase"])
    for outage in outages:
        family.add_metric((outage.command, outage.phase.value), 1)
    return family


def _backlog(backlog: Backlog, *, now: datetime) -> Iterator[Metric]:
    letters = GaugeMetricFamily("sop_letters", "Events that wait or are dead", labels=["status"])
    for status, count in (("new", backlog.new), ("unmatched", backlog.unmatched), ("dead", backlog.dead)):
        letters.add_metric((status,), count)
    yield letters
    age = (now - backlog.oldest).total_seconds() if backlog.oldest else 0.0
    yield _gauge("sop_oldest_new_letter_age_seconds", "How long the oldest new event waits", max(age, 0.0))
    yield _gauge(
        "sop_overdue_timers", "Deadlines past their time that have not fired", backlog.overdue_timers
    )
    yield _gauge("sop_overdue_steps", "Steps past their time that are not performed", backlog.overdue_steps)


def _workers(backlog: Backlog, *, now: datetime) -> Iterator[Metric]:
    ages = GaugeMetricFamily(
        "sop_worker_heartbeat_age_seconds", "Since when a worker was last heard of", labels=["worker"]
    )
    for worker, beat in backlog.workers:
        ages.add_metric((worker,), max((now - beat).total_seconds(), 0.0))
    yield ages
    leased = GaugeMetricFamily("sop_worker_leased_cases", "Cases in the hands of a worker", labels=["worker"])
    for worker, count in sorted(backlog.leases.items()):
        leased.add_metric((worker,), count)
    yield leased


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=value)
