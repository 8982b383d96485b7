"""From raw CloudEvents to committed letters: checked, sealed and stored in one transaction, once per
(source, id). HTTP, ``sop send`` and the Prefect ``event`` flow all come in through here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from typing import Protocol

from pydantic import ValidationError

from adapters.envelope import CUSTOMER, CUSTOMER_REMEDY, Envelope, EventFault, read_envelope, shown
from adapters.errors import AdapterError, SealBroken
from adapters.personal import places
from adapters.sealing import Vault
from adapters.store.base import Letter, Receipt
from machines.catalogue import Catalogue
from machines.kernel.event import CLEAN, PRINTED, SEALED, WRITTEN, Event, Facts

_DEEPEST = 20
_LARGEST = 2**53 - 1  #: whole numbers beyond it are not the same to all who read JSON (RFC 8259, section 6)
_PATTERNS = {
    PRINTED: "leave out spaces and control characters; it may not be empty",
    CLEAN: "leave out control characters; it may not be empty",
    WRITTEN: "leave out control characters",
}
_OURSELVES = frozenset({"staff", "step", "timer", "worker"})  #: sources of what we write ourselves


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
        receipts = iter(self._store.receive(letters) if letters else ())
        return [
            [_accepted(letter, next(receipts)) for letter in group] if isinstance(group, list) else group
            for group in sealed
        ]

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
            found = envelope if isinstance(envelope, list) else self._check_payload(envelope, index)
            if isinstance(found, list):
                faults += found
            else:
                checked.append(found)
        return InvalidEvents(faults) if faults else checked

    def _check_payload(self, envelope: Envelope, index: int) -> Checked | list[EventFault]:
        kind = self.catalogue.outside.get(envelope.type)
        if kind is None:
            return [self._unknown(envelope, index)]
        sop = self.catalogue.taker(envelope.type).name
        if (fault := self._misdirected(envelope, sop, index)) is not None:
            return [fault]
        event = _read(kind, envelope, index)
        if isinstance(event, list):
            return event
        customer = getattr(event, "customer", None) or envelope.customer
        known = isinstance(customer, str) and CUSTOMER.fullmatch(customer)
        if not known and (places(kind) or customer is not None):
            return [EventFault(index, "customer", f"say whose personal fields these are: {CUSTOMER_REMEDY}")]
        return Checked(envelope, sop, event, customer)

    def _misdirected(self, envelope: Envelope, sop: str, index: int) -> EventFault | None:
        """What is wrong with where it goes, where it says it comes from, or what it passes itself off as."""
        if envelope.subject.startswith(f"{sop}/"):
            key = envelope.subject.removeprefix(f"{sop}/")
            return EventFault(index, "subject", f"write the key alone: {key}", shown(envelope.subject))
        if self._ours(envelope.source):
            remedy = "reserved for ourselves; name the system that sends it, such as shop"
            return EventFault(index, "source", remedy, shown(envelope.source))
        reserved = _reserved(envelope.data)
        return EventFault(index, reserved[0], reserved[1]) if reserved else None

    def _ours(self, source: str) -> bool:
        """Whether letters of this source are ours: staff, timers, steps, and cases such as ``order/SO-1``."""
        return source in _OURSELVES or any(source.startswith(f"{sop.name}/") for sop in self.catalogue)

    def _unknown(self, envelope: Envelope, index: int) -> EventFault:
        near = get_close_matches(envelope.type, self.catalogue.outside, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}? " if near else ""
        return EventFault(index, "type", f"unknown type; {hint}/events/types lists all", shown(envelope.type))


def _read(kind: type[Event], envelope: Envelope, index: int) -> Event | list[EventFault]:
    try:
        event = kind.model_validate(envelope.data)
    except ValidationError as error:
        return _payload_faults(error, kind, index)
    if (place := _too_large(event)) is not None:
        field = ".".join(("data", *map(_named, place)))
        return [EventFault(index, field, f"a whole number of at most {_LARGEST}")]
    if kind.key and (key := getattr(event, kind.key)) != envelope.subject:
        remedy = f"is not the subject, {envelope.subject}; write the key of the case in both"
        return [EventFault(index, f"data.{kind.key}", remedy, shown(key))]
    return event


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
            letter = Letter(
                source=item.envelope.source,
                id=item.envelope.id,
                type=item.envelope.type,
                sop=item.sop,
                key=item.envelope.subject,
                body=body,
                received=now,
                opens=item.event.opens,
            )
            letters.append(letter)
    return InvalidEvents(broken) if broken else letters


def _reserved(data: object, field: str = "data", depth: int = 0) -> tuple[str, str] | None:
    """(field, remedy) of the first text that passes itself off as sealed: whoever could smuggle one in
    could have somebody else's field opened for himself."""
    if isinstance(data, str):
        if data.lstrip()[: len(SEALED)].lower() == SEALED:
            return field, f"text that begins with {SEALED!r} is reserved; send the clear text"
        return None
    if not isinstance(data, Mapping | list):
        return None
    if depth >= _DEEPEST:
        return field, f"nested deeper than {_DEEPEST} levels; send what the event's schema shows"
    parts = data.items() if isinstance(data, Mapping) else enumerate(data)
    for name, part in parts:
        found = _reserved(part, f"{field}.{_named(name)}", depth + 1)
        if found:
            return found
    return None


def _too_large(value: object) -> tuple[object, ...] | None:
    """Where in ``value`` the first number is that is too large to be stored, if one is. Sent as text it may
    be of any length."""
    if isinstance(value, int):
        return () if abs(value) > _LARGEST else None
    parts: Iterable[tuple[object, object]] = ()
    if isinstance(value, Facts):
        parts = vars(value).items()
    elif isinstance(value, tuple | list):
        parts = enumerate(value)
    elif isinstance(value, Mapping):
        parts = value.items()
    for name, part in parts:
        if type(part) is not str and (found := _too_large(part)) is not None:
            return (name, *found)
    return None


def _payload_faults(error: ValidationError, event: type[Event], index: int) -> list[EventFault]:
    found = []
    for detail in error.errors(include_url=False):
        path = detail["loc"]
        personal = places(event).covers(path)
        field = ".".join(("data", *(_named(step) for step in path)))
        if detail["type"] == "extra_forbidden":
            near = get_close_matches(str(path[-1]), event.model_fields, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            found.append(EventFault(index, field, f"not a field of {event.type}{hint}"))
        elif detail["type"] == "missing":
            found.append(EventFault(index, field, "add this field"))
        elif personal:
            own = detail["type"] in ("value_error", "assertion_error")  # such a message may quote the value
            found.append(EventFault(index, field, "not valid" if own else detail["msg"]))
        else:
            pattern = str(detail.get("ctx", {}).get("pattern"))
            found.append(
                EventFault(index, field, _PATTERNS.get(pattern, detail["msg"]), shown(detail["input"]))
            )
    return found


def _named(step: object) -> str:
    text = str(step)
    return text if (text.isidentifier() and len(text) <= 40) or isinstance(step, int) else "(field)"
