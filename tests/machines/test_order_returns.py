"""An order and its returns together: who opens them, and that each euro goes back once."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from machines.between import ParcelFailed, Pick, Trouble
from machines.kernel.event import Event
from machines.kernel.rule import Disposition
from machines.order import events
from machines.order.data import Line, Order
from machines.order.events import OrderPlaced
from machines.order.returning import OrderReturnAsked
from machines.returning import Reason, Wish
from machines.returns import events as told
from machines.shipment import events as carrier
from tests.machines.play import Play

CASE, PARCEL = "order/SO-1001", "shipment/SO-1001-1"
LEAVES, ARRIVES = carrier.ShipmentDispatched(), carrier.ShipmentDelivered()
PLAIN, _, SPLIT, *_others = (OrderPlaced.model_validate(example) for example in OrderPlaced.examples)
LAMPS = PLAIN.model_copy(update={"lines": (Line(sku="LAMP", quantity=3, price=2000),)})


def ask(*items: tuple[str, int], **said: Any) -> OrderReturnAsked:
    picks = tuple(Pick(sku=sku, quantity=quantity) for sku, quantity in items)
    return OrderReturnAsked(**{"customer": "C-1", "reason": Reason.CHANGED_MIND, "items": picks, **said})


def delivered(placed: OrderPlaced = PLAIN) -> Play:
    play = Play()
    play.tell(CASE, placed)
    play.tell(PARCEL, LEAVES)
    play.tell(PARCEL, ARRIVES)
    assert play.state(CASE) == "delivered"
    return play


def come_back(play: Play, number: int, *found: told.Found) -> str:
    case = f"return/SO-1001-RT{number}"
    play.tell(case, told.ReturnArrived())
    play.tell(case, told.ReturnInspected(by="warehouse", found=found))
    return play.state(case)


def reason(play: Play, event: Event) -> str:
    """Why the order refuses ``event``."""
    assert play.tell(CASE, event) is Disposition.REFUSED
    return play.reason


def test_a_return_of_everything_brings_back_the_delivery_costs_too() -> None:
    play = delivered()
    play.tell(CASE, ask())
    assert play.state(CASE) == "in_return"
    assert come_back(play, 1, told.Found(sku="KETTLE", quantity=1)) == "refunded"
    assert play.state(CASE) == "returned"
    assert play.sums[CASE]["refunded"] == 3500
    assert play.broken_laws(CASE) == []


def test_split_tender_goes_back_newest_first_and_never_more_than_it_paid() -> None:
    play = delivered(SPLIT)
    play.tell(CASE, ask())
    assert come_back(play, 1, told.Found(sku="SOFA", quantity=1)) == "refunded"
    assert [
        (payment.id, payment.captured, payment.refunded) for payment in play.data(CASE, Order).payments
    ] == [
        ("1", 2000, 2000),
        ("2", 2500, 2500),
    ]


def test_while_a_return_is_open_its_money_is_set_aside() -> None:
    play = delivered(LAMPS)
    play.tell(CASE, ask(("LAMP", 1)))
    assert play.data(CASE, Order).payments[0].refunding == 2000
    play.tell("return/SO-1001-RT1", told.ReturnWithdrawn(customer="C-1"))
    assert play.data(CASE, Order).payments[0].refunding == 0
    assert play.state(CASE) == "delivered"


@pytest.mark.parametrize(
    ("event", "why"),
    [
        (ask(("LAMP", 4)), "of LAMP there are 3 pieces left to return"),
        (ask(("CUP", 1)), "of CUP there are 0 pieces left to return"),
        (ask(("LAMP", 1), ("LAMP", 1)), "name each article once"),
        (ask(customer="C-2"), "this order belongs to another customer"),
        (ask(wish=Wish.EXCHANGE), "an exchange names the article wanted instead, and nothing else does"),
        (ask(instead="CUP"), "an exchange names the article wanted instead, and nothing else does"),
    ],
)
def test_what_cannot_be_returned_is_refused_with_why(event: Event, why: str) -> None:
    assert reason(delivered(LAMPS), event) == why


def test_pieces_are_returned_once_over_several_returns() -> None:
    play = delivered(LAMPS)
    play.tell(CASE, ask(("LAMP", 2)))
    assert reason(play, ask(("LAMP", 2))) == "of LAMP there are 1 pieces left to return"
    play.tell(CASE, ask(("LAMP", 1)))
    assert reason(play, ask()) == "all that was delivered is being returned, or has been"
    come_back(play, 1, told.Found(sku="LAMP", quantity=2))
    come_back(play, 2, told.Found(sku="LAMP", quantity=1))
    assert play.state(CASE) == "returned"
    assert play.sums[CASE]["refunded"] == 6500  # the second brings back the delivery, too
    assert reason(play, ask()) == "all that was delivered has been returned"


def test_nothing_comes_back_before_it_was_delivered() -> None:
    play = Play()
    play.tell(CASE, PLAIN)
    assert play.tell(CASE, ask()) is Disposition.DEFERRED
    play.tell(PARCEL, LEAVES)
    play.tell(PARCEL, ARRIVES)
    assert play.state(CASE) == "in_return"


def test_a_cancellation_that_lost_opens_a_return_by_itself() -> None:
    play = Play()
    for case, event in (
        (CASE, PLAIN),
        (PARCEL, LEAVES),
        (CASE, events.OrderCancelRequested(customer="C-1")),
        (PARCEL, ARRIVES),
    ):
        play.tell(case, event)
    assert play.state(CASE) == "in_return"
    assert play.state("return/SO-1001-RT1") == "awaiting_parcel"
    assert play.data(CASE, Order).returns[0].reason is Reason.CANCELLED_TOO_LATE


def test_an_expired_return_gives_its_pieces_and_money_free_and_takes_them_up_again() -> None:
    play = delivered()
    play.tell(CASE, ask())
    play.pass_deadline("return/SO-1001-RT1", "parcel_due")
    assert play.state(CASE) == "delivered"
    assert come_back(play, 1, told.Found(sku="KETTLE", quantity=1)) == "refunded"
    assert play.state(CASE) == "returned"
    assert play.broken_laws(CASE) == []


def test_goods_of_an_expired_return_do_not_pay_what_a_later_return_pays() -> None:
    play = delivered()
    play.tell(CASE, ask())
    play.pass_deadline("return/SO-1001-RT1", "parcel_due")
    play.tell(CASE, ask())
    play.tell("return/SO-1001-RT1", told.ReturnArrived())
    assert play.state("return/SO-1001-RT1") == "not_owed"
    assert come_back(play, 2, told.Found(sku="KETTLE", quantity=1)) == "refunded"
    assert play.sums[CASE]["refunded"] == 3500


def test_a_replaced_article_can_be_returned_later() -> None:
    play = delivered()
    play.tell(CASE, ask(reason=Reason.DEFECTIVE, wish=Wish.REPLACEMENT))
    come_back(play, 1, told.Found(sku="KETTLE", quantity=1))
    play.tell("shipment/SO-1001-RT1-X1", LEAVES)
    play.tell("shipment/SO-1001-RT1-X1", ARRIVES)
    assert play.state(CASE) == "delivered"
    play.tell(CASE, ask())
    assert come_back(play, 2, told.Found(sku="KETTLE", quantity=1)) == "refunded"
    assert play.sums[CASE]["refunded"] == 3500


def test_whoever_asks_to_return_a_parcel_has_it_and_cannot_dispute_its_delivery() -> None:
    play = delivered()
    play.tell(CASE, ask())
    assert play.tell(PARCEL, carrier.DeliveryDisputed(customer="C-1")) is Disposition.REFUSED
    assert play.reason == "the customer has asked to return what was in this parcel"


def test_a_dispute_under_way_ends_when_the_customer_asks_to_return_the_parcel() -> None:
    play = Play(held=["carrier.prove_delivery"])
    for case, event in ((CASE, PLAIN), (PARCEL, LEAVES), (PARCEL, ARRIVES)):
        play.tell(case, event)
    play.tell(PARCEL, carrier.DeliveryDisputed(customer="C-1"))
    assert play.state(PARCEL) == "proving"
    play.tell(CASE, ask())
    assert play.state(PARCEL) == "delivered"
    play.answer("carrier.prove_delivery", carrier.DeliveryNotProved())
    assert (play.state(PARCEL), play.state(CASE)) == ("delivered", "in_return")


def test_a_dispute_that_was_faster_than_the_return_waits_for_it_and_pays_no_euro_twice() -> None:
    play = delivered()
    play.tell(CASE, ask())
    failed = ParcelFailed(
        parcel="SO-1001-1", pieces=1, value=3500, trouble=Trouble.NOT_RECEIVED, after_delivery=True
    )
    assert play.tell(CASE, failed) is Disposition.DEFERRED
    used = told.Found(sku="KETTLE", quantity=1, condition=told.Condition.WORTH_LESS, worth=60)
    assert come_back(play, 1, used) == "awaiting_choice"
    play.tell("return/SO-1001-RT1", told.OfferAnswered(customer="C-1", choice=told.Choice.PARTIAL_REFUND))
    assert play.state(CASE) == "awaiting_remedy"
    play.tell(CASE, events.RemedyChosen(parcel="SO-1001-1", remedy=events.Remedy.REFUND))
    assert play.sums[CASE]["refunded"] == 3500
    assert play.broken_laws(CASE) == []


CONDITIONS = st.sampled_from(
    [told.Condition.AS_SOLD, told.Condition.WORTH_LESS, told.Condition.WORTHLESS, told.Condition.OTHER_ITEM]
)
RETURNS = st.lists(
    st.tuples(
        st.integers(1, 3),
        st.sampled_from(["arrives", "expires", "expires, then arrives", "withdrawn"]),
        st.lists(st.tuples(st.integers(1, 3), CONDITIONS, st.integers(1, 99)), max_size=3),
        st.sampled_from(list(told.Choice)),
    ),
    max_size=5,
)


@settings(max_examples=60, deadline=None)
@given(RETURNS)
def test_whatever_comes_back_in_however_many_returns_no_euro_goes_back_twice(
    returns: list[tuple[int, str, list[tuple[int, told.Condition, int]], told.Choice]],
) -> None:
    play = delivered(LAMPS)
    for quantity, course, parcel, choice in returns:
        if play.tell(CASE, ask(("LAMP", quantity))) is Disposition.REFUSED:
            continue
        number = len(play.data(CASE, Order).returns)
        case = f"return/SO-1001-RT{number}"
        if course == "withdrawn":
            play.tell(case, told.ReturnWithdrawn(customer="C-1"))
            continue
        if course.startswith("expires"):
            play.pass_deadline(case, "parcel_due")
        if course.endswith("arrives"):
            found = (
                told.Found(sku="LAMP", quantity=pieces, condition=condition, worth=worth)
                for pieces, condition, worth in parcel
            )
            come_back(play, number, *found)
            play.tell(case, told.OfferAnswered(customer="C-1", choice=choice))
            if f"shipment/SO-1001-RT{number}-B1" in play.cases:
                play.tell(f"shipment/SO-1001-RT{number}-B1", ARRIVES)
    (payment,) = play.data(CASE, Order).payments
    assert payment.refunding == 0
    assert 0 <= payment.refunded == play.sums[CASE]["refunded"] <= payment.captured == 6500
    assert play.broken_laws(CASE) == []
    assert all(play.broken_laws(f"return/{one.rma}") == [] for one in play.data(CASE, Order).returns)
