"""What the warehouse plans to pack: taken as a whole or not at all, and never packed twice."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from machines.between import Pick
from machines.kernel.event import Event
from machines.kernel.rule import Disposition
from machines.kernel.state import Ask
from machines.order import events, outcomes
from machines.order.asks import Submission
from machines.order.data import Line, Order, ParcelStatus
from machines.shipment import events as carrier
from tests.machines.orders import AMEND, ARRIVES, CANCEL, CASE, LEAVES, TWO_LINES, remedy, two_parcels
from tests.machines.play import Answer, Play

FIRST, SECOND, THIRD, FOURTH = (f"shipment/SO-1001-{number}" for number in range(1, 5))
LACKING = "the warehouse's plan was not taken: it lacks 1 x CUP"
AGAIN, GIVE_UP = events.HandoverDecided(again=True), events.HandoverDecided(again=False)
LET_GO = events.CancellationAccepted(parcels=("SO-1001-1",))


def without_the_cup(asked: Submission) -> Event:
    return outcomes.WarehouseAccepted(parcels=(outcomes.PlannedParcel(items=asked.items[:1]),))


def something_else(asked: Submission) -> Event:
    items = (*asked.items, Pick(sku="MUG", quantity=2))
    return outcomes.WarehouseAccepted(parcels=(outcomes.PlannedParcel(items=items),))


def placed(*plans: Answer, cancel: Answer | None = None) -> Play:
    play = Play(answers={"warehouse.submit": plans, "warehouse.cancel": [cancel] if cancel else []})
    play.tell(CASE, TWO_LINES)
    return play


def told(play: Play) -> dict[str, str]:
    """What the order desk is shown with its question."""
    asked = play.procedure_state(CASE)
    assert isinstance(asked, Ask)
    return dict(asked.tells(play.data(CASE, Order)))


def statuses(play: Play) -> list[ParcelStatus]:
    return [parcel.status for parcel in play.data(CASE, Order).parcels]


# -- the order -------------------------------------------------------------------------------------


def test_an_incomplete_plan_is_called_off_before_the_order_is_handed_over_again() -> None:
    play = placed(without_the_cup)
    assert play.state(CASE) == "handover_refused"
    assert play.done.count("warehouse.cancel") == 1
    assert told(play) == {"why": LACKING}
    play.tell(CASE, AGAIN)
    assert play.done.index("warehouse.cancel") < play.done.index("warehouse.submit", 6)
    assert FIRST not in play.cases
    play.tell(SECOND, LEAVES)
    play.tell(SECOND, ARRIVES)
    assert play.state(CASE) == "delivered"
    assert play.broken_laws(CASE) == []
    assert play.sums[CASE]["captured"] == 4500


def test_an_incomplete_plan_is_called_off_before_the_order_is_given_up() -> None:
    play = placed(without_the_cup)
    play.tell(CASE, GIVE_UP)
    assert play.state(CASE) == "cancelled"
    assert statuses(play) == [ParcelStatus.LET_GO]
    assert play.broken_laws(CASE) == []


def test_what_the_plan_has_too_much_is_told_too() -> None:
    play = placed(something_else)
    assert told(play) == {"why": "the warehouse's plan was not taken: it has 2 x MUG too much"}


def test_why_the_warehouse_would_not_take_it_is_told() -> None:
    play = placed(outcomes.WarehouseRejected(reason="strike"))
    assert told(play) == {"why": "the warehouse would not take it: strike"}
    assert "warehouse.cancel" not in play.done


@pytest.mark.parametrize("answer", [events.CancellationRejected(), outcomes.CancellationNoted()])
def test_what_the_warehouse_does_not_let_go_of_is_not_submitted_again(answer: Event) -> None:
    play = placed(without_the_cup, cancel=answer)
    assert play.called == ["warehouse lead", "order desk"]
    assert told(play) == {"why": LACKING, "not let go of by the warehouse": "SO-1001-1"}
    assert play.tell(CASE, AGAIN) is Disposition.REFUSED
    assert "have it stopped there first" in play.reason
    assert play.tell(CASE, LET_GO) is Disposition.HANDLED
    assert told(play) == {"why": LACKING}
    assert play.tell(CASE, AGAIN) is Disposition.HANDLED


@pytest.mark.parametrize("change", [AMEND, events.OrderRepriced(sku="CUP", price=1500)])
def test_nor_is_a_change_of_what_the_warehouse_has_not_let_go_of(change: Event) -> None:
    play = placed(without_the_cup, cancel=events.CancellationRejected())
    assert play.tell(CASE, change) is Disposition.REFUSED
    assert "have it stopped there first" in play.reason
    play.tell(CASE, LET_GO)
    assert play.tell(CASE, change) is Disposition.HANDLED


def test_a_cancellation_waits_until_the_plan_is_called_off() -> None:
    play = Play(answers={"warehouse.submit": [without_the_cup]}, held=["warehouse.cancel"])
    play.tell(CASE, TWO_LINES)
    assert play.tell(CASE, CANCEL) is Disposition.DEFERRED
    play.answer("warehouse.cancel")
    assert play.state(CASE) == "cancelled"
    assert play.broken_laws(CASE) == []


def test_a_plan_names_a_parcel() -> None:
    with pytest.raises(ValidationError, match=r"where nothing is packed, say warehouse\.rejected"):
        outcomes.WarehouseAccepted(parcels=())


# -- what is sent once more ------------------------------------------------------------------------


def lost(*plans: Answer, cancel: Answer | None = None) -> Play:
    play = placed(*plans, cancel=cancel)
    play.tell(FIRST, LEAVES)
    play.tell(FIRST, carrier.ParcelLost())
    return play


def one_parcel(asked: Submission) -> Event:
    return outcomes.WarehouseAccepted(parcels=(outcomes.PlannedParcel(items=asked.items),))


@pytest.mark.parametrize(
    "cancel", [None, events.CancellationRejected(), outcomes.CancellationNoted()], ids=str
)
def test_an_incomplete_replacement_is_called_off_and_the_money_goes_back(cancel: Event | None) -> None:
    play = lost(one_parcel, without_the_cup, cancel=cancel)
    play.tell(CASE, remedy(events.Remedy.RESHIP))
    assert play.done.count("warehouse.cancel") == 1
    assert SECOND not in play.cases
    assert play.state(CASE) == "refunded"
    assert play.sums[CASE]["refunded"] == 4500
    assert play.broken_laws(CASE) == []
    assert ("warehouse lead" in play.called) == (cancel is not None)


def test_a_replacement_in_two_parcels_is_two_shipments() -> None:
    play = lost(one_parcel, two_parcels)
    play.tell(CASE, remedy(events.Remedy.RESHIP))
    order = play.data(CASE, Order)
    assert [parcel.value for parcel in order.parcels] == [4500, 3500, 1000]
    assert [parcel.replaces for parcel in order.parcels] == [None, "SO-1001-1", "SO-1001-1"]
    for parcel in (SECOND, THIRD):
        play.tell(parcel, LEAVES)
        assert play.state(CASE) != "delivered"
        play.tell(parcel, ARRIVES)
    assert play.state(CASE) == "delivered"
    assert play.done.count("payment.capture") == 1
    assert play.sums[CASE]["captured"] == 4500
    assert play.broken_laws(CASE) == []


@pytest.mark.parametrize(
    ("fails", "arrives", "back"), [(SECOND, THIRD, 3500), (THIRD, SECOND, 1000)], ids=["first", "second"]
)
def test_only_what_does_not_arrive_of_a_replacement_is_paid_back(fails: str, arrives: str, back: int) -> None:
    play = lost(one_parcel, two_parcels)
    play.tell(CASE, remedy(events.Remedy.RESHIP))
    play.tell(fails, LEAVES)
    play.tell(fails, carrier.ParcelLost())
    play.tell(CASE, remedy(events.Remedy.RESHIP, fails.removeprefix("shipment/")))
    play.tell(arrives, LEAVES)
    play.tell(arrives, ARRIVES)
    assert play.state(CASE) == "delivered"
    assert play.sums[CASE]["refunded"] == back
    assert play.broken_laws(CASE) == []


@pytest.mark.parametrize("held", [(), ("payment.refund",)], ids=["one by one", "while one is under way"])
def test_a_replacement_that_is_lost_whole_is_paid_back_whole(held: tuple[str, ...]) -> None:
    play = Play(answers={"warehouse.submit": [one_parcel, two_parcels]}, held=held)
    play.tell(CASE, TWO_LINES)
    play.tell(FIRST, LEAVES)
    play.tell(FIRST, carrier.ParcelLost())
    play.tell(CASE, remedy(events.Remedy.RESHIP))
    for parcel in (SECOND, THIRD):
        play.tell(parcel, LEAVES)
        play.tell(parcel, carrier.ParcelLost())
        play.tell(CASE, remedy(events.Remedy.REFUND, parcel.removeprefix("shipment/")))
    for name in held * 2:
        play.answer(name)
    assert play.state(CASE) == "refunded"
    assert play.sums[CASE]["refunded"] == 4500
    assert play.state("refund/SO-1001-1-R2") == "settled"
    assert play.broken_laws(CASE) == []


@pytest.mark.parametrize(("taken", "back"), [(4500, 0), (2000, 1500), (1000, 2500)])
def test_what_the_bank_took_counts_against_what_never_arrived(taken: int, back: int) -> None:
    play = lost(one_parcel, two_parcels)
    play.tell(CASE, remedy(events.Remedy.RESHIP))
    play.tell(SECOND, LEAVES)
    play.tell(SECOND, carrier.ParcelLost())
    play.tell(CASE, events.PaymentDisputed(payment="1", amount=taken))
    play.tell(CASE, remedy(events.Remedy.REFUND, "SO-1001-2"))
    play.tell(THIRD, LEAVES)
    play.tell(THIRD, ARRIVES)
    assert play.state(CASE) == "delivered"
    assert play.sums[CASE]["refunded"] == back
    assert play.broken_laws(CASE) == []


def test_what_a_change_stopped_in_vain_is_packed_again_in_two_parcels() -> None:
    items = (Pick(sku="KETTLE", quantity=1), Pick(sku="CUP", quantity=1))
    other = (Pick(sku="SPOON", quantity=1),)
    lines = (*TWO_LINES.lines, Line(sku="SPOON", quantity=1, price=500))
    plan = outcomes.WarehouseAccepted(
        parcels=tuple(outcomes.PlannedParcel(items=packed) for packed in (items, other))
    )
    play = Play(
        answers={
            "warehouse.submit": [plan, two_parcels],
            "warehouse.cancel": [events.CancellationAccepted(parcels=("SO-1001-1",))],
        }
    )
    play.tell(CASE, TWO_LINES.model_copy(update={"lines": lines}))
    play.tell(CASE, AMEND)
    assert statuses(play) == [ParcelStatus.REPACKED, *[ParcelStatus.OPEN] * 3]
    for parcel in (SECOND, THIRD, FOURTH):
        play.tell(parcel, LEAVES)
        play.tell(parcel, ARRIVES)
    assert play.state(CASE) == "delivered"
    assert play.sums[CASE]["captured"] == 5000
    assert play.broken_laws(CASE) == []
