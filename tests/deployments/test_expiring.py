"""Letters that found no case are looked through for as long as the worker runs, whatever the store says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from adapters.errors import StoreUnavailable
from deployments.expiring import expiring_letters
from tests.conftest_prefect import eventually

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


class Letters:
    """Answers the first time that it is away."""

    def __init__(self) -> None:
        self.asked: list[datetime] = []
        self.unread: list[datetime] = []

    def expire_unmatched(self, *, before: datetime) -> int:
        self.asked.append(before)
        if len(self.asked) == 1:
            raise StoreUnavailable("away")
        return 3

    def expire_unread(self, *, before: datetime) -> int:
        self.unread.append(before)
        return 1


def test_letters_expire_again_and_again_and_no_more_after_the_end() -> None:
    letters = Letters()
    with expiring_letters(letters, days=30, clock=lambda: NOW, every=0.01):
        eventually(lambda: len(letters.asked) >= 3)
    count = len(letters.asked)
    assert set(letters.asked) == {NOW - timedelta(days=30)}
    assert set(letters.unread) == {NOW - timedelta(days=1)}, "an upgrade may take a day"
    assert len(letters.asked) == count
