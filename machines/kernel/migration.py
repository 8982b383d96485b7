"""What a procedure states about cases of its earlier versions: how they come to the next one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from machines.kernel.errors import DefinitionError

Json = dict[str, Any]  # the data of a case as JSON


def _as_they_are(data: Json) -> Json:
    return data


@dataclass(frozen=True, slots=True)
class Migration:
    """From version ``before`` of a procedure to the next one: ``renamed`` maps states that only have another
    name, ``states`` those that are gone to the ones in which their cases go on, ``data`` turns the data of
    the one into data of the other, ``because`` says what changed and why.

    A migration sends nothing and starts no command. So a case may go on in a state that does neither on
    entry; in one that is only ``renamed`` it stands already, and what entering means has been done.
    """

    before: int
    because: str
    renamed: Mapping[str, str] = field(default_factory=dict)
    states: Mapping[str, str] = field(default_factory=dict)
    data: Callable[[Json], Json] = _as_they_are

    def leads(self, state: str) -> str:
        """Where a case stands afterwards that stood in ``state``."""
        return self.renamed.get(state) or self.states.get(state, state)

    def __post_init__(self) -> None:
        for state in self.renamed.keys() & self.states.keys():
            raise DefinitionError(
                f"the migration from version {self.before} says that {state!r} is gone and that it is "
                "renamed; keep one of the two"
            )
