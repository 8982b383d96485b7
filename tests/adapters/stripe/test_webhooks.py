"""Webhooks of Stripe: signed, translated into events of the procedures, taken once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime

import httpx
import orjson
import pytest

from adapters.intake import Intake
from adapters.master_key import MasterKeys
from adapters.sealing import Vault
from adapters.stripe.account import Account
from adapters.stripe.webhooks import add_stripe_webhooks
from adapters.web import create_app
from machines.catalogue import CATALOGUE
from machines.order.outcomes import PaymentActionRequired
from machines.refund.events import RefundPaid, RefundPending
from tests.adapters.stripe.paying import hold, pay, pay_back, taking
from tests.adapters.test_web import ReadableStore
from tests.stripe_server import KEY, WEBHOOK_SECRET, StripeServer
from tests.stripe_server.books import Thing

DAY = 86_400
Send = Callable[..., httpx.Response]


@pytest.fixture
def store() -> ReadableStore:
    return ReadableStore()


@pytest.fixture
def send(stripe: StripeServer, store: ReadableStore) -> Iterator[Send]:
    """Posts a webhook to our web application as Stripe does."""
    vault = Vault(store, master=MasterKeys(b"m" * 32))
    intake = Intake(store, vault=vault, catalogue=CATALOGUE, clock=lambda: datetime.now(UTC))
    account = Account(KEY, api_base=stripe.url, timeout=20)
    # Of a store, webhooks use only what this one has.
    app = create_app(intake, store=store, explain=lambda _: [])  # type: ignore[arg-type]
    add_stripe_webhooks(app, intake, account=account, secret=WEBHOOK_SECRET)
    with ExitStack() as stack:
        runner = stack.enter_context(asyncio.Runner())
        stack.callback(lambda: runner.run(account.close()))

        async def post(body: bytes, signature: str) -> httpx.Response:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://web") as client:
                headers = {"stripe-signature": signature} if signature else {}
                return await client.post("/webhooks/stripe", content=body, headers=headers)

        def send(event: Thing, *, signature: str | None = None, spoil: bytes = b"") -> httpx.Response:
            body, good = stripe.signed(event)
            return runner.run(post(body + spoil, good if signature is None else signature))

        yield send


def send_all(send: Send, stripe: StripeServer) -> None:
    for event in stripe.books.events:
        assert send(event).status_code == 200


def told(store: ReadableStore) -> list[tuple[str, str, Thing]]:
    return [(letter.type, letter.key, orjson.loads(letter.body)) for letter in store.letters]


def test_a_customer_who_confirms_at_the_bank_is_told_to_the_order(
    stripe: StripeServer, send: Send, store: ReadableStore
) -> None:
    assert isinstance(pay(stripe, "payment.authorize", hold("pm_3ds")), PaymentActionRequired)
    stripe.books.confirm("pi_1")
    send_all(send, stripe)
    assert told(store) == [("payment.confirmed", "SO-1", {"payment": "1"})]


def test_what_stands_at_once_needs_no_event(stripe: StripeServer, send: Send, store: ReadableStore) -> None:
    pay(stripe, "payment.authorize", hold())
    pay(stripe, "payment.capture", taking(3000))
    pay(stripe, "payment.void", hold(amount=5000))
    send_all(send, stripe)
    assert len(stripe.books.events) == 3
    assert told(store) == []


def test_a_hold_that_runs_out_is_told_for_what_was_not_taken(
    stripe: StripeServer, send: Send, store: ReadableStore
) -> None:
    pay(stripe, "payment.authorize", hold())
    pay(stripe, "payment.capture", taking(3000))
    stripe.ahead = 8 * DAY
    pay(stripe, "payment.void", hold(amount=5000))
    send_all(send, stripe)
    assert told(store) == [("payment.lapsed", "SO-1", {"payment": "1", "amount": 5000})]


def test_money_that_the_bank_takes_back_and_gives_back(
    stripe: StripeServer, send: Send, store: ReadableStore
) -> None:
    pay(stripe, "payment.authorize", hold())
    pay(stripe, "payment.capture", taking(8000))
    stripe.books.dispute("pi_1", amount=3500, event="funds_withdrawn")
    stripe.books.dispute("pi_1", amount=3500, event="funds_reinstated")
    send_all(send, stripe)
    money: Thing = {"payment": "1", "amount": 3500}
    assert told(store) == [
        ("payment.disputed", "SO-1", {**money, "reason": "product not received"}),
        ("payment.dispute_won", "SO-1", money),
    ]


def test_stripe_sends_again_what_we_could_not_look_up(
    stripe: StripeServer, send: Send, store: ReadableStore
) -> None:
    pay(stripe, "payment.authorize", hold())
    pay(stripe, "payment.capture", taking(8000))
    stripe.books.dispute("pi_1", amount=8000, event="funds_withdrawn")
    stripe.failing = [(500, {})]
    answer = send(stripe.books.events[-1])
    assert (answer.status_code, answer.json()["code"]) == (503, "busy")
    assert told(store) == []
    assert send(stripe.books.events[-1]).status_code == 200
    assert len(told(store)) == 1


@pytest.mark.parametrize(
    ("token", "answer", "status", "events"),
    [
        ("pm_refund_pending", RefundPending, "succeeded", ["refund.confirmed"]),
        ("pm_refund_pending", RefundPending, "failed", ["refund.bounced", "refund.reversed"]),
        ("pm_ok", RefundPaid, "failed", ["refund.bounced", "refund.reversed"]),
    ],
)
def test_what_becomes_of_a_refund_is_told_to_its_case(
    stripe: StripeServer,
    send: Send,
    store: ReadableStore,
    *,
    token: str,
    answer: type[object],
    status: str,
    events: list[str],
) -> None:
    pay(stripe, "payment.authorize", hold(token))
    pay(stripe, "payment.capture", taking(8000))
    assert isinstance(pay(stripe, "payment.refund", pay_back(3000)), answer)
    stripe.books.settle("re_1", status=status)
    send_all(send, stripe)
    assert [(type, key) for type, key, _ in told(store)] == [(event, "SO-1-R") for event in events]


def test_a_webhook_sent_twice_is_taken_once(stripe: StripeServer, send: Send, store: ReadableStore) -> None:
    pay(stripe, "payment.authorize", hold("pm_3ds"))
    stripe.books.confirm("pi_1")
    for _ in range(2):
        send_all(send, stripe)
    assert len(store.letters) == 1


def test_a_signature_that_does_not_fit_is_refused(
    stripe: StripeServer, send: Send, store: ReadableStore
) -> None:
    pay(stripe, "payment.authorize", hold("pm_3ds"))
    stripe.books.confirm("pi_1")
    (event,) = stripe.books.events
    _, other = stripe.signed({**event, "id": "evt_other"})
    for answer in (send(event, spoil=b" "), send(event, signature=""), send(event, signature=other)):
        assert (answer.status_code, answer.json()["code"]) == (401, "signature-wrong")
    assert store.letters == []


def test_what_is_not_about_our_payments_is_left_alone(
    stripe: StripeServer, send: Send, store: ReadableStore
) -> None:
    for type in ("customer.created", "refund.updated", "charge.expired", "charge.dispute.funds_withdrawn"):
        assert send({"id": "evt_1", "type": type, "data": {"object": {"id": "x"}}}).status_code == 200
    assert store.letters == []
