"""What is done to an installation without warning, and how long it takes to go on: workers killed and started
again, PostgreSQL crashed and recovered, Prefect's server killed and started again."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from random import Random

from adapters.errors import StoreUnavailable
from benchmarks.installation import Installation
from deployments.processes import Child

_PATIENCE = 60.0


class Act(StrEnum):
    KILL = "one worker killed"
    KILL_ALL = "all workers killed"
    POSTGRES = "PostgreSQL crashed"
    PREFECT = "Prefect's server killed"

    @property
    def kills(self) -> bool:
        """Whether it takes a worker."""
        return self in (Act.KILL, Act.KILL_ALL)


@dataclass(slots=True)
class Blow:
    """One act: ``at`` on the monotonic clock, ``when`` by the calendar. ``gap`` are the seconds from then to
    the first round that began later and was seen committed; ``freed`` those until none of the ``held`` cases
    of the ``workers`` killed was leased to them any more."""

    act: Act
    at: float
    when: datetime
    workers: frozenset[str] = frozenset()
    held: int = 0
    gap: float | None = None
    freed: float | None = None


class Havoc:
    """``strike`` does something, ``look`` (often) sees what has become of it."""

    def __init__(self, running: Installation, *, chance: Random) -> None:
        self._running = running
        self._store = running.app.store
        self._chance = chance
        self.blows: list[Blow] = []
        self.revived = 0  #: workers that ended by themselves

    def strike(self, act: Act) -> None:
        blow = Blow(act, time.monotonic(), datetime.now(UTC))
        if act.kills:
            self._kill_workers(blow)
        elif act is Act.POSTGRES:
            self._crash_postgres()
        else:
            self._kill_prefect()
        self.blows.append(blow)

    def look(self) -> None:
        """Workers that ended are started again: one that finds no database when it starts ends by itself."""
        self.revived += sum(child.revive() for child in self._running.workers)
        try:
            latest = self._store.cases(limit=1)
            leases = self._leases()
        except StoreUnavailable:
            return
        at = time.monotonic()
        for blow in self.blows:
            if blow.gap is None and latest and latest[0].changed > blow.when:
                blow.gap = at - blow.at
            if blow.freed is None and blow.held and blow.workers.isdisjoint(leases):
                blow.freed = at - blow.at

    @property
    def settled(self) -> bool:
        """Whether every blow is over."""
        return all(blow.freed is not None for blow in self.blows if blow.held)

    def _kill_workers(self, blow: Blow) -> None:
        doomed = self._driving()
        if blow.act is Act.KILL:
            doomed = [self._chance.choice(doomed)]
        blow.workers = frozenset(name for _, name in doomed)
        leases = self._leases()
        blow.held = sum(leases.get(name, 0) for name in blow.workers)
        blow.at, blow.when = time.monotonic(), datetime.now(UTC)
        for child, _ in doomed:
            os.kill(child.pid, signal.SIGKILL)
        for child, _ in doomed:
            while child.alive:
                time.sleep(0.005)
            child.revive()

    def await_workers(self) -> None:
        """Until all of them drive: a kill is to hit work, not a start."""
        until = time.monotonic() + _PATIENCE
        while len(self._driving()) < len(self._running.workers):
            self.look()
            if time.monotonic() > until:
                raise TimeoutError(f"the workers do not drive; see {self._running.worker.log}")
            time.sleep(0.1)

    def _driving(self) -> list[tuple[Child, str]]:
        """The workers that beat, and under which names."""
        try:
            names = {name.partition("/")[0] for name, _ in self._store.workers()}
        except StoreUnavailable:
            return []
        return [
            (child, name) for child in self._running.workers for name in names if f"-{child.pid}-" in name
        ]

    def _leases(self) -> dict[str, int]:
        """How many cases each worker leases, whichever of its lives does."""
        leases: dict[str, int] = {}
        for name, count in self._store.backlog(datetime.now(UTC)).leases.items():
            worker = name.partition("/")[0]
            leases[worker] = leases.get(worker, 0) + count
        return leases

    def _crash_postgres(self) -> None:
        """As `pg_ctl restart -m immediate`: no rollback, no checkpoint; it recovers from its log."""
        postgres = self._running.postgres
        assert postgres is not None
        folder = self._running.app.settings.home / "postgres" / "data"
        os.kill(_first_number(folder / "postmaster.pid"), signal.SIGQUIT)
        while postgres.alive:
            time.sleep(0.005)
        postgres.start()

    def _kill_prefect(self) -> None:
        server = self._running.prefect
        assert server is not None
        os.kill(_first_number(self._running.app.settings.home / "prefect" / "server.pid"), signal.SIGKILL)
        server.stop()
        server.launch()


def plan(chance: Random, *, kills: int, crashes: int, outages: int) -> Sequence[Act]:
    """In random order; of the kills every fifth pair takes both of two workers at once."""
    pairs = kills // 5
    acts = [Act.KILL] * (kills - 2 * pairs) + [Act.KILL_ALL] * pairs
    acts += [Act.POSTGRES] * crashes + [Act.PREFECT] * outages
    chance.shuffle(acts)
    return acts


def _first_number(file: Path) -> int:
    return int(file.read_text().split()[0])
