"""The events that can be sent, and those that subscribers are told, as an AsyncAPI 3 document: a message per
type, an operation per procedure and one for what is told."""

from __future__ import annotations

from urllib.parse import urlsplit

from adapters.bulletins import document as told
from adapters.envelope import LONGEST, STRUCTURED
from adapters.event_schema import payload_schemas
from adapters.event_types import Schema, samples, words
from machines.catalogue import Catalogue
from machines.kernel.event import Event
from machines.kernel.procedure import Procedure
from machines.reception import receive

_CHANNEL = "events"


def asyncapi(catalogue: Catalogue, *, title: str, version: str, url: str) -> Schema:
    """For a web process that is reached at ``url``. A message says in ``x-received`` what becomes of it in
    which states."""
    models = [event for _, event in sorted(catalogue.outside.items())]
    payloads, schemas = payload_schemas(models)
    messages = {
        model.type: _message(model, payload, catalogue.taker(model.type))
        for model, payload in zip(models, payloads, strict=True)
    }
    address = urlsplit(url)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": title,
            "version": version,
            "description": "CloudEvents 1.0 in, over HTTP; a source that has keys signs them "
            "(Standard Webhooks). 202 is answered after they are committed. CloudEvents 1.0 out, "
            "signed the same way, to whoever has subscribed.",
        },
        "defaultContentType": STRUCTURED,
        "servers": {"web": {"host": address.netloc, "protocol": address.scheme}},
        "channels": {
            _CHANNEL: {
                "address": "/events",
                "title": "Events in",
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
            },
            told.CHANNEL: told.channel(),
        },
        "operations": {
            procedure.name: _operation(procedure, types)
            for procedure in catalogue
            if (types := [name for name in messages if catalogue.taker(name) is procedure])
        }
        | {told.CHANNEL: told.operation()},
        "components": {
            "messages": messages | told.messages(),
            "schemas": schemas | told.schemas(),
        },
    }


def _operation(procedure: Procedure, types: list[str]) -> Schema:
    return {
        "action": "receive",
        "title": procedure.title,
        "summary": procedure.purpose,
        "channel": {"$ref": f"#/channels/{_CHANNEL}"},
        "messages": [{"$ref": f"#/channels/{_CHANNEL}/messages/{name}"} for name in types],
        "bindings": {"http": {"method": "POST", "bindingVersion": "0.3.0"}},
    }


def _message(event: type[Event], payload: Schema, procedure: Procedure) -> Schema:
    received = receive(procedure, event.type)
    return {
        "name": event.type,
        "title": event.type,
        "summary": words(event),
        "contentType": STRUCTURED,
        "tags": [{"name": procedure.name}],
        "payload": _envelope(event, payload),
        "examples": [{"name": sample["id"], "payload": sample} for sample in samples(event, procedure)],
        "x-opens": event.opens,
        "x-received": [
            {"disposition": one.disposition.value, "states": list(one.states), "because": one.because}
            | ({"otherwise": one.otherwise.value} if one.otherwise else {})
            for one in received
        ],
    }


def _envelope(event: type[Event], payload: Schema) -> Schema:
    texts = {name: {"type": "string", "minLength": 1, "maxLength": most} for name, most in LONGEST.items()}
    return {
        "type": "object",
        "required": ["specversion", *LONGEST],
        "properties": {
            "specversion": {"const": "1.0"},
            **texts,
            "type": {"const": event.type},
            "subject": texts["subject"] | {"description": "The key of the case."},
            "time": {"type": "string", "format": "date-time"},
            "datacontenttype": {"const": "application/json"},
            "customer": {"type": "string", "description": "Whose personal fields, if data does not say."},
            "data": payload,
        },
    }
