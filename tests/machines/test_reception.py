from __future__ import annotations

import pytest

from machines.catalogue import CATALOGUE
from machines.definitions import definitions
from machines.kernel.procedure import Procedure
from machines.kernel.rule import Disposition
from machines.policy import load
from machines.reception import CONDITIONAL, Reception, receive

ORDER = CATALOGUE.procedure("order")


def at(procedure: Procedure, event: str, state: str) -> Reception:
    (found,) = (one for one in receive(procedure, event) if state in one.states)
    return found


@pytest.mark.parametrize(
    ("event", "state", "disposition", "otherwise"),
    [
        ("order.placed", "placed", Disposition.HANDLED, Disposition.REFUSED),
        ("order.reviewed", "in_review", Disposition.HANDLED, None),
        ("order.reviewed", "delivered", Disposition.REFUSED, None),
        ("order.cancel", "delivered", Disposition.REFUSED, None),
        ("stock.replenished", "backordered", Disposition.HANDLED, None),
    ],
)
def test_what_becomes_of_an_event_in_a_state(
    event: str, state: str, disposition: Disposition, otherwise: Disposition | None
) -> None:
    found = at(ORDER, event, state)
    assert (found.disposition, found.otherwise) == (disposition, otherwise)


def test_reasons_are_those_of_the_procedure() -> None:
    assert at(ORDER, "order.cancel", "delivered").because.startswith("the goods have been delivered")
    assert at(ORDER, "order.placed", "placed").because == CONDITIONAL


@pytest.mark.parametrize("procedure", list(CATALOGUE), ids=lambda procedure: procedure.name)
def test_every_state_is_named_once_and_agrees_with_what_is_run(procedure: Procedure) -> None:
    definition = definitions(load())[procedure.name]
    for event in procedure.event_types:
        found = receive(procedure, event)
        states = [name for one in found for name in one.states]
        assert sorted(states) == sorted(definition.states)
        for one in found:
            for state in one.states:
                assert (one.disposition is Disposition.HANDLED) == ((state, event) in definition.handled)
                fallback = definition.fallback.get((state, event))
                other = fallback.disposition if fallback else Disposition.REFUSED
                assert one.otherwise in (None, other)
