"""A child case as its parent meets it: what it may say next, and what it answers to what it is told.

The child's own situations are projected onto the reports they make (subset construction, done lazily), so the
parent meets every behaviour of the real procedure and no other, without multiplying the two spaces.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, Protocol

from machines.check.interning import Interned, itself
from machines.check.situation import Edge
from machines.kernel.event import Event


class Walk(Protocol):
    """All situations of the child: the steps from each, the deviations on the way to each, and what more
    its parent can bring about."""

    root: int
    edges: list[list[Edge]]
    cost: list[float]

    def take(self, number: int, event: Event) -> Edge | None: ...


class Answer(NamedTuple):
    """What is said, in order, where the automaton stands then, and how far out of the ordinary that is."""

    says: tuple[Event, ...]
    at: int
    deviations: float


Answers = tuple[Answer, ...]


class Automaton:
    def __init__(self, walk: Walk) -> None:
        self.walk = walk
        self._sets: Interned[frozenset[int]] = Interned(itself)
        self._reports: dict[int, Answers] = {}
        self._receives: dict[tuple[int, str, str], Answers] = {}
        self.unopened = self._sets.number(frozenset({walk.root}))

    def __len__(self) -> int:
        return len(self._sets)

    def reports(self, at: int) -> Answers:
        """What the child may say of its own accord."""
        if at == self.unopened:
            return ()
        if at not in self._reports:
            found: dict[tuple[Event, ...], list[int]] = {}
            for situation in sorted(self._sets[at]):
                for edge in self.walk.edges[situation]:
                    if edge.says:
                        found.setdefault(edge.says, []).append(edge.to)
            self._reports[at] = self._answers(at, found)
        return self._reports[at]

    def receives(self, at: int, event: Event) -> Answers:
        """What the child may say when ``event`` reaches it, which is nothing more often than not."""
        key = (at, event.type, event.model_dump_json())
        if key not in self._receives:
            found: dict[tuple[Event, ...], list[int]] = {}
            for situation in sorted(self._sets[at]):
                edge = self.walk.take(situation, event)
                if edge is not None:
                    found.setdefault(edge.says, []).append(edge.to)
            self._receives[key] = self._answers(at, found)
        return self._receives[key]

    def _answers(self, at: int, found: dict[tuple[Event, ...], list[int]]) -> Answers:
        cost = self.walk.cost
        before = min(cost[situation] for situation in self._sets[at])
        answers = [
            Answer(
                says,
                self._sets.number(self._silently(targets)),
                max(0, min(cost[target] for target in targets) - before),
            )
            for says, targets in found.items()
        ]
        return tuple(sorted(answers, key=lambda answer: answer.deviations))

    def _silently(self, starts: Iterable[int]) -> frozenset[int]:
        reached, frontier = set(starts), list(starts)
        for situation in frontier:
            for edge in self.walk.edges[situation]:
                if not edge.says and edge.to not in reached:
                    reached.add(edge.to)
                    frontier.append(edge.to)
        return frozenset(reached)
