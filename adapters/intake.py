"""From raw CloudEvents to committed letters: checked, sealed and stored in one transaction, once per
(source, id). HTTP, ``sop send`` and the Prefect ``event`` flow all come in through here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from difflib import get_close_matches
from threading import Lock
from typing import Protocol

from adapters.correction import Correction
from adapters.envelope import CUSTOMER, CUSTOMER_REMEDY, Envelope, EventFault, read_envelope, shown
from adapters.errors import AdapterError, SealBroken
from adapters.payload import read_event, reserved
from adapters.personal import places
from adapters.sealing import Vault
from adapters.store.records import ANSWER, Letter, Receipt
from machines.catalogue import Catalogue
from machines.kernel.command import parse_key, step_of
from machines.kernel.event import Event

_OURSELVES = frozenset({"kept", "staff", "step", "timer", "worker"})  #: sources of what we write ourselves


class InvalidEvents(AdapterError):
    """A request holds events that cannot be taken; nothing of it was stored."""

    code = "invalid-event"

    def __init__(self, faults: Sequence[EventFault]) -> None:
        super().__init__("; ".join(f"event {f.index}: {f.field}: {f.remedy}" for f in faults[:5]))
        self.faults = tuple(faults)


class Inbox(Protocol):
    """What the intake needs of the store."""

    def receive(self, letters: Sequence[Letter]) -> list[Receipt]: ...


@dataclass(frozen=True, slots=True)
class Accepted:
    """An event that is committed, now or (``duplicate``) before; ``number`` is its place in the inbox."""

    id: str
    source: str
    subject: str
    type: str
    duplicate: bool
    number: int


@dataclass(frozen=True, slots=True)
class Checked:
    """An event that is fit to be stored, but for the sealing."""

    envelope: Envelope
    sop: str
    event: Event
    customer: str | None


class Intake:
    """Takes events in for the procedures of ``catalogue``; ``clock`` says when (aware, UTC). Safe to share
    between threads."""

    def __init__(
        self, store: Inbox, *, vault: Vault, catalogue: Catalogue, clock: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._vault = vault
        self._clock = clock
        self.catalogue = catalogue
        self._counting = Lock()
        self._counted: Counter[tuple[str, str]] = Counter()

    @property
    def counted(self) -> Mapping[tuple[str, str], int]:
        """Events since the start by (procedure, result): accepted, duplicate or refused. A request is refused
        whole; its events that no procedure takes count under none."""
        with self._counting:
            return dict(self._counted)

    def accept(self, events: Sequence[object]) -> list[Accepted]:
        """Store all of ``events`` (parsed JSON) in one transaction, or none.

        Raises ``InvalidEvents`` with every fault found, ``StoreUnavailable``.
        """
        (answer,) = self.accept_groups([events])
        if isinstance(answer, Exception):
            raise answer
        return answer

    def accept_groups(self, groups: Sequence[Sequence[object]]) -> list[list[Accepted] | Exception]:
        """``accept`` for several requests in one transaction; an invalid one does not touch the others."""
        checked = [self._check(group) for group in groups]
        sealed = self._seal(checked)
        letters = [letter for group in sealed if isinstance(group, list) for letter in group]
        given = self._store.receive(letters) if letters else []
        self._count(zip(letters, given, strict=True), groups=groups, became=sealed)
        receipts = iter(given)
        return [
            [_accepted(letter, next(receipts)) for letter in group] if isinstance(group, list) else group
            for group in sealed
        ]

    def _count(
        self,
        stored: Iterable[tuple[Letter, Receipt]],
        *,
        groups: Sequence[Sequence[object]],
        became: Sequence[list[Letter] | InvalidEvents],
    ) -> None:
        refused = [
            raw
            for group, end in zip(groups, became, strict=True)
            if not isinstance(end, list)
            for raw in group
        ]
        with self._counting:
            for letter, receipt in stored:
                self._counted[letter.sop, "duplicate" if receipt.duplicate else "accepted"] += 1
            for raw in refused:
                self._counted[self._taker(raw), "refused"] += 1

    def _taker(self, raw: object) -> str:
        """Which procedure takes an event that may be anything at all."""
        kind = raw.get("type") if isinstance(raw, Mapping) else None
        known = isinstance(kind, str) and kind in self.catalogue.outside
        return self.catalogue.taker(str(kind)).name if known else ""

    def correct(self, letter: Letter, changes: Correction) -> Letter:
        """``letter`` with ``changes``: checked like an event that comes in, and sealed where it is not yet;
        received now. Raises ``InvalidEvents``, ``SealBroken``, ``StoreUnavailable``."""
        if (fault := reserved(changes.data, 0)) is not None:
            raise InvalidEvents([fault])
        found = read_envelope(changes.event(letter), index=0)
        checked = found if isinstance(found, list) else self._check_payload(found, 0)
        if isinstance(checked, list):
            raise InvalidEvents(checked)
        body = self._vault.seal_rest(checked.event, customer=checked.customer)
        return _letter(checked, body, self._clock())

    def again(self, letter: Letter) -> Letter:
        """``letter`` as it is, received now."""
        return replace(letter, received=self._clock())

    def _seal(self, groups: Sequence[list[Checked] | InvalidEvents]) -> list[list[Letter] | InvalidEvents]:
        flat = [item for group in groups if isinstance(group, list) for item in group]
        bodies = iter(self._vault.seal_events([(item.event, item.customer) for item in flat]))
        now = self._clock()
        return [
            _letters([(item, next(bodies)) for item in group], now) if isinstance(group, list) else group
            for group in groups
        ]

    def _check(self, events: Sequence[object]) -> list[Checked] | InvalidEvents:
        checked: list[Checked] = []
        faults: list[EventFault] = []
        for index, raw in enumerate(events):
            envelope = read_envelope(raw, index=index)
            found = envelope if isinstance(envelope, list) else self._check_outside(envelope, index)
            if isinstance(found, list):
                faults += found
            else:
                checked.append(found)
        return InvalidEvents(faults) if faults else checked

    def _check_outside(self, envelope: Envelope, index: int) -> Checked | list[EventFault]:
        """An event that comes from elsewhere may not pass itself, or a field of it, off as ours."""
        known = envelope.step is not None or envelope.type in self.catalogue.outside
        fault = self._passes_off(envelope, index) if known else None
        return [fault] if fault else self._check_payload(envelope, index)

    def _check_payload(self, envelope: Envelope, index: int) -> Checked | list[EventFault]:
        if envelope.step is not None:
            return self._check_outcome(envelope, envelope.step, index)
        kind = self.catalogue.outside.get(envelope.type)
        if kind is None:
            return [self._unknown(envelope, index)]
        sop = self.catalogue.taker(envelope.type).name
        if envelope.subject.startswith(f"{sop}/"):
            remedy = f"write the key alone: {envelope.subject.removeprefix(f'{sop}/')}"
            return [EventFault(index, "subject", remedy, shown(envelope.subject))]
        return self._check_data(envelope, sop, kind, index)

    def _check_outcome(self, envelope: Envelope, step: str, index: int) -> Checked | list[EventFault]:
        """An event that says how a command ended must be one of the command's outcomes."""
        sop, key, name = parse_key(step)
        known = next((one for one in self.catalogue if one.name == sop), None)
        command = known.commands.get(name) if known else None
        if command is None:
            return [EventFault(index, "step", "no procedure asks for this command", shown(step))]
        kind = next((one for one in command.outcomes if one.type == envelope.type), None)
        if kind is None:
            outcomes = ", ".join(one.type for one in command.outcomes)
            return [EventFault(index, "type", f"{name} ends in one of {outcomes}", shown(envelope.type))]
        if envelope.subject != key:
            remedy = f"write the key of the case that the step belongs to, {key}"
            return [EventFault(index, "subject", remedy, shown(envelope.subject))]
        return self._check_data(envelope, sop, kind, index)

    def _check_data(
        self, envelope: Envelope, sop: str, kind: type[Event], index: int
    ) -> Checked | list[EventFault]:
        event = read_event(kind, envelope, index=index)
        if isinstance(event, list):
            return event
        customer = getattr(event, "customer", None) or envelope.customer
        known = isinstance(customer, str) and CUSTOMER.fullmatch(customer)
        if not known and (places(kind) or customer is not None):
            return [EventFault(index, "customer", f"say whose personal fields these are: {CUSTOMER_REMEDY}")]
        return Checked(envelope, sop, event, customer)

    def _passes_off(self, envelope: Envelope, index: int) -> EventFault | None:
        if self._ours(envelope.source):
            remedy = "reserved for ourselves; name the system that sends it, such as shop"
            return EventFault(index, "source", remedy, shown(envelope.source))
        return reserved(envelope.data, index)

    def _ours(self, source: str) -> bool:
        """Whether letters of this source are ours: staff, timers, steps, and cases such as ``order/SO-1``."""
        return source in _OURSELVES or any(source.startswith(f"{sop.name}/") for sop in self.catalogue)

    def _unknown(self, envelope: Envelope, index: int) -> EventFault:
        near = get_close_matches(envelope.type, self.catalogue.outside, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}? " if near else ""
        return EventFault(index, "type", f"unknown type; {hint}/events/types lists all", shown(envelope.type))


def _accepted(letter: Letter, receipt: Receipt) -> Accepted:
    return Accepted(
        id=letter.id,
        source=letter.source,
        subject=letter.key,
        type=letter.type,
        duplicate=receipt.duplicate,
        number=receipt.number,
    )


def _letters(
    sealed: Sequence[tuple[Checked, bytes | SealBroken]], now: datetime
) -> list[Letter] | InvalidEvents:
    letters: list[Letter] = []
    broken: list[EventFault] = []
    for index, (item, body) in enumerate(sealed):
        if isinstance(body, SealBroken):
            broken.append(EventFault(index, "customer", f"{body}; send it for another customer"))
        else:
            letters.append(_letter(item, body, now))
    return InvalidEvents(broken) if broken else letters


def _letter(item: Checked, body: bytes, now: datetime) -> Letter:
    step = item.envelope.step
    return Letter(
        source=item.envelope.source if step is None else ANSWER,
        id=item.envelope.id if step is None else step_of(step),
        type=item.envelope.type,
        sop=item.sop,
        key=item.envelope.subject,
        body=body,
        received=now,
        opens=item.event.opens and step is None,
    )
