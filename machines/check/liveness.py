"""Which fields of a case's data can still matter in a state; all others are set back to their defaults.

Two situations that differ only in what nothing will read again behave alike, and are explored once. Reads and
writes are observed while rules run. A run assumes which fields matter; when it reads one that was assumed not
to, the assumption grows and the run is repeated, so the last run is exact.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from machines.kernel.event import Facts
from machines.kernel.procedure import Procedure

_WRITTEN = "\0written"


class Log:
    """The fields read, before anything overwrote them, since ``reads`` was last cleared."""

    def __init__(self) -> None:
        self.reads: set[str] = set()


class Fields:
    """Watches data of one model: ``watched`` wraps, ``plain`` unwraps and tells what was written."""

    def __init__(self, model: type[Facts]) -> None:
        self.log = Log()
        self.names = frozenset(model.model_fields)
        self._model = model
        self._watching = _watching(model, self.log, self.names)

    def watched(self, data: Facts | None) -> Facts | None:
        return None if data is None else _remake(data, self._watching)

    def plain(self, data: Facts | None) -> tuple[Facts | None, frozenset[str]]:
        if data is None or not isinstance(data, self._watching):
            return data, self.names
        written = data.__dict__.get(_WRITTEN, frozenset())
        return _remake(data, self._model), written


class Liveness:
    """What steps of one procedure read and write, and per state the fields ``assumed`` to matter."""

    def __init__(self, procedure: Procedure, *, forgets: bool) -> None:
        self.assumed: dict[str, frozenset[str]] = {state.name: frozenset() for state in procedure.states}
        fields = procedure.data.model_fields
        self._defaults = {
            name: field.get_default(call_default_factory=True, validated_data={})
            for name, field in fields.items()
            if forgets and not field.is_required()
        }
        self._steps: dict[tuple[str, str, str], tuple[set[str], frozenset[str]]] = {}

    def note(self, *, state: str, kind: str, target: str, reads: set[str], writes: frozenset[str]) -> None:
        known = self._steps.get((state, kind, target))
        if known is None:
            self._steps[state, kind, target] = (set(reads), writes)
        elif not (known[0] >= reads and known[1] <= writes):
            self._steps[state, kind, target] = (known[0] | reads, known[1] & writes)

    def grow(self) -> bool:
        """Assume what was observed; whether that is more than before."""
        live = {state: set(fields) for state, fields in self.assumed.items()}
        growing = True
        while growing:
            growing = False
            for (state, _, target), (reads, writes) in self._steps.items():
                needed = reads | (live[target] - writes)
                if not needed <= live[state]:
                    live[state] |= needed
                    growing = True
        grown = {state: frozenset(fields) for state, fields in live.items()}
        changed = grown != self.assumed
        self.assumed = grown
        return changed

    def forget(self, state: str, data: Facts) -> Facts:
        """``data`` without what no longer matters in ``state``."""
        live = self.assumed[state]
        values: Mapping[str, Any] = data.__dict__
        update = {
            name: default
            for name, default in self._defaults.items()
            if name not in live and values[name] != default
        }
        return data.model_copy(update=update) if update else data


def _watching(model: type[Facts], log: Log, names: frozenset[str]) -> type[Facts]:
    # No type checker follows a base class that is known only when it runs.
    class Watching(model):  # type: ignore[valid-type, misc]
        def __getattribute__(self, name: str) -> Any:
            if name in names and name not in object.__getattribute__(self, "__dict__").get(_WRITTEN, ()):
                log.reads.add(name)
            return object.__getattribute__(self, name)

        def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Any:
            copied = super().model_copy(update=update, deep=deep)
            written = self.__dict__.get(_WRITTEN, frozenset())
            copied.__dict__[_WRITTEN] = written | frozenset(update or ())
            return copied

    return Watching


def _remake(data: Facts, model: type[Facts]) -> Facts:
    made = model.__new__(model)
    values = {name: value for name, value in data.__dict__.items() if name != _WRITTEN}
    object.__setattr__(made, "__dict__", values)
    object.__setattr__(made, "__pydantic_fields_set__", data.__pydantic_fields_set__)
    object.__setattr__(made, "__pydantic_extra__", None)
    object.__setattr__(made, "__pydantic_private__", None)
    return made
