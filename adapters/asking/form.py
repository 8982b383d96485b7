"""The form of a question, read off the event model that answers it: its fields in the order to ask them, and
what was filled in as the payload of the event."""

from __future__ import annotations

import types
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import Enum, StrEnum
from functools import cache
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from adapters.personal import places
from machines.kernel.event import Event

CUSTOMER = "customer"  #: the field that says whose answer it is, settled by every question
YES, NO = "yes", "no"  #: as staff choose and event models read them


class Kind(StrEnum):
    CHOICE = "choice"
    YES_NO = "yes or no"
    NUMBER = "number"
    DATE = "date"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class FormField:
    """``name`` is the way to it in the payload, such as ``ship_to.city``; ``choices`` are its values."""

    name: str
    kind: Kind
    required: bool
    personal: bool
    choices: tuple[str, ...] = ()
    longest: int | None = None

    @property
    def plain_label(self) -> str:
        return self.name.rpartition(".")[2].replace("_", " ").capitalize()


class UnknownField(ValueError):
    """A field that the form does not have."""


@cache
def fields(form: type[Event]) -> tuple[FormField, ...]:
    """All fields but those that the question settles. Raises ``TypeError`` for one that is a list: that
    cannot be asked field by field."""
    found = _fields(form, (), required=True)
    return tuple(field for field in found if field.name not in (*form.settled, CUSTOMER))


def askable(form: type[Event]) -> bool:
    """Whether it can be asked field by field."""
    try:
        return bool(fields(form))
    except TypeError:
        return False


def payload(form: type[Event], said: Iterable[tuple[str, str]]) -> dict[str, object]:
    """What was filled in, nested as the event has it; an optional field left empty is left out.

    Values stay text, which the event model reads. Raises ``UnknownField``.
    """
    known = {field.name: field for field in fields(form)}
    filled: dict[str, object] = {}
    for name, value in said:
        if name not in known:
            raise UnknownField(f"{form.type} has no field {name!r}; it has {', '.join(known)}")
        if value == "" and not known[name].required:
            continue
        *way, last = name.split(".")
        place: Any = filled
        for step in way:
            place = place.setdefault(step, {})
        place[last] = value
    return filled


def _fields(model: type[BaseModel], way: tuple[str, ...], *, required: bool) -> Iterator[FormField]:
    for name, info in model.model_fields.items():
        path = (*way, name)
        needed = required and info.is_required()
        kind = _plain(info.annotation)
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from _fields(kind, path, required=needed)
        else:
            yield _field(path, info, kind, required=needed, personal=name in places(model).fields)


def _field(
    path: tuple[str, ...], info: FieldInfo, kind: object, *, required: bool, personal: bool
) -> FormField:
    name = ".".join(path)
    if kind is bool:
        return FormField(name, Kind.YES_NO, required, personal, choices=("true", "false"))
    if isinstance(kind, type) and issubclass(kind, Enum):
        return FormField(name, Kind.CHOICE, required, personal, tuple(str(each.value) for each in kind))
    if kind is int:
        return FormField(name, Kind.NUMBER, required, personal)
    if isinstance(kind, type) and issubclass(kind, date):
        return FormField(name, Kind.DATE, required, personal)
    if isinstance(kind, type) and issubclass(kind, str):
        return FormField(name, Kind.TEXT, required, personal, longest=_longest(_marks(info)))
    raise TypeError(f"{name} is {kind}, which cannot be asked as one field")


def _plain(annotation: object) -> object:
    """The type behind ``Annotated`` and ``| None``."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _plain(arguments[0])
    if origin in (Union, types.UnionType):
        some = [each for each in arguments if each is not type(None)]
        return _plain(some[0]) if len(some) == 1 else annotation
    return annotation


def _marks(part: object) -> Iterator[object]:
    """What is said about a value beside its type, also inside of ``Annotated[...] | None``."""
    if isinstance(part, FieldInfo):
        yield from part.metadata
        yield from _marks(part.annotation)
    elif get_origin(part) is Annotated:
        kind, *marks = get_args(part)
        for mark in marks:
            yield from mark.metadata if isinstance(mark, FieldInfo) else (mark,)
        yield from _marks(kind)
    else:
        for inner in get_args(part):
            yield from _marks(inner)


def _longest(metadata: Iterable[object]) -> int | None:
    return next((most for mark in metadata if (most := getattr(mark, "max_length", None))), None)


def staff_schema(form: type[Event]) -> dict[str, object]:
    """The JSON schema of ``form`` without personal fields, as Prefect's forms read it.

    Optional fields are plain ones that are not required, because a choice between a text and nothing is a
    riddle to who fills it in.
    """
    schema = form.model_json_schema(ref_template="#/definitions/{model}")
    definitions = schema.pop("$defs", {})
    personal = _personal_names(form)
    cleaned: dict[str, object] = {"title": schema["title"], "type": "object"}
    cleaned["properties"] = {
        name: _simple(part)
        for name, part in schema.get("properties", {}).items()
        if name not in personal | {*form.settled, CUSTOMER}
    }
    asked = cleaned["properties"]
    assert isinstance(asked, dict)
    cleaned["required"] = [name for name in schema.get("required", []) if name in asked]
    cleaned["additionalProperties"] = False
    cleaned["definitions"] = {
        name: {**part, "properties": {n: _simple(p) for n, p in part["properties"].items()}}
        if "properties" in part
        else part
        for name, part in definitions.items()
    }
    return cleaned


def needs_personal(form: type[Event]) -> bool:
    """Whether no answer can do without a personal field, so that Prefect, which keeps clear text, cannot take
    it."""
    return any(form.model_fields[name].is_required() for name in _personal_names(form))


def _personal_names(form: type[Event]) -> set[str]:
    return set(places(form).fields)


def _simple(part: Mapping[str, Any]) -> dict[str, Any]:
    if part.get("type") == "boolean":
        # A switch that nobody has touched looks like a no and is none.
        return {**part, "type": "string", "enum": [YES, NO]}
    some = [each for each in part.get("anyOf", ()) if each.get("type") != "null"]
    if len(some) == 1:
        rest = {name: value for name, value in part.items() if name not in ("anyOf", "default")}
        return {**some[0], **rest}
    return dict(part)
