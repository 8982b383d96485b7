from __future__ import annotations

import pytest

from adapters import rate
from adapters.rate import RateLimit


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_burst_passes_and_then_the_steady_rate(clock: Clock) -> None:
    limit = RateLimit(2, clock=clock)
    for _ in range(20):
        assert limit.wait("shop") == 0
        limit.charge("shop", 1)
    assert limit.wait("shop") == 0.5
    clock.now += 0.5
    assert limit.wait("shop") == 0
    limit.charge("shop", 1)
    assert limit.wait("shop") == 0.5


def test_clients_do_not_pay_for_one_another(clock: Clock) -> None:
    limit = RateLimit(1, clock=clock)
    limit.charge("shop", 100)
    assert limit.wait("shop") == 91
    assert limit.wait("carrier") == 0


def test_a_pause_never_saves_up_more_than_one_burst(clock: Clock) -> None:
    limit = RateLimit(1, clock=clock)
    limit.charge("shop", 1)
    clock.now += 86_400
    limit.charge("shop", 10)
    assert limit.wait("shop") == 1


def test_no_limit(clock: Clock) -> None:
    limit = RateLimit(0, clock=clock)
    limit.charge("shop", 1_000_000)
    assert limit.wait("shop") == 0


def test_a_slow_rate_lets_one_event_through_at_a_time(clock: Clock) -> None:
    limit = RateLimit(0.05, clock=clock)
    assert limit.wait("shop") == 0
    limit.charge("shop", 1)
    assert limit.wait("shop") == 20


def test_clients_without_number_do_not_fill_the_memory(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate, "_MOST_CLIENTS", 2)
    limit = RateLimit(1, clock=clock)
    for client in "abc":
        limit.charge(client, 100)
    assert [limit.wait(client) for client in "abc"] == [0, 91, 91]
