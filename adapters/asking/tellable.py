"""What people may be told of a case's data or of an event: in their words, one line for each field.

Nothing personal is in it: sealed fields are left out, and so are payment tokens.
"""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from functools import cache
from typing import NamedTuple, Protocol, runtime_checkable

from adapters.asking.form import is_money
from adapters.personal import places
from machines.kernel.event import SEALED, Facts
from machines.kernel.money import Money

_LONGEST = 200
_NEVER = ("token", "account")  #: parts of names that are nobody's business, though not personal
_DULL = ("locale", "terms", "sources", "sequence", "currency")  #: what helps nobody to decide


@runtime_checkable
class Explained(Protocol):
    """What can say in one line what it comes to."""

    @property
    def explained(self) -> str: ...


class _Tellable(NamedTuple):
    """A field that people may be told of."""

    name: str
    label: str
    default: object
    money: bool


@cache
def _tellable(kind: type[Facts]) -> tuple[_Tellable, ...]:
    """Those of its fields that are neither personal nor secret."""
    personal = places(kind).fields
    return tuple(
        _Tellable(name, (info.title or name.replace("_", " ")).rstrip("?"), info.default, is_money(info))
        for name, info in kind.model_fields.items()
        if not (name in personal and personal[name].personal)
        and not any(part in name for part in _NEVER)
        and name not in _DULL
    )


def tell(facts: Facts, *, currency: str) -> dict[str, str]:
    """What may be told of ``facts``, by name, but for what is as it was at the beginning."""
    found = {}
    for name, label, default, money in _tellable(type(facts)):
        value = getattr(facts, name)
        if value == default:
            continue
        text = _plain(value, currency=currency, money=money)
        if text and SEALED not in text:
            found[label] = text[:_LONGEST]
    return found


def _plain(value: object, *, currency: str, money: bool = False) -> str:
    """In one line; nothing for what is empty, zero or no."""
    if isinstance(value, Facts):
        parts = (f"{name} {text}" for name, text in tell(value, currency=currency).items())
        return value.explained if isinstance(value, Explained) else ", ".join(parts)
    if isinstance(value, tuple | list):
        return "; ".join(filter(None, (_plain(each, currency=currency, money=money) for each in value)))
    if not value or isinstance(value, bool):
        return "yes" if value else ""
    as_money = isinstance(value, int) and money and currency
    return str(Money(amount=value, currency=currency)) if as_money else _written(value)


def _written(value: object) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M} UTC"
    return str(value.value) if isinstance(value, Enum) else str(value)
