"""Answers that depend on what a case knows, found again by those fields alone that were read to give them.

Which field is read first does not depend on the data, which comes next on nothing but the values read before.
So the answers to one question form a tree, with a field at each fork and an answer at each leaf.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Generic, TypeVar, cast

from machines.check.knowledge import Values

Thing = TypeVar("Thing")


class Fork:
    """Where ``place`` is read, and what is read next by the value found there: a fork or an answer."""

    __slots__ = ("place", "ways")

    def __init__(self, place: int) -> None:
        self.place = place
        self.ways: dict[Hashable, object] = {}


class Remembered(Generic[Thing]):
    """No answer is ``None`` or a ``Fork``."""

    def __init__(self) -> None:
        self._questions: dict[Hashable, object] = {}

    def get(self, question: Hashable, values: Values) -> Thing | None:
        found = self._questions.get(question)
        while type(found) is Fork:
            found = found.ways.get(values[found.place])
        return cast("Thing | None", found)

    def put(self, question: Hashable, values: Values, *, read: Iterable[int], answer: Thing) -> Thing:
        """``read`` are the places of the fields in the order in which they were read."""
        ways, key = self._questions, question
        for place in read:
            fork = ways.setdefault(key, Fork(place))
            assert isinstance(fork, Fork)
            assert fork.place == place, "the same was asked, and other fields were read"
            ways, key = fork.ways, values[place]
        ways[key] = answer
        return answer
