"""The policy file: what it changes, and what it says when it makes no sense."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from machines import policy
from machines.kernel.duration import Duration, days, hours, minutes, months, working_days, working_hours
from machines.kernel.errors import PolicyError
from machines.kernel.event import Facts
from machines.kernel.procedure import Procedure
from machines.kernel.state import Deadline, Instant

REVIEW = Deadline("review", "", after=working_hours(4))
EXPIRY = Deadline("expiry", "", until=Instant("never", lambda _: None))


class Terms(Facts):
    limit: int = 500


ORDER = cast(
    Procedure,
    SimpleNamespace(
        name="order", states=[SimpleNamespace(deadlines=(REVIEW, EXPIRY))], clocks=(), terms=Terms
    ),
)
REFUND = cast(Procedure, SimpleNamespace(name="refund", states=[], clocks=(), terms=None))
OPENING = {"calendar": {"opening": {"monday": ["09:00-17:00"]}}}


class Mail(Facts):
    channel: str = "mail"


class Order(Facts):
    channel: str = "web"
    country: str | None = "DE"


def with_exceptions(*exceptions: Mapping[str, str], **deadlines: str) -> policy.Policy:
    named = {f"order.{name}": text for name, text in deadlines.items()}
    return policy.parse({**OPENING, "deadlines": named, "exceptions": list(exceptions)})


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("30 minutes", minutes(30)),
        ("1 hour", hours(1)),
        ("48 hours", hours(48)),
        ("14 days", days(14)),
        ("1 month", months(1)),
        ("4 working hours", working_hours(4)),
        (" 1  working day ", working_days(1)),
    ],
)
def test_durations_are_read_as_they_are_written(text: str, duration: Duration) -> None:
    assert policy.parse_duration(text) == duration
    assert policy.parse_duration(str(duration)) == duration


@pytest.mark.parametrize("text", ["4", "4 weeks", "four hours", "-1 days", "1.5 hours", "0 days", "", 4])
def test_anything_else_is_no_duration(text: object) -> None:
    with pytest.raises(ValueError, match=r"write a whole number|at least 1"):
        policy.parse_duration(text)


def test_the_default_policy_loads_and_keeps_business_time() -> None:
    due = policy.load().due("order")(REVIEW, Order(), datetime(2026, 11, 20, 14, tzinfo=UTC))  # a Friday
    assert due == datetime(2026, 11, 23, 11, tzinfo=UTC)


def test_the_narrowest_exception_counts() -> None:
    rules = with_exceptions(
        {"deadline": "order.review", "duration": "3 hours", "channel": "web"},
        {"deadline": "order.review", "duration": "2 hours", "channel": "web", "country": "DE"},
        {"deadline": "order.review", "duration": "1 hour", "priority": "high"},
        review="5 hours",
    )
    assert rules.duration("order", REVIEW, Order()) == (
        hours(2),
        "as the policy says for channel web and country DE",
    )
    assert rules.duration("order", REVIEW, Order(country=None))[0] == hours(3)
    # Mail has neither country nor priority.
    assert rules.duration("order", REVIEW, Mail()) == (hours(5), "as [deadlines] in the policy says")
    assert rules.duration("refund", REVIEW, Order()) == (working_hours(4), "as the procedure states")


@pytest.mark.parametrize(
    ("written", "message"),
    [
        (
            {"deadlines": {"order.review": "4 fortnights"}},
            r"deadlines.order.review = '4 fortnights': .*one of",
        ),
        (
            {"exceptions": [{"deadline": "order.review", "duration": "1 hour"}]},
            "no condition; give channel or",
        ),
        ({"dedlines": {}}, "dedlines: nobody reads this"),
        ({"calendar": {}}, "calendar.opening: is missing"),
        ({"calendar": {"opening": {"monday": ["nine"]}}}, "opening.monday.0 = 'nine': .*write it as"),
        ({"calendar": {"opening": {}, "zone": "Mars"}}, "calendar.zone = 'Mars': .*IANA"),
    ],
)
def test_a_mistake_names_key_value_and_remedy(written: dict[str, Any], message: str) -> None:
    with pytest.raises(PolicyError, match=message):
        policy.parse({**OPENING, **written})


def test_an_unknown_deadline_names_the_nearest_known() -> None:
    with pytest.raises(PolicyError, match=r"deadlines: .*'order.reviw'; did you mean 'order.review'"):
        with_exceptions(reviw="1 hour").verify([ORDER])


def test_a_deadline_that_each_case_names_cannot_be_set() -> None:
    with pytest.raises(PolicyError, match=r"each case names; remove it"):
        with_exceptions(expiry="1 hour").verify([ORDER])


def test_a_file_that_is_missing_or_no_toml(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="no such file; copy"):
        policy.load(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("a = ")
    with pytest.raises(PolicyError, match="TOML"):
        policy.load(tmp_path / "bad.toml")


def test_terms_are_what_the_procedure_says_unless_the_house_sets_them() -> None:
    assert policy.parse(OPENING).terms_of(ORDER) == Terms(limit=500)
    assert policy.parse({**OPENING, "terms": {"order": {"limit": 900}}}).terms_of(ORDER) == Terms(limit=900)
    assert policy.parse(OPENING).terms_of(REFUND) is None


def test_terms_that_nobody_has_are_a_mistake() -> None:
    with pytest.raises(PolicyError, match=r"terms.order.limit = 'much': .*integer"):
        policy.parse({**OPENING, "terms": {"order": {"limit": "much"}}}).terms_of(ORDER)
    with pytest.raises(PolicyError, match=r"terms.order.limits = 1: nobody reads this"):
        policy.parse({**OPENING, "terms": {"order": {"limits": 1}}}).terms_of(ORDER)
    with pytest.raises(PolicyError, match=r"terms.refund: .*those that do: order"):
        policy.parse({**OPENING, "terms": {"refund": {"limit": 1}}}).verify([ORDER, REFUND])
