"""The money that hangs on a command, read from its arguments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from machines.kernel.money import CURRENCIES, Money


def stake(arguments: Mapping[str, object]) -> Money | None:
    """``amount`` (minor units) with ``currency``, wherever in the arguments they stand; ``None`` without."""
    found = dict(_leaves(arguments))
    amount, currency = found.get("amount"), found.get("currency")
    if isinstance(amount, int) and currency in CURRENCIES:
        return Money(amount=amount, currency=str(currency))
    return None


def sums(stakes: Iterable[Money | None]) -> list[Money]:
    """One sum for each currency, in the order of their codes."""
    by_currency: dict[str, Money] = {}
    for one in stakes:
        if one is not None:
            before = by_currency.get(one.currency, Money(amount=0, currency=one.currency))
            by_currency[one.currency] = before + one
    return [by_currency[currency] for currency in sorted(by_currency)]


def _leaves(arguments: Mapping[str, object]) -> Iterable[tuple[str, object]]:
    for name, value in arguments.items():
        if isinstance(value, Mapping):
            yield from _leaves(value)
        else:
            yield name, value
