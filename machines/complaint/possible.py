"""How each command of a complaint can end: every outcome worth telling apart, the ordinary one first."""

from __future__ import annotations

from collections.abc import Iterable

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
from machines.kernel.event import Event


def vouchers(asked: Voucher) -> Iterable[Event]:
    yield VoucherIssued(code=f"THANKS-{asked.redress}", amount=asked.amount)
    yield VoucherRefused(amount=asked.amount, reason="no vouchers in that country")


def goodwill_payments(asked: GoodwillPayment) -> Iterable[Event]:
    yield GoodwillPaid(amount=asked.amount)
    yield GoodwillRefused(amount=asked.amount, reason="account closed")


def set_aside(asked: Goods) -> Iterable[Event]:
    yield ReplacementSetAside(pieces=sum(item.quantity for item in asked.items))
    yield ReplacementUnavailable(reason="not made any more")


def put_back(asked: Goods) -> Iterable[Event]:
    yield ReplacementPutBack(pieces=sum(item.quantity for item in asked.items))
