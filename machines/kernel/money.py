"""Money as integer minor units (cents, or whole yen) of one ISO 4217 currency; sums never mix currencies."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from machines.kernel.errors import CurrencyMismatch

# ISO 4217, list one, without funds codes, metals and codes for testing.
_IN_USE = """
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF
CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD
HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL
LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP
PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT
TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG
"""
_WHOLE = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
_THOUSANDTHS = "BHD IQD JOD KWD LYD OMR TND"

CURRENCIES = frozenset(_IN_USE.split())
_EXPONENTS = {**dict.fromkeys(_WHOLE.split(), 0), **dict.fromkeys(_THOUSANDTHS.split(), 3)}  #: not 2


def _in_use(code: str) -> str:
    if code not in CURRENCIES:
        raise PydanticCustomError("currency", "no ISO 4217 currency in use; write its code, such as EUR")
    return code


Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$", description="ISO 4217 code"), AfterValidator(_in_use)]
MINOR_UNITS = "minor units"
Amount = Annotated[int, Field(ge=0, description=MINOR_UNITS)]


def exponent(currency: str) -> int:
    """How many decimal places the main unit has: 2 for EUR, 0 for JPY, 3 for KWD."""
    return _EXPONENTS.get(currency, 2)


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
        places = exponent(self.currency)
        sign, digits = "-" if self.amount < 0 else "", f"{abs(self.amount):0{places + 1}d}"
        if not places:
            return f"{sign}{digits} {self.currency}"
        return f"{sign}{digits[:-places]}.{digits[-places:]} {self.currency}"

    def _same(self, other: Money) -> int:
        if other.currency != self.currency:
            raise CurrencyMismatch(f"{self.currency} and {other.currency} do not add up; convert one first")
        return other.amount

    def _with(self, amount: int) -> Money:
        return Money(amount=amount, currency=self.currency)


def parse_sum(text: object) -> object:
    """``"450.50 EUR"``, as people write it in policies; raises ``ValueError`` that shows how."""
    if not isinstance(text, str):
        return text
    found = re.fullmatch(r"(\d+(?:\.\d+)?) +([A-Z]{3})", text.strip())
    if found is None or found[2] not in CURRENCIES:
        raise ValueError(f"{text!r} is no sum; write a figure and an ISO 4217 code, such as 500 EUR")
    minor = Decimal(found[1]).scaleb(exponent(found[2]))
    if minor != int(minor):
        raise ValueError(f"{text!r}: {found[2]} has {exponent(found[2])} decimal places")
    return Money(amount=int(minor), currency=found[2])


Sum = Annotated[Money, BeforeValidator(parse_sum)]


def total(amounts: Iterable[Money], *, currency: str) -> Money:
    """The sum of ``amounts``; nothing at all is zero of ``currency``."""
    result = Money(amount=0, currency=currency)
    for amount in amounts:
        result = result + amount
    return result
