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
from machines.order.data import Order, ParcelStatus
from machines.shipment import events as carrier
from tests.machines.orders import ARRIVES, CANCEL, CASE, LEAVES, TWO_LINES, remedy
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
