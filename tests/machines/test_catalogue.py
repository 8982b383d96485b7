"""The catalogue: who takes which event, and what to do about a name that nobody knows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from machines.catalogue import CATALOGUE, Catalogue
from machines.kernel.errors import DefinitionError, UnknownEvent, UnknownProcedure
from machines.order import ORDER


@pytest.mark.parametrize(
    ("event", "procedure"),
    [
        ("order.placed", "order"),
        ("order.choice", "order"),
        ("shipment.dispatched", "shipment"),
        ("shipment.label_decided", "shipment"),
        ("refund.reversed", "refund"),
        ("complaint.received", "complaint"),
        ("task.answered", "task"),
        ("survey.answered", "survey"),
    ],
)
def test_each_outside_event_has_one_taker(event: str, procedure: str) -> None:
    assert CATALOGUE.taker(event).name == procedure


def test_what_cases_tell_one_another_is_not_taken_from_outside() -> None:
    with pytest.raises(UnknownEvent):
        CATALOGUE.event("parcel.delivered")


def test_opening_events_open_their_procedure() -> None:
    opened = {
        kind: CATALOGUE.opened_by(kind) for kind in ("order.placed", "refund.requested", "order.cancel")
    }
    assert {kind: found.name if found else None for kind, found in opened.items()} == {
        "order.placed": "order",
        "refund.requested": "refund",
        "order.cancel": None,
    }


def test_unknown_names_come_with_the_nearest_known_ones() -> None:
    with pytest.raises(UnknownEvent, match=r"did you mean order\.placed"):
        CATALOGUE.taker("order.place")
    with pytest.raises(UnknownProcedure, match="did you mean shipment"):
        CATALOGUE.procedure("shipmnt")


def test_two_procedures_of_one_name_are_a_mistake() -> None:
    with pytest.raises(DefinitionError, match="'order' belongs to order already"):
        Catalogue((ORDER, replace(ORDER, version=2)))
