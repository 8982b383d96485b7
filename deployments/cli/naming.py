"""How a command names a case."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from deployments.bootstrap import Installation
from deployments.cli.output import fail
from machines.kernel.case import Case

CaseKey = Annotated[str, typer.Argument(help="The case's key, such as SO-1001, or order/SO-1001.")]


def named(key: str, app: Installation) -> Sequence[Case]:
    """The cases of that key, in any procedure unless it names one; the command fails where there is none."""
    sop, _, rest = key.partition("/")
    found = app.store.find_case(key=rest, sop=sop) if sop in app.definitions else []
    # A key may hold a slash of its own.
    found = found or app.store.find_case(key=key)
    if not found:
        fail(f"no case {key!r}; 'sop cases --all' lists what there is", code=2)
    return found
