"""What subscribers are told, for the AsyncAPI document: a message for each type, with schema and example."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from adapters.bulletins.envelope import event_of
from adapters.bulletins.happening import ASKED, ENDED, HELD, MOVED, OPENED, PARKED, RESUMED, TYPES, Happening
from adapters.envelope import STRUCTURED
from adapters.store.bulletins import Bulletin

Schema = dict[str, Any]

CHANNEL = "subscriber"
SCHEMA = "Happening"

_TEXT = {"type": "string", "minLength": 1}
_HEADERS = {
    "webhook-id": "The same on every try of an event.",
    "webhook-timestamp": "When it was sent this time, in seconds since 1970.",
    "webhook-signature": "v1 signatures (Standard Webhooks) by each secret that is good, between spaces.",
}
_WHERE: dict[str, tuple[int, str, str, str | None]] = {
    OPENED: (1, "verifying", "Verifying", None),
    ASKED: (4, "in_review", "In review", "verifying"),
    MOVED: (9, "confirmed", "Confirmed", "authorising"),
    HELD: (10, "confirmed", "Confirmed", "confirmed"),
    RESUMED: (11, "confirmed", "Confirmed", "confirmed"),
    PARKED: (14, "confirmed", "Confirmed", "confirmed"),
    ENDED: (21, "delivered", "Delivered", "shipped"),
}


def channel() -> Schema:
    return {
        "address": None,
        "title": "Events out",
        "description": "The URL of whoever has subscribed (sop subscribe URL). Any answer but 2xx is tried "
        "again, for days; 410 ends the subscription. Events of one case come in order.",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in TYPES},
    }


def operation() -> Schema:
    return {
        "action": "send",
        "title": "Tell subscribers",
        "summary": "What happened to cases, by keys and states; nothing personal.",
        "channel": {"$ref": f"#/channels/{CHANNEL}"},
        "messages": [{"$ref": f"#/channels/{CHANNEL}/messages/{name}"} for name in TYPES],
        "bindings": {"http": {"method": "POST", "bindingVersion": "0.3.0"}},
    }


def messages() -> dict[str, Schema]:
    return {name: _message(name, text) for name, text in TYPES.items()}


def schemas() -> dict[str, Schema]:
    return {SCHEMA: Happening.model_json_schema(mode="serialization")}


def _message(name: str, text: str) -> Schema:
    example = _example(name)
    texts = {"type": "string"}
    return {
        "name": name,
        "title": name,
        "summary": text,
        "contentType": STRUCTURED,
        "tags": [{"name": CHANNEL}],
        "headers": {
            "type": "object",
            "required": list(_HEADERS),
            "properties": {header: texts | {"description": told} for header, told in _HEADERS.items()},
        },
        "payload": {
            "type": "object",
            "required": list(example),
            "properties": {
                "specversion": {"const": "1.0"},
                "id": _TEXT | {"description": "The same whenever this is told."},
                "source": _TEXT | {"description": "/cases/ and the procedure; with the subject, the case."},
                "type": {"const": name},
                "subject": _TEXT | {"description": "The key of the case."},
                "time": {"type": "string", "format": "date-time"},
                "datacontenttype": {"const": "application/json"},
                "position": {
                    "type": "string",
                    "pattern": "^[1-9][0-9]*$",
                    "description": "Where it stands among all events; a replay begins at a position.",
                },
                "data": {"$ref": f"#/components/schemas/{SCHEMA}"},
            },
        },
        "examples": [{"name": example["id"], "payload": example}],
    }


def _example(name: str) -> Schema:
    seq, state, title, previous = _WHERE[name]
    happening = Happening(
        procedure="order",
        case="SO-1001",
        version=1,
        seq=seq,
        state=state,
        title=title,
        previous=previous,
        outcome="fulfilled" if name == ENDED else None,
        role="order desk" if name == ASKED else None,
        command="payment.capture" if name == PARKED else None,
    )
    at = datetime(2026, 12, 3, 10, 20, seq, tzinfo=UTC)
    return event_of(Bulletin("order/SO-1001", seq, name, at, happening.to_json(), position=40 + seq))
