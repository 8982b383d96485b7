"""Events that go out to Prefect for what staff act on: `sop.case.parked`, `.asked`, `.breached` and
`.escalated`, about `sop.case.<key>`, so that automations can tell somebody.

Many cases of a kind at once are one event, so many events a second and no more; while Prefect is away they
wait, in bounded memory. Prefect may lose or repeat them.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import NAMESPACE_URL, uuid4, uuid5

from flows.budget import Budget
from flows.parking import Incident
from flows.prefect_api import PREFECT_ERRORS, PrefectApi, refused
from flows.session import Snapshot
from machines.attention import ASKED, BREACHED, ESCALATED, PARKED

MOST_NAMED = 50  #: cases that one event names; Prefect takes 100 related resources
_ANNOUNCED = (ASKED, BREACHED, ESCALATED)
_GATHER_SECONDS = 2.0  #: what comes meanwhile shares the event
_REST_SECONDS = 60.0  #: between two events about the same attention in one procedure
_MOST_KNOWN = 5_000
_MOST_WAITING = 50
_PER_SECOND = 1.0
_BURST = 10


def event_name(what: str) -> str:
    return f"sop.case.{what}"


@dataclass(slots=True)
class _Item:
    """Cases of one procedure that share an event, named after the first."""

    what: str
    sop: str
    due: float
    keys: list[str] = field(default_factory=list)
    count: int = 0
    run: str | None = None
    id: str = field(default_factory=lambda: str(uuid4()))
    occurred: datetime = field(default_factory=lambda: datetime.now(UTC))

    def add(self, key: str) -> None:
        self.count += 1
        if len(self.keys) < MOST_NAMED:
            self.keys.append(key)

    @property
    def event(self) -> dict[str, object]:
        first, *others = self.keys
        related = [_resource(f"sop.procedure.{self.sop}", role="procedure")]
        related += [_resource(f"sop.case.{key}", role="case") for key in others]
        if self.run is not None:
            related.append(_resource(f"prefect.flow-run.{self.run}", role="flow-run"))
        return {
            "id": self.id,
            "occurred": self.occurred.isoformat(),
            "event": event_name(self.what),
            "resource": {
                "prefect.resource.id": f"sop.case.{first}",
                "prefect.resource.name": first,
                "sop.procedure": self.sop,
            },
            "related": related,
            "payload": {"sop": self.sop, "cases": self.keys, "count": self.count},
        }


class Announcing:
    """For the recorder's event loop only."""

    def __init__(self) -> None:
        self._budget = Budget(_PER_SECOND, burst=_BURST)
        self._known: OrderedDict[tuple[str, str], frozenset[str]] = OrderedDict()
        self._open: dict[tuple[str, str], _Item] = {}
        self._rest: dict[tuple[str, str], float] = {}
        self._parked: OrderedDict[str, _Item] = OrderedDict()
        self._under_way: _Item | None = None  #: nothing joins it: it may have reached Prefect already

    def ended(self, seen: Snapshot) -> None:
        """A run has ended: what needs attention there now, and did not when last seen, is announced."""
        for case in seen.cases:
            name = (seen.sop, case.key)
            if not case.attention and name not in self._known:
                continue
            now = frozenset(case.attention).intersection(_ANNOUNCED)
            before = self._known.pop(name, frozenset())
            if now:
                self._known[name] = now
            for what in now - before:
                self._gather(what, seen.sop).add(case.key)
        while len(self._known) > _MOST_KNOWN:
            self._known.popitem(last=False)

    def parked(self, incident: Incident, run: str) -> None:
        """A flow run stands for these steps now; telling it twice is one event."""
        item = _Item(PARKED, incident.steps[0].sop, due=0.0, run=run)
        item.id = str(uuid5(NAMESPACE_URL, f"{run} {incident.once}"))
        for step in incident.steps:
            item.add(step.key)
        self._parked[item.id] = item
        while len(self._parked) > _MOST_WAITING:
            self._parked.popitem(last=False)

    async def show(self, api: PrefectApi) -> None:
        """Send what is due, as far as the budget goes; raises what the API raises, and keeps it then."""
        while True:
            self._under_way = self._under_way or self._next()
            if self._under_way is None or not self._budget.take():
                return
            try:
                await api.emit([self._under_way.event])
            except PREFECT_ERRORS as error:
                if not refused(error):
                    raise
            self._under_way = None

    def _gather(self, what: str, sop: str) -> _Item:
        name = (what, sop)
        if name not in self._open:
            due = max(time.monotonic() + _GATHER_SECONDS, self._rest.get(name, 0.0))
            self._open[name] = _Item(what, sop, due=due)
        return self._open[name]

    def _next(self) -> _Item | None:
        if self._parked:
            return self._parked.popitem(last=False)[1]
        now = time.monotonic()
        for name, item in self._open.items():
            if item.due <= now:
                self._rest[name] = now + _REST_SECONDS
                return self._open.pop(name)
        return None


def _resource(id: str, *, role: str) -> dict[str, str]:
    return {"prefect.resource.id": id, "prefect.resource.role": role}
