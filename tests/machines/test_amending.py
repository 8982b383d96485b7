"""What staff may change of a step, and what they may not; which outcomes they may give it."""

from __future__ import annotations

import pytest

from machines.amending import amended, parse, presumed
from machines.between import Address, Means
from machines.kernel.errors import Unfit
from machines.kernel.event import SEALED
from machines.kernel.money import Money
from machines.order import commands
from machines.order.asks import Hold, Taking, Verification
from machines.order.data import Charge
from machines.stake import stake, sums

HOLD = Hold(order="SO-1", payment="1", means=Means.CARD, token="tok_1", amount=3000, currency="EUR")
TAKING = Taking(
    order="SO-1",
    charge=Charge(payment="1", parcel="SO-1-1", amount=3000),
    token="tok_1",
    currency="EUR",
)
SEALED_NAME = f"{SEALED}1:C-1:c2VjcmV0"
VERIFICATION = Verification(
    order="SO-1",
    customer="C-1",
    currency="EUR",
    total=3000,
    ship_to=Address(street=SEALED_NAME, city=SEALED_NAME, postcode=SEALED_NAME, zone="10", country="DE"),
    tokens=("tok_1",),
)


def test_what_the_case_was_not_checked_with_may_be_changed() -> None:
    assert amended(commands.AUTHORISE, HOLD, {"token": "tok_2"}) == HOLD.model_copy(update={"token": "tok_2"})
    changed = amended(commands.VERIFY, VERIFICATION, {"tokens": parse('["tok_2"]'), "ship_to.country": "AT"})
    assert isinstance(changed, Verification)
    assert (changed.tokens, changed.ship_to.country) == (("tok_2",), "AT")
    assert changed.ship_to.street == SEALED_NAME


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        ("tokn", "x", "has no argument 'tokn'; it has order, payment, means, token, amount, currency"),
        ("token.part", "x", "has no argument 'token.part'"),
        ("amount", 9999, "amount of payment.authorize follows from the case"),
        ("currency", "JPY", "currency of payment.authorize follows from the case"),
        ("order", "SO-2", "order of payment.authorize follows from the case"),
        ("means", "barter", "payment.authorize: means: Input should be"),
        ("token", 5, "payment.authorize: token: Input should be a valid string"),
        ("token", "tok_1", "has these arguments already; replay it"),
    ],
)
def test_what_does_not_fit_is_refused_by_field_and_remedy(field: str, value: object, why: str) -> None:
    with pytest.raises(Unfit) as refused:
        amended(commands.AUTHORISE, HOLD, {field: value})
    assert why in str(refused.value)


def test_money_inside_a_charge_and_sealed_fields_are_not_changed_by_hand() -> None:
    with pytest.raises(Unfit, match="follows from the case"):
        amended(commands.CHARGE_PARCEL, TAKING, {"charge.amount": 1})
    with pytest.raises(Unfit, match="personal and sealed"):
        amended(commands.VERIFY, VERIFICATION, {"ship_to.street": "1 Other Street"})
    with pytest.raises(Unfit, match="nothing is changed"):
        amended(commands.AUTHORISE, HOLD, {})


def test_an_outcome_is_one_that_the_command_can_have() -> None:
    given = presumed(commands.CHARGE_PARCEL, TAKING, outcome="payment.captured", data={})
    assert given.postings() == {"captured": 3000}
    assert (
        presumed(commands.AUTHORISE, HOLD, outcome="payment.declined", data={"reason": "stolen"}).postings()
        == {}
    )
    with pytest.raises(Unfit, match=r"cannot end in 'payment\.paid'; it ends in payment\.captured, "):
        presumed(commands.CHARGE_PARCEL, TAKING, outcome="payment.paid", data={})


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ({"amount": 1}, "is about something that payment.authorize was not asked for"),
        ({"payment": "2"}, "is about something that payment.authorize was not asked for"),
        ({"colour": "red"}, "colour: Extra inputs are not permitted"),
    ],
)
def test_an_outcome_about_other_money_is_refused(data: dict[str, object], why: str) -> None:
    with pytest.raises(Unfit) as refused:
        presumed(commands.AUTHORISE, HOLD, outcome="payment.authorized", data=data)
    assert why in str(refused.value)


def test_the_stake_is_the_money_in_the_arguments() -> None:
    assert stake(HOLD.model_dump(mode="json")) == Money(amount=3000, currency="EUR")
    assert stake(TAKING.model_dump(mode="json")) == Money(amount=3000, currency="EUR")
    assert stake(VERIFICATION.model_dump(mode="json")) is None
    yen = Money(amount=5, currency="JPY")
    euro = Money(amount=3000, currency="EUR")
    assert list(map(str, sums([yen, None, euro, euro]))) == ["60.00 EUR", "5 JPY"]
