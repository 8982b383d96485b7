"""Money as integer minor units (cents) of one ISO 4217 currency; sums never mix currencies."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from machines.kernel.errors import CurrencyMismatch

Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$", description="ISO 4217 code")]


class Money(BaseModel):
    """An amount in minor units, such as ``Money(amount=1999, currency="EUR")`` for 19.99 EUR."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    amount: int
    currency: Currency

    def __add__(self, other: Money) -> Money:
        return self._with(self.amount + self._same(other))

    def __sub__(self, other: Money) -> Money:
        return self._with(self.amount - self._same(other))

    def __mul__(self, times: int) -> Money:
        return self._with(self.amount * times)

    def __lt__(self, other: Money) -> bool:
        return self.amount < self._same(other)

    def __le__(self, other: Money) -> bool:
        return self.amount <= self._same(other)

    def __gt__(self, other: Money) -> bool:
        return self.amount > self._same(other)

    def __ge__(self, other: Money) -> bool:
        return self.amount >= self._same(other)

    def __bool__(self) -> bool:
        return self.amount != 0

    def __str__(self) -> str:
        return f"{self.amount // 100}.{self.amount % 100:02d} {self.currency}"

    def _same(self, other: Money) -> int:
        if other.currency != self.currency:
            raise CurrencyMismatch(f"{self.currency} and {other.currency} do not add up; convert one first")
        return other.amount

    def _with(self, amount: int) -> Money:
        return Money(amount=amount, currency=self.currency)


def total(amounts: Iterable[Money], *, currency: str) -> Money:
    """The sum of ``amounts``; nothing at all is zero of ``currency``."""
    result = Money(amount=0, currency=currency)
    for amount in amounts:
        result = result + amount
    return result
