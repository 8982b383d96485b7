"""Every reason that procedures and the simulated providers give: what their source gives a call or a name
``reason`` as text, and what the enumerations say that messages quote. A reason composed of several parts
comes with an example in each of its places."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from enum import StrEnum
from functools import cache
from pathlib import Path

from adapters.world.purchases import LIMITS
from machines.between import Trouble
from machines.complaint.data import Remedy
from machines.order.events import CancelReason
from machines.returning import Reason
from machines.returns.eligibility import Ground
from machines.returns.events import Condition
from machines.shipment.events import ReturnReason

ROOT = Path(__file__).parents[3]
SOURCES = (*sorted((ROOT / "machines").glob("*/*.py")), *sorted((ROOT / "adapters" / "world").glob("*.py")))
NOT_TOLD = {"check", "kernel"}  #: folders whose reasons go to those who build procedures
FOR_STAFF = {"exploring.py"}
QUOTED: tuple[type[StrEnum], ...] = (Reason, Ground, Remedy, Condition, CancelReason, ReturnReason, Trouble)
EXAMPLE = "17"
NAMES = {"reason", "reasons"}
COMPOSED = (  #: elsewhere, of parts that the source does not show together
    *(f"return: {reason}" for reason in Reason),
    *(f"VASE-LIMITED: {limit}, other orders included" for limit in LIMITS),
    "; ".join(f"{sku}-LIMITED: {LIMITS[0]}, other orders included" for sku in "AB"),
    "3500 is more than the 1200 that can still go back",
    "the order is another customer's",
)


@cache
def reasons() -> frozenset[str]:
    found = {str(member) for kind in QUOTED for member in kind} | set(COMPOSED)
    for path in SOURCES:
        if path.parent.name not in NOT_TOLD and path.name not in FOR_STAFF:
            found |= set(_in(ast.parse(path.read_text("utf-8"))))
    return frozenset(one for one in found if one)


def _in(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if (isinstance(node, ast.keyword) and node.arg in NAMES) or (
            isinstance(node, ast.Assign)
            and any(isinstance(target, ast.Name) and target.id in NAMES for target in node.targets)
        ):
            yield from _texts(node.value)


def _texts(value: ast.expr) -> Iterator[str]:
    match value:
        case ast.Constant(value=str() as text):
            yield text
        case ast.JoinedStr(values=parts):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else EXAMPLE for part in parts)
        case ast.IfExp(body=one, orelse=other):
            yield from _texts(one)
            yield from _texts(other)
        case ast.BoolOp(values=values):
            for one in values:
                yield from _texts(one)
