"""Numbers for equal things, so that situations compare and hash as small tuples of integers."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from pydantic import BaseModel

Thing = TypeVar("Thing")


class Interned(Generic[Thing]):
    """Things with an equal ``key`` get the same number, counted from 0 as they first appear."""

    def __init__(self, key: Callable[[Thing], Hashable]) -> None:
        self._key = key
        self._numbers: dict[Hashable, int] = {}
        self._things: list[Thing] = []

    def number(self, thing: Thing) -> int:
        key = self._key(thing)
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self._things)
            self._things.append(thing)
        return number

    def __getitem__(self, number: int) -> Thing:
        return self._things[number]

    def __len__(self) -> int:
        return len(self._things)


def itself(thing: Hashable) -> Hashable:
    return thing


def written(model: BaseModel | None) -> Hashable:
    """As JSON, which is faster than to hash and compare nested models."""
    if model is None:
        return None
    return type(model), model.__pydantic_serializer__.to_json(model, warnings=False)
