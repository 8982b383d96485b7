"""A receiver that fails is tried again, later and later, until it is given up."""

from __future__ import annotations

from datetime import timedelta

from adapters.bulletins.patience import GONE
from adapters.store.bulletins import SubscriptionStatus
from tests.adapters.bulletins.conftest import House
from tests.adapters.bulletins.receiver import Receiver
from tests.conftest_prefect import eventually


def test_410_ends_the_subscription(house: House) -> None:
    erp = house.receiver("erp", Receiver(lambda event: 204 if event["data"]["seq"] < 2 else 410))
    other = house.receiver("other")
    house.send()
    house.move("A", times=2)
    eventually(lambda: house.subscription("erp").status is SubscriptionStatus.DISABLED, seconds=30)
    assert house.subscription("erp").error == GONE
    asked = len(erp.requests)
    house.move("B", times=2)
    house.settles("other")
    assert (len(erp.requests), len(other.taken)) == (asked, 6)
    erp.answer = lambda event: 204
    house.desk.resume("erp")
    house.settles("erp")
    assert [erp.seqs(case) for case in "AB"] == [[1, 2, 3], [1, 2, 3]]


def test_retry_after_is_kept_to_until_staff_resume_it(house: House) -> None:
    erp = house.receiver("erp", Receiver(lambda event: 429, headers={"retry-after": "7200"}))
    house.send()
    house.move("A")
    eventually(lambda: house.subscription("erp").attempts == 1, seconds=30)
    due = house.subscription("erp").due
    assert due is not None
    assert timedelta(hours=1, minutes=55) < due - house.clock() <= timedelta(hours=2)
    erp.answer = lambda event: 204
    house.desk.resume("erp")
    house.settles("erp")
    assert len(erp.requests) == 3


def test_one_that_failed_for_days_is_given_up(house: House) -> None:
    house.receiver("erp", Receiver(lambda event: 500))
    house.send()
    house.move("A")
    eventually(lambda: house.subscription("erp").attempts >= 2, seconds=30)
    assert house.subscription("erp").status is SubscriptionStatus.ACTIVE
    house.ahead = timedelta(days=5, minutes=1)
    eventually(lambda: house.subscription("erp").status is SubscriptionStatus.DISABLED, seconds=30)
    assert house.subscription("erp").error.startswith("nothing was taken in 5 days: answered ")
