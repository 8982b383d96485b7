"""The event models as documents: the list of what can be sent, and the OpenAPI description with all of
them as components and examples."""

from __future__ import annotations

from typing import Any, cast

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel, JsonValue
from pydantic.json_schema import models_json_schema

from adapters.envelope import BATCH, LONGEST, STRUCTURED
from adapters.personal import personal_fields
from machines.catalogue import Catalogue
from machines.kernel.event import Event

Schema = dict[str, Any]  # a JSON document of OpenAPI

_REF = "#/components/schemas/{model}"


class EventType(BaseModel):
    """``sop`` takes it; ``personal`` fields are sealed as soon as they arrive."""

    type: str
    sop: str
    opens: bool
    text: str
    personal: list[str]
    payload: JsonValue
    example: JsonValue


def event_types(catalogue: Catalogue) -> list[EventType]:
    """In order of their names."""
    return [
        EventType(
            type=name,
            sop=catalogue.taker(name).name,
            opens=event.opens,
            text=_first_line(event),
            personal=list(personal_fields(event)),
            payload=event.model_json_schema(),
            example=_example(event),
        )
        for name, event in sorted(catalogue.outside.items())
    ]


def openapi(app: FastAPI, catalogue: Catalogue) -> Schema:
    """The description of ``app``, made once."""
    if app.openapi_schema is None:
        models = [event for _, event in sorted(catalogue.outside.items())]
        document = get_openapi(title=app.title, version=app.version, summary=app.summary, routes=app.routes)
        names, definitions = models_json_schema([(m, "validation") for m in models], ref_template=_REF)
        components = document.setdefault("components", {}).setdefault("schemas", {})
        components |= definitions.get("$defs", {})
        payloads = [names[model, "validation"] for model in models]
        components["CloudEvent"] = _envelope([model.type for model in models], payloads)
        components["Problem"] = _PROBLEM
        _describe_intake(document["paths"]["/events"]["post"], models, payloads)
        app.openapi_schema = document
    return app.openapi_schema


def _envelope(types: list[str], payloads: list[Schema]) -> Schema:
    texts = {name: {"type": "string", "minLength": 1, "maxLength": most} for name, most in LONGEST.items()}
    return {
        "title": "CloudEvent",
        "description": "A CloudEvents 1.0 event; subject is the key of the case it is about.",
        "type": "object",
        "required": ["specversion", *LONGEST],
        "properties": {
            "specversion": {"const": "1.0"},
            **texts,
            "type": {"enum": types},
            "time": {"type": "string", "format": "date-time"},
            "datacontenttype": {"const": "application/json"},
            "customer": {"type": "string", "description": "Whose personal fields, if data does not say."},
            "data": {"anyOf": payloads},
        },
    }


def _describe_intake(operation: Schema, models: list[type[Event]], payloads: list[Schema]) -> None:
    examples = {model.type: {"value": _sample(model)} for model in models}
    event = {"$ref": _REF.format(model="CloudEvent")}
    operation["requestBody"] = {
        "required": True,
        "content": {
            STRUCTURED: {"schema": event, "examples": examples},
            BATCH: {"schema": {"type": "array", "items": event}},
            "application/json": {"schema": {"anyOf": payloads}},
        },
    }
    operation["parameters"] = [
        {
            "name": f"ce-{name}",
            "in": "header",
            "schema": {"type": "string"},
            "description": "Binary mode only.",
        }
        for name in ("specversion", *LONGEST)
    ]
    problem = {"application/problem+json": {"schema": {"$ref": _REF.format(model="Problem")}}}
    operation["responses"] = {
        "202": {"description": "Committed", "content": {"application/json": {"schema": _ACCEPTED}}},
        **{str(status): {"description": text, "content": problem} for status, text in _REFUSALS.items()},
    }


_REFUSALS = {
    400: "Not JSON",
    413: "Body too large",
    415: "Content type not taken",
    422: "Invalid event; nothing of the request was stored",
    429: "Too fast; see Retry-After",
    503: "Not now; see Retry-After",
}
_ACCEPTED: Schema = {
    "type": "object",
    "required": ["accepted"],
    "properties": {
        "accepted": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["id", "source", "subject", "status"],
                "properties": {
                    "id": {"type": "string"},
                    "source": {"type": "string"},
                    "subject": {"type": "string"},
                    "status": {"const": "accepted"},
                },
            },
        }
    },
}
_PROBLEM: Schema = {
    "title": "Problem",
    "description": "RFC 9457 problem details.",
    "type": "object",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
        "runbook": {"type": "string", "description": "address of the page about this code"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["index", "field", "value", "remedy"],
                "properties": {
                    "index": {"type": "integer"},
                    "field": {"type": "string"},
                    "value": {"type": ["string", "null"]},
                    "remedy": {"type": "string"},
                },
            },
        },
    },
}


def _example(event: type[Event]) -> JsonValue:
    return cast(JsonValue, event.examples[0]) if event.examples else None


def _sample(event: type[Event]) -> Schema:
    return {
        "specversion": "1.0",
        "id": "evt-1",
        "source": "shop",
        "type": event.type,
        "subject": "SO-1001",
        "datacontenttype": "application/json",
        "data": _example(event) or {},
    }


def _first_line(event: type[Event]) -> str:
    return (event.__doc__ or "").strip().partition("\n")[0]
