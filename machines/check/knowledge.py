"""What a case knows, as one number for each field: equal values of a field have equal numbers.

Most steps change a field or two of two dozen; to copy, compare and hash whole models would be most of the
work of a walk.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import timedelta
from typing import Any

from machines.check.ageing import age
from machines.check.interning import Interned, itself, written
from machines.kernel.event import Facts

Values = tuple[int, ...]
"""For each field, in the order of the model, the number of its value."""
Changes = tuple[tuple[int, int], ...]
"""(place of the field, number of its new value)."""


class Column:
    """The values of one field. An object seen before is known by its identity, without being read anew."""

    def __init__(self) -> None:
        self._values: Interned[Any] = Interned(written)
        self._known: dict[int, tuple[int, Any]] = {}  # the object is kept, so that no other gets its id
        self._aged: dict[tuple[int, timedelta], int] = {}

    def __getitem__(self, number: int) -> Any:
        return self._values[number]

    def number(self, value: Any) -> int:
        known = self._known.get(id(value))
        if known is None:
            known = self._known[id(value)] = (self._values.number(value), value)
        return known[0]

    def aged(self, number: int, by: timedelta) -> int:
        aged = self._aged.get((number, by))
        if aged is None:
            aged = self._aged[number, by] = self.number(age(self._values[number], by))
        return aged


class Knowledge:
    """All data that cases of one procedure can have. Number 0 stands for none."""

    def __init__(self, model: type[Facts]) -> None:
        self.names = tuple(model.model_fields)
        self.places = {name: place for place, name in enumerate(self.names)}
        self._model = model
        self._columns = tuple(Column() for _ in self.names)
        self._all: Interned[Values | None] = Interned(itself)
        self._all.number(None)
        self._defaults = {
            name: self.column(name).number(field.get_default(call_default_factory=True, validated_data={}))
            for name, field in model.model_fields.items()
            if not field.is_required()
        }
        self._optional = tuple(
            (name, self.places[name], self._defaults[name])
            for name, field in model.model_fields.items()
            if field.default is None
        )
        self._has: dict[int, frozenset[str]] = {}

    def column(self, name: str) -> Column:
        return self._columns[self.places[name]]

    def values(self, number: int) -> Values:
        return self._all[number] or ()

    def fields(self, number: int) -> dict[str, Any]:
        values = self.values(number)
        return {
            name: column[value] for name, column, value in zip(self.names, self._columns, values, strict=True)
        }

    def data(self, number: int) -> Facts | None:
        return made(self._model, self.fields(number)) if number else None

    def changes(self, data: Facts, names: Iterable[str]) -> Changes:
        """The values that ``data`` has in the fields ``names``."""
        fields: Mapping[str, Any] = object.__getattribute__(data, "__dict__")
        return tuple((self.places[name], self.column(name).number(fields[name])) for name in names)

    def changed(self, number: int, changes: Changes | None, *, by: timedelta = timedelta()) -> int:
        """After ``changes`` (``None``: there are no data), and after ``by`` has passed."""
        if changes is None:
            return 0
        if number and not changes and not by:
            return number
        values = list(self.values(number)) or [0] * len(self.names)
        for place, value in changes:
            values[place] = value
        if by:
            values = [column.aged(value, by) for column, value in zip(self._columns, values, strict=True)]
        return self._all.number(tuple(values))

    def differing(self, number: int, names: Iterable[str]) -> list[str]:
        """Those of the fields ``names`` that have a default and not that value."""
        values = self.values(number)
        return [
            name
            for name in names
            if values and self._defaults.get(name, values[self.places[name]]) != values[self.places[name]]
        ]

    def without(self, number: int, names: Collection[str]) -> int:
        """With the fields ``names`` back at their defaults."""
        if not names:
            return number
        return self.changed(number, tuple((self.places[name], self._defaults[name]) for name in names))

    def has(self, number: int) -> frozenset[str]:
        """The optional fields that are set."""
        if number not in self._has:
            values = self.values(number)
            self._has[number] = frozenset(
                name for name, place, unset in self._optional if values and values[place] != unset
            )
        return self._has[number]


def made(model: type[Facts], fields: dict[str, Any]) -> Facts:
    """A frozen object of ``model`` with ``fields`` that have been validated before."""
    data = model.__new__(model)
    object.__setattr__(data, "__dict__", fields)
    object.__setattr__(data, "__pydantic_fields_set__", set(fields))
    object.__setattr__(data, "__pydantic_extra__", None)
    object.__setattr__(data, "__pydantic_private__", None)
    return data
