"""The store's contract: everything a case is and owes, changed in whole rounds or not at all.

A *round* is one transaction: take what is ready, decide, write everything that follows, commit. A case is
worked on by the worker that leases it; a lease lives as long as its worker's heartbeat, and every write
checks lease and journal number, so a worker that was thought dead cannot overwrite its successor.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from adapters.store.bulletins import Bulletins
from adapters.store.notices import Notices
from adapters.store.outage import OutageStore
from adapters.store.overview import Panorama
from adapters.store.records import (
    Backlog,
    Behind,
    CaseRow,
    Changes,
    InboxRow,
    InboxStatus,
    Letter,
    Live,
    OpenSteps,
    Receipt,
    Standing,
    Step,
    StepFilter,
    StepStatus,
    Taken,
)
from adapters.store.upkeep import Upkeep
from machines.kernel.case import Case, Entry, Timer


class Round(Protocol):
    """One open transaction of one worker. Left without ``write``, everything ready stays ready; left by an
    exception, nothing changes at all."""

    def take(self, *, now: datetime, limit: int, held: Collection[str]) -> Taken:
        """Everything ready in the cases that this worker leases (some thousand pieces of each kind), and of
        other cases at most ``limit`` letters, ``limit`` timers and ``limit`` steps. Letters of procedures
        not known here stay as they are. Letters that neither find a case nor open one become unmatched.
        A timer waits while its case has new letters that were received before it was due.
        Raises ``Conflict`` naming the cases in ``held`` that have work to do but are leased by nobody."""
        ...

    def behind(self, *, sop: str, version: int, after: str, limit: int) -> list[Behind]:
        """Instead of ``take``: up to ``limit`` cases of ``sop`` that run on ``version``, that nobody leases
        and whose ids follow ``after``, in the order of their ids. Those that the round then writes are read
        again by workers that could not read them."""
        ...

    def write(self, changes: Changes) -> None:
        """Last in a round. Raises ``Conflict`` naming the cases that this worker no longer leases or that
        were opened before, ``ValueError`` if the journal would get a gap, ``Unwritable`` if the database
        does not take a value, a step or a letter that differs is there under the same name. Nothing is kept
        then."""
        ...


class Store(Protocol):
    """All methods raise ``StoreUnavailable`` when the database is locked, full or unreachable, and may be
    called from any thread; ``wait`` by one at a time. A ``worker`` names one life of one process: who starts
    again takes a new name.
    """

    def migrate(self) -> None: ...

    def close(self) -> None: ...

    def identity(self) -> str:
        """The name of this store, whatever its address and its keys: 32 hexadecimal digits."""
        ...

    @property
    def bulletins(self) -> Bulletins:
        """What subscribers are told."""
        ...

    @property
    def notices(self) -> Notices:
        """What staff are told."""
        ...

    @property
    def outages(self) -> OutageStore:
        """Commands that their provider does not answer."""
        ...

    @property
    def upkeep(self) -> Upkeep:
        """The end of what is over."""
        ...

    @property
    def panorama(self) -> Panorama:
        """All cases at once."""
        ...

    # intake
    def receive(self, letters: Sequence[Letter]) -> list[Receipt]:
        """Each (source, id) once; but one that is dead may be sent again, and then replaces what was there.
        Raises ``Unwritable``."""
        ...

    def wait(self, seconds: float) -> bool:
        """Sleep until another connection may have changed something, at most ``seconds``; True if so."""
        ...

    def wake(self) -> None:
        """End a ``wait`` of this object early; safe from any thread."""
        ...

    # the drive loop
    def round(self, *, worker: str) -> AbstractContextManager[Round]: ...

    def next_due(self, *, worker: str | None = None) -> datetime | None:
        """When the next timer or step is due that ``worker`` could take; of ``None``, whoever leases its
        case."""
        ...

    def beat(self, *, worker: str, now: datetime) -> None:
        """``now`` counts where all workers share one machine's clock; PostgreSQL uses its own."""
        ...

    def recover(self, *, now: datetime, silent_since: datetime) -> int:
        """Free the cases of workers whose last heartbeat is older than ``silent_since`` (on PostgreSQL:
        older than ``now - silent_since`` by the database's clock); their running steps become pending, those
        with a code retrying, due now. Returns the number of cases freed."""
        ...

    def leave(self, *, worker: str, now: datetime) -> None:
        """Free what the worker leases, at once, and forget what it could not read; its running steps become
        pending, those with a code retrying, due now. For a worker that stops in good order, or that cannot
        know whether its last round was kept: this one may go on under the same name, with nothing in hand."""
        ...

    def expire_unmatched(self, *, before: datetime) -> int: ...

    def expire_unread(self, *, before: datetime) -> int:
        """Letters received ``before`` that would open a case, were beyond a worker and were taken by no other
        become dead: of each case the first, so that workers look at what came after it. How many."""
        ...

    def probe(self) -> None:
        """Write something that leaves no trace, as durably as everything else."""
        ...

    # on-call staff
    def requeue(self, steps: Sequence[str], *, now: datetime, who: str, reason: str) -> list[str]:
        """In one transaction: parked steps become pending, due now; the keys that were parked. Attempts go on
        counting, so that one more failure parks the step again. Each leaves a ``REPLAY`` letter to its case,
        so that the worker that leases the case journals who and why."""
        ...

    def amend(self, step: Step, *, now: datetime, letter: Letter) -> bool:
        """In one transaction: a parked step becomes pending, due now, with the ``arguments``, ``earlier`` and
        ``presumed`` given, and ``letter`` goes to its case. False, and nothing happens, if it is not parked
        any more after the same number of attempts."""
        ...

    def resend(self, number: int, letter: Letter, *, who: str, reason: str) -> int | None:
        """Put ``letter`` in the inbox in place of the one numbered, which stays, as ``InboxStatus.RESENT``.
        The number of ``letter``, or None if the other one is not in ``RESENDABLE`` (any more). Leaves a
        ``RESENT`` letter for the journal of the case, which is ignored if that case never comes. Raises
        ``Unwritable``."""
        ...

    def retime(self, *, policy: str, after: str, limit: int, now: datetime) -> list[str]:
        """Leave a ``PolicyChanged`` letter to cases whose running or paused clocks go by another ``policy``:
        the first ``limit`` of those whose id comes after ``after``. Their ids, in order."""
        ...

    def set_run(self, steps: Sequence[str], run: str) -> None: ...

    # customers
    def customer_keys(self, customers: Collection[str], *, fresh: Mapping[str, bytes]) -> Mapping[str, bytes]:
        """The wrapped key of each customer; those without one get theirs from ``fresh``, first writer wins.
        A customer whose key was destroyed is absent from the answer."""
        ...

    def destroy_key(self, customer: str, *, now: datetime) -> bool:
        """Make what is sealed for the customer unreadable for good; False if there was no key to destroy.
        The customer never gets another one."""
        ...

    # reading
    def find_case(self, *, key: str, sop: str | None = None) -> list[Case]:
        """Of procedures known here; without data where these cannot be read."""
        ...

    def cases(
        self,
        *,
        sop: str | None = None,
        state: str | None = None,
        open_only: bool = False,
        held_only: bool = False,
        assignee: str | None = None,
        parent: str | None = None,
        limit: int = 100,
    ) -> list[CaseRow]:
        """Latest change first."""
        ...

    def standing(
        self,
        states: Collection[tuple[str, str]],
        *,
        cases: Collection[str] | None = None,
        limit: int = 1_000,
    ) -> list[Standing]:
        """The cases that stand in one of these (procedure, state), or those of ``cases`` that do; what
        changed first comes first. Cases that cannot be read are left out."""
        ...

    def journal(self, case: str) -> list[tuple[Entry, bytes]]:
        """The entries of a case in order, each with its body as JSON."""
        ...

    def case_timers(self, case: str) -> list[Timer]: ...

    def steps(
        self,
        *,
        status: Collection[StepStatus] = (),
        case: str | None = None,
        command: str | None = None,
        run: str | None = None,
        keys: Collection[str] = (),
        key_of_case: str | None = None,
        error: str | None = None,
        only: StepFilter | None = None,
        limit: int = 100,
    ) -> list[Step]:
        """Oldest first. ``key_of_case`` is the key of cases of any procedure known here, ``error`` a part
        of the latest failure's text, as it is written."""
        ...

    def inbox(self, *, status: Collection[InboxStatus] = (), limit: int = 100) -> list[InboxRow]:
        """Newest first."""
        ...

    def letter(self, *, source: str, id: str) -> InboxRow | None: ...

    def numbered(self, number: int) -> InboxRow | None:
        """The letter of that number."""
        ...

    def summary(self) -> Mapping[str, Mapping[str, int]]:
        """Counts: ``cases`` by "sop/state", ``steps`` by status, ``inbox`` by status."""
        ...

    def workers(self) -> list[tuple[str, datetime]]:
        """Those who beat, by name, each with its last heartbeat. One that fell silent stays until it is
        recovered."""
        ...

    def backlog(self, now: datetime) -> Backlog: ...

    def open_steps(self) -> list[OpenSteps]:
        """In the order of procedure, status, command and code; at the price of the open steps alone."""
        ...

    def time(self) -> datetime | None:
        """What the database's clock says; ``None`` where it has none but that of this machine."""
        ...

    def live(self) -> list[Live]:
        """Cases by what they run on; in the order of procedure, version and hash."""
        ...
