"""Sums of money as people fill them in: in main units, such as 12.50; in events it is 1250 minor units."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from adapters.envelope import EventFault
from adapters.intake import InvalidEvents
from machines.kernel.money import exponent


def how(currency: str) -> str:
    """How a sum is written: ``in EUR, such as 12.50``."""
    return f"in {currency}, such as {_example(currency)}"


def minor(field: str, value: object, *, currency: str) -> int:
    """What was filled in as ``field``, in minor units. Raises ``InvalidEvents`` for what is no sum."""
    try:
        amount = Decimal(str(value)).scaleb(exponent(currency))
        if amount == amount.to_integral_value():
            return int(amount)
    except (InvalidOperation, ValueError, OverflowError):
        pass
    remedy = f"{value!r} is no sum in {currency}; write it like {_example(currency)}"
    raise InvalidEvents([EventFault(0, field, remedy)])


def _example(currency: str) -> str:
    return str(Decimal(1250).scaleb(-exponent(currency)))
