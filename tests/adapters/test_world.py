from __future__ import annotations

import asyncio
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from adapters.command import Adapter
from adapters.errors import Rejected, Unavailable
from adapters.master_key import MasterKeys
from adapters.sealing import Vault
from adapters.world import simulated_world
from adapters.world.behaviour import BEHAVIOURS
from adapters.world.book import Book, MemoryBook, SqliteBook, applied_by_effect, requested_by_command
from adapters.world.faults import Faults, FaultSyntax
from adapters.world.message import Outbox
from machines.between import Address, Means, Pick
from machines.catalogue import CATALOGUE
from machines.kernel.command import Command
from machines.kernel.event import Event, Facts
from machines.messages import Buyer, Channel, Message, MessageSent, MessageUndeliverable
from machines.order import asks
from machines.order.data import Charge, Line
from machines.order.events import (
    CancellationAccepted,
    CancellationRejected,
)
from machines.order.outcomes import (
    AddressUndeliverable,
    CancellationNoted,
    CaptureDeclined,
    MeansUnusable,
    NothingToVoid,
    OrderBlocked,
    OrderSuspicious,
    OrderVerified,
    PaymentActionRequired,
    PaymentAuthorized,
    PaymentCaptured,
    PaymentDeclined,
    PaymentReauthorized,
    PaymentVoided,
    RestrictionsCleared,
    RestrictionsOffer,
    StockExpected,
    StockReserved,
    StockShort,
    WarehouseAccepted,
    WarehouseRejected,
    WarehouseReported,
)
from machines.refund import commands as refunding
from machines.refund.events import PaidOut, PayoutFailed, RefundFailed, RefundPaid, RefundPending
from machines.shipment import commands as shipping
from machines.shipment.events import (
    ClaimFiled,
    ClaimRefused,
    DeliveryNotProved,
    DeliveryProved,
    LabelBought,
    LabelRefused,
    LabelSpent,
    LabelVoided,
)
from tests.adapters.toys import ToyStore

NOW = datetime(2026, 12, 1, 9, tzinfo=UTC)
ALL = [kind for procedure in CATALOGUE for kind in procedure.commands.values()]


def world(
    *,
    book: Book | None = None,
    faults: Faults | str = "",
    vault: Vault | None = None,
    outbox: Outbox | None = None,
    latency: float = 0.0,
) -> Mapping[str, Adapter]:
    return simulated_world(
        7,
        book=book,
        faults=Faults(faults) if isinstance(faults, str) else faults,
        vault=vault,
        outbox=outbox,
        latency=latency,
        clock=lambda: NOW,
    )


async def perform(adapters: Mapping[str, Adapter], command: Command) -> Event:
    return await adapters[command.name.partition(".")[0]].perform(command)


def ask(name: str, arguments: Facts, *, key: str = "k1", to: Mapping[str, Adapter] | None = None) -> Event:
    return asyncio.run(perform(world() if to is None else to, Command(name, key, arguments)))


def hold(token: str = "tok_1", *, payment: str = "1") -> asks.Hold:
    return asks.Hold(
        order="SO-1", payment=payment, means=Means.CARD, token=token, amount=3000, currency="EUR"
    )


def taking(token: str = "tok_1", *, parcel: str = "SO-1-1") -> asks.Taking:
    charge = Charge(payment="1", parcel=parcel, amount=3000)
    return asks.Taking(order="SO-1", charge=charge, token=token, currency="EUR")


def verification(*, customer: str = "C-1", total: int = 1, token: str = "t", zone: str = "10") -> Facts:
    home = Address(street="1 Sample Street", city="Berlin", postcode="10115", zone=zone, country="DE")
    return asks.Verification(
        order="SO-1", customer=customer, currency="EUR", total=total, ship_to=home, tokens=(token,)
    )


def restrictions(sku: str = "MUG", *, quantity: int = 1, country: str = "DE", zone: str = "10") -> Facts:
    line = Line(sku=sku, quantity=quantity, price=100)
    return asks.Restrictions(
        order="SO-1", customer="C-1", channel="web", country=country, zone=zone, lines=(line,)
    )


def pieces(*skus: str) -> asks.Pieces:
    return asks.Pieces(order="SO-1", items=tuple(Pick(sku=sku, quantity=2) for sku in skus))


def submission(*skus: str) -> Facts:
    items = tuple(Pick(sku=sku, quantity=1) for sku in skus)
    return asks.Submission(order="SO-1", items=items, deliver_by=date(2026, 12, 4))


def parcels(order: str = "SO-1") -> Facts:
    return asks.Parcels(order=order, parcels=("P-1", "P-2"))


ANSWERS: list[tuple[str, Facts, type[Event]]] = [
    ("order.verify", verification(), OrderVerified),
    ("order.verify", verification(customer="NEW-1", total=49_999), OrderVerified),
    ("order.verify", verification(customer="NEW-1", total=50_000), OrderSuspicious),
    ("order.verify", verification(token="tok_stolen_2"), OrderSuspicious),
    ("order.verify", verification(token="tok_unusable"), MeansUnusable),
    ("order.verify", verification(zone="00"), AddressUndeliverable),
    ("restrictions.check", restrictions(), RestrictionsCleared),
    ("restrictions.check", restrictions(country="AQ"), OrderBlocked),
    ("restrictions.check", restrictions("MUG-LOCAL", zone="80"), RestrictionsOffer),
    ("restrictions.check", restrictions("MUG-LOCAL", zone="10"), RestrictionsCleared),
    ("restrictions.check", restrictions(quantity=11), RestrictionsOffer),
    ("restrictions.check", restrictions("SOFA-BULKY"), RestrictionsOffer),
    ("stock.reserve", pieces("MUG", "CUP"), StockReserved),
    ("stock.reserve", pieces("MUG", "CUP-OUT"), StockShort),
    ("stock.reserve", pieces("CUP-BACK"), StockShort),
    ("stock.forecast", pieces("CUP-OUT"), StockExpected),
    ("payment.authorize", hold(), PaymentAuthorized),
    ("payment.authorize", hold("tok_declined_3"), PaymentDeclined),
    ("payment.authorize", hold("tok_3ds"), PaymentActionRequired),
    ("payment.reauthorize", hold("tok_expiring"), PaymentReauthorized),
    ("payment.reauthorize", hold("tok_expiring_once"), PaymentDeclined),
    ("payment.void", hold(), PaymentVoided),
    ("payment.void", hold("tok_lapsed"), NothingToVoid),
    ("payment.capture", taking(), PaymentCaptured),
    ("payment.capture", taking("tok_nocapture"), CaptureDeclined),
    ("warehouse.submit", submission("MUG"), WarehouseAccepted),
    ("warehouse.submit", submission("MUG-NOTFOUND"), WarehouseRejected),
    ("warehouse.cancel", parcels(), CancellationAccepted),
    ("warehouse.cancel", parcels("SO-1-SHIPPED"), CancellationRejected),
    ("warehouse.cancel", parcels("SO-1-SLOW"), CancellationNoted),
    ("warehouse.report", parcels("SO-1-PACKED"), WarehouseReported),
]


@pytest.mark.parametrize(("name", "arguments", "outcome"), ANSWERS)
def test_answers_by_what_is_in_the_request(name: str, arguments: Facts, outcome: type[Event]) -> None:
    answer = ask(name, arguments)
    assert type(answer) is outcome
    kind = next(kind for kind in ALL if kind.name == name)
    assert outcome in kind.outcomes


def label(sku: str = "MUG", *, carrier: str = "standard", country: str = "DE") -> Facts:
    home = Address(street="1 Sample Street", city="Berlin", postcode="10115", zone="10", country=country)
    items = (Pick(sku=sku, quantity=1),)
    return shipping.LabelRequest(parcel="SO-1-1", carrier=carrier, ship_to=home, items=items)


def shipped(parcel: str = "SO-1-1", *, value: int = 3000) -> Facts:
    return shipping.Parcel(parcel=parcel, carrier="standard", tracking="t", value=value, reason="lost")


def owed(order: str = "SO-1") -> Facts:
    return refunding.PayBack(
        refund="R-1", order=order, payment="1", means=Means.CARD, amount=3000, currency="EUR"
    )


def payout(refund: str = "R-1") -> Facts:
    return refunding.PayOut(
        refund=refund, customer="C-1", means=Means.STORE_CREDIT, account=None, amount=3000, currency="EUR"
    )


CHILDREN: list[tuple[str, Facts, Event]] = [
    ("carrier.buy_label", label(), LabelBought(tracking="standard:SO-1-1")),
    ("carrier.buy_label", label(country="AQ"), LabelRefused(reason="no carrier goes to that country")),
    (
        "carrier.buy_label",
        label("ACID-HAZARD"),
        LabelRefused(reason="standard does not carry hazardous goods"),
    ),
    ("carrier.buy_label", label("ACID-HAZARD", carrier="express"), LabelBought(tracking="express:SO-1-1")),
    ("payment.refund", owed(), RefundPaid(payment="1", amount=3000)),
    ("payment.refund", owed("SO-1-REFUNDFAILS"), RefundFailed(payment="1", reason="card closed")),
    ("payment.refund", owed("SO-1-REFUNDSLOW"), RefundPending(payment="1", reason="processing")),
    ("payment.pay_out", payout(), PaidOut(amount=3000)),
    ("payment.pay_out", payout("R-UNPAYABLE-1"), PayoutFailed(reason="account closed")),
    ("carrier.void_label", shipped(), LabelVoided()),
    ("carrier.void_label", shipped("SO-1-SPENT-1"), LabelSpent()),
    ("carrier.claim", shipped(value=50_000), ClaimFiled()),
    ("carrier.claim", shipped(value=50_001), ClaimRefused(reason="insured up to 500.00")),
    ("carrier.prove_delivery", shipped(), DeliveryProved()),
    ("carrier.prove_delivery", shipped("SO-1-UNPROVED-1"), DeliveryNotProved()),
]


@pytest.mark.parametrize(("name", "arguments", "outcome"), CHILDREN)
def test_carrier_and_refunds_answer_by_what_is_in_the_request(
    name: str, arguments: Facts, outcome: Event
) -> None:
    assert ask(name, arguments) == outcome


def test_figures_of_some_answers() -> None:
    expiring = ask("payment.authorize", hold("tok_expiring"))
    assert isinstance(expiring, PaymentAuthorized)
    assert expiring.capture_before == NOW + timedelta(hours=2)
    short = ask("stock.reserve", pieces("MUG", "CUP-BACK"))
    assert isinstance(short, StockShort)
    assert [item.sku for item in short.offer.available] == ["MUG"]
    assert short.offer.restock == NOW + timedelta(days=10)
    split = ask("warehouse.submit", submission("SOFA-HEAVY", "MUG", "CUP"))
    assert isinstance(split, WarehouseAccepted)
    assert [len(parcel.items) for parcel in split.parcels] == [1, 2]


def test_a_payment_that_was_confirmed_is_authorised_when_asked_again(book: Book) -> None:
    for adapters in (world(), world(book=book)):
        for _ in range(2):
            first = ask("payment.authorize", hold("tok_3ds"), key="k1", to=adapters)
            assert isinstance(first, PaymentActionRequired)
        again = ask("payment.authorize", hold("tok_3ds"), key="k2", to=adapters)
        assert isinstance(again, PaymentAuthorized)
        other = ask("payment.authorize", hold("tok_3ds", payment="2"), key="k3", to=adapters)
        assert isinstance(other, PaymentActionRequired)


def test_a_backorder_has_come_in_when_asked_again() -> None:
    adapters = world()
    assert isinstance(ask("stock.reserve", pieces("CUP-BACK"), key="k1", to=adapters), StockShort)
    assert isinstance(ask("stock.reserve", pieces("CUP-BACK"), key="k2", to=adapters), StockReserved)
    assert isinstance(ask("stock.reserve", pieces("CUP-BACK", "MUG-OUT"), to=adapters), StockShort)


def test_a_refund_that_fails_once_is_paid_when_asked_again() -> None:
    adapters = world()
    assert isinstance(ask("payment.refund", owed("SO-1-REFUNDONCE"), key="k1", to=adapters), RefundFailed)
    assert isinstance(ask("payment.refund", owed("SO-1-REFUNDONCE"), key="k2", to=adapters), RefundPaid)


def test_every_behaviour_belongs_to_a_command() -> None:
    assert set(BEHAVIOURS) <= {kind.name for kind in ALL}


def test_an_unknown_command_is_rejected() -> None:
    with pytest.raises(Rejected, match=r"payment\.steal"):
        ask("payment.steal", hold())


@pytest.fixture(params=["memory", "sqlite"])
def book(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Book]:
    if request.param == "memory":
        yield MemoryBook()
        return
    with closing(SqliteBook(tmp_path / "book.sqlite")) as kept:
        yield kept


def test_the_same_key_twice_has_one_effect_and_one_answer(book: Book) -> None:
    adapters = world(book=book)
    first = ask("payment.capture", taking(), to=adapters)
    again = ask("payment.capture", taking("tok_nocapture"), to=adapters)
    assert first == again
    (line,) = book.lines()
    assert (line.key, line.effect, line.requested, line.applied) == (
        "k1",
        "payment.capture SO-1 SO-1-1/1",
        2,
        1,
    )


def test_two_keys_for_one_effect_are_found_out(book: Book) -> None:
    adapters = world(book=book)
    for key in ("k1", "k2"):
        ask("payment.capture", taking(), key=key, to=adapters)
    ask("payment.capture", taking(parcel="SO-1-2"), key="k3", to=adapters)
    assert applied_by_effect(book) == {"payment.capture SO-1 SO-1-1/1": 2, "payment.capture SO-1 SO-1-2/1": 1}
    assert requested_by_command(book) == {"payment.capture": 3}


def test_what_is_declined_has_no_effect(book: Book) -> None:
    ask("payment.authorize", hold("tok_declined"), to=world(book=book))
    assert sum(applied_by_effect(book).values()) == 0


def test_a_failed_call_counts_as_asked_and_the_next_one_does_it(book: Book) -> None:
    adapters = world(book=book, faults="payment.*: 503 x 2")
    for _ in range(2):
        with pytest.raises(Unavailable, match="answered 503"):
            ask("payment.capture", taking(), to=adapters)
    assert [(line.requested, line.applied, line.answer) for line in book.lines()] == [(2, 0, None)]
    ask("payment.capture", taking(), to=adapters)
    assert [(line.requested, line.answered, line.applied) for line in book.lines()] == [(3, 1, 1)]


def test_a_lost_answer_leaves_the_effect_and_the_repeat_gets_it(book: Book) -> None:
    adapters = world(book=book, faults="payment.capture: lost-answer x 1")
    with pytest.raises(Unavailable, match="before the answer came"):
        ask("payment.capture", taking(), to=adapters)
    assert sum(applied_by_effect(book).values()) == 1
    assert isinstance(ask("payment.capture", taking(), to=adapters), PaymentCaptured)
    assert [(line.requested, line.applied) for line in book.lines()] == [(2, 1)]


def test_commands_at_the_same_time_are_each_counted(book: Book) -> None:
    adapters = world(book=book)

    async def rush() -> None:
        calls = [Command("payment.capture", f"k{n % 100}", taking(parcel=f"P-{n % 100}")) for n in range(300)]
        await asyncio.gather(*(perform(adapters, call) for call in calls))

    asyncio.run(rush())
    assert {(line.requested, line.applied) for line in book.lines()} == {(3, 1)}
    assert len(book.lines()) == 100


WORKER = """
import asyncio, sys
from pathlib import Path
from adapters.world.book import SqliteBook
from tests.adapters.test_world import Command, perform, taking, world

async def work(book):
    adapters = world(book=book)
    for turn in range(1000):
        calls = [Command("payment.capture", f"k{turn}-{n}", taking(parcel=f"P-{turn}-{n}")) for n in range(8)]
        for call, _ in zip(calls, await asyncio.gather(*(perform(adapters, call) for call in calls))):
            print(call.key, flush=True)

asyncio.run(work(SqliteBook(Path(sys.argv[1]))))
"""


@pytest.mark.crash
def test_what_was_answered_is_in_the_book_after_kill_9(tmp_path: Path) -> None:
    path = tmp_path / "book.sqlite"
    root = Path(__file__).parents[2]
    worker = subprocess.Popen([sys.executable, "-c", WORKER, str(path)], stdout=subprocess.PIPE, cwd=root)
    assert worker.stdout is not None
    answered = [worker.stdout.readline().decode().strip() for _ in range(200)]
    os.kill(worker.pid, signal.SIGKILL)
    answered += worker.stdout.read().decode().split("\n")[:-1]
    worker.wait()
    worker.stdout.close()
    with closing(SqliteBook(path)) as book:
        lines = {line.key: line for line in book.lines()}
    assert len(answered) >= 200
    assert all(lines[key].applied == 1 for key in answered)


def test_two_workers_share_a_book(tmp_path: Path) -> None:
    one, two = SqliteBook(tmp_path / "book.sqlite"), SqliteBook(tmp_path / "book.sqlite")
    first = ask("payment.authorize", hold("tok_expiring"), to=world(book=one))
    assert ask("payment.authorize", hold(), to=world(book=two)) == first
    assert [(line.requested, line.applied) for line in one.lines()] == [(2, 1)]
    one.close()
    two.close()


def test_faults_by_pattern_key_and_chance() -> None:
    faults = Faults("# night shift\n\npayment.*: 503 x 1 each  # the provider\norder.verify: permanent\n")
    adapters = world(faults=faults)
    for key in ("a", "b"):
        with pytest.raises(Unavailable):
            ask("payment.void", hold(), key=key, to=adapters)
        assert ask("payment.void", hold(), key=key, to=adapters)
    with pytest.raises(Rejected, match="refused for good"):
        ask("order.verify", verification(), to=adapters)
    assert ask("stock.reserve", pieces("MUG"), to=adapters)

    def struck(seed: int) -> list[bool]:
        some = Faults("payment.*: 503 20%")
        return [some.strike("payment.void", f"k{n}", seed=seed).failure is not None for n in range(500)]

    assert 60 < sum(struck(1)) < 140
    assert struck(1) == struck(1)
    assert struck(1) != struck(2)


def test_slow_and_timeout_wait() -> None:
    adapters = world(faults="payment.void: slow 50ms\npayment.capture: timeout 60ms")
    started = time.monotonic()
    assert ask("payment.void", hold(), to=adapters)
    with pytest.raises(Unavailable, match=r"no answer within 0\.06 s"):
        ask("payment.capture", taking(), to=adapters)
    assert time.monotonic() - started >= 0.1


def test_a_hanging_call_delays_no_other() -> None:
    adapters = world(faults="payment.capture: slow 5s x 1")

    async def together() -> float:
        hanging = asyncio.create_task(perform(adapters, Command("payment.capture", "slow", taking())))
        await asyncio.sleep(0)
        started = time.monotonic()
        await asyncio.gather(
            *(perform(adapters, Command("payment.capture", f"k{n}", taking())) for n in range(50))
        )
        took = time.monotonic() - started
        hanging.cancel()
        return took

    assert asyncio.run(together()) < 1


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("payment.capture 503", "line 1.*write COMMAND: WHAT"),
        ("\n\npayment.capture: melt", "line 3.*'melt' is not known; take 429"),
        ("payment.capture: 404", "line 1.*500 to 599"),
        ("payment.capture: slow", "line 1: slow needs a duration"),
        ("payment.capture: 503 x many", "line 1"),
    ],
)
def test_a_fault_that_cannot_be_read_says_line_and_remedy(text: str, remedy: str) -> None:
    with pytest.raises(FaultSyntax, match=remedy):
        Faults(text)


def test_faults_are_switched_by_call_and_by_file(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "faults"
    faults = Faults(file=file)
    adapters = world(faults=faults)

    def fails() -> bool:
        faults._look_again = 0.0
        try:
            ask("payment.void", hold(), to=adapters)
        except Unavailable:
            return True
        return False

    assert not fails()
    file.write_text("payment.*: 503\n")
    assert fails()
    file.write_text("payment.*: oops\n")
    os.utime(file, ns=(1, 1))
    with caplog.at_level(logging.ERROR):
        assert fails()
    assert "line 1: 'oops' is not known" in caplog.text
    file.unlink()
    assert not fails()
    faults.set("payment.void: 500")
    assert fails()


def test_latency_is_the_mean_of_an_answer() -> None:
    adapters = world(latency=0.02)
    started = time.monotonic()
    ask("payment.void", hold(), to=adapters)
    assert time.monotonic() - started >= 0.01


def letter(to: Buyer) -> Message:
    return Message(template="order.replacement", customer="C-1", to=to, locale="en", about="SO-1", facts={})


def sealed_buyer(vault: Vault, *, email: str = "ada@customer.example") -> Buyer:
    class Contact(Event):
        buyer: Buyer

    buyer = Buyer(name="Ada Example", email=email, phone="+49 30 5550100")
    body = vault.seal_event(Contact(buyer=buyer), customer="C-1")
    return Contact.model_validate_json(body).buyer


def test_a_message_is_addressed_for_the_time_of_sending(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    vault = Vault(ToyStore(), master=MasterKeys(b"m" * 32))
    outbox = Outbox(kept=2, folder=tmp_path / "outbox")
    adapters = world(vault=vault, outbox=outbox, book=MemoryBook())
    buyer = sealed_buyer(vault)
    with caplog.at_level(logging.DEBUG):
        for key in ("order/SO-1/message.send/1", "order/SO-1/message.send/1", "k2", "k3"):
            answer = ask("message.send", letter(buyer), key=key, to=adapters)
            assert isinstance(answer, MessageSent)
            assert f"Dear {buyer.name}," in answer.text, "what is kept with the case has the name sealed"
    assert outbox.count == 3
    assert [sent.key for sent in outbox.last] == ["k2", "k3"]
    assert outbox.last[0].address == "ada@customer.example"
    file = tmp_path / "outbox" / "order_SO-1_message.send_1.txt"
    assert file.read_text().startswith("To: ada@customer.example\nSubject: A new parcel for you (SO-1)\n")
    assert "Dear Ada Example," in file.read_text()
    assert file.stat().st_mode & 0o077 == 0
    assert "Ada" not in caplog.text + repr(outbox.last)


def test_a_customer_who_prefers_text_messages_gets_them_at_that_number() -> None:
    vault, outbox = Vault(ToyStore(), master=MasterKeys(b"m" * 32)), Outbox()
    buyer = sealed_buyer(vault).model_copy(update={"channel": Channel.SMS})
    ask("message.send", letter(buyer), to=world(vault=vault, outbox=outbox))
    without_number = buyer.model_copy(update={"phone": None})
    ask("message.send", letter(without_number), key="k2", to=world(vault=vault, outbox=outbox))
    assert [sent.address for sent in outbox.last] == ["+49 30 5550100", "ada@customer.example"]
    assert "Ada" not in outbox.last[0].text


def test_a_message_that_cannot_reach_anybody() -> None:
    store = ToyStore()
    vault = Vault(store, master=MasterKeys(b"m" * 32))
    buyer = sealed_buyer(vault, email="ada@nowhere.invalid")
    answer = ask("message.send", letter(buyer), to=world(vault=vault))
    assert isinstance(answer, MessageUndeliverable)

    store.destroyed.add("C-1")
    vault.forget("C-1")
    with pytest.raises(Rejected, match="C-1 was destroyed") as caught:
        ask("message.send", letter(buyer), to=world(vault=vault))
    assert "ada" not in str(caught.value)

    store.down = True
    with pytest.raises(Unavailable):
        ask("message.send", letter(buyer), to=world(vault=vault))


def test_a_command_costs_microseconds() -> None:
    adapters = world()
    call = Command("payment.capture", "k", taking())

    async def many() -> float:
        provider = adapters["payment"]
        started = time.process_time()
        for _ in range(2000):
            await provider.perform(call)
        return (time.process_time() - started) / 2000

    assert asyncio.run(many()) < 100e-6, "some 10 us on a quiet machine"
