"""What Prometheus reads from a worker: its own figures since it began, on a port of its own. Labels hold no
key and nothing personal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from adapters.store.outage import Phase
from flows.driver import Driver


class WorkerFigures(Collector):
    """The figures of one drive loop, read while it runs."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    def collect(self) -> Iterator[Metric]:
        driver = self._driver
        yield CounterMetricFamily("sop_worker_rounds", "Transactions of the drive loop", value=driver.rounds)
        # Copied whole at once: the drive loop goes on counting meanwhile.
        events = CounterMetricFamily("sop_worker_events", "Events that cases took", labels=["sop", "event"])
        for labels, count in sorted(dict(driver.handled).items()):
            events.add_metric(labels, count)
        yield events
        commands = CounterMetricFamily(
            "sop_worker_commands", "Tries of commands, by how they ended", labels=["command", "outcome"]
        )
        for labels, count in sorted(dict(driver.performed).items()):
            commands.add_metric(labels, count)
        yield commands
        spent = CounterMetricFamily(
            "sop_worker_loop_seconds", "Time in each part of the drive loop", labels=["part"]
        )
        for part, seconds in sorted(dict(driver.spent).items()):
            spent.add_metric((part,), seconds)
        yield spent
        breakers = GaugeMetricFamily(
            "sop_worker_breaker_open",
            "Whether a command is held back (1) or resuming (0)",
            labels=["command"],
        )
        for command, outage in sorted(driver.outages.known.items()):
            if outage.phase is not Phase.LEFT:
                breakers.add_metric((command,), outage.phase is Phase.OUT)
        yield breakers


@contextmanager
def served_figures(driver: Driver, *, host: str, port: int) -> Iterator[None]:
    """Serve them at ``http://host:port/metrics`` meanwhile; raises ``OSError`` if the port is taken."""
    registry = CollectorRegistry()
    registry.register(WorkerFigures(driver))
    server, thread = start_http_server(port, host, registry)
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
