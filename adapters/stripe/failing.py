"""What Stripe's errors mean to a step, in one place."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from stripe import (
    APIConnectionError,
    APIError,
    AuthenticationError,
    IdempotencyError,
    PermissionError,
    RateLimitError,
    StripeError,
)

from adapters.errors import Rejected, Unavailable

UNCAPTURABLE = frozenset({"charge_expired_for_capture", "payment_intent_unexpected_state"})
"""Codes of a hold that is gone (docs.stripe.com/error-codes)."""

REFUND_REFUSED = frozenset({"charge_disputed", "refund_disputed_payment"})

_ACCOUNT = "the account's key is not accepted; check providers.payment.key"


@contextmanager
def translated(name: str) -> Iterator[None]:
    """Errors of the SDK become ``Unavailable`` or ``Rejected``, by their codes: their texts may quote what
    was sent."""
    try:
        yield
    except StripeError as error:
        code = f" ({error.code})" if error.code else ""
        if isinstance(error, APIConnectionError):
            raise Unavailable(f"{name}: Stripe cannot be reached") from None
        if isinstance(error, AuthenticationError | PermissionError):
            raise Rejected(f"{name}: {_ACCOUNT}{code}") from None
        status = error.http_status or 0
        busy = isinstance(error, RateLimitError) or status in (409, 429) or status >= 500
        if busy or (isinstance(error, APIError) and not isinstance(error, IdempotencyError) and not status):
            raise Unavailable(f"{name}: Stripe answered {status}{code}", after=_after(error)) from None
        param = getattr(error, "param", None)
        about = f", parameter {param}" if param else ""
        raise Rejected(f"{name}: Stripe answered {status}{code}{about}") from None


def reason(error: StripeError) -> str:
    """Why the bank declined, in words meant for the customer, or the code."""
    found = error.error
    code = (found.decline_code if found and "decline_code" in found else None) or error.code or "declined"
    return str(code).replace("_", " ")


def _after(error: StripeError) -> float:
    text = str((error.headers or {}).get("retry-after", ""))
    return float(text) if text.isascii() and text.isdigit() else 0.0
