"""Which of an order's bookings a command is about."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from adapters.errors import Unavailable
from machines.between import Means
from machines.kernel.event import Facts

if TYPE_CHECKING:
    from adapters.stripe.account import Booking

ACTION = (
    "sop_action"  #: in the metadata of an intent whose customer was to confirm it, until the order asks again
)


@dataclass(frozen=True, slots=True)
class Ask:
    """Money asked of a card: ``amount`` in minor units, for ``payment`` of ``order``, under a step's key."""

    key: str
    order: str
    payment: str
    token: str
    amount: int
    currency: str


def is_card(asked: Facts) -> bool:
    """By the means where the command says it, else by the token."""
    means = getattr(asked, "means", None)
    if means is not None:
        return bool(means is Means.CARD)
    return str(getattr(asked, "token", "")).rpartition(":")[2].startswith("pm_")


def single(found: Iterable[Booking], *, step: str) -> Booking | None:
    """What was booked under ``step``."""
    return next((one for one in found if one.about("sop_step") == step), None)


def capturable(found: Iterable[Booking], payment: str) -> list[Booking]:
    """The holds of ``payment`` that the order knows of, newest first."""
    held = (one for one in found if one.payment == payment and one.holds and one.capturable > 0)
    return [one for one in held if not one.about(ACTION)]


def confirmed(found: Iterable[Booking], payment: str) -> list[Booking]:
    """The holds of ``payment`` that the customer has confirmed and the order does not know of."""
    return [one for one in found if one.payment == payment and one.holds and one.about(ACTION)]


def covering(held: Sequence[Booking], amount: int) -> list[Booking]:
    """The holds that make up ``amount``. Raises ``Unavailable`` if there is more: a capture is under way."""
    exact = next((one for one in held if one.capturable == amount), None)
    if exact is not None:
        return [exact]
    if sum(one.capturable for one in held) > amount:
        raise Unavailable("more is held than is to be let go: a charge must still be under way")
    return list(held)


def remainder(found: Iterable[Booking], payment: str) -> int:
    """What was held and let go of by a capture of a part, where a card allows for one capture only."""
    captured = [one for one in found if one.payment == payment and one.intent.status == "succeeded"]
    return sum(one.intent.amount - one.intent.amount_received for one in captured)
