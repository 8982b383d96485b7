"""Payment commands as the procedures ask for them, of whoever performs them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import count

from adapters.command import Adapter, Later
from adapters.stripe import StripePayments
from machines.between import Means
from machines.kernel.command import Command
from machines.kernel.event import Event, Facts
from machines.order.asks import Hold, Taking
from machines.order.data import Charge
from machines.refund.commands import PayBack
from machines.returns.commands import ChargeRequest
from tests.stripe_server import KEY, StripeServer

_numbers = count(1)


def at(server: StripeServer, *, key: str = KEY, otherwise: Adapter | None = None) -> StripePayments:
    return StripePayments(key, api_base=server.url, timeout=20, otherwise=otherwise)


def step(name: str, *, order: str = "SO-1") -> str:
    """A key that no other step has."""
    return f"order/{order}/{name}/{next(_numbers)}"


def hold(token: str = "pm_ok", *, amount: int = 8000, payment: str = "1", means: Means = Means.CARD) -> Hold:
    return Hold(order="SO-1", payment=payment, means=means, token=token, amount=amount, currency="EUR")


def taking(amount: int, *, parcel: str = "SO-1-1", token: str = "pm_ok", held: bool = True) -> Taking:
    charge = Charge(payment="1", parcel=parcel, amount=amount, held=held)
    return Taking(order="SO-1", charge=charge, token=token, currency="EUR")


def pay_back(amount: int, *, refund: str = "SO-1-R", payment: str = "1") -> PayBack:
    return PayBack(
        refund=refund, order="SO-1", payment=payment, means=Means.CARD, amount=amount, currency="EUR"
    )


def replacement(token: str, *, amount: int = 4500) -> ChargeRequest:
    return ChargeRequest(rma="SO-1-RT1", order="SO-1", token=token, amount=amount, currency="EUR")


def perform_all(adapter: Adapter, commands: Sequence[Command]) -> list[Event | Later | Exception]:
    """One after the other on one event loop; what each answers or raises."""

    async def run() -> list[Event | Later | Exception]:
        answers: list[Event | Later | Exception] = []
        try:
            for command in commands:
                try:
                    answers.append(await adapter.perform(command))
                except Exception as error:
                    answers.append(error)
        finally:
            if isinstance(adapter, StripePayments):
                await adapter.close()
        return answers

    return asyncio.run(run())


def perform(
    adapter: Adapter, name: str, asked: Facts, *, key: str | None = None
) -> Event | Later | Exception:
    (answer,) = perform_all(adapter, [Command(name, key or step(name), asked)])
    return answer


def pay(
    server: StripeServer, name: str, asked: Facts, *, key: str | None = None
) -> Event | Later | Exception:
    return perform(at(server), name, asked, key=key)
