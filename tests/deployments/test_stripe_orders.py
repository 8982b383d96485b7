"""Orders paid through Stripe, by the whole of one installation: drive loop, store and webhooks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from adapters.web import create_app
from deployments.bootstrap import Application, open_application
from deployments.driving import running_driver
from deployments.providers import add_webhooks
from deployments.settings import Settings
from tests.adapters.test_web import served
from tests.conftest_prefect import eventually
from tests.deployments.test_providers import ORDER
from tests.stripe_server import KEY, WEBHOOK_SECRET, StripeServer


@dataclass(frozen=True)
class Shop:
    app: Application
    stripe: StripeServer
    address: str

    def place(self, token: str) -> None:
        data = {**ORDER, "payments": [{"means": "card", "token": token}]}
        self.app.submit({"id": "1", "type": "order.placed", "subject": "SO-1", "data": data})

    def comes_to(self, state: str) -> None:
        def there() -> bool:
            return any(case.state == state for case in self.app.store.find_case(key="SO-1", sop="order"))

        eventually(there, seconds=60)

    def tell_webhooks(self) -> None:
        for event in self.stripe.books.events:
            body, signature = self.stripe.signed(event)
            answer = httpx.post(self.address, content=body, headers={"stripe-signature": signature})
            assert answer.status_code == 200

    @property
    def intents(self) -> list[dict[str, Any]]:
        return list(self.stripe.books.intents.values())


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with StripeServer().running() as stripe:
        payment = {"kind": "stripe", "key": KEY, "webhook_secret": WEBHOOK_SECRET, "api_base": stripe.url}
        settings = Settings.model_validate({"home": tmp_path, "providers": {"payment": payment}})
        with open_application(settings) as app:
            api = create_app(app.intake, store=app.store, explain=app.explain)
            add_webhooks(api, settings, intake=app.intake)
            with served(api) as address, running_driver(app):
                yield Shop(app, stripe, f"{address}/webhooks/stripe")


def test_the_money_of_an_order_is_held_and_let_go_when_it_is_cancelled(shop: Shop) -> None:
    shop.place("pm_ok")
    eventually(lambda: bool(shop.app.store.steps(command="warehouse.submit")), seconds=60)
    (intent,) = shop.intents
    assert (intent["status"], intent["amount"], intent["currency"]) == ("requires_capture", 3000, "eur")
    cancel = {"customer": "C-1", "reason": "changed mind"}
    shop.app.submit({"id": "2", "type": "order.cancel", "subject": "SO-1", "data": cancel})
    eventually(lambda: shop.intents[0]["status"] == "canceled", seconds=60)


def test_an_answer_lost_on_the_way_holds_the_money_once(shop: Shop) -> None:
    shop.stripe.lose = 1
    shop.place("pm_ok")
    eventually(lambda: bool(shop.app.store.steps(command="warehouse.submit")), seconds=60)
    assert len(shop.intents) == 1
    (step,) = shop.app.store.steps(command="payment.authorize")
    assert (step.attempts, step.outcome) == (2, "payment.authorized")


def test_an_order_goes_on_when_its_customer_has_confirmed_at_the_bank(shop: Shop) -> None:
    shop.place("pm_3ds")
    shop.comes_to("awaiting_payment_confirmation")
    shop.stripe.books.confirm("pi_1")
    shop.tell_webhooks()
    eventually(lambda: bool(shop.app.store.steps(command="warehouse.submit")), seconds=60)
    assert [intent["status"] for intent in shop.intents] == ["requires_capture"]


def test_a_declined_card_is_answered_with_the_question_for_another(shop: Shop) -> None:
    shop.place("pm_declined")
    shop.comes_to("awaiting_means")
    assert [charge["status"] for charge in shop.stripe.books.charges.values()] == ["failed"]
