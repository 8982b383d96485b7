"""How what a complaint asks for can end: the outcomes of its commands."""

from __future__ import annotations

from collections.abc import Mapping

from machines.kernel.event import Outcome


class VoucherIssued(Outcome, type="voucher.issued"):
    """The customer has the voucher."""

    code: str
    amount: int

    def postings(self) -> Mapping[str, int]:
        return {"given": self.amount}


class VoucherRefused(Outcome, type="voucher.refused"):
    """The shop issues no voucher."""

    amount: int
    reason: str

    def postings(self) -> Mapping[str, int]:
        return {"not_given": self.amount}


class GoodwillPaid(Outcome, type="goodwill.paid"):
    """The bank has paid."""

    amount: int

    def postings(self) -> Mapping[str, int]:
        return {"given": self.amount}


class GoodwillRefused(Outcome, type="goodwill.refused"):
    """The bank cannot pay to that account."""

    amount: int
    reason: str

    def postings(self) -> Mapping[str, int]:
        return {"not_given": self.amount}


class ReplacementSetAside(Outcome, type="replacement.set_aside"):
    """The warehouse has the goods ready to be sent."""

    pieces: int

    def postings(self) -> Mapping[str, int]:
        return {"reserved": self.pieces}


class ReplacementUnavailable(Outcome, type="replacement.unavailable"):
    """The goods cannot be had."""

    reason: str


class ReplacementPutBack(Outcome, type="replacement.put_back"):
    """Goods that did not leave are back on the shelf."""

    pieces: int

    def postings(self) -> Mapping[str, int]:
        return {"released": self.pieces}
