"""A Stripe of our own, one for each test, on the loopback."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.stripe_server import StripeServer


@pytest.fixture
def stripe() -> Iterator[StripeServer]:
    with StripeServer().running() as server:
        yield server
