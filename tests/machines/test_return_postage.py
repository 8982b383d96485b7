"""What a customer pays for the way to us, where the carrier gives no label."""

from __future__ import annotations

import pytest

from machines.kernel.event import Event
from machines.kernel.rule import Disposition
from machines.returns import events as told
from tests.machines.play import Answer, Play
from tests.machines.returns import (
    ARRIVED,
    CASE,
    KETTLE,
    LOST,
    NOT_LABELLED,
    PLAIN,
    SENT,
    inspected,
)


def postage(amount: int, *, customer: str = "C-1") -> Event:
    return told.PostageClaimed(customer=customer, amount=amount, proof="receipt 4711", account="DE00")


def unlabelled(*paid: Answer) -> Play:
    play = Play(answers={"carrier.return_label": [NOT_LABELLED], "postage.pay": paid})
    play.tell(CASE, PLAIN)
    return play


@pytest.mark.parametrize(("paid", "back"), [(690, 690), (2490, 2000)])
def test_postage_is_paid_back_once_up_to_the_limit_and_not_from_the_order(paid: int, back: int) -> None:
    play = unlabelled()
    assert play.tell(CASE, postage(paid)) is Disposition.DEFERRED
    for event in (ARRIVED, inspected(KETTLE)):
        play.tell(CASE, event)
    assert play.state(CASE) == "refunded"
    assert (play.sums[CASE]["postage"], play.sums[CASE]["refunded"]) == (back, 3500)
    assert "return.postage_paid" in play.told
    assert play.tell(CASE, postage(100)) is Disposition.REFUSED
    assert "before" in play.reason
    assert play.done.count("postage.pay") == 1
    assert play.broken_laws(CASE) == []


def test_postage_for_a_parcel_that_got_lost_is_paid_back_too() -> None:
    play = unlabelled()
    for event in (SENT, postage(690), LOST):
        play.tell(CASE, event)
    assert play.sums[CASE]["postage"] == 690


@pytest.mark.parametrize(
    ("event", "why"),
    [(postage(690, customer="C-2"), "another customer"), (postage(690), "free of charge")],
)
def test_postage_is_owed_to_the_customer_who_had_no_label_of_ours(event: Event, why: str) -> None:
    play = Play()
    play.tell(CASE, PLAIN)
    for one in (ARRIVED, inspected(KETTLE)):
        play.tell(CASE, one)
    assert play.tell(CASE, event) is Disposition.REFUSED
    assert why in play.reason


def test_an_account_that_cannot_be_paid_to_is_for_finance() -> None:
    refused = told.PostageRefused(amount=690, reason="account closed")
    play = unlabelled(refused)
    for event in (ARRIVED, inspected(KETTLE), postage(690)):
        play.tell(CASE, event)
    assert "finance" in play.called
    assert play.broken_laws(CASE) == []
