"""What is put to others on behalf of a complaint: the arguments of its commands."""

from __future__ import annotations

from collections.abc import Iterable

from machines.between import Pick
from machines.complaint.data import Complaint, Remedy
from machines.kernel.event import Event, Facts, Personal


class Voucher(Facts):
    """``amount`` for the customer to spend in the shop."""

    redress: str
    customer: str
    amount: int
    currency: str


class GoodwillPayment(Facts):
    """``amount`` for the customer's bank account."""

    redress: str
    customer: str
    account: Personal
    amount: int
    currency: str


class Goods(Facts):
    """Goods to set aside for a replacement, or to put back; ``parcel`` is the one they go into."""

    parcel: str
    order: str
    items: tuple[Pick, ...]


def voucher(complaint: Complaint, _: Event) -> Iterable[Facts]:
    yield Voucher(
        redress=complaint.redress,
        customer=complaint.customer,
        amount=complaint.amount,
        currency=complaint.currency,
    )


def goodwill_payment(complaint: Complaint, _: Event) -> Iterable[Facts]:
    if complaint.account is not None:
        yield GoodwillPayment(
            redress=complaint.redress,
            customer=complaint.customer,
            account=complaint.account,
            amount=complaint.amount,
            currency=complaint.currency,
        )


def replacement(complaint: Complaint, _: Event) -> Iterable[Facts]:
    if complaint.offer and complaint.offer.remedy is Remedy.REPLACEMENT:
        yield Goods(parcel=complaint.redress, order=complaint.order or "", items=complaint.items)
