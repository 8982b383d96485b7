"""The shipment procedure: one parcel, whatever the carrier tells and in whatever order."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from machines.between import ShipmentCancelled, ShipmentRequested, Trouble
from machines.kernel.event import Event
from machines.kernel.rule import Disposition
from machines.returning import ParcelAcknowledged
from machines.shipment import events
from machines.shipment.data import Shipment
from machines.shipment.events import Progress, ReturnReason
from tests.machines.play import Answer, Play

CASE = "shipment/SO-1001-1"
REQUEST = ShipmentRequested.model_validate(ShipmentRequested.examples[0])
LEAVES, ARRIVES = events.ShipmentDispatched(tracking="TRACK-1"), events.ShipmentDelivered()
STOP = ShipmentCancelled(parcel="SO-1001-1")
REFUSED = events.LabelRefused(reason="too large")
BACK = events.ReturnStarted(reason=ReturnReason.REFUSED)


def scan(sequence: int, progress: Progress = Progress.IN_TRANSIT, *, hour: int = 9) -> Event:
    return events.ParcelScanned(
        sequence=sequence, scanned_at=datetime(2026, 12, 2, hour, tzinfo=UTC), progress=progress
    )


PATHS: list[tuple[str, list[Event | str], dict[str, list[Answer]], str]] = [
    ("ordinary", [LEAVES, scan(1), scan(2, Progress.OUT_FOR_DELIVERY), ARRIVES], {}, "delivered"),
    ("delivered before dispatched", [ARRIVES, LEAVES], {}, "delivered"),
    ("scanned before dispatched", [scan(1), LEAVES, ARRIVES], {}, "delivered"),
    (
        "collected",
        [LEAVES, scan(1, Progress.AVAILABLE_FOR_PICKUP), "not_collected", ARRIVES],
        {},
        "delivered",
    ),
    ("another carrier", [events.LabelDecided(carrier="express")], {"carrier.buy_label": [REFUSED]}, "ready"),
    ("no carrier", ["label_due", events.LabelDecided()], {"carrier.buy_label": [REFUSED]}, "cancelled"),
    ("stopped in time", [STOP], {}, "cancelled"),
    ("stopped, label spent", [STOP], {"carrier.void_label": [events.LabelSpent()]}, "cancelled"),
    ("stopped too late", [LEAVES, STOP, ARRIVES], {}, "delivered"),
    ("stopped, left all the same", [STOP, LEAVES], {}, "cancelled"),
    ("no scan", [LEAVES, scan(1), "no_scan"], {}, "failed"),
    ("claim refused", [LEAVES, "no_scan"], {"carrier.claim": [events.ClaimRefused(reason="no")]}, "failed"),
    ("found after it was given up", [LEAVES, events.ParcelLost(), ARRIVES], {}, "turned_up"),
    ("damaged", [LEAVES, events.ParcelDamaged()], {}, "failed"),
    ("refused and back", [LEAVES, BACK, events.ParcelReceivedBack()], {}, "failed"),
    ("refused and never back", [LEAVES, BACK, "not_back"], {}, "failed"),
    ("turned round again", [LEAVES, BACK, ARRIVES], {}, "delivered"),
    ("delivered and back", [LEAVES, ARRIVES, events.ParcelReceivedBack()], {}, "failed"),
    ("delivered, on its way back, delivered", [LEAVES, ARRIVES, BACK, ARRIVES], {}, "delivered"),
    ("delivered, never back", [LEAVES, ARRIVES, BACK, "not_back"], {}, "failed"),
    ("disputed, proved", [LEAVES, ARRIVES, events.DeliveryDisputed(customer="C-1")], {}, "delivered"),
    (
        "disputed, not proved",
        [LEAVES, ARRIVES, events.DeliveryDisputed(customer="C-1")],
        {"carrier.prove_delivery": [events.DeliveryNotProved()]},
        "failed",
    ),
]


@pytest.mark.parametrize(
    ("steps", "answers", "ends"), [path[1:] for path in PATHS], ids=[path[0] for path in PATHS]
)
def test_path(steps: list[Event | str], answers: dict[str, list[Answer]], ends: str) -> None:
    play = Play(answers=answers)
    play.tell(CASE, REQUEST)
    for step in steps:
        if isinstance(step, str):
            play.pass_deadline(CASE, step)
        else:
            play.tell(CASE, step)
    assert play.state(CASE) == ends


@pytest.mark.parametrize("late", [scan(2), scan(1), scan(3, hour=8)], ids=["twice", "late", "backward"])
def test_old_scan_changes_nothing_but_the_log(late: Event) -> None:
    play = Play()
    for event in (REQUEST, LEAVES, scan(1), scan(2, Progress.DELAYED)):
        play.tell(CASE, event)
    before = play.data(CASE, Shipment)
    assert play.tell(CASE, late) is Disposition.IGNORED
    assert play.data(CASE, Shipment) == before


def test_each_scan_sets_the_clock_of_a_silent_parcel_anew() -> None:
    play = Play()
    play.tell(CASE, REQUEST)
    play.tell(CASE, LEAVES)
    play.tell(CASE, scan(1))
    assert play.last is not None
    assert [timer.name for timer in play.last.timers_set] == ["no_scan"]


def test_progress_worth_telling_is_told() -> None:
    play = Play()
    for event in (REQUEST, LEAVES, scan(1), scan(2, Progress.ATTEMPTED), scan(3, Progress.DELAYED)):
        play.tell(CASE, event)
    assert play.told == ["shipment.attempted", "shipment.delayed"]


def test_label_that_comes_after_the_cancellation_is_given_back() -> None:
    play = Play(held=["carrier.buy_label"])
    play.tell(CASE, REQUEST)
    play.tell(CASE, STOP)
    play.answer("carrier.buy_label")
    assert play.state(CASE) == "cancelled"
    assert play.done == ["carrier.buy_label", "carrier.void_label"]


def test_parcel_that_came_back_says_so() -> None:
    play = Play()
    for event in (REQUEST, LEAVES, BACK, events.ParcelReceivedBack()):
        play.tell(CASE, event)
    assert play.data(CASE, Shipment).trouble is Trouble.RETURNED


def test_another_customer_cannot_dispute_a_delivery() -> None:
    play = Play()
    for event in (REQUEST, LEAVES, ARRIVES):
        play.tell(CASE, event)
    assert play.tell(CASE, events.DeliveryDisputed(customer="C-2")) is Disposition.REFUSED
    assert play.reason == "this parcel belongs to another customer"


def test_scan_says_in_which_time_zone() -> None:
    with pytest.raises(ValidationError):
        events.ParcelScanned(sequence=1, scanned_at=datetime(2026, 12, 2, 9), progress=Progress.NONE)  # noqa: DTZ001


def test_goods_that_the_customer_sends_back_are_left_to_their_return() -> None:
    play = Play()
    for event in (REQUEST, LEAVES, ARRIVES, ParcelAcknowledged(parcel="SO-1001-1"), BACK):
        play.tell(CASE, event)
    assert play.state(CASE) == "delivered"
    play.tell(CASE, events.ParcelReceivedBack())
    assert (play.state(CASE), play.done[-1]) == ("delivered", "staff.alert")


def test_goods_of_a_parcel_that_came_back_are_booked_in_once() -> None:
    play = Play()
    for event in (REQUEST, LEAVES, BACK, events.ParcelReceivedBack(), events.ParcelReceivedBack()):
        play.tell(CASE, event)
    assert play.done.count("warehouse.book_in") == 1
