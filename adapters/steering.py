"""What staff ask for goes to the case by letter, whoever leases it, and takes effect in its next round: hold,
resume, cancel, note, assign. The same for the command line and for forms."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from uuid import uuid4

from pydantic import ValidationError

from adapters.asking.answers import source_of
from adapters.errors import AdapterError
from adapters.store.base import Store
from adapters.store.records import InboxStatus, Letter
from machines.kernel.case import Case
from machines.kernel.clock import Mode
from machines.kernel.definition import Definition
from machines.kernel.event import Event
from machines.kernel.steering import Assigned, CancelAsked, Noted, Order, PutOnHold, Resumed
from machines.own_events import ASSIGNS, CANCELS

Asked = TypeVar("Asked", bound=Order)

STAFF = "staff"
_PATIENCE_SECONDS = 10.0
_LOOK_SECONDS = 0.05


class CannotSteer(AdapterError):
    """What was asked for cannot be sent to a case; nothing was."""

    code = "cannot-steer"


@dataclass(frozen=True, slots=True)
class Steered:
    """What became of what was asked for: ``status`` of the letter that decides, ``reason`` in plain words,
    and where the case stands. ``waiting`` is true while no worker has taken it up. ``runs_on`` names the
    clocks that the hold of the case does not stop, with when each is due."""

    case: str
    title: str
    status: InboxStatus
    reason: str
    held: bool
    runs_on: tuple[str, ...] = ()

    @property
    def waiting(self) -> bool:
        return self.status is InboxStatus.NEW

    @property
    def applied(self) -> bool:
        return self.status is InboxStatus.APPLIED

    @property
    def refused(self) -> bool:
        return self.status in (InboxStatus.REFUSED, InboxStatus.DEAD)


class Steering:
    """Every method names the case by its key, or as ``order/SO-1001`` where several have that key; ``who``
    and ``reason`` are journalled. They raise ``CannotSteer`` and ``StoreUnavailable``."""

    def __init__(
        self,
        store: Store,
        definitions: Mapping[str, Definition],
        *,
        clock: Callable[[], datetime],
        patience: float = _PATIENCE_SECONDS,
    ) -> None:
        self._store = store
        self._definitions = definitions
        self._clock = clock
        self._patience = patience  #: seconds to wait for the case to take it

    def hold(self, key: str, *, who: str, reason: str) -> Steered:
        return self._send(self.find(key), _order(PutOnHold, who=who, reason=reason))

    def resume(self, key: str, *, who: str, reason: str) -> Steered:
        return self._send(self.find(key), _order(Resumed, who=who, reason=reason))

    def note(self, key: str, *, who: str, text: str) -> Steered:
        return self._send(self.find(key), _order(Noted, who=who, reason=text))

    def assign(self, key: str, *, to: str, who: str, reason: str) -> Steered:
        """Its procedure is told, too, where that matters to it."""
        case = self.find(key)
        order = _order(Assigned, who=who, reason=reason, to=to)
        also = [ASSIGNS[case.sop](to)] if case.sop in ASSIGNS else []
        return self._send(case, order, *also)

    def cancel(self, key: str, *, who: str, reason: str) -> Steered:
        """By the event with which its own procedure is cancelled; refused where it has none."""
        case = self.find(key)
        order = _order(CancelAsked, who=who, reason=reason)
        if case.sop not in CANCELS:
            raise CannotSteer(
                f"a {case.sop} cannot be cancelled by itself: its procedure has no event for it; "
                f"cancel {case.parent or 'the case that it belongs to'} instead, or put it on hold"
            )
        if case.data is None:
            raise CannotSteer(
                f"the data of {case.id} cannot be read here; migrate it first, see 'sop doctor'"
            )
        return self._send(case, order, CANCELS[case.sop](case.data))

    def find(self, key: str) -> Case:
        """The one case of that name."""
        key = key.strip()
        sop, _, rest = key.partition("/")
        found = self._store.find_case(key=rest, sop=sop) if sop in self._definitions else []
        # A key may hold a slash of its own.
        found = found or self._store.find_case(key=key)
        if len(found) == 1:
            return found[0]
        if found:
            names = " or ".join(case.id for case in found)
            raise CannotSteer(f"{key} is the key of several cases; say {names}")
        raise CannotSteer(f"no case {key!r}; 'sop cases --all' lists what there is")

    def _send(self, case: Case, order: Order, *more: Event) -> Steered:
        letters = [self._letter(case, order.who, event) for event in (order, *more)]
        self._store.receive(letters)
        return self._await(case, letters)

    def _letter(self, case: Case, who: str, event: Event) -> Letter:
        source = source_of(STAFF, who)
        body = event.to_json()
        return Letter(source, str(uuid4()), event.type, case.sop, case.key, body, self._clock())

    def _await(self, case: Case, letters: Sequence[Letter]) -> Steered:
        """What became of the first that the case did not take, else of the last."""
        until = time.monotonic() + self._patience
        while True:
            rows = [self._store.letter(source=letter.source, id=letter.id) for letter in letters]
            known = [row for row in rows if row is not None]
            waits = any(row.status is InboxStatus.NEW for row in known)
            if not waits or time.monotonic() > until:
                break
            time.sleep(_LOOK_SECONDS)
        decisive = next((row for row in known if row.status is not InboxStatus.APPLIED), known[-1])
        (now,) = self._store.find_case(key=case.key, sop=case.sop)
        return Steered(
            case=case.id,
            title=self._definitions[case.sop].state(now.state).title,
            status=decisive.status,
            reason=decisive.reason,
            held=now.hold is not None,
            runs_on=tuple(_running_on(now, self._definitions[case.sop])) if now.hold else (),
        )


def _running_on(case: Case, definition: Definition) -> Iterator[str]:
    for clock in definition.clocks:
        ledger = case.clocks.get(clock.name)
        if clock.statutory and ledger is not None and ledger.mode is Mode.RUNNING and ledger.due is not None:
            yield f"{clock.name.replace('_', ' ')}, due {ledger.due:%Y-%m-%d %H:%M} UTC"


def _order(kind: type[Asked], **said: str) -> Asked:
    """Raises ``CannotSteer`` naming the field and what to do."""
    try:
        return kind(**{field: re.sub(r"\s+", " ", value).strip() for field, value in said.items()})
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise CannotSteer(faults) from None
