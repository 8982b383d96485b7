"""What the simulated carrier, stock, warehouse and provider answer to a return, and what they count."""

from __future__ import annotations

import asyncio

import pytest

from adapters.world import simulated_world
from adapters.world.book import MemoryBook, applied_by_effect
from machines.between import Address, Booking, GoodsBookedIn, Pick
from machines.kernel.command import Command
from machines.kernel.event import Event, Facts
from machines.returns import commands
from machines.returns.events import (
    Charged,
    ChargeDeclined,
    GoodsPutBack,
    GoodsSetAside,
    GoodsShort,
    LabelIssued,
    LabelNotIssued,
    ReplacementPacked,
    ReturnClaimed,
    ReturnLabelSpent,
    ReturnLabelVoided,
)

RMA = "SO-1-RT1"


def ask(name: str, arguments: Facts, *, key: str = "k1", book: MemoryBook | None = None) -> Event:
    world = simulated_world(7, book=book)
    return asyncio.run(world[name.partition(".")[0]].perform(Command(name, key, arguments)))


def label(country: str = "DE") -> Facts:
    home = Address(street="1 Sample Street", city="Berlin", postcode="10115", zone="10", country=country)
    return commands.InboundLabel(rma=RMA, sender=home, items=(Pick(sku="KETTLE", quantity=1),))


def inbound(rma: str = RMA) -> Facts:
    return commands.Inbound(rma=rma, tracking="t", value=3000)


def goods(sku: str = "KETTLE", parcel: str | None = None) -> Facts:
    return commands.Goods(rma=RMA, items=(Pick(sku=sku, quantity=1),), parcel=parcel)


def charge(token: str = "tok_1") -> Facts:
    return commands.ChargeRequest(rma=RMA, order="SO-1", token=token, amount=3000, currency="EUR")


BOOKING = Booking(rma=RMA, restock=(Pick(sku="KETTLE", quantity=1),), refurbish=(), write_off=())

ANSWERS: list[tuple[str, Facts, Event]] = [
    ("carrier.return_label", label(), LabelIssued(tracking=f"return:{RMA}")),
    ("carrier.return_label", label("AQ"), LabelNotIssued(reason="no carrier goes to that country")),
    ("carrier.void_return_label", inbound(), ReturnLabelVoided()),
    ("carrier.void_return_label", inbound("SO-1-SPENT-RT1"), ReturnLabelSpent()),
    ("carrier.claim_return", inbound(), ReturnClaimed()),
    ("stock.set_aside", goods(), GoodsSetAside(price=3000)),
    ("stock.set_aside", goods("POT-FINE"), GoodsSetAside(price=4500)),
    ("stock.set_aside", goods("POT-PLAIN"), GoodsSetAside(price=2500)),
    ("stock.set_aside", goods("POT-OUT"), GoodsShort()),
    ("stock.put_back", goods(), GoodsPutBack()),
    ("warehouse.pack", goods(parcel=f"{RMA}-X1"), ReplacementPacked()),
    ("warehouse.book_in", BOOKING, GoodsBookedIn()),
    ("payment.charge", charge(), Charged(amount=3000)),
    ("payment.charge", charge("tok_nocapture"), ChargeDeclined(reason="insufficient funds")),
]


@pytest.mark.parametrize(("name", "arguments", "outcome"), ANSWERS)
def test_answers_by_what_is_in_the_request(name: str, arguments: Facts, outcome: Event) -> None:
    assert ask(name, arguments) == outcome


def test_effects_of_two_returns_are_told_apart_and_a_repeat_is_none() -> None:
    book = MemoryBook()
    other = commands.Inbound(rma="SO-1-RT2", tracking="t", value=3000)
    for key, arguments in (("k1", inbound()), ("k1", inbound()), ("k2", other)):
        ask("carrier.claim_return", arguments, key=key, book=book)
    assert applied_by_effect(book) == {
        "carrier.claim_return SO-1-RT1": 1,
        "carrier.claim_return SO-1-RT2": 1,
    }


def test_a_charge_that_was_declined_has_no_effect() -> None:
    book = MemoryBook()
    ask("payment.charge", charge("tok_nocapture"), book=book)
    assert sum(applied_by_effect(book).values()) == 0
