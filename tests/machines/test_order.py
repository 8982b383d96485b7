"""The order procedure: what customers are promised, as paths through it with their end and their money."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from machines import policy
from machines.between import Pick
from machines.kernel.decide import decide
from machines.kernel.duration import hours
from machines.kernel.event import Event, Received
from machines.kernel.rule import Disposition
from machines.order import ORDER, events, outcomes
from machines.order.asks import Taking
from machines.order.data import Offer, OfferKind, Order
from machines.order.deadlines import DISPATCH_DUE
from machines.order.events import OrderPlaced
from machines.shipment import events as carrier
from tests.machines.orders import (
    AMEND,
    ARRIVES,
    CANCEL,
    CARD,
    CASE,
    FIRST,
    LEAVES,
    PLAIN,
    SECOND,
    SHORT,
    SPLIT,
    TWO_LINES,
    choose,
    declined,
    needs_action,
    remedy,
    two_parcels,
)
from tests.machines.play import DEFINITIONS, START, Answer, Play

NOTHING_LEFT = outcomes.StockShort(offer=Offer(kind=OfferKind.REDUCED, reason="sold out"))
ONE_LEFT = outcomes.StockShort(
    offer=Offer(kind=OfferKind.REDUCED, reason="sold out", available=(Pick(sku="KETTLE", quantity=1),))
)
GIVEN_UP = events.DebtDecided(amount=3500, give_up=True, reason="not worth collecting")
FEE = outcomes.RestrictionsOffer(offer=Offer(kind=OfferKind.FEE, reason="bulky goods", fee=700))


def capture_declined(asked: Taking) -> Event:
    return outcomes.CaptureDeclined(charge=asked.charge)


@dataclass(frozen=True)
class Path:
    """Steps are events to the order, (shipment, event), or the name of a deadline that passes."""

    name: str
    steps: Sequence[Event | tuple[str, Event] | str]
    ends: str
    placed: OrderPlaced = PLAIN
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    told: tuple[str, ...] = ()
    kept: int = 0  #: captured and not given back


DELIVERY: list[Event | tuple[str, Event] | str] = [(FIRST, LEAVES), (FIRST, ARRIVES)]
PATHS = [
    Path("one parcel", DELIVERY, "delivered", told=("order.confirmed", "order.dispatched"), kept=3500),
    Path(
        "two parcels, each charged when it leaves, no sum counted twice",
        [(FIRST, LEAVES), (SECOND, LEAVES), (SECOND, ARRIVES), (FIRST, ARRIVES)],
        "delivered",
        placed=TWO_LINES,
        answers={"warehouse.submit": [two_parcels]},
        kept=4500,
    ),
    Path(
        "split tender",
        DELIVERY,
        "delivered",
        placed=SPLIT,
        kept=4500,
    ),
    Path("delivered before dispatched", [(FIRST, ARRIVES)], "delivered", kept=3500),
    # verification
    Path(
        "suspicious but accepted",
        ["review_due", events.ReviewDecided(accept=True, reason="known"), *DELIVERY],
        "delivered",
        answers={"order.verify": [outcomes.OrderSuspicious(rule="velocity")]},
        kept=3500,
    ),
    Path(
        "suspicious and rejected",
        [events.ReviewDecided(accept=False, reason="stolen card")],
        "rejected",
        answers={"order.verify": [outcomes.OrderSuspicious(rule="velocity")]},
        told=("order.rejected",),
    ),
    Path(
        "address corrected",
        ["reminder", events.AddressCorrected(customer="C-1", ship_to=PLAIN.ship_to), *DELIVERY],
        "delivered",
        answers={"order.verify": [outcomes.AddressUndeliverable()]},
        told=("order.address_needed", "order.reminder"),
        kept=3500,
    ),
    Path(
        "address never corrected",
        ["reminder", "answer_due"],
        "expired",
        answers={"order.verify": [outcomes.AddressUndeliverable()]},
        told=("order.expired",),
    ),
    # restrictions and stock
    Path(
        "fee accepted before anything is charged",
        [choose(events.Choice.ACCEPT), *DELIVERY],
        "delivered",
        answers={"restrictions.check": [FEE]},
        told=("order.choice_needed",),
        kept=4200,
    ),
    Path(
        "blocked by a rule",
        [],
        "rejected",
        answers={"restrictions.check": [outcomes.OrderBlocked(rule="export", reason="not to that country")]},
        told=("order.rejected",),
    ),
    Path(
        "all lines unavailable and nothing expected",
        [choose(events.Choice.CANCEL)],
        "cancelled",
        placed=TWO_LINES,
        answers={"stock.reserve": [NOTHING_LEFT]},
        told=("order.choice_needed", "order.cancelled"),
    ),
    Path(
        "part of it lost between check and reservation",
        [choose(events.Choice.ACCEPT), *DELIVERY],
        "delivered",
        placed=TWO_LINES,
        answers={"stock.reserve": [ONE_LEFT]},
        kept=3500,
    ),
    Path("customer never chooses", ["answer_due"], "expired", answers={"stock.reserve": [SHORT]}),
    Path(
        "backorder comes in",
        [choose(events.Choice.WAIT), events.StockReplenished(), *DELIVERY],
        "delivered",
        answers={"stock.reserve": [SHORT]},
        told=("order.backordered",),
        kept=3500,
    ),
    Path(
        "first short delay needs no consent, but is told before the day",
        [choose(events.Choice.WAIT), "promise_due", events.StockReplenished(), *DELIVERY],
        "delivered",
        answers={
            "stock.reserve": [SHORT],
            "stock.forecast": [outcomes.StockExpected(on=datetime(2027, 1, 5, tzinfo=UTC))],
        },
        told=("order.delayed",),
        kept=3500,
    ),
    Path(
        "delay to no known day needs consent",
        [choose(events.Choice.WAIT), "promise_due", events.DelayAnswered(wait=False)],
        "cancelled",
        answers={"stock.reserve": [SHORT], "stock.forecast": [outcomes.StockExpected()]},
        told=("order.longer_wait",),
    ),
    Path(
        "backorder cancelled",
        [choose(events.Choice.WAIT), CANCEL],
        "cancelled",
        answers={"stock.reserve": [SHORT]},
    ),
    # payment
    Path(
        "declined, then another card",
        [CARD, *DELIVERY],
        "delivered",
        answers={"payment.authorize": [declined]},
        told=("order.means_needed",),
        kept=3500,
    ),
    Path(
        "declined and no answer releases the goods",
        ["means_due"],
        "expired",
        answers={"payment.authorize": [declined]},
    ),
    Path(
        "confirmed at the bank",
        [events.PaymentConfirmed(payment="1"), *DELIVERY],
        "delivered",
        answers={"payment.authorize": [needs_action]},
        kept=3500,
    ),
    Path("never confirmed", ["payment_due"], "expired", answers={"payment.authorize": [needs_action]}),
    Path(
        "the other half of a split tender is let go",
        ["means_due"],
        "expired",
        placed=SPLIT,
        answers={"payment.authorize": [outcomes.PaymentAuthorized(payment="1", amount=2000), declined]},
    ),
    Path("hold renewed before it ends", ["hold_ends_soon", *DELIVERY], "delivered", kept=3500),
    Path(
        "what is packed is charged before the hold ends",
        ["hold_ends_soon", *DELIVERY],
        "delivered",
        answers={"warehouse.report": [outcomes.WarehouseReported(ready=("SO-1001-1",))]},
        kept=3500,
    ),
    Path(
        "hold not renewed, another card takes over",
        ["hold_ends_soon", CARD, *DELIVERY],
        "delivered",
        answers={"payment.reauthorize": [declined]},
        kept=3500,
    ),
    Path(
        "hold ends unpaid, the warehouse stops the parcel",
        ["hold_ends_soon", "hold_ends"],
        "expired",
        answers={"payment.reauthorize": [declined]},
    ),
    Path(
        "charge declined after the goods have left, and not paid otherwise",
        [*DELIVERY, "reminder", "owed_due", "debt_due", GIVEN_UP],
        "delivered",
        told=("order.payment_needed", "order.reminder"),
        answers={"payment.capture": [capture_declined]},
    ),
    Path(
        "lower price after authorisation lets go of the rest",
        [
            events.OrderRepriced(sku="KETTLE", price=2500),
            events.HandoverDecided(again=True),
            *DELIVERY,
        ],
        "delivered",
        answers={"warehouse.submit": [outcomes.WarehouseRejected(reason="strike")]},
        kept=3000,
    ),
    # warehouse
    Path(
        "warehouse cannot take it",
        ["handover_due", events.HandoverDecided(again=False)],
        "cancelled",
        answers={"warehouse.submit": [outcomes.WarehouseRejected(reason="not found")]},
    ),
    Path(
        "dispatch late: warehouse chased, customer told, lead called",
        ["dispatch_due", "dispatch_overdue", *DELIVERY],
        "delivered",
        told=("order.dispatch_late",),
        kept=3500,
    ),
    # cancelling
    Path("cancelled in the warehouse", [CANCEL], "cancelled", told=("order.cancelling", "order.cancelled")),
    Path("cancelled twice", [CANCEL, CANCEL], "cancelled"),
    Path(
        "warehouse answers later",
        [CANCEL, "stop_due", events.CancellationAccepted(parcels=("SO-1001-1",))],
        "cancelled",
        answers={"warehouse.cancel": [outcomes.CancellationNoted()]},
    ),
    Path(
        "too late to cancel: a return opens by itself",
        [CANCEL, *DELIVERY],
        "in_return",
        answers={"warehouse.cancel": [events.CancellationRejected()]},
        told=("order.too_late_to_cancel",),
        kept=3500,
    ),
    Path(
        "it ships while the warehouse is asked",
        [CANCEL, (FIRST, LEAVES), events.CancellationAccepted(parcels=("SO-1001-1",)), (FIRST, ARRIVES)],
        "in_return",
        answers={"warehouse.cancel": [outcomes.CancellationNoted()]},
        told=("order.too_late_to_cancel",),
        kept=3500,
    ),
    Path(
        "part-shipped order cancels the rest",
        [(FIRST, LEAVES), CANCEL, (FIRST, ARRIVES)],
        "delivered",
        placed=TWO_LINES,
        answers={"warehouse.submit": [two_parcels]},
        told=("order.part_stopped",),
        kept=3500,
    ),
    Path(
        "cancelled after it was charged: money goes back to the card",
        ["hold_ends_soon", CANCEL],
        "cancelled",
        answers={"warehouse.report": [outcomes.WarehouseReported(ready=("SO-1001-1",))]},
    ),
    # changes
    Path("changed in the warehouse", [AMEND, (SECOND, LEAVES), (SECOND, ARRIVES)], "delivered", kept=2500),
    Path(
        "changed while the customer chooses",
        [AMEND, *DELIVERY],
        "delivered",
        answers={"stock.reserve": [SHORT]},
        kept=2500,
    ),
    Path(
        "cannot be changed any more",
        [AMEND, *DELIVERY],
        "delivered",
        answers={"warehouse.cancel": [events.CancellationRejected()]},
        kept=3500,
    ),
    # parcels that do not arrive
    Path(
        "lost and sent once more",
        [(FIRST, LEAVES), (FIRST, carrier.ParcelLost()), remedy(events.Remedy.RESHIP), (SECOND, ARRIVES)],
        "delivered",
        told=("order.remedy_needed",),
        kept=3500,
    ),
    Path(
        "lost and refunded",
        [(FIRST, LEAVES), (FIRST, carrier.ParcelLost()), remedy(events.Remedy.REFUND)],
        "refunded",
    ),
    Path(
        "lost, out of stock, refunded",
        [(FIRST, LEAVES), (FIRST, carrier.ParcelLost()), remedy(events.Remedy.RESHIP)],
        "refunded",
        answers={
            "stock.reserve": [outcomes.StockReserved(pieces=1), NOTHING_LEFT],
        },
    ),
    Path(
        "damaged, and silence means the money goes back",
        [(FIRST, LEAVES), (FIRST, carrier.ParcelDamaged()), "reminder", "answer_due"],
        "refunded",
    ),
    Path(
        "delivered but not received, without proof",
        [
            *DELIVERY,
            (FIRST, carrier.DeliveryDisputed(customer="C-1")),
            remedy(events.Remedy.REFUND),
        ],
        "refunded",
        answers={"carrier.prove_delivery": [carrier.DeliveryNotProved()]},
    ),
    Path(
        "carrier does not take the parcel and the desk gives up",
        [(FIRST, carrier.LabelDecided(carrier=None))],
        "cancelled",
        answers={"carrier.buy_label": [carrier.LabelRefused(reason="too large")]},
    ),
]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.name)
def test_path(path: Path) -> None:
    play = Play(answers=path.answers)
    play.tell(CASE, path.placed)
    for step in path.steps:
        if isinstance(step, str):
            play.pass_deadline(CASE, step)
        elif isinstance(step, tuple):
            play.tell(*step)
        else:
            play.tell(CASE, step)
    assert play.state(CASE) == path.ends
    assert play.broken_laws(CASE) == []
    assert set(path.told) <= set(play.told)
    sums = play.sums[CASE]
    assert sums["captured"] - sums["refunded"] == path.kept


def test_ordinary_order_needs_nine_commands() -> None:
    play = Play()
    for case, event in ((CASE, PLAIN), (FIRST, LEAVES), (FIRST, ARRIVES)):
        play.tell(case, event)
    assert play.done == [
        "order.verify",
        "restrictions.check",
        "stock.reserve",
        "payment.authorize",
        "message.send",
        "warehouse.submit",
        "carrier.buy_label",
        "payment.capture",
        "message.send",
    ]


@pytest.mark.parametrize(
    ("held", "undone"),
    [("stock.reserve", ["stock.release"]), ("payment.authorize", ["stock.release", "payment.void"])],
)
def test_answer_that_a_cancellation_overtook_is_undone(held: str, undone: list[str]) -> None:
    play = Play(held=[held])
    play.tell(CASE, PLAIN)
    play.tell(CASE, CANCEL)
    assert play.state(CASE) == "settling"
    play.answer(held)
    assert play.state(CASE) == "cancelled"
    assert play.broken_laws(CASE) == []
    assert [name for name in play.done if name in undone] == undone


def test_charge_that_a_cancellation_overtook_is_refunded() -> None:
    report = outcomes.WarehouseReported(ready=("SO-1001-1",))
    play = Play(answers={"warehouse.report": [report]}, held=["payment.capture"])
    play.tell(CASE, PLAIN)
    play.pass_deadline(CASE, "hold_ends_soon")
    play.tell(CASE, CANCEL)
    assert play.state(CASE) == "settling"
    play.answer("payment.capture")
    assert play.state(CASE) == "cancelled"
    assert play.state("refund/SO-1001-1-R") == "settled"
    assert play.broken_laws(CASE) == []


def test_cancellation_waits_while_the_warehouse_is_told() -> None:
    play = Play(held=["warehouse.submit"])
    play.tell(CASE, PLAIN)
    assert play.tell(CASE, CANCEL) is Disposition.DEFERRED
    play.answer("warehouse.submit")
    assert play.state(CASE) == "cancelled"
    assert play.broken_laws(CASE) == []


def test_return_is_offered_once_the_goods_are_on_their_way() -> None:
    play = Play()
    play.tell(CASE, PLAIN)
    play.tell(FIRST, LEAVES)
    assert play.tell(CASE, CANCEL) is Disposition.HANDLED
    assert play.data(CASE, Order).return_offered
    assert play.tell(CASE, CANCEL) is Disposition.IGNORED


def test_choice_that_was_not_offered_is_refused_with_a_reason() -> None:
    play = Play(answers={"stock.reserve": [NOTHING_LEFT]})
    play.tell(CASE, PLAIN)
    assert play.tell(CASE, choose(events.Choice.WAIT)) is Disposition.REFUSED
    assert play.reason == "that is not among the choices offered"


def test_every_example_of_an_event_is_a_valid_payload() -> None:
    for event in ORDER.event_types.values():
        for example in event.examples:
            event.model_validate(example)


def test_a_confirmation_that_overtakes_the_answer_of_the_provider_is_kept_until_it_is_here() -> None:
    play = Play(held=("payment.authorize",))
    play.tell(CASE, PLAIN)
    assert play.tell(CASE, events.PaymentConfirmed(payment="1")) is Disposition.DEFERRED
    play.answer("payment.authorize", needs_action)
    play.answer("payment.authorize")
    assert play.state(CASE) == "awaiting_dispatch"


def test_the_policy_can_set_a_deadline_for_one_country() -> None:
    play = Play()
    play.tell(CASE, PLAIN)
    special = {"deadline": "order.dispatch_due", "duration": "24 hours", "country": "DE"}
    rules = policy.parse({"calendar": {"opening": {"monday": ["09:00-17:00"]}}, "exceptions": [special]})
    assert rules.duration("order", DISPATCH_DUE, play.data(CASE, Order))[0] == hours(24)
    elsewhere = play.data(CASE, Order).ship_to.model_copy(update={"country": "AT"})
    abroad = play.data(CASE, Order).model_copy(update={"ship_to": elsewhere})
    assert rules.duration("order", DISPATCH_DUE, abroad)[0] == hours(48)


def test_nobody_is_offered_a_third_parcel() -> None:
    play = Play()
    play.tell(CASE, PLAIN)
    for shipment in (FIRST, SECOND):
        play.tell(shipment, LEAVES)
        play.tell(shipment, carrier.ParcelLost())
        parcel = shipment.partition("/")[2]
        if shipment == FIRST:
            play.tell(CASE, remedy(events.Remedy.RESHIP, parcel))
    order = play.cases[CASE]
    chosen = remedy(events.Remedy.RESHIP, "SO-1001-2")
    received = Received(id="1", source="test", type=chosen.type, payload=chosen, at=START)
    decision = decide(DEFINITIONS["order"], order, received, START)
    assert "sent twice" in decision.entry.reason
    assert [send.event.type for send in decision.sends] == ["refund.requested"]
