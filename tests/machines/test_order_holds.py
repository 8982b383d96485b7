"""Holds on an order's money that end while the customer or the warehouse is asked something else."""

from __future__ import annotations

from machines.kernel.rule import Disposition
from machines.order import events, outcomes
from machines.shipment import events as carrier
from tests.machines.orders import CANCEL, CARD, CASE, FIRST, LEAVES, PLAIN, TWO_LINES, declined, two_parcels
from tests.machines.orders import remedy as choose
from tests.machines.play import Answer, Play

DAMAGED = carrier.ParcelDamaged()
REFUND = choose(events.Remedy.REFUND)


def asked_while_packing(*, held: tuple[str, ...] = (), renewal: tuple[Answer, ...] = ()) -> Play:
    """One of two parcels has come to harm while the other is being packed."""
    answers = {"warehouse.submit": [two_parcels], "payment.reauthorize": renewal}
    play = Play(answers=answers, held=held)
    play.tell(CASE, TWO_LINES)
    if "stock.reserve" in held:
        play.answer("stock.reserve")
    play.tell(FIRST, LEAVES)
    play.tell(FIRST, DAMAGED)
    assert play.state(CASE) == "awaiting_remedy"
    return play


def test_the_customer_can_choose_while_the_money_is_held_anew() -> None:
    play = asked_while_packing(held=("payment.reauthorize",))
    due = play.cases[CASE].timers["answer_due"]
    play.pass_deadline(CASE, "hold_ends_soon")
    assert play.state(CASE) == "awaiting_remedy"
    assert play.cases[CASE].timers["answer_due"] == due
    assert play.tell(CASE, REFUND) is Disposition.HANDLED
    assert play.state(CASE) == "part_shipped"
    play.answer("payment.reauthorize")
    assert play.state(CASE) == "part_shipped"
    assert "hold_ends_soon" in play.cases[CASE].timers
    assert play.told.count("order.remedy_needed") == 1


def test_other_means_are_asked_for_where_the_provider_declines_after_the_choice() -> None:
    play = asked_while_packing(held=("payment.reauthorize",), renewal=(declined,))
    play.pass_deadline(CASE, "hold_ends_soon")
    play.tell(CASE, REFUND)
    assert play.state(CASE) == "part_shipped"
    play.answer("payment.reauthorize")
    assert play.state(CASE) == "awaiting_renewal"


def test_money_not_held_for_longer_is_seen_to_once_the_parcel_is_replaced() -> None:
    play = asked_while_packing(held=("payment.reauthorize", "stock.reserve"), renewal=(declined,))
    play.pass_deadline(CASE, "hold_ends_soon")
    play.tell(CASE, choose(events.Remedy.RESHIP))
    play.answer("payment.reauthorize")
    assert play.state(CASE) == "replacing"
    play.answer("stock.reserve")
    assert play.state(CASE) == "part_shipped"
    play.pass_deadline(CASE, "hold_ends_soon")
    assert play.state(CASE) == "renewing_payment"


def test_the_warehouse_is_asked_to_stop_while_the_money_is_held_anew() -> None:
    play = asked_while_packing(held=("payment.reauthorize", "warehouse.cancel"))
    play.pass_deadline(CASE, "hold_ends_soon")
    play.tell(CASE, CANCEL)
    play.answer("payment.reauthorize")
    assert play.state(CASE) == "stop_requested"
    assert play.done.count("warehouse.cancel") == 1


def test_silence_while_the_money_is_held_anew_is_an_answer() -> None:
    play = asked_while_packing(held=("payment.reauthorize",))
    play.pass_deadline(CASE, "hold_ends_soon")
    play.pass_deadline(CASE, "answer_due")
    play.answer("payment.reauthorize")
    assert play.state(CASE) == "part_shipped"
    assert play.state("refund/SO-1001-1-R") == "settled"


def test_other_means_are_asked_for_first_and_the_choice_again() -> None:
    play = asked_while_packing(renewal=(declined,))
    play.pass_deadline(CASE, "hold_ends_soon")
    assert play.state(CASE) == "awaiting_renewal"
    play.tell(CASE, CARD)
    assert play.state(CASE) == "awaiting_remedy"
    assert play.told.count("order.remedy_needed") == 2


def test_only_what_is_being_packed_can_be_late() -> None:
    assert "dispatch_due" in asked_while_packing().cases[CASE].timers
    play = Play()
    play.tell(CASE, PLAIN)
    play.tell(FIRST, LEAVES)
    play.tell(FIRST, DAMAGED)
    assert play.state(CASE) == "awaiting_remedy"
    assert "dispatch_due" not in play.cases[CASE].timers


def test_an_answer_of_the_warehouse_is_taken_while_the_money_is_held_anew() -> None:
    play = Play(
        held=("payment.reauthorize",), answers={"warehouse.cancel": [outcomes.CancellationNoted()] * 2}
    )
    play.tell(CASE, PLAIN)
    play.tell(CASE, CANCEL)
    play.pass_deadline(CASE, "hold_ends_soon")
    assert play.state(CASE) == "stop_requested"
    play.tell(CASE, events.CancellationAccepted(parcels=("SO-1001-1",)))
    assert play.state(CASE) == "settling"
    play.answer("payment.reauthorize")
    assert play.state(CASE) == "cancelled"
    assert not play.broken_laws(CASE)


def test_the_stop_is_asked_for_once_though_the_money_is_held_anew() -> None:
    play = Play(answers={"warehouse.cancel": [outcomes.CancellationNoted()] * 2})
    play.tell(CASE, PLAIN)
    play.tell(CASE, CANCEL)
    play.pass_deadline(CASE, "hold_ends_soon")
    assert play.state(CASE) == "stop_requested"
    assert play.done.count("warehouse.cancel") == 1
