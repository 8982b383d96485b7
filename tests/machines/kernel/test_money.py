from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from machines.kernel.money import CURRENCIES, Money, Sum, exponent


@pytest.mark.parametrize(
    ("amount", "currency", "written"),
    [
        (1999, "EUR", "19.99 EUR"),
        (5, "EUR", "0.05 EUR"),
        (0, "EUR", "0.00 EUR"),
        (-5, "EUR", "-0.05 EUR"),
        (-1999, "EUR", "-19.99 EUR"),
        (5000, "JPY", "5000 JPY"),
        (-1, "JPY", "-1 JPY"),
        (5000, "KWD", "5.000 KWD"),
        (7, "KWD", "0.007 KWD"),
    ],
)
def test_amounts_are_written_in_the_main_unit_of_their_currency(
    amount: int, currency: str, written: str
) -> None:
    assert str(Money(amount=amount, currency=currency)) == written


@pytest.mark.parametrize("code", ["EUX", "DEM", "XXX"])
def test_currency_that_nobody_uses_is_told(code: str) -> None:
    with pytest.raises(ValidationError, match="no ISO 4217 currency in use; write its code, such as EUR"):
        Money(amount=1, currency=code)


def test_every_currency_in_use_has_a_code_of_three_letters() -> None:
    assert all(len(code) == 3 and code.isupper() for code in CURRENCIES)
    assert {exponent(code) for code in CURRENCIES} == {0, 2, 3}


@pytest.mark.parametrize(
    ("text", "minor"), [("450.50 EUR", 45_050), ("80000 JPY", 80_000), (" 1.234  KWD ", 1_234)]
)
def test_a_sum_is_read_as_people_write_it(text: str, minor: int) -> None:
    found = TypeAdapter(Sum).validate_python(text)
    assert (found.amount, found.currency) == (minor, text.split()[1])


@pytest.mark.parametrize("text", ["500", "500 EURO", "EUR 500", "1.234 EUR", "0.5 JPY", "-5 EUR", "500 XXX"])
def test_anything_else_is_no_sum(text: str) -> None:
    with pytest.raises(ValidationError, match=r"write a figure|decimal places"):
        TypeAdapter(Sum).validate_python(text)
