"""How a complaint has money paid back that an order keeps the books of.

The order knows what was paid and what went back already. It tells a complaint how much is left; when the
customer has accepted, the complaint asks for it, and the order opens the refund and says what became of it.
So no more goes back than came in, whoever asks for it.
"""

from __future__ import annotations

from collections.abc import Mapping

from machines.between import Between


class RedressEnquired(Between, type="redress.enquired"):
    """How much of what a customer paid for an order could go back to settle a complaint?"""

    complaint: str
    customer: str


class RedressAvailable(Between, type="redress.available"):
    """So much could go back as things stand; nothing, if the order is another customer's."""

    amount: int


class RedressRequested(Between, type="redress.requested"):
    """A customer has been promised money back on an order, in settlement of a complaint."""

    redress: str
    complaint: str
    customer: str
    amount: int
    reason: str


class RedressSettled(Between, type="redress.settled"):
    """The customer has the money."""

    redress: str
    amount: int

    def postings(self) -> Mapping[str, int]:
        return {"given": self.amount}


class RedressFailed(Between, type="redress.failed"):
    """The customer will not get the money this way: more was promised than was paid, or finance said no."""

    redress: str
    amount: int
    reason: str

    def postings(self) -> Mapping[str, int]:
        return {"not_given": self.amount}
