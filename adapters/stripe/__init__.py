"""Payments by card through Stripe: money held (a PaymentIntent captured by hand), taken, let go, paid back.

Every request that changes something carries the step's key as idempotency key, and before it the charges of
the order are read: Stripe forgets a key after 24 hours, the charge with our key in its metadata stays. So a
step may be repeated at any time and moves money once.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from stripe import CardError, InvalidRequestError

from adapters.command import Adapter, Inquiry, Later
from adapters.errors import OwnFault, Rejected, Uncertain
from adapters.stripe.account import Account, Booking
from adapters.stripe.failing import REFUND_REFUSED, UNCAPTURABLE, reason, translated
from adapters.stripe.holding import ACTION, Ask, capturable, confirmed, covering, is_card, remainder, single
from adapters.stripe.knowing import known, until
from adapters.stripe.refunding import look_up_refund, settle
from machines.kernel.command import Command
from machines.kernel.event import Event
from machines.order.asks import Hold, Taking
from machines.order.outcomes import (
    CaptureDeclined,
    NothingToVoid,
    PaymentActionRequired,
    PaymentAuthorized,
    PaymentCaptured,
    PaymentDeclined,
    PaymentReauthorized,
    PaymentVoided,
)
from machines.refund.commands import PayBack
from machines.refund.events import RefundFailed
from machines.returns.commands import ChargeRequest
from machines.returns.events import Charged, ChargeDeclined

MISCOUNTED = frozenset({"ISK", "UGX"})
"""Without minor units in ISO 4217, with two decimals at Stripe (docs.stripe.com/currencies)."""

CONFIRM = "the bank wants the customer to confirm"


class StripePayments:
    """Performs ``payment.*`` commands for cards; what is paid otherwise goes to ``otherwise``, if anywhere.

    ``key`` is the account's secret key, ``api_base`` another address than Stripe's own, ``timeout`` of one
    request in seconds. Tokens are payment methods of Stripe, ``pm_...``, or ``cus_...:pm_...`` where the
    method belongs to a customer, without which it can be used once only.
    """

    def __init__(
        self,
        key: str,
        *,
        api_base: str | None = None,
        timeout: float = 25.0,
        limit: int = 32,
        otherwise: Adapter | None = None,
    ) -> None:
        self.limit = limit
        self._account = Account(key, api_base=api_base, timeout=timeout)
        self._otherwise = otherwise
        self._performs: Mapping[str, Callable[[str, Any], Awaitable[Event]]] = {
            "payment.authorize": self._authorize,
            "payment.reauthorize": self._reauthorize,
            "payment.void": self._void,
            "payment.capture": self._capture,
            "payment.charge": self._charge,
            "payment.refund": self._refund,
        }

    async def perform(self, command: Command) -> Event | Later:
        """One of the command's outcomes. Raises ``Unavailable``, ``Rejected``."""
        performs = self._performs.get(command.name)
        if str(getattr(command.arguments, "currency", "")) in MISCOUNTED:
            raise OwnFault(f"{command.name}: Stripe counts that currency in other units than ISO 4217")
        if performs is None or not is_card(command.arguments):
            if self._otherwise is None:
                raise OwnFault(f"{command.name}: Stripe pays by card alone; set providers.payment.otherwise")
            return await self._otherwise.perform(command)
        with translated(command.name):
            return await performs(command.key, command.arguments)

    async def look_up(self, command: Command) -> Event | None:
        """The outcome that the command has had, or ``None`` if it moved no money; changes nothing.
        Raises ``Unavailable``, ``Uncertain``, and ``Rejected`` if Stripe does not let us ask."""
        asked: Any = command.arguments
        key = command.key
        if command.name not in self._performs or not is_card(asked):
            return await self._look_up_otherwise(command)
        with translated(command.name):
            found = await self._account.bookings(asked.order)
            if isinstance(asked, PayBack):
                paying = [one for one in found if one.payment == asked.payment]
                return await look_up_refund(self._account, paying, key=key, asked=asked)
        return known(command, found)

    async def _look_up_otherwise(self, command: Command) -> Event | None:
        if self._otherwise is None:
            return None  # rejected before anything is done
        if not isinstance(self._otherwise, Inquiry):
            raise Uncertain(f"{command.name}: this adapter cannot ask what became of it")
        return await self._otherwise.look_up(command)

    async def close(self) -> None:
        """Give the connections back."""
        await self._account.close()

    async def _authorize(self, key: str, asked: Hold) -> Event:
        ask = Ask(key, asked.order, asked.payment, asked.token, asked.amount, asked.currency)
        found = await self._account.bookings(asked.order)
        mine = single(found, step=key) or await self._confirmed(found, ask)
        if mine is not None and mine.failed:
            return PaymentDeclined(payment=asked.payment, reason=mine.failure)
        try:
            intent = mine.intent if mine else await self._account.hold(ask)
        except CardError as error:
            return PaymentDeclined(payment=asked.payment, reason=reason(error))
        if intent.status == "requires_action":
            # Marked, so that the hold is recognised when the order asks again under another key.
            await self._account.mark(intent, {ACTION: key}, key=f"{key}/action")
            return PaymentActionRequired(payment=asked.payment)
        if intent.status != "requires_capture":
            return PaymentDeclined(payment=asked.payment, reason=f"Stripe reports it as {intent.status}")
        return PaymentAuthorized(
            payment=asked.payment, amount=intent.amount, capture_before=until(intent, mine)
        )

    async def _confirmed(self, found: list[Booking], ask: Ask) -> Booking | None:
        """The hold that the customer has confirmed at the bank meanwhile, from now on under this step. One
        over another sum is let go."""
        for booking in confirmed(found, ask.payment):
            if booking.intent.amount == ask.amount:
                adopted = {ACTION: "", "sop_step": ask.key}
                await self._account.mark(booking.intent, adopted, key=f"{ask.key}/adopt")
                return booking
            await self._account.cancel(booking.intent, why="abandoned", key=f"{ask.key}/{booking.intent.id}")
        return None

    async def _reauthorize(self, key: str, asked: Hold) -> Event:
        """A new hold takes the place of the old one, which is let go once the new one stands, but for what is
        being charged of it."""
        ask = Ask(key, asked.order, asked.payment, asked.token, asked.amount, asked.currency)
        found = await self._account.bookings(asked.order)
        mine = single(found, step=key)
        if mine is not None and mine.failed:
            return PaymentDeclined(payment=asked.payment, reason=mine.failure)
        try:
            intent = mine.intent if mine else await self._account.hold(ask, off_session=True)
        except CardError as error:
            return PaymentDeclined(payment=asked.payment, reason=reason(error))
        earlier = [one for one in capturable(found, asked.payment) if one.intent.id != intent.id]
        for old in covering(earlier, asked.amount):
            await self._account.cancel(old.intent, why="abandoned", key=f"{key}/{old.intent.id}")
        return PaymentReauthorized(payment=asked.payment, capture_before=until(intent, mine))

    async def _void(self, key: str, asked: Hold) -> Event:
        found = await self._account.bookings(asked.order)
        if asked.amount:
            held = covering(capturable(found, asked.payment), asked.amount)
        else:
            held = confirmed(found, asked.payment)
        for booking in held:
            await self._account.cancel(
                booking.intent, why="requested_by_customer", key=f"{key}/{booking.intent.id}"
            )
        let_go = held or [booking for booking in found if booking.voided(asked.payment)]
        outcome = PaymentVoided if let_go else NothingToVoid
        return outcome(payment=asked.payment, amount=asked.amount)

    async def _capture(self, key: str, asked: Taking) -> Event:
        charge, declined = asked.charge, CaptureDeclined(charge=asked.charge)
        found = await self._account.bookings(asked.order)
        if any(booking.captured_by(key) for booking in found):
            return PaymentCaptured(charge=charge)
        held = [one for one in capturable(found, charge.payment) if one.capturable >= charge.amount]
        if charge.held and held:
            try:
                # From the oldest: a newer hold renews what the charges under way leave of an older one.
                await self._account.capture(held[-1], amount=charge.amount, key=key)
            except CardError:
                return declined
            except InvalidRequestError as error:
                if error.code in UNCAPTURABLE:
                    return declined
                raise
            return PaymentCaptured(charge=charge)
        if charge.held and remainder(found, charge.payment) < charge.amount:
            if not any(booking.payment == charge.payment for booking in found):
                raise Rejected(f"Stripe knows no payment {charge.payment} of order {asked.order}")
            return declined
        # Nothing is held any more: asked of the same card anew, as the customer agreed to.
        ask = Ask(key, asked.order, charge.payment, asked.token, charge.amount, asked.currency)
        return PaymentCaptured(charge=charge) if await self._take(ask, found) is None else declined

    async def _charge(self, key: str, asked: ChargeRequest) -> Event:
        ask = Ask(key, asked.order, asked.rma, asked.token, asked.amount, asked.currency)
        refused = await self._take(ask, await self._account.bookings(asked.order))
        return Charged(amount=asked.amount) if refused is None else ChargeDeclined(reason=refused)

    async def _take(self, ask: Ask, found: list[Booking]) -> str | None:
        """Take money at once, without the customer; the reason if the bank does not give it."""
        mine = single(found, step=ask.key)
        if mine is not None:
            return mine.failure if mine.failed else None
        try:
            intent = await self._account.take(ask)
        except CardError as error:
            return reason(error)
        return None if intent.status == "succeeded" else CONFIRM

    async def _refund(self, key: str, asked: PayBack) -> Event:
        found = [one for one in await self._account.bookings(asked.order) if one.payment == asked.payment]
        try:
            return await settle(self._account, found, key=key, asked=asked)
        except InvalidRequestError as error:
            if error.code in REFUND_REFUSED:
                return RefundFailed(payment=asked.payment, reason=reason(error))
            raise
