"""The OpenAPI description of the web process, with every event model as a component and its examples."""

from __future__ import annotations

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from adapters.envelope import BATCH, LONGEST, STRUCTURED
from adapters.event_types import Schema, samples
from adapters.signatures import HEADERS
from machines.catalogue import Catalogue
from machines.kernel.event import Event

REF = "#/components/schemas/{model}"


def openapi(app: FastAPI, catalogue: Catalogue) -> Schema:
    """The description of ``app``, made once."""
    if app.openapi_schema is None:
        models = [event for _, event in sorted(catalogue.outside.items())]
        document = get_openapi(
            title=app.title,
            version=app.version,
            summary=app.summary,
            description=app.description,
            routes=app.routes,
        )
        payloads, definitions = payload_schemas(models)
        components = document.setdefault("components", {}).setdefault("schemas", {})
        components |= definitions
        components["CloudEvent"] = _envelope([model.type for model in models], payloads)
        components["Problem"] = _PROBLEM
        examples = {
            sample["id"]: {"summary": model.type, "value": sample}
            for model in models
            for sample in samples(model, catalogue.taker(model.type))
        }
        _describe_intake(document["paths"]["/events"]["post"], examples, payloads)
        app.openapi_schema = document
    return app.openapi_schema


def payload_schemas(models: list[type[Event]]) -> tuple[list[Schema], Schema]:
    """A reference for each model, and what they refer to, by name."""
    names, definitions = models_json_schema([(m, "validation") for m in models], ref_template=REF)
    return [names[model, "validation"] for model in models], definitions.get("$defs", {})


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


def _describe_intake(operation: Schema, examples: Schema, payloads: list[Schema]) -> None:
    event = {"$ref": REF.format(model="CloudEvent")}
    first: Schema = next(iter(examples.values()), {"value": {}})["value"]
    operation["requestBody"] = {
        "required": True,
        "content": {
            STRUCTURED: {"schema": event, "examples": examples},
            BATCH: {"schema": {"type": "array", "items": event}, "example": [first]},
            "application/json": {"schema": {"anyOf": payloads}, "example": first.get("data")},
        },
    }
    operation["parameters"] = [
        _header(f"ce-{name}", "Binary mode only.", first.get(name)) for name in ("specversion", *LONGEST)
    ] + [_header(name, text) for name, text in HEADERS.items()]
    problem = {"application/problem+json": {"schema": {"$ref": REF.format(model="Problem")}}}
    operation["responses"] = {
        "202": {"description": "Committed", "content": {"application/json": {"schema": _ACCEPTED}}},
        **{str(status): {"description": text, "content": problem} for status, text in _REFUSALS.items()},
    }


def _header(name: str, text: str, example: object = None) -> Schema:
    header = {"name": name, "in": "header", "schema": {"type": "string"}, "description": text}
    return header if example is None else header | {"example": example}


_REFUSALS = {
    400: "Not JSON",
    401: "Not signed, or not well, by a source that has keys",
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
