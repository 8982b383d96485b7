"""The return procedure on its own: what each way of a return ends in, what the customer is told and paid."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from machines.between import Booking, ParcelFailed, Pick, Source, Trouble
from machines.kernel.event import Event
from machines.kernel.rule import Disposition
from machines.messages import Alert, Message
from machines.returning import Reason, ReturnClosed, ReturnCovered, Wish
from machines.returns import events as told
from machines.returns.commands import BOOK_IN
from machines.returns.data import Return
from tests.machines.advance_exchanges import IN_ADVANCE
from tests.machines.play import START, Play
from tests.machines.returns import (
    ADVANCE,
    ARRIVED,
    BRICK,
    CASE,
    EXCHANGE,
    KEEP,
    KETTLE,
    OVERRIDE,
    PATHS,
    PLAIN,
    REPLACED,
    RMA,
    SENT,
    TOO_LATE,
    USED,
    WITHDRAWN,
    Path,
    chosen,
    difference,
    inspected,
    request,
    scan,
    walk,
)


@pytest.mark.parametrize("path", [*PATHS, *IN_ADVANCE], ids=lambda path: path.name)
def test_path(path: Path) -> None:
    play = walk(path)
    assert play.state(CASE) == path.ends
    sums = play.sums[CASE]
    assert (sums["refunded"], sums["charged"]) == (path.back, path.charged)
    assert play.broken_laws(CASE) == []
    for template in path.told:
        assert template in play.told


def data(play: Play) -> Return:
    found = play.cases[CASE].data
    assert isinstance(found, Return)
    return found


def test_the_answer_of_the_policy_stands_in_journal_message_and_case() -> None:
    play = Play(held=["message.send"])
    play.tell(CASE, TOO_LATE)
    assert play.last is not None
    answer = data(play).answer
    assert play.last.entry.reason == answer.explained
    message = next(command.arguments for command in play.last.commands if command.name == "message.send")
    assert isinstance(message, Message)
    facts = message.facts
    assert facts == {"order": "SO-1001", "reason": Reason.CHANGED_MIND, **answer.facts()}
    assert (facts["ground"], facts["articles"]) == ("the time for returns is over", "KETTLE")
    assert facts["last_day"] == answer.last_day.isoformat()


def test_an_override_keeps_on_record_who_and_why() -> None:
    play = Play()
    play.tell(CASE, TOO_LATE)
    play.tell(CASE, OVERRIDE)
    made = data(play).override
    assert made is not None
    assert (made.by, made.reason, made.at) == ("j.doe", "good customer", START)
    assert "allowed by j.doe: good customer" in data(play).answer.explained


def test_an_override_waives_the_fee_of_goods_on_their_way() -> None:
    play = Play()
    items = ({"sku": "RADIO-ELECTRO", "quantity": 1, "price": 4000},)
    play.tell(
        CASE,
        request(
            items=items,
            delivered=START - timedelta(days=20),
            sources=({"payment": "1", "means": "card", "cap": 4000},),
            delivery_costs=0,
        ),
    )
    assert data(play).answer.fee == 600
    for event in (OVERRIDE, ARRIVED, inspected(told.Found(sku="RADIO-ELECTRO", quantity=1))):
        play.tell(CASE, event)
    assert play.sums[CASE]["refunded"] == 4000


@pytest.mark.parametrize("before", [[PLAIN, ARRIVED], [ADVANCE]], ids=["goods here", "replacement sent"])
def test_goods_that_are_here_or_replaced_are_not_paid_for_being_kept(before: list[Event]) -> None:
    play = Play()
    for event in before:
        play.tell(CASE, event)
    assert play.tell(CASE, KEEP) is Disposition.REFUSED
    assert play.reason == "the goods are here already, or a replacement has been sent for them"


@pytest.mark.parametrize("late", [scan(2), scan(1), scan(3, hour=8)], ids=["twice", "late", "backward"])
def test_old_scan_changes_nothing_but_the_log(late: Event) -> None:
    play = Play()
    for event in (PLAIN, scan(1), scan(2)):
        play.tell(CASE, event)
    before = data(play)
    assert play.tell(CASE, late) is Disposition.IGNORED
    assert data(play) == before


@pytest.mark.parametrize(
    ("event", "before"),
    [
        (told.ReturnWithdrawn(customer="C-2"), []),
        (told.OfferAnswered(customer="C-2", choice=told.Choice.DISPOSE), [ARRIVED, inspected(USED)]),
    ],
)
def test_another_customer_has_no_say(event: Event, before: list[Event]) -> None:
    play = Play()
    for one in (PLAIN, *before):
        play.tell(CASE, one)
    state = play.state(CASE)
    play.tell(CASE, event)
    assert play.state(CASE) == state


def test_nobody_is_charged_without_having_been_asked() -> None:
    play = Play()
    for event in (EXCHANGE, ARRIVED, inspected(KETTLE)):
        play.tell(CASE, event)
    assert play.state(CASE) == "awaiting_difference"
    play.tell(CASE, told.DifferenceAnswered(customer="C-2", pay=True))
    assert play.state(CASE) == "awaiting_difference"
    assert "payment.charge" not in play.done


def test_a_dearer_article_is_not_paid_without_a_means() -> None:
    play = Play()
    for event in (EXCHANGE.model_copy(update={"token": None}), ARRIVED, inspected(KETTLE)):
        play.tell(CASE, event)
    assert play.tell(CASE, difference(pay=True)) is Disposition.REFUSED
    given = told.DifferenceAnswered(customer="C-1", pay=True, token="tok_other")
    assert play.tell(CASE, given) is Disposition.HANDLED
    assert data(play).charged == 1500


@pytest.mark.parametrize("said", [{"token": None}, {"wish": Wish.REFUND}], ids=["no card", "money wanted"])
def test_no_replacement_leaves_first_that_could_not_be_charged(said: dict[str, Any]) -> None:
    play = Play()
    play.tell(CASE, ADVANCE.model_copy(update=said))
    assert play.state(CASE) == "awaiting_parcel"
    assert "stock.set_aside" not in play.done


def test_a_customer_with_the_replacement_cannot_call_the_return_off() -> None:
    play = Play()
    play.tell(CASE, ADVANCE)
    assert play.tell(CASE, WITHDRAWN) is Disposition.REFUSED


def test_goods_of_an_expired_return_are_looked_at_if_the_order_still_has_the_money() -> None:
    play = Play()
    play.tell(CASE, PLAIN)
    play.pass_deadline(CASE, "parcel_due")
    play.tell(CASE, ARRIVED)
    assert play.state(CASE) == "covering"
    play.tell(CASE, ReturnCovered(rma=RMA, sources=PLAIN.sources))
    play.tell(CASE, inspected(KETTLE))
    assert play.state(CASE) == "refunded"
    assert play.sums[CASE]["refunded"] == 3500


def test_goods_whose_money_went_back_otherwise_call_a_colleague() -> None:
    play = Play()
    play.tell(CASE, PLAIN)
    play.pass_deadline(CASE, "parcel_due")
    play.tell(CASE, ARRIVED)
    play.tell(CASE, ReturnCovered(rma=RMA, sources=()))
    assert play.state(CASE) == "not_owed"
    assert play.done[-1] == "staff.alert"


def test_what_was_paid_back_before_is_not_paid_again_when_reopened() -> None:
    play = Play()
    for event in (request(wish=Wish.EXCHANGE, instead="PAN"), ARRIVED, inspected(KETTLE)):
        play.tell(CASE, event)
    for step in REPLACED:
        play.tell(*step)
    assert play.state(CASE) == "exchanged"
    play.tell(
        CASE,
        ParcelFailed(
            parcel=f"{RMA}-X1", pieces=1, value=2500, trouble=Trouble.NOT_RECEIVED, after_delivery=True
        ),
    )
    left = tuple(source.model_copy(update={"cap": source.cap - 500}) for source in PLAIN.sources)
    play.tell(CASE, ReturnCovered(rma=RMA, sources=left))
    assert play.state(CASE) == "refunded"
    assert play.sums[CASE]["refunded"] == 3500


@pytest.mark.parametrize(
    ("found", "taken"),
    [((told.Found(sku="LAMP", quantity=2),), 2), ((told.Found(sku="LAMP", quantity=1),), 1)],
    ids=["all", "one of two"],
)
def test_only_pieces_that_came_are_taken_for_good(found: tuple[told.Found, ...], taken: int) -> None:
    play = Play()
    items = ({"sku": "LAMP", "quantity": 2, "price": 2000},)
    sources = (Source.model_validate({"payment": "1", "means": "card", "cap": 4000}),)
    play.tell(CASE, request(items=items, sources=sources, delivery_costs=0), parent="order/none")
    play.tell(CASE, ARRIVED)
    play.tell(CASE, inspected(*found))
    if play.state(CASE) == "awaiting_choice":
        play.tell(CASE, chosen(told.Choice.PARTIAL_REFUND))
    reports = play.procedure_state(CASE).reports
    assert reports is not None
    closed = reports(data(play))
    assert isinstance(closed, ReturnClosed)
    assert sum(pick.quantity for pick in closed.taken) == taken


def test_what_goes_back_to_the_customer_is_not_booked_in() -> None:
    play, piece = Play(), (Pick(sku="LAMP", quantity=1),)
    items = ({"sku": "LAMP", "quantity": 2, "price": 2000},)
    good = told.Found(sku="LAMP", quantity=1)
    used = told.Found(sku="LAMP", quantity=1, condition=told.Condition.WORTH_LESS)
    choice = chosen(told.Choice.SEND_BACK)
    for event in (request(items=items), ARRIVED, inspected(good, used), choice):
        play.tell(CASE, event)
    assert [parcel.items for parcel in data(play).parcels] == [piece]
    booking = Booking(rma=RMA, restock=piece, refurbish=(), write_off=())
    assert list(BOOK_IN.ask(data(play), choice, {})) == [booking]


@pytest.mark.parametrize(
    ("path", "state"),
    [
        ([ARRIVED, inspected(USED)], "awaiting_choice"),
        ([ARRIVED, inspected(BRICK)], "packing"),
        ([ARRIVED, inspected(USED), chosen(told.Choice.DISPOSE)], "disposed"),
        ([ARRIVED, inspected(KETTLE)], "refunded"),
    ],
)
def test_the_returns_desk_hears_of_goods_that_nobody_waits_for(path: list[Event], state: str) -> None:
    play = Play()
    for event in (PLAIN, *path):
        play.tell(CASE, event)
    assert (play.state(CASE), play.called) == (state, [])
    assert play.tell(CASE, ARRIVED) is Disposition.HANDLED
    assert (play.state(CASE), play.called) == (state, ["returns desk"])


def test_the_ladder_of_inspection_is_climbed_and_starts_anew() -> None:
    play = Play(held=["staff.alert"])
    play.tell(CASE, PLAIN)
    play.tell(CASE, ARRIVED)
    roles = []
    for _ in range(3):
        play.pass_deadline(CASE, "inspection_due")
        assert play.last is not None
        roles += [alert.arguments.role for alert in play.last.commands if isinstance(alert.arguments, Alert)]
    assert roles == ["warehouse lead", "head of logistics", "head of logistics"]


def test_every_step_that_concerns_the_customer_is_told() -> None:
    play = Play()
    for event in (PLAIN, SENT, ARRIVED, inspected(USED), chosen(told.Choice.PARTIAL_REFUND)):
        play.tell(CASE, event)
    assert {template for template in play.told if template.startswith("return.")} == {
        "return.authorised",
        "return.on_its_way",
        "return.arrived",
        "return.choice_needed",
        "return.refund_on_its_way",
        "return.completed",
    }
