"""Limits per customer and period, as the simulated world counts them from the orders it was asked about."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adapters.world import simulated_world
from adapters.world.book import Book, MemoryBook, SqliteBook
from adapters.world.purchases import LIMITS, PurchaseLimit, Purchases
from machines.between import Pick
from machines.kernel.command import Command
from machines.kernel.event import Event, Facts
from machines.order import asks
from machines.order.data import Line, Order
from machines.order.events import OrderCancelRequested, OrderPlaced
from machines.order.outcomes import LimitsReleased, OrderBlocked, RestrictionsCleared, RestrictionsOffer
from tests.machines.play import Answer, Play

START = datetime(2026, 12, 1, 9, tzinfo=UTC)
RULE = "VASE-LIMITED: at most 5 per customer in 30 days, other orders included"


class Shop:
    """A world whose clock stands where the test puts it."""

    def __init__(
        self,
        book: Book | None,
        *,
        limits: tuple[PurchaseLimit, ...] = LIMITS,
        purchases: Purchases | None = None,
    ) -> None:
        self.now = START
        self._asked = 0
        self._world = simulated_world(
            7, book=book, clock=lambda: self.now, limits=limits, purchases=purchases
        )

    def check(self, order: str, pieces: int, *, customer: str = "C-1", key: str = "", **more: int) -> Event:
        wanted = {"VASE-LIMITED": pieces, **more}
        lines = tuple(Line(sku=sku, quantity=count, price=100) for sku, count in wanted.items() if count)
        asked = asks.Restrictions(
            order=order, customer=customer, channel="web", country="DE", zone="10", lines=lines
        )
        return self._perform("restrictions.check", asked, key)

    def release(self, order: str, kept: int = 0) -> Event:
        items = (Pick(sku="VASE-LIMITED", quantity=kept),) if kept else ()
        return self._perform("restrictions.release", asks.Kept(order=order, customer="C-1", items=items), "")

    def answer(self, name: str) -> Answer:
        return lambda asked: self._perform(name, asked, "")

    def _perform(self, name: str, asked: Facts, key: str) -> Event:
        self._asked += 1
        command = Command(name, key or f"k{self._asked}", asked)
        return asyncio.run(self._world["restrictions"].perform(command))


@pytest.fixture(params=["without", "memory", "file"])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shop]:
    if request.param == "file":
        with closing(SqliteBook(tmp_path / "book.sqlite")) as book:
            yield Shop(book)
    else:
        yield Shop(MemoryBook() if request.param == "memory" else None)


def left(answer: Event) -> dict[str, int]:
    assert isinstance(answer, RestrictionsOffer), answer
    return {pick.sku: pick.quantity for pick in answer.offer.available}


def test_two_orders_that_together_exceed_the_limit_get_what_is_left_and_the_rule(shop: Shop) -> None:
    assert isinstance(shop.check("SO-1", 3), RestrictionsCleared)
    answer = shop.check("SO-2", 3)
    assert left(answer) == {"VASE-LIMITED": 2}
    assert isinstance(answer, RestrictionsOffer)
    assert answer.offer.reason == RULE


def test_where_nothing_is_left_the_order_is_blocked_with_the_rule(shop: Shop) -> None:
    shop.check("SO-1", 5)
    assert shop.check("SO-2", 1) == OrderBlocked(rule="limit per customer", reason=RULE)


def test_what_no_limit_concerns_can_still_be_had(shop: Shop) -> None:
    shop.check("SO-1", 5)
    assert left(shop.check("SO-2", 1, CUP=4)) == {"CUP": 4}


def test_one_order_above_the_limit_is_reduced_too(shop: Shop) -> None:
    assert left(shop.check("SO-1", 7)) == {"VASE-LIMITED": 5}


def test_other_customers_and_the_order_itself_do_not_count(shop: Shop) -> None:
    shop.check("SO-1", 5)
    assert isinstance(shop.check("SO-2", 5, customer="C-2"), RestrictionsCleared)
    assert isinstance(shop.check("SO-1", 4), RestrictionsCleared)  # checked anew after a change
    assert left(shop.check("SO-3", 2)) == {"VASE-LIMITED": 1}


def test_a_changed_order_counts_as_it_is_now(shop: Shop) -> None:
    shop.check("SO-1", 5)
    shop.check("SO-1", 0, CUP=1)
    assert isinstance(shop.check("SO-2", 5), RestrictionsCleared)


def test_a_cancelled_order_counts_no_longer(shop: Shop) -> None:
    shop.check("SO-1", 5)
    assert isinstance(shop.release("SO-1"), LimitsReleased)
    assert isinstance(shop.check("SO-2", 5), RestrictionsCleared)


def test_of_a_part_cancelled_order_counts_what_the_customer_has(shop: Shop) -> None:
    shop.check("SO-1", 5)
    shop.release("SO-1", kept=2)
    assert left(shop.check("SO-2", 5)) == {"VASE-LIMITED": 3}


def test_orders_before_the_period_do_not_count(shop: Shop) -> None:
    shop.check("SO-1", 5)
    shop.now += timedelta(days=29)
    assert isinstance(shop.check("SO-2", 1), OrderBlocked)
    shop.now += timedelta(days=2)
    assert isinstance(shop.check("SO-3", 5), RestrictionsCleared)


def test_the_same_question_twice_gets_the_same_answer(shop: Shop) -> None:
    first = shop.check("SO-1", 3, key="k")
    shop.check("SO-2", 2)
    assert shop.check("SO-1", 3, key="k") == first
    assert isinstance(shop.check("SO-3", 1), OrderBlocked)


def test_the_rule_is_configured() -> None:
    shop = Shop(None, limits=(PurchaseLimit("-LIMITED", 1, timedelta(days=7)),))
    answer = shop.check("SO-1", 2)
    assert left(answer) == {"VASE-LIMITED": 1}
    assert isinstance(answer, RestrictionsOffer)
    assert "at most 1 per customer in 7 days" in answer.offer.reason


def test_two_workers_with_one_book_count_together(tmp_path: Path) -> None:
    path = tmp_path / "book.sqlite"
    with closing(SqliteBook(path)) as one, closing(SqliteBook(path)) as other:
        assert isinstance(Shop(one).check("SO-1", 4, key="a"), RestrictionsCleared)
        assert left(Shop(other).check("SO-2", 4, key="b")) == {"VASE-LIMITED": 1}


# -- orders and the world together -----------------------------------------------------------------


def test_orders_of_one_customer_share_a_limit_until_one_is_cancelled(shop: Shop) -> None:
    """The first order is not even paid, and counts all the same; once it is cancelled it does not."""
    answers: dict[str, list[Answer]] = {
        "restrictions.check": [shop.answer("restrictions.check")] * 3,
        "restrictions.release": [shop.answer("restrictions.release")],
    }
    play = Play(answers=answers, held=["payment.authorize"])
    for number in (1, 2):
        play.tell(f"order/SO-{number}", placed(f"SO-{number}"))
    assert play.state("order/SO-1") == "authorising"
    assert play.state("order/SO-2") == "awaiting_choice"
    second = play.cases["order/SO-2"].data
    assert isinstance(second, Order)
    assert second.offer is not None
    assert second.offer.reason == RULE
    play.tell("order/SO-1", OrderCancelRequested(customer="C-1"))
    play.answer("payment.authorize")
    assert play.state("order/SO-1") == "cancelled"
    play.tell("order/SO-3", placed("SO-3"))
    assert play.state("order/SO-3") == "authorising"


def placed(order: str) -> OrderPlaced:
    lines = [{"sku": "VASE-LIMITED", "quantity": 3, "price": 1000}]
    return OrderPlaced.model_validate({**OrderPlaced.examples[0], "order": order, "lines": lines})


def test_two_workers_without_a_book_count_together_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "purchases.db"
    one, other = (Shop(None, purchases=Purchases.in_file(path)) for _ in range(2))
    assert isinstance(one.check("SO-1", 4, key="a"), RestrictionsCleared)
    assert left(other.check("SO-2", 4, key="b")) == {"VASE-LIMITED": 1}
    other.release("SO-1", kept=2)
    assert left(one.check("SO-3", 4, key="c")) == {"VASE-LIMITED": 2}
