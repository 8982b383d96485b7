"""The simulated world on behalf of complaints: vouchers, goodwill payments, goods set aside."""

from __future__ import annotations

import asyncio

import pytest

from adapters.world import simulated_world
from adapters.world.book import MemoryBook, applied_by_effect
from machines.between import Pick
from machines.complaint.asks import Goods, GoodwillPayment, Voucher
from machines.complaint.outcomes import (
    GoodwillPaid,
    GoodwillRefused,
    ReplacementPutBack,
    ReplacementSetAside,
    ReplacementUnavailable,
    VoucherIssued,
    VoucherRefused,
)
from machines.kernel.command import Command
from machines.kernel.event import Event, Facts


def voucher(redress: str = "CP-1-1") -> Facts:
    return Voucher(redress=redress, customer="C-1", amount=1500, currency="EUR")


def payment(redress: str = "CP-1-1") -> Facts:
    return GoodwillPayment(
        redress=redress, customer="C-1", account="sealed:1:C-1:YWNjb3VudA", amount=1500, currency="EUR"
    )


def goods(sku: str = "KETTLE") -> Facts:
    return Goods(parcel="CP-1-1", order="SO-1", items=(Pick(sku=sku, quantity=2),))


def ask(name: str, arguments: Facts, *, book: MemoryBook | None = None, key: str = "k-1") -> Event:
    adapter = simulated_world(1, book=book)[name.partition(".")[0]]
    return asyncio.run(adapter.perform(Command(name, key, arguments)))


@pytest.mark.parametrize(
    ("name", "arguments", "answer"),
    [
        ("voucher.issue", voucher(), VoucherIssued(code="THANKS-CP-1-1", amount=1500)),
        (
            "voucher.issue",
            voucher("CP-1-NOVOUCHER-1"),
            VoucherRefused(amount=1500, reason="no vouchers in that country"),
        ),
        ("goodwill.pay", payment(), GoodwillPaid(amount=1500)),
        ("goodwill.pay", payment("CP-1-UNPAYABLE-1"), GoodwillRefused(amount=1500, reason="account closed")),
        ("replacement.set_aside", goods(), ReplacementSetAside(pieces=2)),
        ("replacement.set_aside", goods("KETTLE-OUT"), ReplacementUnavailable(reason="not made any more")),
        ("replacement.put_back", goods(), ReplacementPutBack(pieces=2)),
    ],
)
def test_answers_by_what_is_in_the_request(name: str, arguments: Facts, answer: Event) -> None:
    assert ask(name, arguments) == answer


@pytest.mark.parametrize(("name", "arguments"), [("voucher.issue", voucher()), ("goodwill.pay", payment())])
def test_the_same_key_gives_money_once_and_another_key_is_found_out(name: str, arguments: Facts) -> None:
    book = MemoryBook()
    assert ask(name, arguments, book=book) == ask(name, arguments, book=book)
    assert list(applied_by_effect(book).values()) == [1]
    ask(name, arguments, book=book, key="k-2")
    assert list(applied_by_effect(book).values()) == [2]


def test_two_promises_are_two_effects() -> None:
    book = MemoryBook()
    ask("voucher.issue", voucher("CP-1-1"), book=book)
    ask("voucher.issue", voucher("CP-1-2"), book=book, key="k-2")
    assert sorted(applied_by_effect(book).values()) == [1, 1]


def test_what_is_refused_gives_nothing() -> None:
    book = MemoryBook()
    ask("voucher.issue", voucher("CP-1-NOVOUCHER-1"), book=book)
    assert sum(applied_by_effect(book).values()) == 0
