"""Numbers for equal things, so that situations compare and hash as small tuples of integers."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

from pydantic import BaseModel

Thing = TypeVar("Thing")


class Interned(Generic[Thing]):
    """Equal things of one type get the same number, counted from 0 in the order of their first appearance."""

    def __init__(self) -> None:
        self._numbers: dict[Hashable, int] = {}
        self._things: list[Thing] = []

    def number(self, thing: Thing) -> int:
        key = _key(thing)
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self._things)
            self._things.append(thing)
        return number

    def __getitem__(self, number: int) -> Thing:
        return self._things[number]

    def __len__(self) -> int:
        return len(self._things)


def _key(thing: object) -> Hashable:
    if isinstance(thing, BaseModel):  # as JSON, which is faster than to hash and compare nested models
        return type(thing), thing.__pydantic_serializer__.to_json(thing, warnings=False)
    if isinstance(thing, tuple):
        return type(thing), tuple(map(_key, thing))
    assert isinstance(thing, Hashable)
    return thing
