"""Returns for tests: what is asked for and said, and paths through the procedure with their end and money."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from machines.kernel.event import Event
from machines.refund import events as refunding
from machines.returning import Reason, ReturnRequested, Wish
from machines.returns import events as told
from machines.shipment import events as carrier
from tests.machines.play import START, Answer, Play

RMA = "SO-1001-RT1"
CASE, REFUND, REPLACEMENT, BACK = (
    f"return/{RMA}",
    f"refund/{RMA}-R1",
    f"shipment/{RMA}-X1",
    f"shipment/{RMA}-B1",
)
KETTLE = told.Found(sku="KETTLE", quantity=1)
USED = told.Found(sku="KETTLE", quantity=1, condition=told.Condition.WORTH_LESS, worth=60)
BRICK = told.Found(sku="BRICK", quantity=1, condition=told.Condition.OTHER_ITEM)
OURS = told.Found(sku="KETTLE", quantity=1, condition=told.Condition.REPLACEMENT)
LAMP = told.Found(sku="LAMP", quantity=1)
OUR_LAMP = told.Found(sku="LAMP", quantity=1, condition=told.Condition.REPLACEMENT)
ARRIVED, LOST = told.ReturnArrived(), told.ReturnLost()
APPEAL = told.ReturnAppealed(customer="C-1", words="It was a gift.")
SENT = told.ReturnSent(customer="C-1", proof="receipt 4711")
SAID, WITHDRAWN = told.ReturnSent(customer="C-1"), told.ReturnWithdrawn(customer="C-1")
LOST_AT_THE_SHOP = told.ParcelJudged(lost=True, reason="the shop took it in")
NOT_SENT = told.ParcelJudged(lost=False, reason="it is with the customer still")
LEAVES, ARRIVES = carrier.ShipmentDispatched(), carrier.ShipmentDelivered()
REPLACED: list[Any] = [(REPLACEMENT, LEAVES), (REPLACEMENT, ARRIVES)]
NEVER_CAME = (REPLACEMENT, carrier.DeliveryDisputed(customer="C-1"))
OVERRIDE = told.ReturnOverridden(by="j.doe", reason="good customer")
KEEP = told.ReturnOverridden(by="j.doe", reason="not worth it", keep=True)
OLD = START - timedelta(days=100)


def request(**said: Any) -> ReturnRequested:
    """A kettle of 30.00 and its delivery, delivered last week."""
    example = ReturnRequested.examples[0]
    usual = {"delivered": START - timedelta(days=7), "notified": START}
    return ReturnRequested.model_validate({**example, **usual, **said})


def inspected(*found: told.Found) -> Event:
    return told.ReturnInspected(by="warehouse", found=found)


def chosen(choice: told.Choice) -> Event:
    return told.OfferAnswered(customer="C-1", choice=choice)


def difference(*, pay: bool) -> Event:
    return told.DifferenceAnswered(customer="C-1", pay=pay)


def scan(sequence: int, *, hour: int = 9) -> Event:
    return told.ReturnScanned(sequence=sequence, scanned_at=datetime(2026, 12, 2, hour, tzinfo=UTC))


PLAIN = request()
DEFECTIVE = request(reason=Reason.DEFECTIVE, wish=Wish.REPLACEMENT)
EXCHANGE = request(wish=Wish.EXCHANGE, instead="POT")
ADVANCE = request(reason=Reason.DEFECTIVE, wish=Wish.REPLACEMENT, advance=True)
TWO_IN_ADVANCE = request(
    items=({"sku": "LAMP", "quantity": 2, "price": 2000},),
    reason=Reason.DEFECTIVE,
    wish=Wish.REPLACEMENT,
    advance=True,
    sources=({"payment": "1", "means": "card", "cap": 4500},),
)
TOO_LATE = request(delivered=OLD)
SHORT = told.GoodsShort()
DECLINED = told.ChargeDeclined(reason="no funds")
NOT_LABELLED = told.LabelNotIssued(reason="no collection there")


@dataclass(frozen=True)
class Path:
    """Steps are events to the return, (another case, event), or the name of a deadline that passes."""

    name: str
    steps: Sequence[Event | tuple[str, Event] | str]
    ends: str
    asked: ReturnRequested = PLAIN
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    told: tuple[str, ...] = ()
    back: int = 0  #: what has gone back
    charged: int = 0


PATHS = [
    Path(
        "ordinary",
        [scan(1), ARRIVED, inspected(KETTLE)],
        "refunded",
        told=("return.authorised", "return.arrived", "return.refund_on_its_way", "return.completed"),
        back=3500,
    ),
    Path("not unpacked yet, but here", [ARRIVED], "inspecting"),
    # may it come back?
    Path("declined, and nobody appeals", ["appeal_due"], "turned_down", TOO_LATE, told=("return.declined",)),
    Path("declined, and withdrawn", [WITHDRAWN], "turned_down", TOO_LATE),
    Path("declined, appealed, the answer stands", [APPEAL, APPEAL, "ruling_due"], "turned_down", TOO_LATE),
    Path("declined, appealed, withdrawn", [APPEAL, WITHDRAWN], "turned_down", TOO_LATE),
    Path(
        "declined, appealed, overridden",
        [APPEAL, OVERRIDE, ARRIVED, inspected(KETTLE)],
        "refunded",
        TOO_LATE,
        back=3000,
    ),
    Path("declined, overridden", [OVERRIDE, ARRIVED, inspected(KETTLE)], "refunded", TOO_LATE, back=3000),
    Path("declined, overridden to keep", [KEEP], "refunded", TOO_LATE, back=3000),
    Path("overridden to keep on the way", [SENT, KEEP], "refunded", back=3500),
    Path("goods sent in all the same", [ARRIVED, "appeal_due", ARRIVED], "turned_down", TOO_LATE),
    Path(
        "not worth the postage",
        [],
        "refunded",
        request(reason=Reason.DAMAGED, items=({"sku": "CUP", "quantity": 1, "price": 900},)),
        told=("return.keep_the_goods", "return.completed"),
        back=1400,
    ),
    # the way to us
    Path("never comes", ["reminder", "reminder", "parcel_due"], "expired"),
    Path("kept after all", [WITHDRAWN], "cancelled"),
    Path(
        "no label",
        [SENT, ARRIVED, inspected(KETTLE)],
        "refunded",
        back=3500,
        answers={"carrier.return_label": [NOT_LABELLED]},
    ),
    Path("lost, says the carrier", [scan(1), LOST], "refunded", back=3500),
    Path("lost, says the clock", [scan(1), "no_scan"], "refunded", back=3500),
    Path("said to be sent, and not shown", [SAID, SAID, "parcel_due", "doubt_due"], "in_doubt"),
    Path("said to be sent, then scanned", [SAID, scan(1), LOST], "refunded", back=3500),
    Path("said to be sent, then shown", [SAID, SENT, "no_scan"], "refunded", back=3500),
    Path("said to be sent, and lost", [SAID, "parcel_due", LOST_AT_THE_SHOP], "refunded", back=3500),
    Path("said to be sent, and not", [SAID, "parcel_due", NOT_SENT, "parcel_due"], "expired"),
    Path(
        "said to be sent, and here", [SAID, "parcel_due", ARRIVED, inspected(KETTLE)], "refunded", back=3500
    ),
    Path("lost before any scan", [LOST], "in_doubt"),
    Path("lost before any scan, then scanned", [LOST, scan(1), LOST], "refunded", back=3500),
    Path("lost before any scan, kept after all", [LOST, WITHDRAWN], "cancelled"),
    Path("lost, then found", [scan(1), LOST, ARRIVED, ARRIVED], "refunded", back=3500),
    Path("lost, replaced", [scan(1), LOST, *REPLACED], "exchanged", DEFECTIVE),
    Path("refund by law before inspection", [SENT, ARRIVED, "refund_by"], "inspecting", back=3500),
    Path(
        "refund by law, then inspected",
        [SENT, ARRIVED, "refund_by", inspected(KETTLE)],
        "refunded",
        back=3500,
    ),
    Path("refund by law, then worse", [ARRIVED, "refund_by", inspected(USED)], "refunded", back=3500),
    Path("refund by law, then nothing", [ARRIVED, "refund_by", inspected()], "refunded", back=3500),
    # inspection
    Path(
        "nobody inspects",
        [ARRIVED, "inspection_due", "inspection_due", inspected(KETTLE)],
        "refunded",
        back=3500,
    ),
    Path("more than announced", [ARRIVED, inspected(KETTLE, BRICK)], "refunded", back=3500),
    Path("the wrong thing", [ARRIVED, inspected(BRICK), (BACK, LEAVES), (BACK, ARRIVES)], "rejected"),
    Path("nothing", [ARRIVED, inspected()], "rejected"),
    Path("used, silent", [ARRIVED, inspected(USED), "choice_reminder", "choice_due"], "refunded", back=2300),
    Path(
        "used, partial refund",
        [ARRIVED, inspected(USED), chosen(told.Choice.PARTIAL_REFUND)],
        "refunded",
        back=2300,
    ),
    Path("used, disposed of", [ARRIVED, inspected(USED), chosen(told.Choice.DISPOSE)], "disposed"),
    Path(
        "used, sent back",
        [ARRIVED, inspected(USED), chosen(told.Choice.SEND_BACK), (BACK, LEAVES), (BACK, ARRIVES)],
        "rejected",
    ),
    Path(
        "used, lost on the way back",
        [
            ARRIVED,
            inspected(USED),
            chosen(told.Choice.SEND_BACK),
            (BACK, LEAVES),
            (BACK, carrier.ParcelLost()),
        ],
        "refunded",
        back=2300,
    ),
    # a replacement
    Path("replaced", [ARRIVED, inspected(KETTLE), *REPLACED], "exchanged", DEFECTIVE),
    Path("nobody packs it", [ARRIVED, inspected(KETTLE), "dispatch_due", *REPLACED], "exchanged", DEFECTIVE),
    Path(
        "out of stock",
        [ARRIVED, inspected(KETTLE)],
        "refunded",
        DEFECTIVE,
        back=3500,
        answers={"stock.set_aside": [SHORT]},
    ),
    Path(
        "replacement is lost",
        [ARRIVED, inspected(KETTLE), (REPLACEMENT, LEAVES), (REPLACEMENT, carrier.ParcelLost())],
        "refunded",
        DEFECTIVE,
        back=3500,
    ),
    Path(
        "dearer, paid",
        [ARRIVED, inspected(KETTLE), difference(pay=True), *REPLACED],
        "exchanged",
        EXCHANGE,
        charged=1500,
    ),
    Path(
        "dearer, declined, paid",
        [ARRIVED, inspected(KETTLE), difference(pay=True), difference(pay=True), *REPLACED],
        "exchanged",
        EXCHANGE,
        answers={"payment.charge": [DECLINED]},
        charged=1500,
    ),
    Path(
        "dearer, not paid",
        [ARRIVED, inspected(KETTLE), difference(pay=False)],
        "refunded",
        EXCHANGE,
        back=3500,
    ),
    Path("dearer, silent", [ARRIVED, inspected(KETTLE), "difference_due"], "refunded", EXCHANGE, back=3500),
    Path(
        "dearer, paid, lost: all goes back",
        [
            ARRIVED,
            inspected(KETTLE),
            difference(pay=True),
            (REPLACEMENT, LEAVES),
            (REPLACEMENT, carrier.ParcelLost()),
        ],
        "refunded",
        EXCHANGE,
        back=5000,
        charged=1500,
    ),
    Path(
        "cheaper",
        [ARRIVED, inspected(KETTLE), *REPLACED],
        "exchanged",
        back=500,
        asked=request(wish=Wish.EXCHANGE, instead="PAN"),
    ),
    # money
    Path(
        "withheld",
        [
            ARRIVED,
            inspected(told.Found(sku="SOFA", quantity=1)),
            (REFUND, refunding.RefundDecided(approve=False, reason="fraud")),
        ],
        "withheld",
        request(
            items=({"sku": "SOFA", "quantity": 1, "price": 60000},),
            sources=({"payment": "1", "means": "card", "cap": 60500},),
        ),
    ),
    Path(
        "less was paid than it cost",
        [ARRIVED, inspected(KETTLE)],
        "refunded",
        back=1200,
        asked=request(sources=({"payment": "1", "means": "card", "cap": 1200},)),
    ),
    Path("nothing was paid", [ARRIVED, inspected(KETTLE)], "refunded", request(sources=())),
]


def walk(path: Path) -> Play:
    play = Play(answers=path.answers)
    play.tell(CASE, path.asked)
    for step in path.steps:
        if isinstance(step, str):
            play.pass_deadline(CASE, step)
        elif isinstance(step, tuple):
            play.tell(*step)
        else:
            play.tell(CASE, step)
    return play
