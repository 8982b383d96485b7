"""The refund procedure: a debt ends only when the customer has the money, and no euro goes back twice."""

from __future__ import annotations

import pytest

from machines import policy
from machines.between import Means, RefundRequested, Source, spread
from machines.definitions import definitions
from machines.kernel.decide import decide, open_case
from machines.kernel.event import Event, Received
from machines.kernel.rule import Disposition
from machines.refund import events
from machines.refund.commands import PayBack
from machines.refund.data import Refund
from tests.machines.play import START, Answer, Play

CASE = "refund/SO-1001-1-R"
SMALL, SPLIT, LARGE, TOO_MUCH = (
    RefundRequested.model_validate(example) for example in RefundRequested.examples
)
AGREED = events.AlternativeChosen(customer="C-1", means=Means.STORE_CREDIT, wording="refund-alternative-1")
CONFIRMED = events.RefundConfirmed(payment="2", amount=1500)
A_PART = events.RefundConfirmed(payment="2", amount=500)
THE_REST = events.RefundConfirmed(payment="2", amount=1000)
A_PART_REVERSED = events.RefundReversed(payment="2", amount=500)
REVERSED = events.RefundReversed(payment="2", amount=1500)


def failed(asked: PayBack) -> Event:
    return events.RefundFailed(payment=asked.payment, reason="card closed")


def pending(asked: PayBack) -> Event:
    return events.RefundPending(payment=asked.payment, reason="processing")


def decision(*, approve: bool) -> Event:
    return events.RefundDecided(approve=approve, reason="looked at it")


PATHS: list[tuple[str, RefundRequested, list[Event | str], dict[str, list[Answer]], str]] = [
    ("ordinary", SMALL, [], {}, "settled"),
    ("two payments", SPLIT, [], {}, "settled"),
    ("approved", LARGE, ["approval_due", decision(approve=True)], {}, "settled"),
    ("not approved", LARGE, [decision(approve=False)], {}, "withheld"),
    ("more than was paid", TOO_MUCH, [], {}, "not_covered"),
    ("pending, then paid", SMALL, ["settlement_due", CONFIRMED], {"payment.refund": [pending]}, "settled"),
    (
        "pending, then bounced, then paid",
        SMALL,
        [events.RefundBounced(payment="2"), "retry_due"],
        {"payment.refund": [pending]},
        "settled",
    ),
    ("failed once", SMALL, ["retry_due"], {"payment.refund": [failed]}, "settled"),
    (
        "failed for good, paid another way",
        SMALL,
        ["retry_due", "retry_due", "reminder", "alternative_due", AGREED],
        {"payment.refund": [failed, failed, failed]},
        "settled",
    ),
    (
        "the other way fails as well",
        SMALL,
        ["retry_due", "retry_due", AGREED, AGREED],
        {"payment.refund": [failed] * 3, "payment.pay_out": [events.PayoutFailed(reason="closed")]},
        "settled",
    ),
    (
        "one of two fails",
        SPLIT,
        ["retry_due", "retry_due", AGREED],
        {"payment.refund": [lambda _: events.RefundPaid(payment="2", amount=2000), failed, failed, failed]},
        "settled",
    ),
    ("comes back: owed again", SMALL, [REVERSED], {}, "awaiting_alternative"),
    ("comes back, paid another way", SMALL, [REVERSED, AGREED], {}, "settled_again"),
    (
        "paid another way, comes back too",
        SMALL,
        ["retry_due", "retry_due", AGREED, REVERSED, AGREED],
        {"payment.refund": [failed] * 3},
        "settled_again",
    ),
    ("a part comes back, paid another way", SMALL, [A_PART_REVERSED, AGREED], {}, "settled_again"),
    ("pending, paid in two", SMALL, [A_PART, THE_REST], {"payment.refund": [pending]}, "settled"),
    (
        "pending, paid in part, the rest bounced",
        SMALL,
        [A_PART, events.RefundBounced(payment="2"), "retry_due"],
        {"payment.refund": [pending]},
        "settled",
    ),
]


@pytest.mark.parametrize(
    ("request_", "steps", "answers", "ends"), [path[1:] for path in PATHS], ids=[path[0] for path in PATHS]
)
def test_path(
    request_: RefundRequested, steps: list[Event | str], answers: dict[str, list[Answer]], ends: str
) -> None:
    play = Play(answers=answers)
    play.tell(CASE, request_)
    for step in steps:
        if isinstance(step, str):
            play.pass_deadline(CASE, step)
        else:
            play.tell(CASE, step)
    assert play.state(CASE) == ends
    assert ends == "awaiting_alternative" or play.broken_laws(CASE) == []


def test_of_a_refund_paid_in_part_only_the_rest_is_still_owed() -> None:
    play = Play(answers={"payment.refund": [pending]})
    play.tell(CASE, SMALL)
    play.tell(CASE, A_PART)
    assert (play.state(CASE), play.called) == ("pending", ["finance"])
    assert play.data(CASE, Refund).outstanding == 1000


def test_where_a_part_comes_back_the_customer_is_asked_about_that_part() -> None:
    play = Play()
    play.tell(CASE, SMALL)
    play.tell(CASE, A_PART_REVERSED)
    assert play.data(CASE, Refund).outstanding == 500
    play.tell(CASE, AGREED)
    assert play.sums[CASE]["paid"] == 2000
    assert play.broken_laws(CASE) == []


def test_request_that_comes_twice_pays_once() -> None:
    play = Play()
    play.tell(CASE, SMALL)
    assert play.tell(CASE, SMALL) is Disposition.IGNORED
    assert play.done.count("payment.refund") == 1


def test_consent_is_kept_with_the_wording_agreed_to() -> None:
    play = Play(answers={"payment.refund": [failed] * 3})
    play.tell(CASE, SMALL)
    play.pass_deadline(CASE, "retry_due")
    play.pass_deadline(CASE, "retry_due")
    play.tell(CASE, AGREED)
    data = play.data(CASE, Refund)
    assert data.consent is not None
    assert data.consent.wording == "refund-alternative-1"


def test_bank_transfer_without_account_is_refused_with_what_can_be_had() -> None:
    play = Play(answers={"payment.refund": [failed] * 3})
    play.tell(CASE, SMALL)
    play.pass_deadline(CASE, "retry_due")
    play.pass_deadline(CASE, "retry_due")
    transfer = AGREED.model_copy(update={"means": Means.BANK_TRANSFER})
    assert play.tell(CASE, transfer) is Disposition.REFUSED
    assert play.reason == "a bank transfer needs an account"


@pytest.mark.parametrize(
    ("amount", "shares"),
    [
        (1500, {"2": 1500}),
        (2000, {"2": 2000}),
        (3000, {"2": 2000, "1": 1000}),
        (9000, {"2": 2000, "1": 4000}),
    ],
)
def test_newest_payment_gets_its_money_back_first_up_to_what_it_paid(
    amount: int, shares: dict[str, int]
) -> None:
    sources = (
        Source(payment="2", means=Means.CARD, cap=2000),
        Source(payment="1", means=Means.STORE_CREDIT, cap=4000),
    )
    assert {share.payment: share.amount for share in spread(amount, sources=sources)} == shares


@pytest.mark.parametrize(
    ("currency", "amount", "state"),
    [
        ("EUR", 50_000, "settled"),
        ("EUR", 50_001, "awaiting_approval"),
        ("JPY", 500, "settled"),
        ("JPY", 501, "awaiting_approval"),
        ("KWD", 500_000, "settled"),
        ("KWD", 500_001, "awaiting_approval"),
    ],
)
def test_finance_approves_above_500_of_the_main_unit(currency: str, amount: int, state: str) -> None:
    play = Play()
    sources = (Source(payment="1", means=Means.CARD, cap=1_000_000),)
    play.tell(CASE, SMALL.model_copy(update={"currency": currency, "amount": amount, "sources": sources}))
    assert play.state(CASE) == state


def test_policy_sets_the_limit_above_which_finance_approves() -> None:
    rules = policy.parse(
        {"calendar": {"opening": {"monday": ["09:00-17:00"]}}, "terms": {"refund": {"approval": ["10 EUR"]}}}
    )
    definition = definitions(rules)["refund"]
    case = open_case(definition, key="SO-1001-1-R")
    for currency, state in (("EUR", "awaiting_approval"), ("USD", "submitted")):
        asked = SMALL.model_copy(update={"currency": currency})
        received = Received(id="1", source="test", type=asked.type, payload=asked, at=START)
        decision = decide(definition, case, received, START)
        assert decision.case.state == state


def test_another_customer_cannot_choose_where_the_money_goes() -> None:
    play = Play(answers={"payment.refund": [failed] * 3})
    play.tell(CASE, SMALL)
    play.pass_deadline(CASE, "retry_due")
    play.pass_deadline(CASE, "retry_due")
    assert play.tell(CASE, AGREED.model_copy(update={"customer": "C-2"})) is Disposition.REFUSED
    assert play.reason == "this refund belongs to another customer"
