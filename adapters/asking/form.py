"""The form of a question, read off the event model that answers it: its fields in the order to ask them, and
what was filled in as the payload of the event."""

from __future__ import annotations

import types
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from enum import Enum, StrEnum
from functools import cache
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from adapters.asking import sums
from adapters.personal import places
from machines.kernel.event import Event
from machines.kernel.money import MINOR_UNITS

CUSTOMER = "customer"  #: the field that says whose answer it is, settled by every question
_MOST_NUMBERS = 10  #: that are listed to choose from
_LONGEST_NAME = 1000  #: of what is personal otherwise, such as a street
YES, NO = "yes", "no"  #: as staff choose and event models read them


class Kind(StrEnum):
    CHOICE = "choice"
    YES_NO = "yes or no"
    NUMBER = "number"
    SUM = "sum"  #: of money, written in main units
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
    def at_length(self) -> bool:
        """Whether people write at length in it, on several lines."""
        return (self.longest or 0) > _LONGEST_NAME

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


def payload(form: type[Event], said: Iterable[tuple[str, str]], *, currency: str) -> dict[str, object]:
    """What was filled in, nested as the event has it; an optional field left empty is left out.

    Sums are read as people write them in ``currency``; other values stay text, which the event model reads.
    Raises ``UnknownField``, and ``InvalidEvents`` for what is no sum.
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
        is_sum = currency and known[name].kind is Kind.SUM
        place[last] = sums.minor(name, value, currency=currency) if is_sum else value
    return filled


def is_money(info: FieldInfo) -> bool:
    """Whether a field is a sum in minor units, be it optional."""
    return info.description == MINOR_UNITS or _is_sum(info.annotation)


def stories(form: type[Event]) -> tuple[str, ...]:
    """The fields in which customers write at length."""
    personal = places(form).fields
    return tuple(
        name for name in personal if (_longest(_marks(form.model_fields[name])) or 0) > _LONGEST_NAME
    )


def tells_a_story(form: type[Event]) -> bool:
    """Whether customers cannot but write at length with it."""
    return any(form.model_fields[name].is_required() for name in stories(form))


def _is_sum(annotation: object) -> bool:
    marks = getattr(annotation, "__metadata__", ())
    if any(isinstance(mark, FieldInfo) and mark.description == MINOR_UNITS for mark in marks):
        return True
    return any(map(_is_sum, get_args(annotation)))


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
    if is_money(info):
        return FormField(name, Kind.SUM, required, personal)
    if kind is int:
        return FormField(name, Kind.NUMBER, required, personal, _few(info))
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


def _few(info: FieldInfo) -> tuple[str, ...]:
    """The numbers to choose from, where there are only a few."""
    least, most = (
        next((end for mark in _marks(info) if isinstance(end := getattr(mark, bound, None), int)), None)
        for bound in ("ge", "le")
    )
    if least is None or most is None or most - least >= _MOST_NUMBERS:
        return ()
    return tuple(str(number) for number in range(least, most + 1))


def _longest(metadata: Iterable[object]) -> int | None:
    return next((most for mark in metadata if (most := getattr(mark, "max_length", None))), None)
