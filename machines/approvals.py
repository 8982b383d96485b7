"""Who approved which procedure, as it stood then: name, role, date and content hash, in one TOML file.

A procedure that has changed since is unapproved, whatever its version says.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints, TypeAdapter, ValidationError

from machines.kernel.errors import ApprovalError
from machines.kernel.procedure import Procedure

_PLAIN = r'^[^"\\\n]+$'
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=_PLAIN)]


class Approval(BaseModel):
    """``hash`` is that of the procedure as it was read and approved."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    procedure: Line
    version: int
    hash: Line
    name: Line
    role: Line
    date: date

    def __str__(self) -> str:
        return f"{self.name}, {self.role}, {self.date.isoformat()}"

    @property
    def toml(self) -> str:
        """As it stands in the file."""
        texts = {"procedure": self.procedure, "hash": self.hash, "name": self.name, "role": self.role}
        lines = [f'{field} = "{text}"' for field, text in texts.items()]
        return "\n".join(("[[approval]]", *lines, f"version = {self.version}", f"date = {self.date}", ""))


_FILE = TypeAdapter(dict[str, tuple[Approval, ...]])


def load(path: Path) -> tuple[Approval, ...]:
    """What ``path`` holds; nothing if there is no such file. Raises ``ApprovalError``."""
    if not path.exists():
        return ()
    try:
        return _FILE.validate_python(tomllib.loads(path.read_text("utf-8"))).get("approval", ())
    except tomllib.TOMLDecodeError as error:
        raise ApprovalError(f"{path}: {error}; the file is TOML, see https://toml.io") from None
    except ValidationError as error:
        places = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
        raise ApprovalError(
            f"{path}: {'; '.join(places)}; 'sop approve' writes entries as they must be"
        ) from None


def approval_of(procedure: Procedure, approvals: Iterable[Approval]) -> Approval | None:
    """The latest approval of the procedure as it stands now."""
    fitting = [one for one in approvals if (one.procedure, one.hash) == (procedure.name, procedure.hash)]
    return max(fitting, key=lambda one: one.date, default=None)


def unapproved(procedures: Iterable[Procedure], approvals: Iterable[Approval]) -> list[str]:
    """The names of those that nobody has approved as they stand now."""
    given = tuple(approvals)
    return [procedure.name for procedure in procedures if approval_of(procedure, given) is None]
