from __future__ import annotations

import asyncio
import time
from datetime import date, timedelta

import pytest

from adapters.errors import Rejected
from adapters.world.behaviour import BEHAVIOURS
from machines.between import Address, Means, Pick
from machines.catalogue import CATALOGUE
from machines.kernel.command import Command
from machines.kernel.event import Event, Facts
from machines.order import asks
from machines.order.data import Line
from machines.order.events import (
    CancellationAccepted,
    CancellationRejected,
)
from machines.order.outcomes import (
    AddressUndeliverable,
    CancellationNoted,
    CaptureDeclined,
    MeansUnusable,
    NothingToVoid,
    OrderBlocked,
    OrderSuspicious,
    OrderVerified,
    PaymentActionRequired,
    PaymentAuthorized,
    PaymentCaptured,
    PaymentDeclined,
    PaymentReauthorized,
    PaymentVoided,
    RestrictionsCleared,
    RestrictionsOffer,
    StockExpected,
    StockReserved,
    StockShort,
    WarehouseAccepted,
    WarehouseRejected,
    WarehouseReported,
)
from machines.refund import commands as refunding
from machines.refund.events import PaidOut, PayoutFailed, RefundFailed, RefundPaid, RefundPending
from machines.shipment import commands as shipping
from machines.shipment.events import (
    ClaimFiled,
    ClaimRefused,
    DeliveryNotProved,
    DeliveryProved,
    LabelBought,
    LabelRefused,
    LabelSpent,
    LabelVoided,
)
from tests.adapters.worlds import NOW, ask, hold, pieces, taking, verification, world

ALL = [kind for procedure in CATALOGUE for kind in procedure.commands.values()]


def restrictions(sku: str = "MUG", *, quantity: int = 1, country: str = "DE", zone: str = "10") -> Facts:
    line = Line(sku=sku, quantity=quantity, price=100)
    return asks.Restrictions(
        order="SO-1", customer="C-1", channel="web", country=country, zone=zone, lines=(line,)
    )


def submission(*skus: str) -> Facts:
    items = tuple(Pick(sku=sku, quantity=1) for sku in skus)
    return asks.Submission(order="SO-1", items=items, deliver_by=date(2026, 12, 4))


def parcels(order: str = "SO-1") -> Facts:
    return asks.Parcels(order=order, parcels=("P-1", "P-2"))


ANSWERS: list[tuple[str, Facts, type[Event]]] = [
    ("order.verify", verification(), OrderVerified),
    ("order.verify", verification(customer="NEW-1", total=49_999), OrderVerified),
    ("order.verify", verification(customer="NEW-1", total=50_000), OrderSuspicious),
    ("order.verify", verification(token="tok_stolen_2"), OrderSuspicious),
    ("order.verify", verification(token="tok_unusable"), MeansUnusable),
    ("order.verify", verification(zone="00"), AddressUndeliverable),
    ("restrictions.check", restrictions(), RestrictionsCleared),
    ("restrictions.check", restrictions(country="AQ"), OrderBlocked),
    ("restrictions.check", restrictions("MUG-LOCAL", zone="80"), RestrictionsOffer),
    ("restrictions.check", restrictions("MUG-LOCAL", zone="10"), RestrictionsCleared),
    ("restrictions.check", restrictions(quantity=11), RestrictionsOffer),
    ("restrictions.check", restrictions("SOFA-BULKY"), RestrictionsOffer),
    ("stock.reserve", pieces("MUG", "CUP"), StockReserved),
    ("stock.reserve", pieces("MUG", "CUP-OUT"), StockShort),
    ("stock.reserve", pieces("CUP-BACK"), StockShort),
    ("stock.forecast", pieces("CUP-OUT"), StockExpected),
    ("payment.authorize", hold(), PaymentAuthorized),
    ("payment.authorize", hold("tok_declined_3"), PaymentDeclined),
    ("payment.authorize", hold("tok_3ds"), PaymentActionRequired),
    ("payment.reauthorize", hold("tok_expiring"), PaymentReauthorized),
    ("payment.reauthorize", hold("tok_expiring_once"), PaymentDeclined),
    ("payment.void", hold(), PaymentVoided),
    ("payment.void", hold("tok_lapsed"), NothingToVoid),
    ("payment.capture", taking(), PaymentCaptured),
    ("payment.capture", taking("tok_nocapture"), CaptureDeclined),
    ("warehouse.submit", submission("MUG"), WarehouseAccepted),
    ("warehouse.submit", submission("MUG-NOTFOUND"), WarehouseRejected),
    ("warehouse.cancel", parcels(), CancellationAccepted),
    ("warehouse.cancel", parcels("SO-1-SHIPPED"), CancellationRejected),
    ("warehouse.cancel", parcels("SO-1-SLOW"), CancellationNoted),
    ("warehouse.report", parcels("SO-1-PACKED"), WarehouseReported),
]


@pytest.mark.parametrize(("name", "arguments", "outcome"), ANSWERS)
def test_answers_by_what_is_in_the_request(name: str, arguments: Facts, outcome: type[Event]) -> None:
    answer = ask(name, arguments)
    assert type(answer) is outcome
    kind = next(kind for kind in ALL if kind.name == name)
    assert outcome in kind.outcomes


def label(sku: str = "MUG", *, carrier: str = "standard", country: str = "DE") -> Facts:
    home = Address(street="1 Sample Street", city="Berlin", postcode="10115", zone="10", country=country)
    items = (Pick(sku=sku, quantity=1),)
    return shipping.LabelRequest(parcel="SO-1-1", carrier=carrier, ship_to=home, items=items)


def shipped(parcel: str = "SO-1-1", *, value: int = 3000) -> Facts:
    return shipping.Parcel(parcel=parcel, carrier="standard", tracking="t", value=value, reason="lost")


def owed(order: str = "SO-1") -> Facts:
    return refunding.PayBack(
        refund="R-1", order=order, payment="1", means=Means.CARD, amount=3000, currency="EUR"
    )


def payout(refund: str = "R-1") -> Facts:
    return refunding.PayOut(
        refund=refund, customer="C-1", means=Means.STORE_CREDIT, account=None, amount=3000, currency="EUR"
    )


CHILDREN: list[tuple[str, Facts, Event]] = [
    ("carrier.buy_label", label(), LabelBought(tracking="standard:SO-1-1")),
    ("carrier.buy_label", label(country="AQ"), LabelRefused(reason="no carrier goes to that country")),
    (
        "carrier.buy_label",
        label("ACID-HAZARD"),
        LabelRefused(reason="standard does not carry hazardous goods"),
    ),
    ("carrier.buy_label", label("ACID-HAZARD", carrier="express"), LabelBought(tracking="express:SO-1-1")),
    ("payment.refund", owed(), RefundPaid(payment="1", amount=3000)),
    ("payment.refund", owed("SO-1-REFUNDFAILS"), RefundFailed(payment="1", reason="card closed")),
    ("payment.refund", owed("SO-1-REFUNDSLOW"), RefundPending(payment="1", reason="processing")),
    ("payment.pay_out", payout(), PaidOut(amount=3000)),
    ("payment.pay_out", payout("R-UNPAYABLE-1"), PayoutFailed(reason="account closed")),
    ("carrier.void_label", shipped(), LabelVoided()),
    ("carrier.void_label", shipped("SO-1-SPENT-1"), LabelSpent()),
    ("carrier.claim", shipped(value=50_000), ClaimFiled()),
    ("carrier.claim", shipped(value=50_001), ClaimRefused(reason="insured up to 500.00")),
    ("carrier.prove_delivery", shipped(), DeliveryProved()),
    ("carrier.prove_delivery", shipped("SO-1-UNPROVED-1"), DeliveryNotProved()),
]


@pytest.mark.parametrize(("name", "arguments", "outcome"), CHILDREN)
def test_carrier_and_refunds_answer_by_what_is_in_the_request(
    name: str, arguments: Facts, outcome: Event
) -> None:
    assert ask(name, arguments) == outcome


def test_figures_of_some_answers() -> None:
    expiring = ask("payment.authorize", hold("tok_expiring"))
    assert isinstance(expiring, PaymentAuthorized)
    assert expiring.capture_before == NOW + timedelta(hours=2)
    short = ask("stock.reserve", pieces("MUG", "CUP-BACK"))
    assert isinstance(short, StockShort)
    assert [item.sku for item in short.offer.available] == ["MUG"]
    assert short.offer.restock == NOW + timedelta(days=10)
    split = ask("warehouse.submit", submission("SOFA-HEAVY", "MUG", "CUP"))
    assert isinstance(split, WarehouseAccepted)
    assert [len(parcel.items) for parcel in split.parcels] == [1, 2]


def test_a_backorder_has_come_in_when_asked_again() -> None:
    adapters = world()
    assert isinstance(ask("stock.reserve", pieces("CUP-BACK"), key="k1", to=adapters), StockShort)
    assert isinstance(ask("stock.reserve", pieces("CUP-BACK"), key="k2", to=adapters), StockReserved)
    assert isinstance(ask("stock.reserve", pieces("CUP-BACK", "MUG-OUT"), to=adapters), StockShort)


def test_a_refund_that_fails_once_is_paid_when_asked_again() -> None:
    adapters = world()
    assert isinstance(ask("payment.refund", owed("SO-1-REFUNDONCE"), key="k1", to=adapters), RefundFailed)
    assert isinstance(ask("payment.refund", owed("SO-1-REFUNDONCE"), key="k2", to=adapters), RefundPaid)


def test_every_behaviour_belongs_to_a_command() -> None:
    assert set(BEHAVIOURS) <= {kind.name for kind in ALL}


def test_an_unknown_command_is_rejected() -> None:
    with pytest.raises(Rejected, match=r"payment\.steal"):
        ask("payment.steal", hold())


def test_a_command_costs_microseconds() -> None:
    adapters = world()
    call = Command("payment.capture", "k", taking())

    async def many() -> float:
        provider = adapters["payment"]
        started = time.process_time()
        for _ in range(2000):
            await provider.perform(call)
        return (time.process_time() - started) / 2000

    assert asyncio.run(many()) < 100e-6, "some 10 us on a quiet machine"
