"""Where the personal fields of a model are, found once per class from its annotations."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Union, get_args, get_origin

from pydantic import BaseModel

from machines.kernel.event import PersonalMark

Json = dict[str, "Json"] | list["Json"] | str | int | float | bool | None


@dataclass(slots=True)
class Place:
    """A spot in a model's JSON: personal itself, a container of ``each``, or a model with ``fields``, of
    which ``names`` lists those without anything personal too. Falsy when nothing personal can be at or below.
    """

    personal: bool = False
    each: Place | None = None
    fields: dict[str, Place] = field(default_factory=dict)
    names: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return self.personal or self.each is not None or bool(self.fields)

    def covers(self, path: tuple[int | str, ...]) -> bool:
        """Whether something personal may be at ``path`` or below. In doubt it is: validation mixes names of
        union members into its paths."""
        place = self
        for step in path:
            if not place or place.personal:
                return place.personal
            inner = place.fields.get(step) if isinstance(step, str) else None
            inner = inner or place.each
            if inner is None:
                return step not in place.names
            place = inner
        return bool(place)


_known: dict[type[BaseModel], Place] = {}


def places(model: type[BaseModel]) -> Place:
    """The personal places of ``model``, nested models, unions and containers included.

    Raises ``TypeError`` for a model that contains itself: its places have no end.
    """
    known = _known.get(model)
    if known is None:
        known = _known[model] = _of_model(model, frozenset())
    return known


def _of_model(model: type[BaseModel], inside: frozenset[type[BaseModel]]) -> Place:
    if model in inside:
        raise TypeError(f"{model.__name__} contains itself; personal fields in it cannot be found")
    inside |= {model}
    place = Place(names=frozenset(model.model_fields))
    for name, info in model.model_fields.items():
        marked = any(isinstance(mark, PersonalMark) for mark in info.metadata)
        inner = Place(personal=True) if marked else _of(info.annotation, inside)
        if inner:
            place.fields[name] = inner
    return place


def personal_fields(model: type[BaseModel]) -> tuple[str, ...]:
    """The personal fields as dotted names, in order of declaration, for documents and checks."""
    return tuple(_names(places(model), ""))


def personal_in(model: type[BaseModel], payload: Mapping[str, object]) -> list[str]:
    """The fields of ``payload`` that are personal, or in which something may be."""
    return sorted(places(model).fields.keys() & payload.keys())


def _names(place: Place, prefix: str) -> list[str]:
    names = [prefix] if place.personal else []
    if place.each is not None:
        names += _names(place.each, prefix)
    for name, inner in place.fields.items():
        names += _names(inner, f"{prefix}.{name}" if prefix else name)
    return names


def _of(annotation: object, inside: frozenset[type[BaseModel]]) -> Place:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        marked = any(isinstance(mark, PersonalMark) for mark in arguments[1:])
        return Place(personal=True) if marked else _of(arguments[0], inside)
    if origin in (Union, types.UnionType):
        return _either([_of(argument, inside) for argument in arguments])
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return _each(_of(arguments[1], inside))
    if origin is not None:
        return _each(_either([_of(argument, inside) for argument in arguments if argument is not ...]))
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _of_model(annotation, inside)
    return Place()


def _each(place: Place) -> Place:
    return Place(each=place) if place else place


def _either(options: list[Place]) -> Place:
    found = [place for place in options if place]
    if len(found) <= 1:
        return found[0] if found else Place()
    names = frozenset[str]().union(*(place.names for place in found))
    merged = Place(personal=any(place.personal for place in found), names=names)
    inner = [place.each for place in found if place.each is not None]
    merged.each = _either(inner) if inner else None
    for name in {name for place in found for name in place.fields}:
        merged.fields[name] = _either([place.fields[name] for place in found if name in place.fields])
    return merged
