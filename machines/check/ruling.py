"""Which rules were chosen: a definition as ``decide`` knows it that keeps note of that."""

from __future__ import annotations

from datetime import datetime

from machines.check.situation import LATER
from machines.kernel.definition import Definition, Firing
from machines.kernel.event import Facts
from machines.kernel.procedure import Procedure
from machines.kernel.state import Deadline


class Watched(Definition):
    """A definition that remembers which rules it chose since ``used`` was last cleared."""

    def __init__(self, procedure: Procedure) -> None:
        super().__init__(procedure, due=_later)
        self.used: set[int] = set()
        self._numbers = {id(rule): number for number, rule in enumerate(procedure.rules)}

    def fire(self, firing: Firing) -> None:
        super().fire(firing)
        if firing.rule is not None:
            self.used.add(self._numbers[id(firing.rule)])


def _later(_: Deadline, __: Facts, ___: datetime) -> datetime:
    return LATER
