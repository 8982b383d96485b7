"""What an order's bookings tell of a command that holds, takes or lets go of money."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from stripe import PaymentIntent

from adapters.errors import Uncertain
from adapters.stripe.account import Booking
from adapters.stripe.holding import single
from machines.kernel.command import Command
from machines.kernel.event import Event
from machines.order.asks import Hold, Taking
from machines.order.outcomes import PaymentAuthorized, PaymentCaptured, PaymentReauthorized, PaymentVoided
from machines.returns.commands import ChargeRequest
from machines.returns.events import Charged


def known(command: Command, found: Sequence[Booking]) -> Event | None:
    """The outcome by which ``command`` has moved money, or ``None`` if it moved none. Raises ``Uncertain``
    while it is not decided yet."""
    asked, mine = command.arguments, single(found, step=command.key)
    match asked:
        case Taking():
            if any(one.captured_by(command.key) for one in found):
                return PaymentCaptured(charge=asked.charge)
        case ChargeRequest():
            if mine is not None and mine.intent.status == "succeeded":
                return Charged(amount=asked.amount)
        case Hold() if command.name == "payment.void":
            voided = any(one.voided(asked.payment) and one.intent.amount == asked.amount for one in found)
            return PaymentVoided(payment=asked.payment, amount=asked.amount) if voided else None
        case Hold() if mine is not None and mine.holds:
            return _held(command, asked, mine)
    if mine is not None and not mine.failed:
        raise Uncertain(f"{command.name}: Stripe reports it as {mine.intent.status}; see Stripe")
    return None


def _held(command: Command, asked: Hold, mine: Booking) -> Event:
    before = until(mine.intent, mine)
    if command.name == "payment.reauthorize":
        return PaymentReauthorized(payment=asked.payment, capture_before=before)
    return PaymentAuthorized(payment=asked.payment, amount=mine.intent.amount, capture_before=before)


def until(intent: PaymentIntent, booking: Booking | None = None) -> datetime | None:
    """Until when the money is held, if Stripe says so; an intent from a list names its charge only."""
    charge = booking.charge if booking else intent.latest_charge
    details = None if charge is None or isinstance(charge, str) else charge.payment_method_details
    card = details.card if details else None
    at = card.capture_before if card and "capture_before" in card else None
    return datetime.fromtimestamp(at, UTC) if at else None
