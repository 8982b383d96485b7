"""The return policy: windows from delivery, by group, by region and by law; fees; and never without why."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from pydantic import ValidationError

from machines import policy
from machines.returning import Reason, Sold
from machines.returns import RETURN
from machines.returns.eligibility import Answer, Ground, Question, Ruling, assess
from machines.returns.terms import Exclusion, Group, Region, Terms, next_working_day
from machines.returns.wording import in_words

DELIVERED = datetime(2026, 11, 3, 15, tzinfo=UTC)  # a Tuesday
TERMS = Terms()
OK, FEE, NO = Ruling.ALLOWED, Ruling.WITH_FEE, Ruling.DECLINED


def ask(
    *skus: str,
    days: float = 0,
    country: str = "DE",
    reason: Reason = Reason.CHANGED_MIND,
    delivered: datetime = DELIVERED,
    price: int = 4000,
    terms: Terms = TERMS,
    now: datetime | None = None,
) -> Answer:
    question = Question(
        items=tuple(Sold(sku=sku, quantity=1, price=price) for sku in skus),
        country=country,
        currency="EUR",
        delivered=delivered,
        reason=reason,
        delivery_costs=500,
    )
    return assess(question, terms=terms, now=now or delivered + timedelta(days=days))


CASES: list[tuple[str, str, float, str, Reason, Ruling, int]] = [
    # what, sku, days after delivery, country, reason -> ruling, refund
    ("on the day", "KETTLE", 0, "DE", Reason.CHANGED_MIND, OK, 4500),
    ("last day of the withdrawal", "KETTLE", 14, "DE", Reason.CHANGED_MIND, OK, 4500),
    ("a day later: the house's window, no delivery costs", "KETTLE", 15, "DE", Reason.CHANGED_MIND, OK, 4000),
    ("last day of the house's window", "KETTLE", 30, "DE", Reason.CHANGED_MIND, OK, 4000),
    ("a day too late", "KETTLE", 31, "DE", Reason.CHANGED_MIND, NO, 0),
    ("overseas 45 days", "KETTLE", 45, "US", Reason.CHANGED_MIND, OK, 4000),
    ("overseas a day too late", "KETTLE", 46, "US", Reason.CHANGED_MIND, NO, 0),
    ("no withdrawal by law outside Europe", "KETTLE", 1, "US", Reason.CHANGED_MIND, OK, 4000),
    ("no fee by law", "RADIO-ELECTRO", 14, "DE", Reason.CHANGED_MIND, OK, 4500),
    ("a fee after that", "RADIO-ELECTRO", 15, "DE", Reason.CHANGED_MIND, FEE, 3400),
    ("a fee from the first day elsewhere", "RADIO-ELECTRO", 1, "US", Reason.CHANGED_MIND, FEE, 3400),
    ("the group's window goes before the region's", "SOFA-BULKY", 20, "US", Reason.CHANGED_MIND, NO, 0),
    ("final sale can be withdrawn from by law", "CUP-SALE", 14, "DE", Reason.CHANGED_MIND, OK, 4500),
    ("but not after that", "CUP-SALE", 15, "DE", Reason.CHANGED_MIND, NO, 0),
    ("and not elsewhere", "CUP-SALE", 1, "US", Reason.CHANGED_MIND, NO, 0),
    ("hygiene, not even by law", "RAZOR-HYGIENE", 1, "DE", Reason.CHANGED_MIND, NO, 0),
    ("perishable, not even by law", "CAKE-FRESH", 1, "DE", Reason.CHANGED_MIND, NO, 0),
    ("defective hygiene goods", "RAZOR-HYGIENE", 20, "DE", Reason.DEFECTIVE, OK, 4500),
    ("defective goods of a final sale", "CUP-SALE", 20, "US", Reason.DEFECTIVE, OK, 4500),
    ("defective electronics without a fee", "RADIO-ELECTRO", 20, "DE", Reason.DEFECTIVE, OK, 4500),
    ("defective, but too late for a return", "KETTLE", 31, "DE", Reason.DEFECTIVE, NO, 0),
    ("cancelled too late is no fault of the goods", "CAKE-FRESH", 1, "DE", Reason.CANCELLED_TOO_LATE, NO, 0),
]


@pytest.mark.parametrize(
    ("sku", "days", "country", "reason", "ruling", "refund"),
    [case[1:] for case in CASES],
    ids=[case[0] for case in CASES],
)
def test_policy(  # noqa: PLR0917
    sku: str, days: float, country: str, reason: Reason, ruling: Ruling, refund: int
) -> None:
    answer = ask(sku, days=days, country=country, reason=reason)
    assert (answer.ruling, answer.refund) == (ruling, refund)
    assert all(sku in reason for reason in answer.reasons)
    assert bool(answer.alternatives) == (ruling is NO)


@pytest.mark.parametrize(
    ("delivered", "asked", "ruling"),
    [
        # 23:30 UTC on the third is the fourth in Berlin: the last day is the 4th of December
        (datetime(2026, 11, 3, 23, 30, tzinfo=UTC), datetime(2026, 12, 4, 22, 59, tzinfo=UTC), OK),
        (datetime(2026, 11, 3, 23, 30, tzinfo=UTC), datetime(2026, 12, 4, 23, 0, tzinfo=UTC), NO),
        # 22:30 UTC is still the third
        (datetime(2026, 11, 3, 22, 30, tzinfo=UTC), datetime(2026, 12, 3, 22, 59, tzinfo=UTC), OK),
        (datetime(2026, 11, 3, 22, 30, tzinfo=UTC), datetime(2026, 12, 3, 23, 0, tzinfo=UTC), NO),
        # the clock goes back on the 25th of October: days are days all the same
        (datetime(2026, 10, 1, 21, 59, tzinfo=UTC), datetime(2026, 10, 31, 22, 59, tzinfo=UTC), OK),
        (datetime(2026, 10, 1, 21, 59, tzinfo=UTC), datetime(2026, 10, 31, 23, 0, tzinfo=UTC), NO),
        # the same instants given in another offset are the same
        (
            datetime(2026, 11, 4, 8, 30, tzinfo=timezone(timedelta(hours=9))),
            datetime(2026, 12, 5, 8, 0, tzinfo=timezone(timedelta(hours=9))),
            NO,
        ),
    ],
)
def test_a_window_ends_with_the_day_in_the_zone_of_the_house(
    delivered: datetime, asked: datetime, ruling: Ruling
) -> None:
    assert ask("KETTLE", delivered=delivered, now=asked).ruling is ruling


@pytest.mark.parametrize(
    ("delivered", "country", "last_day"),
    [
        (date(2026, 11, 3), "DE", date(2026, 11, 17)),
        (date(2026, 10, 31), "DE", date(2026, 11, 16)),  # a Saturday: the Monday after
        (date(2026, 12, 11), "DE", date(2026, 12, 28)),  # Christmas, and the weekend
        (date(2026, 12, 11), "RO", date(2026, 12, 28)),
        (date(2026, 12, 12), "IE", date(2026, 12, 28)),
    ],
)
def test_withdrawal_by_law_does_not_end_on_a_day_off(delivered: date, country: str, last_day: date) -> None:
    assert next_working_day(delivered + timedelta(days=14), country=country) == last_day
    came = datetime(delivered.year, delivered.month, delivered.day, 12, tzinfo=UTC)
    on_time = datetime(last_day.year, last_day.month, last_day.day, 12, tzinfo=UTC)
    assert ask("CUP-SALE", delivered=came, country=country, now=on_time).statutory
    assert ask("CUP-SALE", delivered=came, country=country, now=on_time + timedelta(days=1)).ruling is NO


def test_the_window_counts_from_delivery_however_late_that_was() -> None:
    answer = ask("KETTLE", days=29, delivered=datetime(2027, 3, 1, 12, tzinfo=UTC))
    assert (answer.ruling, answer.last_day, answer.days_left) == (OK, date(2027, 3, 31), 1)


def test_one_line_that_is_declined_declines_all_and_says_how_else() -> None:
    answer = ask("KETTLE", "RAZOR-HYGIENE", days=1)
    assert (answer.ruling, answer.refund, answer.fee, answer.refund_by) == (NO, 0, 0, answer.refund_by)
    assert answer.reasons == ("RAZOR-HYGIENE cannot be sold again for reasons of hygiene",)
    assert answer.alternatives[0] == "return the rest without RAZOR-HYGIENE"


def test_a_withdrawal_with_something_that_has_a_fee_is_the_houses_not_the_laws() -> None:
    answer = ask("KETTLE", "RADIO-ELECTRO", days=15)
    assert (answer.ruling, answer.fee, answer.refund, answer.statutory) == (FEE, 600, 7400, False)


def test_a_withdrawal_by_law_is_paid_within_14_days_of_the_notice() -> None:
    asked = DELIVERED + timedelta(days=3)
    assert ask("KETTLE", days=3).refund_by == asked + timedelta(days=14)
    assert ask("KETTLE", days=20).refund_by is None


@pytest.mark.parametrize(
    ("price", "reason", "keep"),
    [
        (999, Reason.DAMAGED, True),
        (1000, Reason.DAMAGED, False),
        (999, Reason.CHANGED_MIND, False),
    ],
)
def test_what_is_not_worth_the_postage_may_be_kept(price: int, reason: Reason, keep: bool) -> None:
    assert ask("CUP", price=price, reason=reason).keep is keep


def test_the_house_sets_its_own_terms() -> None:
    terms = Terms(
        window_days=10,
        fee_percent=5,
        groups=(Group(name="books", skus=("BOOK-*",), excluded=Exclusion.FINAL_SALE),),
        regions=(Region(name="north", countries=("NO",), window_days=100),),
        withdrawal_countries=frozenset(),
    )
    assert ask("KETTLE", days=10, terms=terms).refund == 3800
    assert ask("KETTLE", days=11, terms=terms).ruling is NO
    assert ask("KETTLE", days=100, country="NO", terms=terms).ruling is FEE
    assert ask("BOOK-1", days=1, terms=terms).ruling is NO
    assert any("10 days" in rule for rule in in_words(terms))


def test_terms_come_from_the_policy_file() -> None:
    opening = {"calendar": {"opening": {"monday": ["09:00-17:00"]}}}
    written = {**opening, "terms": {"return": {"window_days": 60}}}
    assert policy.parse(written).terms_of(RETURN) == Terms(window_days=60)


@pytest.mark.parametrize(
    ("said", "message"), [({"zone": "Mars"}, "IANA"), ({"window_days": -1}, "greater"), ({"fee": 3}, "Extra")]
)
def test_terms_that_make_no_sense_are_named(said: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Terms.model_validate(said)


def test_rounding_of_a_fee_is_in_favour_of_the_customer() -> None:
    assert ask("RADIO-ELECTRO", days=20, price=33).refund == 29  # 15 % of 33 is 4.95


def test_the_policy_in_words_says_every_number_and_exclusion() -> None:
    told = " ".join(in_words(TERMS))
    for word in ("30 days", "45 days", "14 days", "15 %", "10 %", "hygiene", "final sale", "complaint"):
        assert word in told


@pytest.mark.parametrize(
    ("sku", "days", "ground", "last_day"),
    [
        ("KETTLE", 1, Ground.BY_LAW, "2026-12-03"),
        ("KETTLE", 20, Ground.IN_TIME, "2026-12-03"),
        ("KETTLE", 40, Ground.TOO_LATE, "2026-12-03"),
        ("CUP-SALE", 20, Ground.FINAL_SALE, ""),
        ("RAZOR-HYGIENE", 1, Ground.HYGIENE, ""),
        ("CAKE-FRESH", 1, Ground.PERISHABLE, ""),
    ],
)
def test_messages_get_the_ground_of_the_answer_and_the_last_day_where_there_is_one(
    sku: str, days: float, ground: Ground, last_day: str
) -> None:
    facts = ask(sku, days=days).facts()
    assert (facts["ground"], facts["last_day"]) == (ground, last_day)
