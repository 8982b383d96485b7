from __future__ import annotations

import orjson
import pytest

from adapters.errors import StoreUnavailable
from adapters.intake import InvalidEvents
from machines.catalogue import CATALOGUE
from machines.kernel.event import Event
from tests.adapters.toys import NOW, PERSONAL, Placed, ToyStore, faults, intake, placed, real


def test_a_valid_event_becomes_a_sealed_letter() -> None:
    store = ToyStore()
    (accepted,) = intake(store).accept(
        [placed(time="2026-12-01T08:59:00Z", datacontenttype="application/json")]
    )
    assert (accepted.id, accepted.source, accepted.subject, accepted.type) == (
        "evt-1",
        "shop",
        "T-1",
        "toy.placed",
    )
    assert (accepted.duplicate, accepted.number) == (False, 1)
    (letter,) = store.letters
    assert (letter.sop, letter.key, letter.opens, letter.received) == ("toy", "T-1", True, NOW)
    assert not any(clear.encode() in letter.body for clear in PERSONAL)
    body = Placed.model_validate_json(letter.body)
    assert body.email.startswith("sealed:1:C-1:")
    assert body.lines[0].quantity == 2


def test_the_same_event_again_is_a_duplicate() -> None:
    store = ToyStore()
    first, again = intake(store).accept([placed(), placed()])
    assert (first.duplicate, again.duplicate, again.number) == (False, True, 1)
    assert len(store.letters) == 1


def test_a_batch_is_taken_in_one_transaction() -> None:
    store = ToyStore()
    assert len(intake(store).accept([placed(n) for n in range(40)])) == 40
    assert store.transactions == 1


def test_one_invalid_event_refuses_the_whole_batch() -> None:
    store = ToyStore()
    found = faults(placed(1), placed(2, subject=None), placed(3), placed(4, type="toy.plced"), store=store)
    assert [(fault.index, fault.field) for fault in found] == [(1, "subject"), (3, "type")]
    assert not store.letters


def test_an_invalid_request_does_not_touch_its_neighbours() -> None:
    store = ToyStore()
    first, broken, last = intake(store).accept_groups([[placed(1)], [{}], [placed(2), placed(3)]])
    assert isinstance(broken, InvalidEvents)
    assert isinstance(first, list)
    assert isinstance(last, list)
    assert [item.subject for item in (*first, *last)] == ["T-1", "T-2", "T-3"]
    assert store.transactions == 1


BAD_ENVELOPES: list[tuple[object, str, str | None, str]] = [
    ("hello", "", None, "JSON object"),
    (placed(specversion=None), "specversion", None, '"1.0"'),
    (placed(specversion="0.3"), "specversion", "0.3", '"1.0"'),
    (placed(id=None), "id", None, "add an id"),
    (placed(id=""), "id", "", "add an id"),
    (placed(id=7), "id", "7", "as text"),
    (placed(id="x" * 201), "id", "x" * 40 + "...", "at most 200 characters; it has 201"),
    (placed(id="a\x00b"), "id", None, "control characters"),
    (placed(source="s" * 999), "source", "s" * 40 + "...", "at most 200"),
    (placed(source="two words"), "source", "two words", "leave out spaces"),
    (placed(subject=None), "subject", None, "key of the case"),
    (placed(subject="jane@example.org"), "subject", None, "no e-mail address"),
    (placed(type=None), "type", None, "add the type"),
    (placed(type="toy.plaecd"), "type", "toy.plaecd", "did you mean toy.placed"),
    (placed(type="zzz"), "type", "zzz", "/events/types"),
    (placed(type="toy.reported", data={}), "type", "toy.reported", "unknown type"),
    (placed(time="2026-12-03T10:20:00"), "time", "2026-12-03T10:20:00", "add the time zone"),
    (placed(time="yesterday"), "time", "yesterday", "RFC 3339"),
    (placed(time=5), "time", "5", "add the time zone"),
    (placed(datacontenttype="text/xml"), "datacontenttype", "text/xml", "application/json"),
    (placed(data="text"), "data", "text", "JSON object"),
    (placed(data=[1]), "data", None, "JSON object"),
    (placed(data_base64="aGk="), "data_base64", None, "JSON object in data"),
    (placed(Subject="x"), "Subject", None, "lower-case"),
    (placed(customer="jane@example.org"), "customer", None, "no e-mail address"),
    (placed(subject="toy/T-1"), "subject", "toy/T-1", "write the key alone: T-1"),
    (placed(subject="T\x001"), "subject", None, "control characters"),
    (placed(subject="T" * 121), "subject", "T" * 40 + "...", "at most 120 characters; it has 121"),
    (placed(source="staff"), "source", "staff", "reserved for ourselves; name the system that sends it"),
    (placed(source="step"), "source", "step", "reserved"),
    (placed(source="timer"), "source", "timer", "reserved"),
    (placed(source="worker"), "source", "worker", "reserved"),
    (placed(source="toy/T-1"), "source", "toy/T-1", "reserved"),
]


@pytest.mark.parametrize(("event", "field", "value", "remedy"), BAD_ENVELOPES)
def test_bad_envelopes_are_told_field_value_and_remedy(
    event: object, field: str, value: str | None, remedy: str
) -> None:
    fault = faults(event)[-1]
    assert (fault.index, fault.field) == (0, field)
    if fault.field not in ("data_base64", "Subject"):
        assert fault.value == value
    assert remedy in fault.remedy


def test_sources_that_only_begin_like_ours_are_taken() -> None:
    store = ToyStore()
    intake(store).accept(
        [placed(1, source="toyshop/eu"), placed(2, source="staff-portal"), placed(3, source="toy")]
    )
    assert len(store.letters) == 3


def test_personal_fields_need_a_customer() -> None:
    note = placed(type="toy.noted", data={"text": "Jane was here"})
    assert "say whose" in faults(note)[0].remedy
    store = ToyStore()
    intake(store).accept([{**note, "customer": "C-7"}])
    assert b"sealed:1:C-7:" in store.letters[0].body


def test_answers_to_forms_come_in_as_events() -> None:
    store = ToyStore()
    intake(store).accept([placed(type="toy.decision", data={"approve": True})])
    assert orjson.loads(store.letters[0].body) == {"approve": True}


def test_an_erased_customer_is_told_by_event_and_stores_nothing_of_that_request() -> None:
    store = ToyStore()
    store.destroyed.add("C-1")
    (fault,) = faults(placed(), store=store)
    assert fault.field == "customer"
    assert "C-1 was destroyed" in fault.remedy
    assert not store.letters


def test_a_store_that_is_down_is_said_so() -> None:
    store = ToyStore()
    store.down = True
    with pytest.raises(StoreUnavailable):
        intake(store).accept([placed()])


def test_nothing_sent_stores_nothing() -> None:
    store = ToyStore()
    assert intake(store).accept([]) == []
    assert store.transactions == 0


def test_event_that_opens_a_case_names_its_key() -> None:
    events = {event for sop in CATALOGUE for event in sop.event_types.values()}
    assert {event.type: event.key for event in events if event.key} == {
        "order.placed": "order",
        "shipment.requested": "parcel",
        "shipment.cancelled": "parcel",
        "refund.requested": "refund",
        "refund.capped": "refund",
        "return.requested": "rma",
        "return.covered": "rma",
        "return.capped": "rma",
        "parcel.acknowledged": "parcel",
        "complaint.received": "complaint",
        "complaint.opened": "complaint",
        "task.opened": "task",
        "task.withdrawn": "task",
        "survey.requested": "survey",
        "survey.called_off": "survey",
    }
    assert all(event.key in event.model_fields for event in events if event.key or event.opens)


EXAMPLES = [(event, example) for event in CATALOGUE.outside.values() for example in event.examples]


@pytest.mark.parametrize(("event", "example"), EXAMPLES, ids=lambda value: getattr(value, "type", ""))
def test_every_example_comes_in_and_is_still_valid_when_sealed(
    event: type[Event], example: dict[str, object]
) -> None:
    store = ToyStore()
    subject = example[event.key] if event.key else "T-1"
    real(store).accept([placed(type=event.type, subject=subject, data=example)])
    (letter,) = store.letters
    event.model_validate_json(letter.body)
    assert letter.body.count(b"sealed:1:C-1:") == letter.body.count(b"sealed:")
    assert not any(clear in letter.body for clear in (b"Ada Example", b"Sample", b"10115", b"5550100"))


# -- outcomes of commands that are answered later ----------------------------------------------------


def outcome(**changes: object) -> dict[str, object]:
    event: dict[str, object] = {
        "specversion": "1.0",
        "id": "1",
        "source": "warehouse",
        "type": "warehouse.rejected",
        "subject": "SO-1",
        "step": "order/SO-1/warehouse.submit/7",
        "data": {"reason": "not found"},
    }
    return {**event, **changes}


def test_an_outcome_becomes_the_one_letter_of_its_step() -> None:
    store = ToyStore()
    first, again = real(store).accept([outcome(), outcome(id="2", step="order/SO-1/warehouse.submit/7~1")])
    assert (first.duplicate, again.duplicate) == (False, True)
    (letter,) = store.letters
    assert (letter.source, letter.id) == ("step", "order/SO-1/warehouse.submit/7")
    assert (letter.sop, letter.key, letter.type) == ("order", "SO-1", "warehouse.rejected")


@pytest.mark.parametrize(
    ("changes", "field", "remedy"),
    [
        ({"step": "x"}, "step", "write the idempotency key of the command"),
        ({"step": "order/SO-1/warehouse.paint/7"}, "step", "no procedure asks for this command"),
        ({"step": "rental/SO-1/warehouse.submit/7"}, "step", "no procedure asks for this command"),
        ({"type": "stock.short"}, "type", "warehouse.submit ends in one of warehouse.accepted,"),
        ({"subject": "SO-2"}, "subject", "write the key of the case that the step belongs to, SO-1"),
        ({"source": "step"}, "source", "reserved for ourselves"),
        ({"data": {}}, "data.reason", "add this field"),
        ({"data": {"reason": "sealed:1:C-1:x"}}, "data.reason", "text that begins with 'sealed:'"),
    ],
)
def test_what_is_wrong_with_an_outcome_is_said(changes: dict[str, object], field: str, remedy: str) -> None:
    with pytest.raises(InvalidEvents) as caught:
        real().accept([outcome(**changes)])
    (fault,) = caught.value.faults
    assert fault.field == field
    assert remedy in fault.remedy
