"""What a procedure states about cases of its earlier versions: how they come to the next one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]  # the data of a case as JSON


def _as_they_are(data: Json) -> Json:
    return data


@dataclass(frozen=True, slots=True)
class Migration:
    """From version ``before`` of a procedure to the next one: ``states`` maps those that are gone or renamed,
    ``data`` turns the data of the one into data of the other, ``because`` says what changed and why."""

    before: int
    because: str
    states: Mapping[str, str] = field(default_factory=dict)
    data: Callable[[Json], Json] = _as_they_are
