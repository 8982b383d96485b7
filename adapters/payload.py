"""Payloads read as the events that they should be: every fault named with field and remedy, and with its
value unless that may be personal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from pydantic import ValidationError

from adapters.envelope import Envelope, EventFault, shown
from adapters.personal import places
from machines.kernel.event import ADDRESS, CLEAN, NUMBER, PRINTED, SEALED, WRITTEN, Event, Facts

_DEEPEST = 20
_LARGEST = 2**53 - 1  #: whole numbers beyond it are not the same to all who read JSON (RFC 8259, section 6)
_PATTERNS = {
    PRINTED: "leave out spaces and control characters; it may not be empty",
    CLEAN: "leave out line breaks and other control characters; it may not be empty",
    WRITTEN: "leave out control characters",
    ADDRESS: "write one e-mail address, such as name@shop.example, without spaces or line breaks",
    NUMBER: "write one telephone number, such as +49 30 5550100",
}


def read_event(kind: type[Event], envelope: Envelope, *, index: int) -> Event | list[EventFault]:
    """The event of this ``kind`` that the payload of ``envelope`` is, or what is wrong with it."""
    try:
        event = kind.model_validate(envelope.data)
    except ValidationError as error:
        return _faults(error, kind, index)
    if (place := _too_large(event)) is not None:
        field = ".".join(("data", *map(_named, place)))
        return [EventFault(index, field, f"a whole number of at most {_LARGEST}")]
    if kind.key and (key := getattr(event, kind.key)) != envelope.subject:
        remedy = f"is not the subject, {envelope.subject}; write the key of the case in both"
        return [EventFault(index, f"data.{kind.key}", remedy, shown(key))]
    return event


def reserved(data: object, index: int, field: str = "data", depth: int = 0) -> EventFault | None:
    """What is wrong with the first text that passes itself off as sealed: whoever could smuggle one in could
    have somebody else's field opened for himself."""
    if isinstance(data, str):
        if data.lstrip()[: len(SEALED)].lower() == SEALED:
            remedy = f"text that begins with {SEALED!r} is reserved; send the clear text"
            return EventFault(index, field, remedy)
        return None
    if not isinstance(data, Mapping | list):
        return None
    if depth >= _DEEPEST:
        remedy = f"nested deeper than {_DEEPEST} levels; send what the event's schema shows"
        return EventFault(index, field, remedy)
    parts = data.items() if isinstance(data, Mapping) else enumerate(data)
    for name, part in parts:
        found = reserved(part, index, f"{field}.{_named(name)}", depth + 1)
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


def _faults(error: ValidationError, event: type[Event], index: int) -> list[EventFault]:
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
        else:
            remedy = _PATTERNS.get(str(detail.get("ctx", {}).get("pattern")), detail["msg"])
            own = detail["type"] in ("value_error", "assertion_error")  # such a message may quote the value
            if personal:
                found.append(EventFault(index, field, "not valid" if own else remedy))
            else:
                found.append(EventFault(index, field, remedy, shown(detail["input"])))
    return found


def _named(step: object) -> str:
    text = str(step)
    return text if (text.isidentifier() and len(text) <= 40) or isinstance(step, int) else "(field)"
