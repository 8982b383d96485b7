from __future__ import annotations

import pytest

from adapters.intake import InvalidEvents
from machines.catalogue import CATALOGUE
from machines.messages import Buyer
from tests.adapters.toys import Placed, ToyStore, faults, intake, placed, real


def changed(**changes: object) -> dict[str, object]:
    return placed(data={**Placed.examples[0], **changes})


BAD_PAYLOADS: list[tuple[dict[str, object], str, str | None, str]] = [
    (changed(lines=[{"sku": "MUG-1", "quantity": "two"}]), "data.lines.0.quantity", "two", "integer"),
    (changed(lines=[{"sku": "MUG-1"}]), "data.lines.0.quantity", None, "add this field"),
    (changed(email=7), "data.email", None, "string"),
    (changed(email=""), "data.email", None, "at least 1"),
    (changed(email="jane" * 500), "data.email", None, "at most 1000"),
    (changed(e_mail="jane@example.org"), "data.e_mail", None, "did you mean email"),
    (changed(**{"Jane Doe": "x"}), "data.(field)", None, "not a field"),
    (changed(ship_to="Jane Doe, 12 Hill Rd"), "data.ship_to", None, "valid dictionary"),
    (
        changed(ship_to={"name": "Jane Doe", "street": ["Hill"], "country": "DE"}),
        "data.ship_to.street",
        None,
        "string",
    ),
    (
        changed(ship_to={"name": "Jane Doe", "street": "Hill", "country": 49}),
        "data.ship_to.country",
        "49",
        "string",
    ),
    (changed(lines="MUG-1"), "data.lines", "MUG-1", "tuple"),
    (changed(lines="jane@example.org"), "data.lines", None, "tuple"),
    (changed(email="sealed:1:C-2:BWVtYWls"), "data.email", None, "reserved"),
    (changed(email=" SEALED:x"), "data.email", None, "reserved"),
    (changed(lines=[{"sku": "sealed:1:C-2:x", "quantity": 1}]), "data.lines.0.sku", None, "reserved"),
    (changed(customer="jane@example.org"), "data.customer", None, "no e-mail address"),
    (changed(customer="Jane Hill"), "data.customer", None, "no e-mail address"),
    (changed(lines=[{"sku": "MUG-1", "quantity": "9" * 25}]), "data.lines.0.quantity", None, "at most 9007"),
    (changed(lines=[{"sku": "MUG-1", "quantity": 2**53}]), "data.lines.0.quantity", None, "at most 9007"),
    (changed(lines=[{"sku": "MUG-1", "quantity": -(2**53)}]), "data.lines.0.quantity", None, "at most 9007"),
]


@pytest.mark.parametrize(("event", "field", "value", "remedy"), BAD_PAYLOADS)
def test_bad_payloads_never_repeat_a_personal_value(
    event: dict[str, object], field: str, value: str | None, remedy: str
) -> None:
    (fault,) = faults(event)
    assert (fault.field.removeprefix("data."), fault.value) == (field.removeprefix("data."), value)
    assert remedy in fault.remedy


def test_payload_must_be_about_the_case_that_it_is_sent_to() -> None:
    (fault,) = faults(placed(type="toy.lent", subject="T-1", data={"card": "T-2"}))
    assert (fault.field, fault.value) == ("data.card", "T-2")
    assert fault.remedy == "is not the subject, T-1; write the key of the case in both"
    store = ToyStore()
    intake(store).accept([placed(type="toy.lent", subject="T-1", data={"card": "T-1"})])
    assert len(store.letters) == 1


PLACED = CATALOGUE.event("order.placed").examples[0]


@pytest.mark.parametrize(
    ("change", "field", "value", "remedy"),
    [
        ({"order": "SO 1001"}, "order", "SO 1001", "leave out spaces and control characters"),
        ({"order": "S" * 65}, "order", "S" * 40 + "...", "at most 64"),
        ({"channel": "web\x00"}, "channel", None, "leave out control characters"),
        ({"currency": "EUX"}, "currency", "EUX", "no ISO 4217 currency in use"),
        ({"shipping": -1}, "shipping", "-1", "greater than or equal to 0"),
        ({"customer": "Jane Hill"}, "customer", None, "no e-mail address"),
    ],
)
def test_orders_that_nobody_means_are_told_value_and_remedy(
    change: dict[str, object], field: str, value: str | None, remedy: str
) -> None:
    with pytest.raises(InvalidEvents) as caught:
        real().accept([placed(type="order.placed", subject="SO-1001", data={**PLACED, **change})])
    (fault,) = caught.value.faults
    assert (fault.field.removeprefix("data."), fault.value) == (field, value)
    assert remedy in fault.remedy


def test_deep_nesting_is_refused_without_recursing() -> None:
    deep: object = 1
    for _ in range(900):
        deep = [deep]
    (fault,) = faults(changed(lines=deep))
    assert "nested deeper" in fault.remedy


@pytest.mark.parametrize(
    ("changes", "remedy"),
    [
        ({"email": "ada@x.example\r\nBcc: eve@x.example"}, "write one e-mail address"),
        ({"email": "not an address"}, "write one e-mail address"),
        ({"email": "ada@x.example,eve@x.example"}, "write one e-mail address"),
        ({"email": "Ada<ada@x.example>"}, "write one e-mail address"),
        ({"email": "ada@x.example\n"}, "write one e-mail address"),
        ({"email": "a" * 250 + "@x.example"}, "at most 254"),
        ({"name": "Ada\nBcc: eve@x.example"}, "leave out line breaks"),
        ({"phone": "+49 30\n1"}, "write one telephone number"),
        ({"phone": "call me"}, "write one telephone number"),
    ],
)
def test_what_would_not_reach_the_customer_or_reach_others_is_refused(
    changes: dict[str, object], remedy: str
) -> None:
    ((field, given),) = changes.items()
    order = CATALOGUE.outside["order.placed"].examples[0]
    event = {**order, "buyer": {**order["buyer"], field: given}}
    with pytest.raises(InvalidEvents) as refused:
        real().accept([placed(type="order.placed", subject=order["order"], data=event)])
    (fault,) = refused.value.faults
    assert (fault.field, fault.value) == (f"data.buyer.{field}", None)
    assert remedy in fault.remedy


@pytest.mark.parametrize("email", ["ada@x.example", "o'hara+shop@müller.example", "A.E@sub.x.example"])
@pytest.mark.parametrize("phone", ["+49 (0)30 5550100", "030/5550100", "(030) 555-0100", "110"])
def test_addresses_and_numbers_as_people_write_them_are_taken(email: str, phone: str) -> None:
    assert Buyer(name="Ada Ünal", email=email, phone=phone).email == email
