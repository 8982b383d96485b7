"""Our account at Stripe, through its SDK: the few requests that payments need, each under a key of ours."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

from stripe import Charge, HTTPXClient, PaymentIntent, Refund, StripeClient, StripeObject
from stripe.params import PaymentIntentCreateParams

from adapters.stripe.holding import Ask

_PAGE = 100  #: the most that Stripe lists at once


@dataclass(frozen=True, slots=True)
class Booking:
    """A PaymentIntent of ours and its latest charge. What we are about is in the intent's metadata:
    ``sop_order``, ``sop_payment``, ``sop_step``, and a ``sop_c...`` for each capture."""

    intent: PaymentIntent
    charge: Charge

    @property
    def payment(self) -> str:
        return self.about("sop_payment")

    def about(self, name: str) -> str:
        """An entry of the intent's metadata, or nothing."""
        return entry(self.intent.metadata, name)

    @property
    def holds(self) -> bool:
        return self.intent.status == "requires_capture"

    @property
    def capturable(self) -> int:
        return self.intent.amount_capturable

    @property
    def failed(self) -> bool:
        """Whether the bank has declined it, or the hold it gave is gone."""
        return self.intent.status in ("requires_payment_method", "canceled")

    @property
    def failure(self) -> str:
        return self.charge.failure_message or "declined"

    @property
    def multicapture(self) -> bool:
        """Whether it may be captured more than once."""
        details = self.charge.payment_method_details
        card = details.card if details else None
        found = card.multicapture if card and "multicapture" in card else None
        return found is not None and found.status == "available"

    def voided(self, payment: str) -> bool:
        """Whether we have let it go."""
        canceled = self.intent.status == "canceled"
        return (
            canceled
            and self.payment == payment
            and self.intent.cancellation_reason == "requested_by_customer"
        )

    def captured_by(self, step: str) -> bool:
        taken = self.intent.status == "succeeded" and self.about("sop_taken") == step
        return taken or bool(self.about(_mark(step)))


class Account:
    """``timeout`` of one request in seconds. All methods raise ``stripe.StripeError``."""

    def __init__(self, key: str, *, api_base: str | None, timeout: float) -> None:
        self._http = HTTPXClient(timeout=timeout)
        self._stripe = StripeClient(
            key,
            base_addresses={"api": api_base} if api_base else {},
            http_client=self._http,
            max_network_retries=0,  # the step is tried again, durably
        ).v1

    async def close(self) -> None:
        # The SDK has left this one method without types.
        await self._http.close_async()  # type: ignore[no-untyped-call]

    async def bookings(self, order: str) -> list[Booking]:
        """What was booked for ``order``, newest first. A list shows at once what was written; a search does
        not."""
        found = await self._stripe.charges.list_async(
            {"transfer_group": order, "limit": _PAGE, "expand": ["data.payment_intent"]}
        )
        bookings: dict[str, Booking] = {}
        async for charge in found.auto_paging_iter():
            if isinstance(charge.payment_intent, PaymentIntent):
                bookings.setdefault(charge.payment_intent.id, Booking(charge.payment_intent, charge))
        return list(bookings.values())

    async def intent(self, id: str) -> PaymentIntent:
        return await self._stripe.payment_intents.retrieve_async(id)

    async def hold(self, ask: Ask, *, off_session: bool = False) -> PaymentIntent:
        return await self._create(ask, capture="manual", off_session=off_session)

    async def take(self, ask: Ask) -> PaymentIntent:
        return await self._create(ask, capture="automatic", off_session=True, suffix="/take")

    async def _create(
        self, ask: Ask, *, capture: Literal["manual", "automatic"], off_session: bool, suffix: str = ""
    ) -> PaymentIntent:
        customer, _, method = ask.token.rpartition(":")
        taken = {"sop_taken": ask.key} if capture == "automatic" else {}
        params: PaymentIntentCreateParams = {
            "amount": ask.amount,
            "currency": ask.currency.lower(),
            "payment_method": method,
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
            "confirm": True,
            "capture_method": capture,
            "transfer_group": ask.order,
            "metadata": {
                "sop_order": ask.order,
                "sop_payment": ask.payment,
                "sop_step": ask.key,
                **taken,
            },
            "expand": ["latest_charge"],
        }
        if customer:
            params["customer"] = customer
        if capture == "manual":
            params["payment_method_options"] = {"card": {"request_multicapture": "if_available"}}
        if off_session:
            params["off_session"] = True
        return await self._stripe.payment_intents.create_async(params, {"idempotency_key": ask.key + suffix})

    async def capture(self, booking: Booking, *, amount: int, key: str) -> PaymentIntent:
        """The rest stays held where the card allows for more than one capture."""
        rest = booking.capturable > amount and booking.multicapture
        return await self._stripe.payment_intents.capture_async(
            booking.intent.id,
            {
                "amount_to_capture": amount,
                "metadata": {_mark(key): str(amount)},
                **({"final_capture": False} if rest else {}),
            },
            {"idempotency_key": key},
        )

    async def cancel(
        self, intent: PaymentIntent, *, why: Literal["abandoned", "requested_by_customer"], key: str
    ) -> None:
        await self._stripe.payment_intents.cancel_async(
            intent.id, {"cancellation_reason": why}, {"idempotency_key": key}
        )

    async def mark(self, intent: PaymentIntent, metadata: dict[str, str], *, key: str) -> None:
        await self._stripe.payment_intents.update_async(
            intent.id, {"metadata": metadata}, {"idempotency_key": key}
        )

    async def refunds(self, booking: Booking) -> list[Refund]:
        found = await self._stripe.refunds.list_async({"charge": booking.charge.id, "limit": _PAGE})
        return [refund async for refund in found.auto_paging_iter()]

    async def refund(self, booking: Booking, *, amount: int, metadata: dict[str, str], key: str) -> Refund:
        return await self._stripe.refunds.create_async(
            {"charge": booking.charge.id, "amount": amount, "metadata": metadata}, {"idempotency_key": key}
        )


def entry(metadata: StripeObject | None, name: str) -> str:
    """One entry of an object's metadata, or nothing."""
    found = metadata.to_dict().get(name) if metadata is not None else None
    return found if isinstance(found, str) else ""


def _mark(step: str) -> str:
    """Names a capture in metadata, whose names have at most 40 characters."""
    return f"sop_c{hashlib.sha256(step.encode()).hexdigest()[:32]}"
