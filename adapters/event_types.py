"""What can be sent in: each event type with its fields and examples, and what becomes of it in each state."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from pydantic import BaseModel, JsonValue

from adapters.personal import personal_fields, places
from machines.catalogue import Catalogue
from machines.kernel.event import Event
from machines.kernel.procedure import Procedure
from machines.reception import receive

Schema = dict[str, Any]  # a JSON document of OpenAPI, AsyncAPI or JSON Schema


class Field(BaseModel):
    """One field of a payload, in words; ``personal`` says that it, or something in it, is sealed."""

    name: str
    type: str
    required: bool
    personal: bool


class Received(BaseModel):
    """In these ``states`` the event is handled, deferred, ignored or refused; ``otherwise`` where the case
    does not allow it."""

    disposition: str
    states: list[str]
    otherwise: str | None
    because: str


class EventType(BaseModel):
    """``sop`` takes it; ``personal`` fields are sealed as soon as they arrive. ``example`` is a payload,
    ``examples`` are whole CloudEvents."""

    type: str
    sop: str
    opens: bool
    text: str
    personal: list[str]
    fields: list[Field]
    received: list[Received]
    payload: JsonValue
    example: JsonValue
    examples: list[JsonValue]


def event_types(catalogue: Catalogue, *, sop: str | None = None) -> list[EventType]:
    """In order of their names; only those that ``sop`` takes, if given. Raises ``UnknownProcedure``."""
    wanted = None if sop is None else catalogue.procedure(sop)
    return [
        _event_type(event, taker)
        for name, event in sorted(catalogue.outside.items())
        if (taker := catalogue.taker(name)) is wanted or wanted is None
    ]


def samples(event: type[Event], procedure: Procedure) -> list[Schema]:
    """A CloudEvent for each example of ``event``, as the intake takes it."""
    payloads: tuple[Mapping[str, Any], ...] = event.examples or ({},)
    return [_sample(event, payload, procedure, number) for number, payload in enumerate(payloads, 1)]


def words(event: type[Event]) -> str:
    """What the event means, as its docstring says."""
    return " ".join((event.__doc__ or "").split())


def _event_type(event: type[Event], procedure: Procedure) -> EventType:
    schema = event.model_json_schema()
    return EventType(
        type=event.type,
        sop=procedure.name,
        opens=event.opens,
        text=words(event),
        personal=list(personal_fields(event)),
        fields=list(_fields(event, schema)),
        received=[
            Received(
                disposition=one.disposition.value,
                states=list(one.states),
                otherwise=one.otherwise.value if one.otherwise else None,
                because=one.because,
            )
            for one in receive(procedure, event.type)
        ],
        payload=schema,
        example=cast(JsonValue, event.examples[0]) if event.examples else None,
        examples=cast("list[JsonValue]", samples(event, procedure)),
    )


def _sample(event: type[Event], payload: Mapping[str, Any], procedure: Procedure, number: int) -> Schema:
    sample: Schema = {
        "specversion": "1.0",
        "id": f"{event.type}-{number}",
        "source": "shop",
        "type": event.type,
        "subject": (payload.get(event.key) if event.key else None) or _key(procedure),
    }
    if places(event) and "customer" not in payload:
        sample["customer"] = "C-1"
    return {**sample, "datacontenttype": "application/json", "data": dict(payload)}


def _key(procedure: Procedure) -> str:
    """The key of a case, as the example of an event that opens one has it."""
    keys = (example[event.key] for event in procedure.opening if event.key for example in event.examples)
    return str(next(keys, f"{procedure.name.upper()}-1"))


def _fields(event: type[Event], schema: Schema) -> Iterator[Field]:
    definitions = schema.get("$defs", {})
    required = schema.get("required", [])
    for name, part in schema.get("properties", {}).items():
        personal = bool(places(event).fields.get(name))
        yield Field(name=name, type=_type(part, definitions), required=name in required, personal=personal)


def _type(schema: Schema, definitions: Mapping[str, Schema]) -> str:
    """A JSON Schema in a few words, such as ``list of {sku: text, quantity: integer}``."""

    def inner(part: Schema) -> str:
        return _type(part, definitions)

    match schema:
        case {"$ref": str(ref)}:
            told = inner(definitions[ref.rpartition("/")[2]])
        case {"enum": list(choices)}:
            told = " or ".join(map(str, choices))
        case {"anyOf": list(options)} | {"oneOf": list(options)}:
            told = " or ".join(dict.fromkeys(map(inner, options)))
        case {"type": "array"}:
            told = f"list of {inner(schema.get('items', {}))}"
        case {"type": "object", "properties": dict(parts)}:
            told = f"{{{', '.join(f'{name}: {inner(part)}' for name, part in parts.items())}}}"
        case {"type": "object", "additionalProperties": dict(part)}:
            told = f"{inner(part)} by name"
        case {"type": "string"}:
            form = str(schema.get("format", "text"))
            told = {"date-time": "instant"}.get(form, form)
        case _:
            told = str(schema.get("type", "anything")).replace("null", "nothing")
    return told
