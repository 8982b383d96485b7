"""The simulated world for tests, and what is asked of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime

from adapters.command import Adapter
from adapters.sealing import Vault
from adapters.world import simulated_world
from adapters.world.book import Book
from adapters.world.faults import Faults
from adapters.world.message import Outbox
from machines.between import Address, Means, Pick
from machines.kernel.command import Command
from machines.kernel.event import Event, Facts
from machines.order import asks
from machines.order.data import Charge

NOW = datetime(2026, 12, 1, 9, tzinfo=UTC)


def world(
    *,
    book: Book | None = None,
    faults: Faults | str = "",
    vault: Vault | None = None,
    outbox: Outbox | None = None,
    latency: float = 0.0,
) -> Mapping[str, Adapter]:
    return simulated_world(
        7,
        book=book,
        faults=Faults(faults) if isinstance(faults, str) else faults,
        vault=vault,
        outbox=outbox,
        latency=latency,
        clock=lambda: NOW,
    )


async def perform(adapters: Mapping[str, Adapter], command: Command) -> Event:
    answer = await adapters[command.name.partition(".")[0]].perform(command)
    assert isinstance(answer, Event)
    return answer


def ask(name: str, arguments: Facts, *, key: str = "k1", to: Mapping[str, Adapter] | None = None) -> Event:
    return asyncio.run(perform(world() if to is None else to, Command(name, key, arguments)))


def hold(token: str = "tok_1", *, payment: str = "1") -> asks.Hold:
    return asks.Hold(
        order="SO-1", payment=payment, means=Means.CARD, token=token, amount=3000, currency="EUR"
    )


def taking(token: str = "tok_1", *, parcel: str = "SO-1-1") -> asks.Taking:
    charge = Charge(payment="1", parcel=parcel, amount=3000)
    return asks.Taking(order="SO-1", charge=charge, token=token, currency="EUR")


def verification(*, customer: str = "C-1", total: int = 1, token: str = "t", zone: str = "10") -> Facts:
    home = Address(street="1 Sample Street", city="Berlin", postcode="10115", zone=zone, country="DE")
    return asks.Verification(
        order="SO-1", customer=customer, currency="EUR", total=total, ship_to=home, tokens=(token,)
    )


def pieces(*skus: str) -> asks.Pieces:
    return asks.Pieces(order="SO-1", items=tuple(Pick(sku=sku, quantity=2) for sku in skus))
