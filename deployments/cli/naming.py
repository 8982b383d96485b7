"""How a command names a case."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from adapters.store.base import Store
from deployments.cli.output import fail
from machines.kernel.case import Case

CaseKey = Annotated[str, typer.Argument(help="The case's key, such as SO-1001, or order/SO-1001.")]


def named(key: str, store: Store) -> Sequence[Case]:
    """The cases of that key, in any procedure unless it names one; the command fails where there is none."""
    sop, _, rest = key.rpartition("/")
    found = store.find_case(key=rest, sop=sop or None)
    if not found:
        fail(f"no case {key!r}; 'sop cases --all' lists what there is", code=2)
    return found
