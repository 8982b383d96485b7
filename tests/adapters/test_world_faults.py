"""What the simulated world remembers, and the faults that can be switched on in it."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from adapters.errors import Rejected, Unavailable
from adapters.world.book import Book, MemoryBook, SqliteBook, applied_by_effect, requested_by_command
from adapters.world.faults import Faults, FaultSyntax
from machines.kernel.command import Command
from machines.order.outcomes import (
    PaymentActionRequired,
    PaymentAuthorized,
    PaymentCaptured,
)
from tests.adapters.worlds import ask, hold, perform, pieces, taking, verification, world


@pytest.fixture(params=["memory", "sqlite"])
def book(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Book]:
    if request.param == "memory":
        yield MemoryBook()
        return
    with closing(SqliteBook(tmp_path / "book.sqlite")) as kept:
        yield kept


def test_a_payment_that_was_confirmed_is_authorised_when_asked_again(book: Book) -> None:
    for adapters in (world(), world(book=book)):
        for _ in range(2):
            first = ask("payment.authorize", hold("tok_3ds"), key="k1", to=adapters)
            assert isinstance(first, PaymentActionRequired)
        again = ask("payment.authorize", hold("tok_3ds"), key="k2", to=adapters)
        assert isinstance(again, PaymentAuthorized)
        other = ask("payment.authorize", hold("tok_3ds", payment="2"), key="k3", to=adapters)
        assert isinstance(other, PaymentActionRequired)


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
from tests.adapters.worlds import Command, perform, taking, world

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
