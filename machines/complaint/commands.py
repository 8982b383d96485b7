"""What a complaint asks of shop, bank and warehouse to make good what went wrong."""

from __future__ import annotations

from machines.complaint import asks, possible
from machines.complaint.outcomes import (
    GoodwillPaid,
    GoodwillRefused,
    ReplacementPutBack,
    ReplacementSetAside,
    ReplacementUnavailable,
    VoucherIssued,
    VoucherRefused,
)
from machines.kernel.command import CommandType, Retry

PATIENT = Retry(attempts=8)  #: it was promised; a technical fault is no reason to give up

ISSUE_VOUCHER = CommandType(
    "voucher.issue",
    asks.voucher,
    (VoucherIssued, VoucherRefused),
    possible.vouchers,
    takes=asks.Voucher,
    retry=PATIENT,
    fulfils=("CMP-6",),
)
PAY_GOODWILL = CommandType(
    "goodwill.pay",
    asks.goodwill_payment,
    (GoodwillPaid, GoodwillRefused),
    possible.goodwill_payments,
    takes=asks.GoodwillPayment,
    retry=PATIENT,
    fulfils=("CMP-6",),
)
SET_ASIDE = CommandType(
    "replacement.set_aside",
    asks.replacement,
    (ReplacementSetAside, ReplacementUnavailable),
    possible.set_aside,
    takes=asks.Goods,
    fulfils=("CMP-6",),
)
PUT_BACK = CommandType(
    "replacement.put_back",
    asks.replacement,
    (ReplacementPutBack,),
    possible.put_back,
    takes=asks.Goods,
)
