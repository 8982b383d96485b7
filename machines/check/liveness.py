"""Which fields of a case's data can still matter in a state; all others are set back to their defaults.

Two situations that differ only in what nothing will read again behave alike, and are explored once. Reads and
writes are observed while rules run: the first run, a short one, forgets nothing and observes. Each later one
assumes which fields matter; when it has forgotten one that turns out to, the assumption grows and the run is
repeated, so the last run is exact.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from machines.check.knowledge import made
from machines.kernel.event import Facts
from machines.kernel.procedure import Procedure

_WRITTEN = "\0written"


class Log:
    """The fields read, before anything overwrote them, since ``reads`` was last cleared, in that order."""

    def __init__(self) -> None:
        self.reads: dict[str, None] = {}


class Fields:
    """Watches data of one model: ``watched`` makes an object that is, ``written`` tells which fields such an
    object was given on the way."""

    def __init__(self, model: type[Facts]) -> None:
        self.log = Log()
        self.names = frozenset(model.model_fields)
        self._model = model
        self._watching = _watching(model, self.log, self.names)

    def watched(self, fields: dict[str, Any]) -> Facts:
        return made(self._watching, {**fields, _WRITTEN: frozenset()})

    def plain(self, data: Facts | None) -> Facts | None:
        if not isinstance(data, self._watching):
            return data
        fields = vars_of(data)
        return made(self._model, {name: value for name, value in fields.items() if name != _WRITTEN})

    def written(self, data: Facts | None) -> frozenset[str]:
        if not isinstance(data, self._watching):
            return self.names
        written: frozenset[str] = vars_of(data)[_WRITTEN]
        return written


class Liveness:
    """What steps of one procedure read and write, and per state the fields ``assumed`` to matter. A run notes
    where it ``relied`` on a field not mattering, as (state, field)."""

    def __init__(self, procedure: Procedure, *, forgets: bool) -> None:
        self.assumed: dict[str, frozenset[str]] = {state.name: frozenset() for state in procedure.states}
        self.relied: set[tuple[str, str]] = set()
        self._observed = False
        self._fields = frozenset(procedure.data.model_fields if forgets else ())
        self._steps: dict[tuple[str, str, str], tuple[set[str], frozenset[str]]] = {}

    def note(
        self, *, state: str, kind: str, target: str, reads: Collection[str], writes: frozenset[str]
    ) -> None:
        known = self._steps.get((state, kind, target))
        if known is None:
            self._steps[state, kind, target] = (set(reads), writes)
        elif not (known[0].issuperset(reads) and known[1] <= writes):
            self._steps[state, kind, target] = (known[0].union(reads), known[1] & writes)

    def grow(self) -> bool:
        """Assume what was observed; whether the run relied on something else."""
        self._observed = True
        live = {state: set(fields) for state, fields in self.assumed.items()}
        growing = True
        while growing:
            growing = False
            for (state, _, target), (reads, writes) in self._steps.items():
                needed = reads | (live[target] - writes)
                if not needed <= live[state]:
                    live[state] |= needed
                    growing = True
        self.assumed = {state: frozenset(fields) for state, fields in live.items()}
        wrong = any(field in live[state] for state, field in self.relied)
        self.relied.clear()
        return wrong

    def forgotten(self, state: str) -> frozenset[str]:
        """The fields that no longer matter in ``state``."""
        return self._fields - self.assumed[state] if self._observed else frozenset()


def _watching(model: type[Facts], log: Log, names: frozenset[str]) -> type[Facts]:
    # No type checker follows a base class that is known only when it runs.
    class Watching(model):  # type: ignore[valid-type, misc]
        def __getattribute__(self, name: str) -> Any:
            if name in names and name not in vars_of(self)[_WRITTEN]:
                log.reads[name] = None
            elif name == "__dict__":  # to compare, to write or to go through all of it
                log.reads.update(dict.fromkeys(sorted(names - vars_of(self)[_WRITTEN])))
            return object.__getattribute__(self, name)

        def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Any:
            fields = vars_of(self)
            written = fields[_WRITTEN].union(update or ())
            return made(Watching, {**fields, **(update or {}), _WRITTEN: written})

    return Watching


def vars_of(data: Facts) -> dict[str, Any]:
    """The fields of an object that may be watched, without being seen to look."""
    fields: dict[str, Any] = object.__getattribute__(data, "__dict__")
    return fields
