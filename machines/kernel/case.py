"""A case: one order, one return, one complaint, as it stands after its latest journal entry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from typing import Any

from machines.kernel.clock import Mode
from machines.kernel.clock_ledger import Ledger
from machines.kernel.event import Facts
from machines.kernel.hold import Hold
from machines.kernel.rule import Disposition
from machines.kernel.value import value


@value
class Timer:
    """A running or passed deadline of a case; instants are aware and UTC."""

    name: str
    due: datetime
    set_at: datetime
    passed: bool = False


@value
class Case:
    """``seq`` is the number of its latest journal entry and serves as the optimistic version; ``version`` and
    ``hash`` are those of the definition it runs on; ``data`` is ``None`` until the opening event.
    ``deferred`` counts the events kept for it until it enters another state. ``clocks`` holds the ledgers of
    its clocks by name. While there is a ``hold`` no deadline runs
    but those of statutory clocks. ``assignee`` is who looks after it,
    if staff said so."""

    sop: str
    key: str
    version: int
    hash: str
    state: str
    data: Facts | None = None
    seq: int = 0
    parent: str | None = None
    timers: Mapping[str, Timer] = field(default_factory=dict)
    deferred: int = 0
    clocks: Mapping[str, Ledger] = field(default_factory=dict)
    hold: Hold | None = None
    assignee: str | None = None

    @property
    def id(self) -> str:
        return case_id(self.sop, self.key)

    @property
    def policy(self) -> str | None:
        """The policy that its clocks go by; ``None`` if none runs or pauses, or while it is on hold: they are
        found anew when it is resumed."""
        if self.hold:
            return None
        ticking = (ledger for ledger in self.clocks.values() if ledger.mode is not Mode.STOPPED)
        return next((ledger.policy for ledger in ticking), None)


def case_id(sop: str, key: str) -> str:
    """``order/SO-1001``: how cases are named in the store, in idempotency keys and between cases."""
    return f"{sop}/{key}"


@value
class Entry:
    """One line of a case's journal; ``body`` is the event's payload, ``reason`` says why the case did so."""

    seq: int
    at: datetime
    event: str
    source: str
    event_id: str
    disposition: Disposition
    before: str
    after: str
    reason: str
    body: Mapping[str, Any] | Facts
