"""Paying money back to a card: to the charges of one payment, newest first, each cent once."""

from __future__ import annotations

from stripe import Refund

from adapters.errors import Rejected, Uncertain
from adapters.stripe.account import Account, Booking, entry
from machines.kernel.event import Event
from machines.refund.commands import PayBack
from machines.refund.events import RefundFailed, RefundPaid, RefundPending

_GONE = frozenset({"succeeded", "pending", "requires_action"})


async def settle(account: Account, found: list[Booking], *, key: str, asked: PayBack) -> Event:
    """Refund what this step has not refunded yet. Raises ``Rejected`` if the charges do not cover it, or if
    it went through in part, and ``StripeError``."""
    known = [(one, await account.refunds(one)) for one in found if one.intent.amount_received > 0]
    mine = [one for _, refunds in known for one in refunds if _step(one) == key]
    rest = asked.amount - sum(one.amount for one in mine)
    parts: list[tuple[Booking, int]] = []
    for booking, refunds in known:
        gone = sum(one.amount for one in refunds if one.status in _GONE and _step(one))
        part = min(rest, booking.intent.amount_received - gone)
        if part > 0:
            parts.append((booking, part))
            rest -= part
    if rest:  # found out before anything moves
        what = f"payment {asked.payment} of order {asked.order}"
        raise Rejected(f"{what} has not taken as much as is to go back")
    for booking, part in parts:
        mine.append(await _refund(account, booking, amount=part, key=key, asked=asked))
    return _outcome(mine, asked)


async def look_up_refund(account: Account, found: list[Booking], *, key: str, asked: PayBack) -> Event | None:
    """The outcome if this step has refunded something, else ``None``. Raises ``Uncertain`` if it went through
    in part, and ``StripeError``."""
    mine = [one for booking in found for one in await account.refunds(booking) if _step(one) == key]
    if mine and sum(one.amount for one in mine) < asked.amount:
        raise Uncertain(f"payment {asked.payment} of order {asked.order} went back in part; see Stripe")
    try:
        return _outcome(mine, asked) if mine else None
    except Rejected as error:
        raise Uncertain(str(error)) from None


async def _refund(account: Account, booking: Booking, *, amount: int, key: str, asked: PayBack) -> Refund:
    metadata = {
        "sop_refund": asked.refund,
        "sop_payment": asked.payment,
        "sop_step": key,
        "sop_amount": str(asked.amount),
    }
    return await account.refund(booking, amount=amount, metadata=metadata, key=f"{key}/{booking.intent.id}")


def _step(refund: Refund) -> str:
    return entry(refund.metadata, "sop_step")


def _outcome(refunds: list[Refund], asked: PayBack) -> Event:
    failed = [one for one in refunds if one.status not in _GONE]
    if failed and len(failed) < len(refunds):
        raise Rejected(f"payment {asked.payment} of order {asked.order} went back in part; see Stripe")
    if failed:
        why = failed[0].failure_reason if "failure_reason" in failed[0] else None
        return RefundFailed(payment=asked.payment, reason=(why or "failed").replace("_", " "))
    if all(one.status == "succeeded" for one in refunds):
        return RefundPaid(payment=asked.payment, amount=asked.amount)
    return RefundPending(payment=asked.payment, reason="the bank works on it")
