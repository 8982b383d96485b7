"""CloudEvents 1.0 envelopes: their attributes checked, every fault named with field, value and remedy."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from machines.kernel.command import parse_key

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
LONGEST = {"id": 200, "source": 200, "type": 100, "subject": 120}
CUSTOMER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

_ATTRIBUTE = re.compile(r"[a-z0-9]{1,40}")
_HARMLESS = re.compile(r"[\w .:/+-]*")
_JSON = re.compile(r"application/([\w.-]+\+)?json\s*(;.*)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class EventFault:
    """What is wrong with event number ``index`` (from 0) of a request; ``value`` is never a personal one."""

    index: int
    field: str
    remedy: str
    value: str | None = None


@dataclass(frozen=True, slots=True)
class Envelope:
    """What the intake uses of an event; ``customer`` and ``step`` are extension attributes of ours, the
    latter the idempotency key of a command that the event says the outcome of."""

    id: str
    source: str
    type: str
    subject: str
    customer: str | None
    data: Mapping[str, object]
    step: str | None = None


def read_envelope(event: object, *, index: int) -> Envelope | list[EventFault]:
    """The envelope of one event as parsed from JSON, or all that is wrong with it."""
    if not isinstance(event, Mapping):
        return [EventFault(index, "", "an event is a JSON object of CloudEvents attributes")]
    faults = [
        EventFault(index, field, remedy, shown(event.get(field)))
        for field, remedy in (*_texts(event), *_rest(event))
    ]
    if faults:
        return faults
    data = event.get("data")
    return Envelope(
        id=event["id"],
        source=event["source"],
        type=event["type"],
        subject=event["subject"],
        customer=event.get("customer"),
        data=data if isinstance(data, Mapping) else {},
        step=event.get("step"),
    )


def shown(value: object) -> str | None:
    """A value fit for an error: a number, or the beginning of a text that does not look like an address."""
    if isinstance(value, bool | int | float):
        return str(value)[:40]
    if isinstance(value, str) and _HARMLESS.fullmatch(value):
        return value if len(value) <= 40 else value[:40] + "..."
    return None


def _texts(event: Mapping[str, object]) -> list[tuple[str, str]]:
    faults = []
    for field, longest in LONGEST.items():
        value = event.get(field)
        if value is None or value == "":
            faults.append((field, _MISSING[field]))
        elif not isinstance(value, str):
            faults.append((field, "write it as text"))
        elif len(value) > longest:
            faults.append((field, f"at most {longest} characters; it has {len(value)}"))
        elif not value.isprintable() or (field != "id" and " " in value):
            faults.append((field, "leave out spaces and control characters"))
    subject = event.get("subject")
    if isinstance(subject, str) and "@" in subject:
        faults.append(("subject", "the subject is a case key, which is not personal: no e-mail address"))
    return faults


_MISSING = {
    "id": "add an id, unique within the source; the same id again is the same event",
    "source": "add the source, such as shop or https://shop.example",
    "type": "add the type, such as those listed at /events/types",
    "subject": "add the subject: the key of the case, such as SO-1001",
}


def _rest(event: Mapping[str, object]) -> list[tuple[str, str]]:
    faults = []
    if event.get("specversion") != "1.0":
        faults.append(("specversion", 'write "1.0"'))
    content = event.get("datacontenttype")
    if content is not None and not (isinstance(content, str) and _JSON.fullmatch(content)):
        faults.append(("datacontenttype", "write application/json, or leave it out"))
    if event.get("time") is not None:
        faults += _time(event["time"])
    if "data_base64" in event:
        faults.append(("data_base64", "send the payload as a JSON object in data"))
    elif not isinstance(event.get("data", {}), Mapping):
        faults.append(("data", "write the payload as a JSON object"))
    customer = event.get("customer")
    if customer is not None and not (isinstance(customer, str) and CUSTOMER.fullmatch(customer)):
        faults.append(("customer", CUSTOMER_REMEDY))
    step = event.get("step")
    if step is not None and not (isinstance(step, str) and _is_key(step)):
        faults.append(("step", STEP_REMEDY))
    for name in event:
        if name != "data_base64" and not (isinstance(name, str) and _ATTRIBUTE.fullmatch(name)):
            field = shown(name) or "(attribute)"
            faults.append(
                (field, "attribute names are lower-case letters and digits; the payload goes into data")
            )
    return faults


STEP_REMEDY = "write the idempotency key of the command, such as order/SO-1001/warehouse.submit/7"
CUSTOMER_REMEDY = "a customer id is up to 64 letters, digits, dots, dashes and underscores; no e-mail address"


def _is_key(step: str) -> bool:
    try:
        parse_key(step)
    except ValueError:
        return False
    return True


def _time(value: object) -> list[tuple[str, str]]:
    try:
        naive = datetime.fromisoformat(value).tzinfo is None if isinstance(value, str) else True
    except ValueError:
        return [("time", "write an RFC 3339 timestamp such as 2026-12-03T10:20:00Z")]
    return [("time", "add the time zone, such as 2026-12-03T10:20:00Z")] if naive else []
