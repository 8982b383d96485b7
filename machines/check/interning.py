"""Numbers for equal things, so that situations compare and hash as small tuples of integers."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from pydantic_core import to_json

Thing = TypeVar("Thing")


class Interned(Generic[Thing]):
    """Things with an equal ``key`` get the same number, counted from 0 as they first appear."""

    def __init__(self, key: Callable[[Thing], Hashable]) -> None:
        self._key = key
        self._numbers: dict[Hashable, int] = {}
        self.things: list[Thing] = []  #: by number

    def number(self, thing: Thing) -> int:
        key = self._key(thing)
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self.things)
            self.things.append(thing)
        return number

    def __getitem__(self, number: int) -> Thing:
        return self.things[number]

    def __len__(self) -> int:
        return len(self.things)


def itself(thing: Hashable) -> Hashable:
    return thing


def written(thing: object) -> Hashable:
    """As JSON, which is faster than to hash and compare nested models."""
    return type(thing), to_json(thing)
