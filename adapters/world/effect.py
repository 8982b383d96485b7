"""What happens in the world when a command is performed, apart from the key it is asked under."""

from __future__ import annotations

from functools import cache

from machines.between import Pick
from machines.kernel.command import Command
from machines.kernel.event import Facts

_IDENTIFYING = (
    "about",
    "order",
    "refund",
    "rma",
    "parcel",
    "parcels",
    "payment",
    "charge",
    "items",
    "template",
)


def effect_of(command: Command) -> str:
    """What happens in the world, under whichever key it is asked: ``payment.capture SO-1001 SO-1001-1/1``."""
    arguments = command.arguments
    return " ".join(
        [command.name, *(_named(getattr(arguments, name)) for name in _identifying(type(arguments)))]
    )


@cache
def _identifying(kind: type[Facts]) -> tuple[str, ...]:
    return tuple(name for name in _IDENTIFYING if name in kind.model_fields)


def _named(value: object) -> str:
    if isinstance(value, tuple):
        return ",".join(map(_named, value))
    if isinstance(value, Pick):
        return f"{value.sku}*{value.quantity}"
    if isinstance(value, Facts):
        return "/".join(_named(getattr(value, name)) for name in _identifying(type(value)))
    return str(value)
